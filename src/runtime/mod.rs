//! Floor 4: the one door to the outer world of time, chance, threads and secrets.
//!
//! - [`now`], [`unix_ms`]: the only readers of a clock in the program; everybody above passes
//!   `now` on as an argument.
//! - [`random`]: bytes of the operating system's generator.
//! - [`spawn`], [`blocking`], [`drained`]: named tasks on the worker's own loop, counted, so that
//!   a worker knows when nothing is in flight any more; a panic in one is logged, not lost.
//! - [`in_parallel`]: work spread over threads before the loops start.
//! - [`Worker`]: a thread with one `current_thread` loop.
//! - [`Shutdown`]: the stop signal, running → draining → closed.
//! - [`prefer_huge_pages`]: settings that the C library reads only when a process begins.
//! - [`keyring`]: every long-lived secret, in one directory.
//! - [`tls`]: certificate, tickets and settings of TLS.
//! - [`client`]: the outgoing HTTP client.
//!
//! Invariants: no other room calls `Instant::now`, `SystemTime::now` or `tokio::spawn`; a task
//! never outlives its worker; nothing here knows our own URLs or lessons.

mod allocator;
pub mod client;
mod clock;
pub mod keyring;
mod parallel;
pub mod random;
mod shutdown;
mod starts;
mod tasks;
pub mod tls;
mod worker;

pub use allocator::prefer_huge_pages;
pub use clock::now;
pub use clock::unix_ms;
pub use parallel::in_parallel;
pub use shutdown::Phase;
pub use shutdown::Shutdown;
pub use shutdown::Trigger;
pub use starts::count_start;
pub use tasks::Panicked;
pub use tasks::Task;
pub use tasks::blocking;
pub use tasks::drained;
pub use tasks::live;
pub use tasks::spawn;
pub use worker::Worker;
pub use worker::block_on;
