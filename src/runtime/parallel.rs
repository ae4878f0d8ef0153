//! Work spread over threads, for the moments when the program has the machine to itself.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// `work(0)` to `work(count - 1)` on up to `threads` threads (the calling one among them), in
/// order. Blocks; a thread that cannot be had leaves its share to the others.
///
/// # Panics
/// When `work` does.
pub fn in_parallel<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let share = || {
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Relaxed);
            if at >= count {
                break;
            }
            own.push((at, work(at)));
        }
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        done.append(&mut own);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            // Without it the others do more.
            drop(std::thread::Builder::new().spawn_scoped(scope, share));
        }
        share();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::metrics::Striped;

    #[test]
    fn nothing_is_lost_when_threads_count_together() {
        let counter = Striped::default();
        in_parallel(40, 4000, |_| counter.add_one());
        assert_eq!(counter.value(), 4000);
    }

    #[test]
    fn everything_is_done_once_and_comes_back_in_order() {
        for threads in [0, 1, 2, 7] {
            let squares = in_parallel(threads, 100, |n| n * n);
            let wanted: Vec<usize> = (0..100).map(|n| n * n).collect();
            assert_eq!(squares, wanted);
        }
        assert_eq!(in_parallel(3, 0, |n| n), Vec::<usize>::new());
    }
}
