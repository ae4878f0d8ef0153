//! hyper's view of the worker: its executor and its timer.

use crate::runtime;
use hyper::rt::Executor;
use hyper::rt::Sleep;
use hyper::rt::Timer;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

/// Requests of one connection answered in one turn of it; more become tasks of their own, so that
/// nobody keeps the others waiting.
const AT_ONCE_MAX: u32 = 32;

/// Runs hyper's futures (one a request on HTTP/2): what is ready at once without a task, the rest
/// on the worker's own loop. Clones share what is left of the turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Local {
    left: Rc<Cell<u32>>,
}

impl Local {
    /// A turn of some connection begins.
    pub(super) fn begin_turn(&self) {
        self.left.set(AT_ONCE_MAX);
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        let mut future = Box::pin(future);
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            // Whoever waits for anything registers again as a task.
            let mut cx = Context::from_waker(Waker::noop());
            if future.as_mut().poll(&mut cx).is_ready() {
                return;
            }
        }
        runtime::spawn("http/2 request", future);
    }
}

/// The runtime's timer in hyper's form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock;

struct Sleeping(Pin<Box<tokio::time::Sleep>>);

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(runtime::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let sleep = tokio::time::sleep_until(deadline.into());
        Box::pin(Sleeping(Box::pin(sleep)))
    }

    fn now(&self) -> Instant {
        runtime::now()
    }
}

impl Future for Sleeping {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Sleeping {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_needs_no_task_and_what_waits_is_not_lost() {
        runtime::block_on(async {
            let local = Local::default();
            let done = Rc::new(Cell::new(0));
            let count = |done: &Rc<Cell<u32>>| {
                let done = Rc::clone(done);
                async move { done.set(done.get() + 1) }
            };
            local.begin_turn();
            for _ in 0..AT_ONCE_MAX + 3 {
                local.execute(count(&done));
            }
            assert_eq!(
                (done.get(), runtime::live()),
                (AT_ONCE_MAX, 3),
                "the turn has an end"
            );
            local.begin_turn();
            let (go, gone) = tokio::sync::oneshot::channel::<()>();
            let later = count(&done);
            local.execute(async move {
                drop(gone.await);
                later.await;
            });
            drop(go);
            runtime::drained(0).await;
            assert_eq!(done.get(), AT_ONCE_MAX + 4);
        });
    }
}
