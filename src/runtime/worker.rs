//! A worker: one thread, one loop, everything it serves.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio::runtime::LocalRuntime;

/// Threads of one worker's pool for blocking work (file reads on a cache miss).
const BLOCKING_THREADS_MAX: usize = 16;

/// A thread that runs one future, and the tasks it spawns, to the end.
#[derive(Debug)]
pub struct Worker<T> {
    thread: JoinHandle<io::Result<T>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread called `name` whose loop runs what `main` returns. `main` is called on the
    /// new thread, so the future need not be `Send`. Tasks left when it ends are dropped.
    ///
    /// # Errors
    /// When the machine has no thread left.
    pub fn start<F, M>(name: String, main: M) -> io::Result<Self>
    where
        F: Future<Output = T>,
        M: FnOnce() -> F + Send + 'static,
    {
        let builder = std::thread::Builder::new().name(name);
        let thread = builder.spawn(move || {
            let runtime = local_runtime()?;
            Ok(runtime.block_on(async move { main().await }))
        })?;
        Ok(Self { thread })
    }

    /// Waits for the end and hands back the future's output.
    ///
    /// # Errors
    /// When the loop could not be made, or when the worker panicked.
    pub fn join(self) -> io::Result<T> {
        let outcome = self.thread.join();
        outcome.unwrap_or_else(|_panic| Err(io::Error::other("a worker stopped unexpectedly")))
    }

    /// Whether the worker has ended, so that `join` does not wait.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Runs one future on a loop of the calling thread: for `main`, tools and tests.
///
/// # Panics
/// When the machine cannot give an event queue: nothing could be served or tested then.
#[expect(
    clippy::expect_used,
    reason = "documented; workers report the same as an error"
)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = local_runtime().expect("an event queue of the operating system");
    runtime.block_on(future)
}

fn local_runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build_local(LocalOptions::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Shutdown;
    use crate::runtime::spawn;
    use std::rc::Rc;

    #[test]
    fn a_worker_ends_with_its_signal_and_returns_its_result() {
        let (trigger, mut shutdown) = Shutdown::new();
        let worker = Worker::start("w0".to_owned(), move || async move {
            let local = Rc::new(41);
            let copy = Rc::clone(&local);
            spawn("uses an Rc", async move { assert_eq!(*copy, 41) })
                .ended()
                .await;
            shutdown.closed().await;
            *local + 1
        });
        trigger.close();
        assert_eq!(worker.unwrap().join().unwrap(), 42);
    }

    #[test]
    fn a_panicking_worker_is_an_error_not_a_silence() {
        let worker: Worker<()> =
            Worker::start("w1".to_owned(), || async { panic!("on purpose") }).unwrap();
        assert!(worker.join().is_err());
    }
}
