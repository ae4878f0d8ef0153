//! One connection to Redis: made, asked, given up.

use crate::base::id::LearnerId;
use crate::runtime;
use crate::runtime::Task;
use crate::runtime::client::ClientError;
use crate::runtime::client::Trust;
use crate::runtime::client::tls_settings;
use crate::store::redis::Config;
use crate::store::redis::Place;
use crate::store::redis::Reply;
use crate::store::redis::Stored;
use crate::store::redis::Write;
use crate::store::redis::key;
use crate::store::redis::record::VALUE_BYTES_MAX;
use redis::AsyncConnectionConfig;
use redis::ErrorKind;
use redis::Pipeline;
use redis::RedisConnectionInfo;
use redis::ServerError;
use redis::Value;
use redis::aio::MultiplexedConnection;
use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Puts ARGV[2] at the key if it is there already (0), in place of a value that begins with ARGV[1]
/// (1), or where there is none (2); else gives what is there. A version is eight bytes.
const SCRIPT: &str = "local seen = redis.call('GETRANGE', KEYS[1], 0, 7)
if seen == string.sub(ARGV[2], 1, 8) then return 0 end
if seen ~= '' and seen ~= ARGV[1] then return redis.call('GETRANGE', KEYS[1], 0, ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[2])
if seen == '' then return 2 end
return 1";

/// Error codes that say something of the server and not of one key.
const OF_THE_SERVER: [&str; 14] = [
    "OOM",
    "READONLY",
    "MISCONF",
    "NOREPLICAS",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "BUSY",
    "NOPERM",
    "NOAUTH",
    "WRONGPASS",
    "MOVED",
    "TRYAGAIN",
    "NOSCRIPT",
];

/// A connection that has said who it is and what it is for.
pub(super) struct Link {
    connection: MultiplexedConnection,
    driver: Task,
    script: String,
    prefix: String,
    timeout: Duration,
}

/// Why there is no connection, or none any more. Never holds what the server said beyond its error
/// code: servers repeat commands in their errors, and a command may be a password.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The authorities.
    #[error("redis.authorities cannot be used")]
    Trust(#[from] ClientError),
    /// The password.
    #[error("redis.password_file {0} cannot be read")]
    Password(PathBuf, #[source] io::Error),
    /// No TCP connection.
    #[error("no connection to {0}")]
    Connect(String, #[source] io::Error),
    /// No TLS session.
    #[error("no TLS session with {0}; does it speak TLS, and is its certificate trusted?")]
    Tls(String, #[source] io::Error),
    /// Silence.
    #[error("no answer within {} ms (redis.timeout)", .0.as_millis())]
    Late(Duration),
    /// The server refuses everything.
    #[error("{}", sentence(.0))]
    Refused(String),
    /// The connection ended.
    #[error("the connection broke")]
    Broken,
    /// It speaks, but not as Redis does.
    #[error("it does not speak Redis' protocol; is redis.url another server?")]
    Foreign,
}

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

impl Link {
    /// Connects, says who we are and loads the script.
    pub(super) async fn open(config: &Config, place: &Place) -> Result<Self, LinkError> {
        let timeout = config.timeout.duration();
        let opening = Box::pin(Self::greet(config, place));
        let opened = tokio::time::timeout(timeout, opening).await;
        opened.unwrap_or(Err(LinkError::Late(timeout)))
    }

    async fn greet(config: &Config, place: &Place) -> Result<Self, LinkError> {
        let info = who(config, place).await?;
        let socket = connect(config, place).await?;
        let settings = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&info, socket, settings).await;
        let (connection, driver) = made.map_err(|error| broken(&error))?;
        let driver = runtime::spawn("redis connection", driver);
        let mut link = Self {
            connection,
            driver,
            script: String::new(),
            prefix: config.prefix.clone(),
            timeout: config.timeout.duration(),
        };
        link.load_script().await?;
        Ok(link)
    }

    async fn load_script(&mut self) -> Result<(), LinkError> {
        self.script = self.loaded_script().await?;
        Ok(())
    }

    async fn loaded_script(&self) -> Result<String, LinkError> {
        let mut pipe = redis::pipe();
        pipe.cmd("SCRIPT").arg("LOAD").arg(SCRIPT);
        let value = self.ask_one(&pipe).await?;
        if let Some(code) = refusal(&value) {
            return Err(LinkError::Refused(code));
        }
        let Value::BulkString(name) = value else {
            return Err(LinkError::Foreign);
        };
        String::from_utf8(name).map_err(|_bytes| LinkError::Foreign)
    }

    /// One round of writes, replied to in their order. A server that has forgotten the script, as
    /// after `SCRIPT FLUSH`, is given it again.
    pub(super) async fn write<'a>(
        &self,
        writes: impl Iterator<Item = Write<'a>>,
    ) -> Result<Vec<Reply>, LinkError> {
        let mut pipe = redis::pipe();
        for write in writes {
            pipe.cmd("EVALSHA").arg(&self.script).arg(1);
            pipe.arg(key(&self.prefix, write.learner));
            pipe.arg(write.expected).arg(write.value);
            pipe.arg(VALUE_BYTES_MAX - 1);
        }
        let mut values = self.ask(&pipe).await?;
        let forgot = |value| refusal(value).is_some_and(|code| code == "NOSCRIPT");
        if values.iter().any(forgot) {
            self.loaded_script().await?;
            values = self.ask(&pipe).await?;
        }
        values.into_iter().map(reply).collect()
    }

    /// The values of learners, in their order; `Err`: the code of an error that concerns one.
    pub(super) async fn read(
        &self,
        learners: impl Iterator<Item = LearnerId>,
    ) -> Result<Vec<Result<Vec<u8>, String>>, LinkError> {
        let mut pipe = redis::pipe();
        for learner in learners {
            let key = key(&self.prefix, learner);
            pipe.cmd("GETRANGE")
                .arg(key)
                .arg(0)
                .arg(VALUE_BYTES_MAX - 1);
        }
        let values = self.ask(&pipe).await?;
        let values = values.into_iter().map(|value| match refusal(&value) {
            Some(code) if is_of_the_server(&code) => Err(LinkError::Refused(code)),
            Some(code) => Ok(Err(code)),
            None => bytes(value).map(Ok).ok_or(LinkError::Foreign),
        });
        values.collect()
    }

    /// A key beside the learners'.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// Sends commands and waits for their replies, one each.
    pub(super) async fn ask(&self, pipe: &Pipeline) -> Result<Vec<Value>, LinkError> {
        let count = pipe.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut connection = self.connection.clone();
        let asking = Box::pin(connection.send_packed_commands(pipe, 0, count));
        let Ok(answered) = tokio::time::timeout(self.timeout, asking).await else {
            return Err(LinkError::Late(self.timeout));
        };
        let values = answered.map_err(|error| broken(&error))?;
        match values.len() == count {
            true => Ok(values),
            false => Err(LinkError::Foreign),
        }
    }

    /// Sends one command.
    pub(super) async fn ask_one(&self, pipe: &Pipeline) -> Result<Value, LinkError> {
        let mut values = self.ask(pipe).await?;
        values.pop().ok_or(LinkError::Foreign)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A reply that comes after all must not be taken for that of a later command.
        self.driver.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// Error code of a server's refusal, bounded and without what it says beside it.
fn code(error: &ServerError) -> String {
    // Before version 7 an error inside a script hides in the text of another one.
    let hidden = error.details().and_then(|text| {
        let mut words = text.split(|c: char| c.is_whitespace() || c == '-');
        words.find(|word| ["OOM", "READONLY", "MISCONF"].contains(word))
    });
    let code = hidden.unwrap_or_else(|| error.code());
    let is_code = code.len() <= 24 && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if is_code { code } else { "ERR" }.to_owned()
}

/// Whether an error says something of the server and not of one key.
fn is_of_the_server(code: &str) -> bool {
    OF_THE_SERVER.contains(&code)
}

/// Who we say we are.
async fn who(config: &Config, place: &Place) -> Result<RedisConnectionInfo, LinkError> {
    let mut info = RedisConnectionInfo::default()
        .set_db(place.database.into())
        .set_skip_set_lib_name();
    if !config.user.is_empty() {
        info = info.set_username(&config.user);
    }
    if !config.password_file.as_os_str().is_empty() {
        let path = &config.password_file;
        let failed = |error| LinkError::Password(path.clone(), error);
        let text = tokio::fs::read_to_string(path).await.map_err(failed)?;
        let password = text.lines().next().unwrap_or_default();
        if password.is_empty() {
            return Err(failed(io::Error::other("its first line is empty")));
        }
        info = info.set_password(password);
    }
    Ok(info)
}

async fn connect(config: &Config, place: &Place) -> Result<Box<dyn Socket>, LinkError> {
    let shown = format!("{} port {}", place.host, place.port);
    let socket = TcpStream::connect((place.host.as_str(), place.port)).await;
    let socket = socket.map_err(|error| LinkError::Connect(shown.clone(), error))?;
    // Small requests; without it they may wait for acknowledgements. Not needed to work.
    let _small_at_once = socket.set_nodelay(true);
    if !place.secure {
        return Ok(Box::new(socket));
    }
    let trust = match config.authorities.as_os_str().is_empty() {
        true => Trust::System,
        false => Trust::File(config.authorities.clone()),
    };
    let tls = tls_settings(&trust)?;
    let failed = |error| LinkError::Tls(shown, error);
    let name = match ServerName::try_from(place.host.clone()) {
        Ok(name) => name,
        Err(error) => return Err(failed(io::Error::other(error))),
    };
    let session = Box::pin(TlsConnector::from(Arc::new(tls)).connect(name, socket)).await;
    Ok(Box::new(session.map_err(failed)?))
}

fn reply(value: Value) -> Result<Reply, LinkError> {
    if let Some(code) = refusal(&value) {
        return match is_of_the_server(&code) {
            true => Err(LinkError::Refused(code)),
            false => Ok(Reply::Refused(code)),
        };
    }
    if let Value::Int(number) = value {
        let known = [Stored::Same, Stored::Replaced, Stored::Fresh];
        let stored = usize::try_from(number).ok().and_then(|at| known.get(at));
        return stored
            .map(|how| Reply::Stored(*how))
            .ok_or(LinkError::Foreign);
    }
    bytes(value).map(Reply::Found).ok_or(LinkError::Foreign)
}

/// The error code of a refusal.
fn refusal(value: &Value) -> Option<String> {
    let Value::ServerError(error) = value else {
        return None;
    };
    Some(code(error))
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    let Value::BulkString(bytes) = value else {
        return None;
    };
    Some(bytes)
}

/// What an error of the library means here.
fn broken(error: &redis::RedisError) -> LinkError {
    let kind = error.kind();
    if kind == ErrorKind::AuthenticationFailed {
        LinkError::Refused("WRONGPASS".to_owned())
    } else if matches!(kind, ErrorKind::Parse | ErrorKind::UnexpectedReturnType) {
        LinkError::Foreign
    } else if matches!(kind, ErrorKind::Server(_) | ErrorKind::Extension) {
        let code = error.code().unwrap_or("ERR");
        let known = OF_THE_SERVER.iter().find(|known| **known == code);
        LinkError::Refused((*known.unwrap_or(&"ERR")).to_owned())
    } else {
        LinkError::Broken
    }
}

/// What a refusal means, and what to do.
fn sentence(code: &str) -> String {
    let what = match code {
        "WRONGPASS" | "NOAUTH" => "it wants other credentials; check redis.user, password_file",
        "NOPERM" => "the user lacks a permission; docs/operations.md lists those needed",
        "OOM" => "its memory is full; raise maxmemory",
        "READONLY" => "it is a read-only replica; point redis.url at the primary",
        "MISCONF" => "it cannot write its own disk",
        "LOADING" => "it is still reading its disk",
        "MOVED" | "CLUSTERDOWN" => "it is a cluster or part of one; one server is needed",
        _ => "it refuses",
    };
    format!("{what} ({code})")
}
