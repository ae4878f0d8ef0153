//! Floor 5: whose word is taken for who somebody is: the configured issuers and their keys, as they
//! change while the server runs.
//!
//! - [`Config`] (`[identity]`) says who may sign in, and for how long.
//! - [`Issuers::verify`] believes a token or says why not. A key that an issuer does not have is
//!   asked for once, however many log in with it, and at most every minute.
//! - [`Issuers::keep`] fetches key sets that lie at a URL, in the background: at the start, every
//!   `key_sets_every`, and when a login needs one.
//! - [`DevIssuer`](crate::identity::DevIssuer) is among them in the mode `dev`.
//!
//! Invariants: a key set is replaced by a good one only, so an issuer that is away or broken ends
//! no log-in with a key that was known; what was fetched last survives a restart in the data
//! directory; no token stands in a log.

mod config;
mod fetch;
mod gate;
mod kept;
#[cfg(test)]
#[path = "../../tests/support/key_server.rs"]
mod key_server;
mod metrics;
mod source;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use config::ConfigError;
pub use config::IssuerConfig;
pub use config::Mode;
pub use gate::Issuers;
pub use gate::IssuersError;
pub use gate::Refused;
