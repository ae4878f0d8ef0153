//! What an operator may choose about HTTP/3.

use crate::base::limits::HEADER_BYTES_MAX;
use serde::Deserialize;
use serde::Serialize;

/// HTTP/3 settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Bytes of a request's field section that are accepted, counted as RFC 9114, 4.2.2 does and
    /// announced in SETTINGS; a larger one is answered with 431. Default 65536, which is also the
    /// most. Only a section that is spread over several packets is held in memory.
    pub header_bytes_max: u32,
    /// Whether reserved settings and frames are sent so that peers keep ignoring what they do not
    /// know (RFC 9114, 7.2.8). Default true; costs about 20 bytes once a connection.
    pub grease: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header_bytes_max: HEADER_BYTES_DEFAULT,
            grease: true,
        }
    }
}

const HEADER_BYTES_DEFAULT: u32 = 64 * 1024;
const _: () = assert!(HEADER_BYTES_DEFAULT as usize <= HEADER_BYTES_MAX);
