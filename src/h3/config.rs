//! What an operator may choose about HTTP/3.

use crate::base::limits::HEADER_BYTES_MAX;
use crate::base::units::Size;
use serde::Deserialize;
use serde::Serialize;

/// HTTP/3 settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Largest field section of a request, counted as RFC 9114, 4.2.2 does and announced in
    /// SETTINGS; a larger one is answered with 431. Default 64 KiB, 4 KiB to 64 KiB. Only a
    /// section that is spread over several packets is held in memory.
    pub header_max: Size,
    /// Whether reserved settings and frames are sent so that peers keep ignoring what they do not
    /// know (RFC 9114, 7.2.8). Default true; costs about 20 bytes once a connection.
    pub grease: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header_max: HEADER_MOST,
            grease: true,
        }
    }
}

impl Config {
    /// Checks the values against the ceilings.
    ///
    /// # Errors
    /// A sentence with the key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if !(HEADER_LEAST..=HEADER_MOST).contains(&self.header_max) {
            let is = self.header_max;
            return Err(format!(
                "h3.header_max is \"{is}\"; use \"{HEADER_LEAST}\" to \"{HEADER_MOST}\""
            ));
        }
        Ok(())
    }
}

/// A browser's request with its cookies needs about this.
const HEADER_LEAST: Size = Size::kib(4);
const HEADER_MOST: Size = Size::bytes(HEADER_BYTES_MAX as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_bound_above_the_ceiling_is_refused_with_the_bounds() {
        assert_eq!(Config::default().check(), Ok(()));
        let config = Config {
            header_max: Size::kib(65),
            ..Config::default()
        };
        let sentence = config.check().unwrap_err();
        assert!(sentence.contains("h3.header_max is \"65 KiB\"; use \"4 KiB\" to \"64 KiB\""));
    }
}
