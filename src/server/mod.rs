//! Floor 9: the composition root.
//!
//! - [`run`]: what `lamplight serve` does from the first log line to the exit.
//! - [`Server`]: the same without signals and output, for tests: [`Server::start`],
//!   [`Server::drain`], [`Server::wait`].
//! - `bind`: every socket before the first worker, so that a taken port is a sentence and not
//!   half a server. `worker`: one thread's share. `ops`: health, metrics, reload, drain.
//!
//! - `learners`: the memory, the journal and the snapshots behind it.
//!
//! Order at start: keys → certificate → catalogue → learners → sockets → workers → operations →
//! ready. The end goes the other way: requests under way finish and are committed, then the last
//! snapshots are written.
//! Invariants: the end is a drain, bounded by `server.drain_timeout`; a reload that fails leaves
//! what was in use; a worker that stops by itself ends the process with an error.

mod announce;
mod bind;
mod export;
mod learners;
mod log;
mod ops;
mod purge;
mod readiness;
mod run;
mod state;
mod supervise;
mod watch;
mod worker;

pub use bind::BindError;
pub use run::Server;
pub use run::StartError;
pub use supervise::run;
