//! hyper's view of the worker: its executor and its timer.

use crate::runtime;
use hyper::rt::Executor;
use hyper::rt::Sleep;
use hyper::rt::Timer;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// Runs hyper's tasks (one a request on HTTP/2) on the worker's own loop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
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
