//! `[public]`: what the public listeners serve, and to whom.

use serde::Deserialize;
use serde::Serialize;

/// `[public]`: what the public listeners serve, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Scheme and host that media, quiz and file URLs in the catalogue begin with, e.g.
    /// `https://cdn.example`. Default empty: the host that the catalogue was asked at.
    pub media_base: String,
    /// Whether `/` serves the demo page with player and quiz. Default true; off in production,
    /// where front ends live elsewhere.
    pub page: bool,
    /// Origins (`https://app.example`) whose pages may read `/v1`; `*` means all. Default none:
    /// only pages of this server. Media, quizzes and files are open to every origin.
    pub origins: Vec<String>,
    /// One request in so many goes to the access log (path, status, bytes, time; no address, no
    /// query). Default 0: none. 1 is every request and costs some microseconds each.
    pub access_log_every: u32,
}

/// A value that cannot be served with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not scheme and host.
    #[error(
        "[public] media_base = \"{0}\" is not `https://host[:port]`; \
         give scheme and host without a path or final slash"
    )]
    MediaBase(String),
    /// Not an origin.
    #[error("[public] origins holds \"{0}\", which is not `https://host[:port]` nor `*`")]
    Origin(String),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            media_base: String::new(),
            page: true,
            origins: Vec::new(),
            access_log_every: 0,
        }
    }
}

impl Config {
    /// Checks what serde cannot.
    ///
    /// # Errors
    /// The first value that is not usable.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !self.media_base.is_empty() && !is_origin(&self.media_base) {
            return Err(ConfigError::MediaBase(self.media_base.clone()));
        }
        let bad = self.origins.iter().find(|o| *o != "*" && !is_origin(o));
        bad.map_or(Ok(()), |o| Err(ConfigError::Origin(o.clone())))
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://");
    let host = host.or_else(|| text.strip_prefix("http://"));
    host.is_some_and(crate::http::is_authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_that_would_break_every_url_is_refused_at_start() {
        let check = |base: &str| {
            let media_base = base.to_owned();
            Config {
                media_base,
                ..Config::default()
            }
            .check()
        };
        for good in ["", "https://cdn.example", "http://127.0.0.1:8080"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "cdn.example",
            "https://cdn.example/",
            "https://",
            "https://a b",
            "ftp://x",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let origins = vec!["*".to_owned(), "https://x/y".to_owned()];
        let config = Config {
            origins,
            ..Config::default()
        };
        assert_eq!(
            config.check(),
            Err(ConfigError::Origin("https://x/y".to_owned()))
        );
    }
}
