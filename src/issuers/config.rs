//! `[identity]`: who may sign in, and for how long.

use crate::base::limits::ISSUERS_MAX;
use crate::base::units::Span;
use crate::identity::Algorithm;
use crate::identity::DevIssuer;
use crate::identity::Level;
use crate::identity::Rules;
use crate::runtime::client::Origin;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// `[identity]`: who may sign in, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `off`: nobody signs in. `issuers`: those with a token of one of `issuers`. `dev`: these, and
    /// everybody under any name, by tokens that this server makes itself; on loopback only. Default
    /// "off".
    pub mode: Mode,
    /// PEM file of the authorities that certificates of key-set servers are checked with. Default
    /// empty: those of the system.
    pub trust: PathBuf,
    /// How often key sets at URLs are fetched anew without being asked for. Default 1h, 1m to 24h.
    /// A withdrawn key is believed for so long; a new one is fetched when it is first seen.
    pub key_sets_every: Span,
    /// How long a session lasts without being renewed. Default 12h, 5m to 7d. Longer leaves a lost
    /// device signed in for longer, shorter ends offline days early.
    pub session_lifetime: Span,
    /// How long a session may be renewed before the issuer is asked again. Default 30d, at least
    /// `session_lifetime`, at most 365d.
    pub session_age_max: Span,
    /// Log-ins that may fail in a second from one network (/24, /48) and worker, ten times as many
    /// at once; then 429. Those that succeed are not counted. Default 200: a typing mistake in
    /// every class behind one carrier address. 0: no limit.
    pub failures_per_prefix: u32,
    /// Whose tokens are believed. Default none.
    pub issuers: Vec<IssuerConfig>,
}

/// Who may sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nobody.
    #[default]
    Off,
    /// Whoever likes, on loopback; and the listed issuers' people.
    Dev,
    /// The listed issuers' people.
    Issuers,
}

/// `[[identity.issuers]]`: one issuer, such as a broker in front of the national identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The exact value of `iss` in its tokens.
    pub issuer: String,
    /// Names under which it knows this platform; a token's `aud` must contain one.
    pub audiences: Vec<String>,
    /// Its JWK set: an `https://` URL (with OpenID Connect, `jwks_uri` of its discovery document),
    /// or a file, which a reload reads again.
    pub keys: String,
    /// Signature algorithms it may use, of RS256, PS256, ES256, ES384, EdDSA. Default ES256, EdDSA,
    /// RS256. Fewer are safer.
    #[serde(default = "Rules::usual_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Values of a token's `typ` that are a sign-in. Default "at+jwt" and "JWT".
    #[serde(default = "Rules::usual_types")]
    pub types: Vec<String>,
    /// By how much its clock and ours may differ. Default 60s, at most 5m.
    #[serde(default = "usual_leeway")]
    pub leeway: Span,
    /// Claim that holds the learner's locality (commune, province). Default: not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality_claim: Option<String>,
    /// Claim that holds the learner's unit (school, ministry, company). Default: not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_claim: Option<String>,
    /// Authentication level (1 to 4) of each value of `acr`. Default none: everybody has level 1.
    #[serde(default)]
    pub levels: BTreeMap<String, Level>,
}

/// A value that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Outside its range.
    #[error("identity.{key} is {is}; use {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it is.
        is: Span,
        /// What it may be.
        range: &'static str,
    },
    /// A mode that needs issuers has none.
    #[error(
        "identity.mode is \"issuers\" and none is listed; add [[identity.issuers]] with issuer, \
         audiences and keys"
    )]
    Nobody,
    /// More than anybody has.
    #[error("identity.issuers lists {0}; at most {ISSUERS_MAX} are believed")]
    TooMany(usize),
    /// One of the issuers.
    #[error("identity.issuers, {issuer:?}: {what}")]
    Issuer {
        /// Its name.
        issuer: String,
        /// What is wrong, and how to mend it.
        what: String,
    },
    /// The development issuer where others can reach it.
    #[error(
        "identity.mode is \"dev\", which signs in anybody under any name, and {0} can be reached \
         from other machines; listen on loopback or choose another mode"
    )]
    Exposed(std::net::SocketAddr),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            trust: PathBuf::new(),
            key_sets_every: Span::secs(3600),
            session_lifetime: Span::secs(12 * 3600),
            session_age_max: Span::secs(30 * 86_400),
            failures_per_prefix: 200,
            issuers: Vec::new(),
        }
    }
}

impl Config {
    /// Checks what serde cannot; `listen` are all public addresses.
    ///
    /// # Errors
    /// The first value that cannot be used, with the remedy.
    pub fn check<'a>(
        &self,
        listen: impl IntoIterator<Item = &'a std::net::SocketAddr>,
    ) -> Result<(), ConfigError> {
        let range = |key, is: Span, min_s: u64, max_s: u64, range| {
            let fits = (Span::secs(min_s)..=Span::secs(max_s)).contains(&is);
            let error = ConfigError::Range { key, is, range };
            fits.then_some(()).ok_or(error)
        };
        let (day, lifetime) = (86_400, self.session_lifetime);
        range("key_sets_every", self.key_sets_every, 60, day, "1m to 24h")?;
        range("session_lifetime", lifetime, 300, 7 * day, "5m to 7d")?;
        let (age, least) = (self.session_age_max, lifetime.as_ms() / 1000);
        let words = "at least identity.session_lifetime, at most 365d";
        range("session_age_max", age, least, 365 * day, words)?;
        if self.mode == Mode::Issuers && self.issuers.is_empty() {
            return Err(ConfigError::Nobody);
        }
        if self.issuers.len() > ISSUERS_MAX {
            return Err(ConfigError::TooMany(self.issuers.len()));
        }
        for (at, issuer) in self.issuers.iter().enumerate() {
            let earlier = self.issuers.iter().take(at);
            let twice = earlier
                .filter(|other| other.issuer == issuer.issuer)
                .count()
                > 0;
            let built_in = self.mode == Mode::Dev && issuer.issuer == DevIssuer::NAME;
            let what = match issuer.mistake() {
                None if twice => "is listed twice; join the two".to_owned(),
                None if built_in => "is built in with mode = \"dev\"; remove it".to_owned(),
                None => continue,
                Some(what) => what,
            };
            let issuer = issuer.issuer.clone();
            return Err(ConfigError::Issuer { issuer, what });
        }
        let mut listen = listen.into_iter();
        let exposed = listen.find(|address| !is_loopback(address.ip()));
        match exposed {
            Some(address) if self.mode == Mode::Dev => Err(ConfigError::Exposed(*address)),
            _ => Ok(()),
        }
    }

    /// Seconds a session lasts.
    pub fn lifetime_s(&self) -> u32 {
        seconds(self.session_lifetime)
    }

    /// Seconds for which it may be renewed.
    pub fn age_max_s(&self) -> u32 {
        seconds(self.session_age_max)
    }
}

impl IssuerConfig {
    /// What its tokens must say.
    pub fn rules(&self) -> Rules {
        Rules {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            algorithms: self.algorithms.clone(),
            types: self.types.clone(),
            levels: self.levels.clone(),
            locality_claim: self.locality_claim.clone(),
            unit_claim: self.unit_claim.clone(),
            leeway_s: seconds(self.leeway),
        }
    }

    fn mistake(&self) -> Option<String> {
        if let Some(what) = self.rules().mistake() {
            return Some(what.to_owned());
        }
        if self.keys.is_empty() {
            let what = "`keys` is empty; give the URL or the file of its JWK set";
            return Some(what.to_owned());
        }
        if !self.keys.contains("://") {
            return None;
        }
        match Origin::of(&self.keys) {
            Err(error) => Some(format!("`keys`: {error}")),
            Ok((origin, _)) if !origin.secure && !is_local(&origin.host) => {
                let what =
                    "`keys` must be https: whoever changes keys on the way signs in as anybody";
                Some(what.to_owned())
            }
            Ok(_) => None,
        }
    }
}

/// IPv4 addresses mapped into IPv6 count as IPv4.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}

fn seconds(span: Span) -> u32 {
    u32::try_from(span.as_ms() / 1000).unwrap_or(u32::MAX)
}

const fn usual_leeway() -> Span {
    Span::secs(Rules::LEEWAY_S as u64)
}
