//! Floor 7: what learners' front ends and edges ask for, once for every HTTP version.
//!
//! - [`App`] is the [`crate::http::Service`] of one worker: admit → route → act → reply → account.
//!   [`Shared`] is what all workers have in common.
//! - [`Shared`] may hold [`Learning`]: the learners and their keys. `learning` routes the calls of
//!   sessions, [`json`] reads their content, [`attempts`] judges what is done with quizzes.
//! - [`route`] is the one table of URLs; `read` answers them; `catalogue` and `document` make the
//!   JSON, `assets` holds the demo page (`page/`), `reference` describes the interface itself.
//! - Content is answered from prepared [`crate::http::Resource`]s: a cached one in the same turn of
//!   the loop and without an allocation, one that has to be built in a future.
//!
//! Invariants: bad input is answered with a problem document, counted by its type, and changes
//! nothing; the bytes of `/media`, `/quiz` and `/files` are the same for every client, origin and
//! HTTP version; what a worker keeps prepared is bounded by `base::limits`.

mod access;
mod allowance;
mod app;
mod assets;
pub mod attempts;
mod beats;
mod calls;
mod catalogue;
mod config;
mod document;
mod door;
mod doorkeeper;
mod enrolments;
mod identify;
pub mod json;
mod learning;
mod metrics;
mod players;
mod read;
mod receipts;
mod reference;
mod request_id;
mod resume;
pub mod route;
mod search;
mod session_state;
mod shared;
mod signing;
mod url_keys;

pub use app::App;
pub use config::Config;
pub use config::ConfigError;
pub use learning::Learning;
pub use metrics::Metrics;
pub use shared::Setup;
pub use shared::Shared;
pub use signing::Refused;
pub use url_keys::UrlKeys;
pub use url_keys::UrlKeysError;
