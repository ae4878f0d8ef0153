//! Floor 5: the QUIC engine, server and client role, on quinn-proto's state machine.
//!
//! - [`server::run`]: one loop a worker that serves HTTP/3 on its sockets.
//! - [`client::Client`]: a blocking engine of many connections, for measuring and for tests.
//! - [`Socket`]: a UDP socket that receives and sends in batches; it holds the only `unsafe`.
//! - [`Owner`], [`Mint`], [`Cipher`]: connection ids that name node, process, worker.
//! - [`provider`]: TLS 1.3 with packet keys that fold while their connection is quiet.
//! - [`Config`], [`Metrics`]: what an operator chooses and sees.
//!
//! What is transport stays quinn-proto's, what is HTTP/3 the `h3` room's; here they meet sockets,
//! timers and the service. Invariants: an idle connection is plain data, at most 16 KiB of it;
//! datagrams are copied off the receive buffer and replies are not copied before encryption; time
//! is read once a turn; everything that grows has a bound in [`Config`] or `base::limits`.

mod cid;
pub mod client;
mod config;
mod crypto;
mod line;
mod metrics;
mod outbox;
mod reading;
pub mod server;
mod socket;
mod timers;

pub use cid::Cipher;
pub use cid::Mint;
pub use cid::Owner;
pub use config::Config;
pub use config::ConfigError;
pub use crypto::KeyExchange;
pub use crypto::provider;
pub use metrics::Closed;
pub use metrics::Metrics;
pub use metrics::Refused;
pub use metrics::RequestsRefused;
pub use socket::Socket;
