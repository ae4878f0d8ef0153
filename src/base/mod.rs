//! Floor 0: the vocabulary every other room speaks.
//!
//! - [`budget`]: permits for live connections, one budget over all transports.
//! - [`calendar`]: dates of the Gregorian calendar as days.
//! - [`digest`]: content hashes, the names of versions.
//! - [`id`]: whom and what a fact is about: learner, device, course, lesson, quiz, attempt.
//! - [`json`]: JSON objects in which no member stands twice, for everything that strangers send.
//! - [`limits`]: every hard ceiling of the process, in one file, with their relations proved at
//!   compile time.
//! - [`metrics`]: plain atomic counters and gauges; rooms own structs of them.
//! - [`network`]: `"10.0.0.0/8"`, who counts as an edge or a proxy.
//! - [`wheel`]: a timer wheel for a slab, moved in O(1).
//! - [`wire`]: compact bytes for what is stored and shipped.
//! - [`units`]: times and sizes as people write them, `"30s"` and `"64 KiB"`.
//!
//! Nothing here touches a clock, a socket, a file or a runtime.

pub mod budget;
pub mod calendar;
pub mod digest;
pub mod id;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod network;
pub mod units;
pub mod wheel;
pub mod wire;
