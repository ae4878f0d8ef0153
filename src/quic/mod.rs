//! Floor 5: the QUIC engine, server and client role, on quinn-proto's state machine.
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
