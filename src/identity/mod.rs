//! Floor 1: who somebody is: tokens of outside issuers, and our own sessions.
//!
//! - [`verify`] takes a JWT of one of the configured [`Issuer`]s apart and believes it only whole:
//!   RFC 7515, 7519, 8725 (best practices) and 9068 (access tokens). It gives [`Verified`]
//!   [`Claims`], which nothing else can make.
//! - [`KeySet`] reads an issuer's JWK set (RFC 7517).
//! - [`Session`] is what a verified learner carries from then on; [`SessionKeys`] seals it into a
//!   token that any node opens without a look-up.
//! - [`DevIssuer`] signs tokens of its own, for development and tests.
//!
//! Invariants: time, keys and randomness are arguments; the algorithm comes from the issuer's
//! allow-list and never from the token; `jku`, `jwk`, `x5u` and `x5c` are never looked at; a
//! subject leaves this room only as a keyed hash; no secret and no token stands in an error or a
//! `Debug` form.

mod algorithm;
mod claims;
mod dev;
mod error;
mod issuer;
mod keys;
mod session;
#[cfg(test)]
mod tests;
mod token;

pub use algorithm::Algorithm;
pub use claims::Claims;
pub use claims::Level;
pub use claims::Verified;
pub use claims::learner_id;
pub use dev::DevIssuer;
pub use error::KeySetError;
pub use error::Part;
pub use error::TokenError;
pub use issuer::Issuer;
pub use issuer::IssuerError;
pub use issuer::Rules;
pub use keys::KeySet;
pub use session::Session;
pub use session::SessionFault;
pub use session::SessionKeys;
pub use token::verify;
