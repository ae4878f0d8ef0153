//! Floor 7: what learners' front ends and edges ask for, once for every HTTP version.

mod config;
mod metrics;

pub use config::Config;
pub use config::ConfigError;
pub use metrics::Metrics;
