//! What the operator chooses about Redis.

use crate::base::units::Span;
use serde::Deserialize;
use serde::Serialize;
use std::path::PathBuf;

/// Settings of Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it is: `redis://host[:port][/database]`, `rediss://` with TLS. Default empty: none;
    /// one node needs none, several need the same.
    pub url: String,
    /// ACL user. Default empty: the server's default user.
    pub user: String,
    /// File with the password, one line; read again for every connection, so that it can be
    /// changed while the server runs. Default empty: no password.
    pub password_file: PathBuf,
    /// PEM file with the authorities, or the very certificate, that `rediss://` trusts. Default
    /// empty: the system's authorities.
    pub authorities: PathBuf,
    /// What all keys begin with; platforms that share a server take different ones. Default
    /// "lamplight".
    pub prefix: String,
    /// How long an answer or a connection is waited for, 50ms to 60s. Default "2s". A learner who
    /// is not in memory may wait that long once when the server stops answering.
    pub timeout: Span,
    /// How long changes of a learner gather before they are shipped, up to 10m; sign-outs go at
    /// once. Default "10s". Shorter costs Redis more, longer is what another node does not know
    /// yet.
    pub ship_after: Span,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub secure: bool,
    /// Number of the database.
    pub database: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            authorities: PathBuf::new(),
            prefix: "lamplight".to_owned(),
            timeout: Span::secs(2),
            ship_after: Span::secs(10),
        }
    }
}

impl Config {
    /// Where the server is; `None`: there is none.
    pub fn place(&self) -> Option<Place> {
        Place::parse(&self.url)
    }

    /// Whether a server is named.
    pub const fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    /// Checks the values.
    ///
    /// # Errors
    /// A sentence with the key and what to write instead. It never repeats the URL, which may hold
    /// a password that belongs elsewhere.
    pub fn check(&self) -> Result<(), String> {
        if self.url.contains('@') {
            let what = "redis.url holds credentials, which would show in logs and process lists; \
                        use redis.user and redis.password_file";
            return Err(what.to_owned());
        }
        if self.is_on() && self.place().is_none() {
            let what = "redis.url is not understood; write redis://host:6379, or rediss:// for TLS";
            return Err(what.to_owned());
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.chars().all(is_plain) {
            let what = "redis.prefix is 1 to 64 letters, digits and -_:.";
            return Err(what.to_owned());
        }
        if !(50..=60_000).contains(&self.timeout.as_ms()) {
            return Err(format!(
                "redis.timeout is {}; use 50ms to 60s",
                self.timeout
            ));
        }
        if self.ship_after > Span::secs(600) {
            let is = self.ship_after;
            return Err(format!("redis.ship_after is {is}; use 0ms to 10m"));
        }
        Ok(())
    }
}

impl Place {
    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return None,
        };
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = match database {
            "" => 0,
            number => number.parse().ok()?,
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (
                    host,
                    port.strip_prefix(':')
                        .or_else(|| port.is_empty().then_some(""))?,
                )
            }
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let port = match port {
            "" => PORT,
            port => port.parse().ok().filter(|port| *port != 0)?,
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let whole = !host.is_empty() && host.chars().all(is_host);
        whole.then(|| Self {
            host: host.to_owned(),
            port,
            secure,
            database,
        })
    }
}

/// Redis' own.
const PORT: u16 = 6379;
