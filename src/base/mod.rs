//! Floor 0: the vocabulary every other room speaks.
//!
//! - [`limits`]: every hard ceiling of the process, in one file, with their relations proved at
//!   compile time.
//! - [`metrics`]: plain atomic counters and gauges; rooms own structs of them.
//!
//! Nothing here touches a clock, a socket, a file or a runtime.

pub mod limits;
pub mod metrics;
