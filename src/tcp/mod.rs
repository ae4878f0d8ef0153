//! Floor 5: HTTP/1.1 and HTTP/2 over TLS, on hyper and rustls, beside the QUIC loop of the worker;
//! HTTP/1.1 without TLS for edges of the same private network, where it is configured.
//!
//! - [`Driver`]: what one worker's listeners share; [`Driver::serve`] accepts until the drain and
//!   returns once the last connection has ended.
//! - `stream`, `plain`: TLS over the socket, or the bare socket. Output is collected during one
//!   turn of a connection and flushed once at its end: fewer system calls and fuller records than
//!   a flush per frame.
//! - `connection`: one task a connection; its idle, header and stall deadlines share one timer.
//! - `exchange`, `heads`: hyper's request → [`crate::http::Service`] → hyper's response.
//!
//! Invariants: a connection holds a permit of the common budget; every refusal and every closing
//! by us is counted with its reason; a slow, silent or resetting client costs a bounded time and
//! a bounded memory; nothing here knows a route.

mod accept;
mod config;
mod connection;
mod exchange;
mod frames;
mod gate;
mod heads;
mod listen;
mod metrics;
mod plain;
mod reply;
mod rt;
mod stream;

pub use accept::Driver;
pub use accept::Setup;
pub use config::Config;
pub use listen::bind;
pub use metrics::Metrics;
