//! `[public]`: what the public listeners serve, and to whom.

use crate::base::units::Span;
use crate::http::forwarded::Family;
use serde::Deserialize;
use serde::Serialize;
use std::path::PathBuf;

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
    /// Origins (`https://app.example`) whose pages may use `/v1`, the learners' calls and cookies
    /// included; `*` means all, without cookies. Default none: only pages of this server. Media,
    /// quizzes and files are open to every origin.
    pub origins: Vec<String>,
    /// Paths served by signed URLs only, with everything below them, e.g. `/media/khoa-kin`.
    /// Default none. Each begins with `/media`, `/quiz`, `/files` or `/text`.
    pub signed: Vec<String>,
    /// Directory of the keys of signed URLs, a file `<name>.key` each. Default empty: no URL is
    /// signed. Two keys are live while they rotate; a reload reads them again.
    pub url_keys: PathBuf,
    /// Fields in which the edges of `tcp.edges` say who asked: `x-forwarded` (`X-Forwarded-For`,
    /// `-Host`, `-Proto`) or `forwarded` (RFC 7239). Default "x-forwarded". From everybody else
    /// both are ignored.
    pub edge_fields: Family,
    /// Searches, and courses at unusual hosts, that one network (/24, /48) may ask of a worker in
    /// a second, ten times as many at once; then 429. Default 200: thousands of learners behind
    /// one carrier address. 0: no limit.
    pub searches_per_prefix: u32,
    /// How often front ends tell what is being watched; they hear it when a session begins or is
    /// renewed. Default 20s, 1s to 10m. Longer loads the server less and loses more of what was
    /// watched when a device dies.
    pub beat_every: Span,
    /// One request in so many goes to the access log (path, status, bytes, time, the client's
    /// network; neither address nor query). Default 0: none. 1 is every request and costs some
    /// microseconds each.
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
    /// Not a path of public content.
    #[error(
        "[public] signed holds \"{0}\"; give a path that begins with /media, /quiz, /files or \
         /text, without a final slash"
    )]
    Signed(String),
    /// Everything there would be refused.
    #[error("[public] signed needs url_keys, the directory of the keys of signed URLs")]
    NoKeys,
    /// Outside its range.
    #[error("[public] beat_every is {0}; use 1s to 10m")]
    BeatEvery(Span),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            media_base: String::new(),
            page: true,
            origins: Vec::new(),
            signed: Vec::new(),
            url_keys: PathBuf::new(),
            edge_fields: Family::default(),
            searches_per_prefix: 200,
            beat_every: Span::secs(20),
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
        let bad = self.signed.iter().find(|path| !is_signable(path));
        if let Some(path) = bad {
            return Err(ConfigError::Signed(path.clone()));
        }
        if !self.signed.is_empty() && self.url_keys.as_os_str().is_empty() {
            return Err(ConfigError::NoKeys);
        }
        if !(Span::secs(1)..=Span::secs(600)).contains(&self.beat_every) {
            return Err(ConfigError::BeatEvery(self.beat_every));
        }
        let bad = self.origins.iter().find(|o| *o != "*" && !is_origin(o));
        bad.map_or(Ok(()), |o| Err(ConfigError::Origin(o.clone())))
    }
}

fn is_signable(path: &str) -> bool {
    let mut segments = path.split('/');
    let rooted = segments.next() == Some("");
    let room = matches!(segments.next(), Some("media" | "quiz" | "files" | "text"));
    rooted && room && segments.all(|s| !matches!(s, "" | "." | ".."))
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
    fn a_path_that_would_protect_nothing_is_refused_at_start() {
        let check = |path: &str| {
            let config = Config {
                signed: vec![path.to_owned()],
                url_keys: "keys".into(),
                ..Config::default()
            };
            config.check()
        };
        for good in [
            "/text/a",
            "/media/khoa-kin",
            "/files",
            "/quiz/a/b",
            "/files/a/tài liệu",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/",
            "media/a",
            "/media/",
            "/v1/courses",
            "/media//a",
            "/files/../x",
        ] {
            assert_eq!(check(bad), Err(ConfigError::Signed(bad.to_owned())));
        }
        let config = Config {
            signed: vec!["/media/a".to_owned()],
            ..Config::default()
        };
        assert_eq!(config.check(), Err(ConfigError::NoKeys));
    }

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
