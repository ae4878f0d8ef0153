//! Named tasks on the worker's own loop, counted per worker.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use tokio::task::JoinHandle;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static WAITING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

/// The work ended in a panic, which the log names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` stopped unexpectedly; the log says where")]
pub struct Panicked(pub &'static str);

/// A running task. Dropping the handle lets it run on; [`Task::abort`] stops it.
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Task {
    /// Stops the task at its next await and drops what it holds.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Resolves when the task has ended, by itself, by a panic or by `abort`.
    pub async fn ended(self) {
        // A panic was logged by the task's guard, an abort was asked for: both are an end.
        drop(self.0.await);
    }
}

/// Runs `future` on this worker's loop. It counts in [`live`] until it ends.
///
/// # Panics
/// Outside a [`crate::runtime::Worker`] or [`crate::runtime::block_on`].
pub fn spawn(name: &'static str, future: impl Future<Output = ()> + 'static) -> Task {
    let guard = Guard::new(name);
    Task(tokio::task::spawn_local(async move {
        let _guard = guard;
        future.await;
    }))
}

/// Runs `work` on the pool of blocking threads, for file reads and the like; bounded by the pool.
/// Dropping the future leaves the work to finish unheard.
///
/// # Errors
/// [`Panicked`] if the work panicked.
pub async fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.map_err(|error| {
        tracing::error!(task = name, %error, "blocking work stopped unexpectedly");
        Panicked(name)
    })
}

/// Tasks spawned on this worker and not yet ended.
pub fn live() -> usize {
    LIVE.get()
}

/// Resolves once no task but those that `apart` counts is left on this worker; a caller that is
/// itself a spawned task passes 1.
pub fn drained(apart: usize) -> impl Future<Output = ()> {
    Drained(apart)
}

struct Drained(usize);

impl Future for Drained {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if live() <= self.0 {
            return Poll::Ready(());
        }
        WAITING.with_borrow_mut(|waiting| {
            if !waiting.iter().any(|w| w.will_wake(cx.waker())) {
                waiting.push(cx.waker().clone());
            }
        });
        Poll::Pending
    }
}

/// Counts a task for as long as it lives, whichever way it ends.
struct Guard(&'static str);

impl Guard {
    fn new(name: &'static str) -> Self {
        LIVE.set(live() + 1);
        Self(name)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        LIVE.set(live().saturating_sub(1));
        if std::thread::panicking() {
            tracing::error!(
                task = self.0,
                "a task stopped unexpectedly; the others go on"
            );
        }
        // Only wakers of `drained` are here: none but at the end of a worker's life.
        let waiting = WAITING.try_with(|waiting| std::mem::take(&mut *waiting.borrow_mut()));
        waiting
            .unwrap_or_default()
            .into_iter()
            .for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::block_on;

    #[test]
    fn drain_waits_for_the_last_task_and_not_for_the_waiter_itself() {
        block_on(async {
            let (go, gone) = tokio::sync::oneshot::channel::<()>();
            spawn("held", async move {
                gone.await.unwrap();
            });
            let waiter = spawn("waiter", drained(1));
            tokio::task::yield_now().await;
            assert_eq!(live(), 2);
            go.send(()).unwrap();
            waiter.ended().await;
            assert_eq!(live(), 0);
        });
    }

    #[test]
    fn a_panicking_task_is_counted_out_and_hurts_nobody_else() {
        block_on(async {
            let failing = spawn("failing", async { panic!("on purpose") });
            let other = spawn("other", tokio::task::yield_now());
            failing.ended().await;
            other.ended().await;
            assert_eq!(live(), 0);
            assert_eq!(
                blocking("b", || panic!("too")).await,
                Err::<(), _>(Panicked("b"))
            );
            assert_eq!(blocking("c", || 7).await, Ok(7));
        });
    }

    #[test]
    fn an_aborted_task_drops_what_it_holds() {
        block_on(async {
            let task = spawn("endless", std::future::pending());
            task.abort();
            task.ended().await;
            drained(0).await;
        });
    }
}
