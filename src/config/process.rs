//! The whole configuration, and the two tables that belong to the process itself.

use crate::base::limits;
use crate::base::units::Span;
use crate::content;
use crate::h3;
use crate::issuers;
use crate::progress;
use crate::quic;
use crate::runtime::tls;
use crate::service;
use crate::shards;
use crate::store;
use crate::tcp;
use serde::Deserialize;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that can be set; one field a table of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses, workers, the process's bounds.
    pub server: Server,
    /// What is logged, and how.
    pub log: Log,
    /// The certificate.
    pub tls: tls::Config,
    /// QUIC.
    pub quic: quic::Config,
    /// HTTP/3.
    pub h3: h3::Config,
    /// HTTP/2 and HTTP/1.1.
    pub tcp: tcp::Config,
    /// Course folders and the cache of what is made from them.
    pub content: content::Config,
    /// What the public listeners serve.
    pub public: service::Config,
    /// Who may sign in, and for how long.
    pub identity: issuers::Config,
    /// What counts as watched.
    pub progress: progress::Config,
    /// The learners in memory.
    pub sessions: shards::Config,
    /// How attempts at quizzes end.
    pub attempts: service::attempts::Config,
    /// The journal of what was acknowledged.
    pub journal: store::Config,
    /// Learners' sessions at rest.
    pub snapshots: store::SnapshotsConfig,
    /// Redis, which nodes share.
    pub redis: store::redis::Config,
}

/// Addresses, workers and bounds of the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Public addresses, each for UDP and TCP. Default `["127.0.0.1:4433", "[::1]:4433"]`.
    /// Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Address of the operations listener, plain HTTP without a password: keep it on loopback or
    /// behind a firewall. Default "127.0.0.1:9433".
    pub ops: SocketAddr,
    /// Directory of keys and certificate, made when absent. Default "data".
    pub data: PathBuf,
    /// Workers, each one thread with its own sockets, up to 64. Default 0: one per core.
    pub workers: usize,
    /// Number of this node, 0 to 16383, different on every node that shares a keyring. Default 0.
    pub node: u16,
    /// Live connections over QUIC and TCP together, up to 1,000,000. Default 450000; an idle
    /// HTTP/3 connection takes about 16 KiB.
    pub connections_max: usize,
    /// How long a drain waits for requests under way. Default "30s".
    pub drain_timeout: Span,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `human` or `json` (one object a line), on standard error. Default "human".
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, also per room: "info,lamplight::tcp=debug".
    /// Default "info".
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec![
                SocketAddr::from(([127, 0, 0, 1], 4433)),
                SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 4433)),
            ],
            ops: SocketAddr::from(([127, 0, 0, 1], 9433)),
            data: PathBuf::from("data"),
            workers: 0,
            node: 0,
            connections_max: 450_000,
            drain_timeout: Span::secs(30),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".to_owned(),
        }
    }
}

impl Config {
    /// Checks the values against each other and against the hard ceilings.
    ///
    /// # Errors
    /// The first that cannot be used, as a sentence with the key and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        self.server.check()?;
        self.quic.check().map_err(|error| error.to_string())?;
        self.h3.check()?;
        self.tcp.check()?;
        self.content.check()?;
        self.progress.check()?;
        self.sessions.check()?;
        self.attempts.check()?;
        self.journal.check()?;
        self.snapshots.check()?;
        self.public.check().map_err(|error| error.to_string())?;
        let listen = self.server.listen.iter().chain(&self.tcp.plain_listen);
        let checked = self.identity.check(listen);
        checked.map_err(|error| error.to_string())?;
        self.redis.check()
    }
}

/// Node numbers have 14 bits in a connection id.
const NODE_MAX: u16 = 16_383;

impl Server {
    fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err("server.listen is empty; give at least one address".to_owned());
        }
        let mut ports = self.listen.iter().filter(|address| address.port() != 0);
        if let Some(twice) = ports.find(|a| self.listen.iter().filter(|b| a == b).count() > 1) {
            return Err(format!("server.listen names {twice} twice; remove one"));
        }
        if self.node > NODE_MAX {
            return Err(format!("server.node is {}; use 0 to {NODE_MAX}", self.node));
        }
        if self.workers > limits::WORKERS_MAX {
            let (is, max) = (self.workers, limits::WORKERS_MAX);
            return Err(format!(
                "server.workers is {is}; use 0 (one per core) to {max}"
            ));
        }
        if !(1..=limits::CONNECTIONS_MAX).contains(&self.connections_max) {
            let (is, max) = (self.connections_max, limits::CONNECTIONS_MAX);
            return Err(format!("server.connections_max is {is}; use 1 to {max}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::Size;

    #[test]
    fn bounds_above_the_ceilings_and_doubled_addresses_are_refused() {
        let refused = |change: fn(&mut Server)| {
            let mut config = Config::default();
            change(&mut config.server);
            config.check().unwrap_err()
        };
        assert_eq!(Config::default().check(), Ok(()));
        assert!(refused(|s| s.listen.clear()).contains("server.listen is empty"));
        assert!(refused(|s| s.listen = vec![s.ops, s.ops]).contains("twice"));
        assert!(refused(|s| s.workers = 65).contains("to 64"));
        assert!(refused(|s| s.connections_max = 0).contains("server.connections_max is 0"));
        let mut config = Config::default();
        config.journal.segment = Size::mib(1);
        assert_eq!(
            config.check().unwrap_err(),
            "journal.segment is 1 MiB; use 4 MiB to 256 MiB"
        );
        config.journal.segment = Size::mib(4);
        config.snapshots.workers = 0;
        assert!(config.check().unwrap_err().contains("use 1 to 8"));
    }
}
