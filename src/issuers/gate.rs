//! The configured issuers together: judging a token.

use crate::base::limits::KEY_SET_BYTES_MAX;
use crate::base::metrics::Sample;
use crate::base::metrics::Source as Measured;
use crate::identity;
use crate::identity::Claims;
use crate::identity::DevIssuer;
use crate::identity::Issuer;
use crate::identity::IssuerError;
use crate::identity::KeySet;
use crate::identity::KeySetError;
use crate::identity::Level;
use crate::identity::Rules;
use crate::identity::TokenError;
use crate::identity::Verified;
use crate::issuers::Config;
use crate::issuers::IssuerConfig;
use crate::issuers::Mode;
use crate::issuers::fetch;
use crate::issuers::kept::Kept;
use crate::issuers::kept::bounded;
use crate::issuers::metrics::Metrics;
use crate::issuers::source::Asked;
use crate::issuers::source::Place;
use crate::issuers::source::Source;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Limits;
use crate::runtime::client::Origin;
use crate::runtime::client::Trust;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Time for a connection to a key-set server, and for its answer.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// A log-in waits so long for a fetch: as long as one can take.
const PATIENCE: Duration = Duration::from_secs(12);

/// Whose tokens are believed. One for the whole process; shared by all workers.
#[derive(Debug)]
pub struct Issuers {
    config: Config,
    sources: Vec<Arc<Source>>,
    dev: Option<DevIssuer>,
    /// The key that makes learner ids.
    learners: [u8; 32],
    client: Option<Client>,
    metrics: Arc<Metrics>,
}

/// Why the issuers cannot be had as configured.
#[derive(Debug, thiserror::Error)]
pub enum IssuersError {
    /// A key-set file.
    #[error("identity.issuers, {issuer:?}: cannot read its key set {path}")]
    File {
        /// The issuer's name.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the file holds.
    #[error("identity.issuers, {issuer:?}: {path} holds no key set")]
    Set {
        /// The issuer's name.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeySetError,
    },
    /// The rules.
    #[error("identity.issuers: {0}")]
    Rules(#[from] IssuerError),
    /// The URL, or the authorities in `identity.trust`.
    #[error("identity: {0}")]
    Client(#[from] ClientError),
    /// The library made no key of 32 bytes.
    #[error("identity.mode = \"dev\": no key can be made")]
    Dev,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token is bad.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It may be good: its issuer has a key that we lack and cannot be asked at the moment.
    #[error("the issuer's keys cannot be had at the moment")]
    Away {
        /// When it can be asked again at the earliest, milliseconds.
        retry_after_ms: u64,
    },
}

impl Issuers {
    /// Nobody.
    pub fn none() -> Arc<Self> {
        let config = Config::default();
        Arc::new(Self::over(config, Vec::new(), [0; 32]))
    }

    /// Those of a checked configuration; `learners` is the key that makes learner ids, `data` the
    /// data directory. Blocks; nothing is fetched before [`Issuers::keep`].
    ///
    /// # Errors
    /// [`IssuersError`] names the issuer, the file and the cause.
    pub fn open(
        config: &Config,
        data: &Path,
        learners: [u8; 32],
    ) -> Result<Arc<Self>, IssuersError> {
        if config.mode == Mode::Off {
            return Ok(Arc::new(Self::over(config.clone(), Vec::new(), learners)));
        }
        let mut sources = Vec::new();
        for issuer in &config.issuers {
            sources.push(Arc::new(open_source(issuer, data)?));
        }
        let remote = |source: &Arc<Source>| matches!(source.place, Place::Url { .. });
        let client = sources.iter().any(remote).then(|| client(config));
        let dev = match config.mode {
            Mode::Dev => Some(dev_issuer()?),
            Mode::Off | Mode::Issuers => None,
        };
        if let Some((_, source)) = &dev {
            sources.push(Arc::clone(source));
        }
        let mut issuers = Self::over(config.clone(), sources, learners);
        issuers.dev = dev.map(|(dev, _)| dev);
        issuers.client = client.transpose()?;
        Ok(Arc::new(issuers))
    }

    fn over(config: Config, sources: Vec<Arc<Source>>, learners: [u8; 32]) -> Self {
        let metrics = Metrics::default();
        let keyless = sources.iter().filter(|source| !source.has_keys()).count();
        metrics
            .keyless
            .add(i64::try_from(keyless).unwrap_or(i64::MAX));
        Self {
            config,
            sources,
            dev: None,
            learners,
            client: None,
            metrics: Arc::new(metrics),
        }
    }

    /// Begins to fetch the key sets that lie at URLs, on this worker and until `closed`.
    pub fn keep(&self, closed: &Shutdown) {
        let Some(client) = &self.client else {
            return;
        };
        for source in &self.sources {
            let source = Arc::clone(source);
            let metrics = Arc::clone(&self.metrics);
            let every = self.config.key_sets_every.duration();
            let kept = fetch::keep(source, client.clone(), every, metrics, closed.clone());
            runtime::spawn("key set", kept);
        }
    }

    /// Believes `token` or says why not; see [`crate::identity::verify`]. Waits for the issuer's
    /// keys if the token names one that is not known and the issuer was not asked lately.
    ///
    /// # Errors
    /// [`Refused`], counted by its reason.
    pub async fn verify(&self, token: &str) -> Result<Verified<Claims>, Refused> {
        let judged = self.judge(token).await;
        match &judged {
            Ok(_) => self.metrics.believed(),
            Err(Refused::Token(error)) => self.metrics.refused(error),
            Err(Refused::Away { .. }) => self.metrics.unjudged(),
        }
        judged
    }

    /// Reads key-set files again and asks for the others soon; blocks.
    ///
    /// # Errors
    /// [`IssuersError`] of the first file that is not usable; its former keys stay.
    pub fn reload(&self) -> Result<(), IssuersError> {
        let mut outcome = Ok(());
        for source in &self.sources {
            match &source.place {
                Place::Here => {}
                Place::Url { .. } => source.refresh(),
                Place::File(path) => match read_set(&source.name(), path) {
                    Ok(keys) => source.take(keys),
                    Err(error) => outcome = outcome.and(Err(error)),
                },
            }
        }
        outcome
    }

    /// What they were made of.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// A token of the development issuer for this name (1 to 255 bytes); `None` unless the mode is
    /// `dev`.
    pub fn dev_token(&self, learner: &str, level: Level, now_s: i64) -> Option<String> {
        let dev = self.dev.as_ref()?;
        Some(dev.token(learner, level, now_s))
    }

    async fn judge(&self, token: &str) -> Result<Verified<Claims>, Refused> {
        /// With the keys there are; with what the issuer has now; and once more in case the fetch
        /// that was waited for had begun before the key was there.
        const TRIES: usize = 3;
        let mut tries = 1;
        loop {
            let (judged, tried) = self.judge_now(token);
            let unknown = matches!(judged, Err(TokenError::UnknownKey(_))) && tries < TRIES;
            let Some((source, issuer)) = tried.filter(|_| unknown) else {
                return judged.map_err(Refused::Token);
            };
            tries += 1;
            self.metrics.wanted.add_one();
            let now = runtime::now();
            match source.fresher(&issuer, now, PATIENCE).await {
                Asked::Fresher => {}
                Asked::Same => return judged.map_err(Refused::Token),
                Asked::Away => {
                    let wait = source.waits(now).as_millis();
                    let retry_after_ms = u64::try_from(wait).unwrap_or(u64::MAX);
                    return Err(Refused::Away { retry_after_ms });
                }
            }
        }
    }

    /// Judges with the present keys; gives also the issuer that was tried.
    fn judge_now(&self, token: &str) -> (Result<Verified<Claims>, TokenError>, Tried<'_>) {
        let mut tried = None;
        let find = |name: &str| {
            let mut sources = self.sources.iter();
            let source = sources.find(|source| source.issuer.load().rules().issuer == name)?;
            let issuer = source.issuer.load_full();
            tried = Some((&**source, Arc::clone(&issuer)));
            Some(issuer)
        };
        let now_s = i64::try_from(runtime::unix_ms() / 1000).unwrap_or(i64::MAX);
        let judged = identity::verify(token, find, &self.learners, now_s);
        (judged, tried)
    }
}

type Tried<'a> = Option<(&'a Source, Arc<Issuer>)>;

impl Measured for Issuers {
    fn sample(&self, into: &mut Vec<Sample>) {
        self.metrics.sample(into);
    }
}

fn client(config: &Config) -> Result<Client, ClientError> {
    let trust = if config.trust.as_os_str().is_empty() {
        Trust::System
    } else {
        Trust::File(config.trust.clone())
    };
    let limits = Limits {
        time: FETCH_TIME,
        body_bytes: KEY_SET_BYTES_MAX,
    };
    Client::new(&trust, limits)
}

fn open_source(config: &IssuerConfig, data: &Path) -> Result<Source, IssuersError> {
    let (place, keys) = if config.keys.contains("://") {
        let (origin, path) = Origin::of(&config.keys)?;
        let kept = Kept::of(data, &config.keys);
        let keys = kept.read().unwrap_or_default();
        (Place::Url { origin, path, kept }, keys)
    } else {
        let path = PathBuf::from(&config.keys);
        let keys = read_set(&config.issuer, &path)?;
        (Place::File(path), keys)
    };
    Ok(Source::new(place, Issuer::new(config.rules(), keys)?))
}

fn read_set(issuer: &str, path: &Path) -> Result<KeySet, IssuersError> {
    let (issuer, path) = (issuer.to_owned(), path.to_owned());
    match bounded(&path) {
        Ok(bytes) => KeySet::parse(&bytes).map_err(|source| IssuersError::Set {
            issuer,
            path,
            source,
        }),
        Err(source) => Err(IssuersError::File {
            issuer,
            path,
            source,
        }),
    }
}

/// The built-in issuer with a key of this process alone, and ourselves as its believers.
fn dev_issuer() -> Result<(DevIssuer, Arc<Source>), IssuersError> {
    let dev = DevIssuer::new(&runtime::random::bytes());
    let dev = dev.map_err(|_rejected| IssuersError::Dev)?;
    let keys = KeySet::parse(dev.key_set().as_bytes());
    let keys = keys.map_err(|_no_set| IssuersError::Dev)?;
    let mut rules = Rules::new(DevIssuer::NAME, DevIssuer::AUDIENCE);
    let levels = (1..=4).filter_map(|n| Some((n.to_string(), Level::new(n)?)));
    rules.levels = levels.collect();
    let issuer = Issuer::new(rules, keys)?;
    Ok((dev, Arc::new(Source::new(Place::Here, issuer))))
}
