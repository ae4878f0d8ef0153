//! An outside issuer: what its tokens must say, and its keys.

use crate::base::limits::CLAIM_BYTES_MAX;
use crate::identity::Algorithm;
use crate::identity::KeySet;
use crate::identity::Level;
use std::collections::BTreeMap;

/// What an issuer's tokens must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The exact value of `iss`, an `https` URL by OpenID Connect; compared byte by byte.
    pub issuer: String,
    /// Names under which the issuer knows this platform; `aud` must contain one of them.
    pub audiences: Vec<String>,
    /// Signature algorithms this issuer may use. Fewer are safer: a token with any other is refused
    /// whatever its header says.
    pub algorithms: Vec<Algorithm>,
    /// Values of `typ` that are a sign-in, without regard to case; a token without `typ` counts as
    /// `JWT` (RFC 7519, 5.1).
    pub types: Vec<String>,
    /// Authentication level (1 to 4) of each value of `acr`; a token whose `acr` is absent or not
    /// listed has level 1.
    pub levels: BTreeMap<String, Level>,
    /// Claim that holds the learner's locality (commune, province), if it is to be read.
    pub locality_claim: Option<String>,
    /// Claim that holds the learner's unit (school, ministry, company), if it is to be read.
    pub unit_claim: Option<String>,
    /// Seconds by which clocks of issuer and server may differ, at most
    /// [`LEEWAY_S_MAX`](Self::LEEWAY_S_MAX).
    pub leeway_s: u32,
}

/// An issuer whose tokens are believed: its rules, checked, and its present keys.
#[derive(Debug, Clone)]
pub struct Issuer {
    rules: Rules,
    keys: KeySet,
}

/// Why rules cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer {issuer:?}: {what}")]
pub struct IssuerError {
    /// The issuer's name in the rules.
    pub issuer: String,
    /// What is wrong and how to mend it.
    pub what: &'static str,
}

impl Rules {
    /// The leeway that is usual.
    pub const LEEWAY_S: u32 = 60;
    /// The largest leeway; beyond it somebody's clock is broken and has to be mended.
    pub const LEEWAY_S_MAX: u32 = 300;

    /// Rules with the usual defaults: [`usual_algorithms`](Self::usual_algorithms),
    /// [`usual_types`](Self::usual_types), a minute of leeway, no levels, no claims but the
    /// subject.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: Self::usual_algorithms(),
            types: Self::usual_types(),
            levels: BTreeMap::new(),
            locality_claim: None,
            unit_claim: None,
            leeway_s: Self::LEEWAY_S,
        }
    }

    /// What brokers sign with: ES256, EdDSA, RS256.
    pub fn usual_algorithms() -> Vec<Algorithm> {
        vec![Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256]
    }

    /// `at+jwt` (RFC 9068) and `JWT` (what most brokers send).
    pub fn usual_types() -> Vec<String> {
        vec!["at+jwt".to_owned(), "JWT".to_owned()]
    }

    /// What cannot be meant, as a sentence with the remedy.
    pub fn mistake(&self) -> Option<&'static str> {
        let named = |text: &str| (1..=CLAIM_BYTES_MAX).contains(&text.len());
        if !named(&self.issuer) {
            return Some("`issuer` must be 1 to 255 bytes, exactly as in the tokens");
        }
        if self.audiences.is_empty() || !self.audiences.iter().all(|name| named(name)) {
            return Some(
                "`audiences` must list names of 1 to 255 bytes; a token for anybody is no sign-in",
            );
        }
        if self.leeway_s > Self::LEEWAY_S_MAX {
            return Some("`leeway` is more than 5m; mend the clock that is so wrong instead");
        }
        if self.algorithms.is_empty() {
            return Some("`algorithms` is empty; list those the issuer signs with");
        }
        if self.types.is_empty() {
            return Some("`types` is empty; list the values of `typ`, usually at+jwt and JWT");
        }
        None
    }
}

impl Issuer {
    /// An issuer with these rules and keys.
    ///
    /// # Errors
    /// [`IssuerError`] if the rules would let everything or nothing through.
    pub fn new(rules: Rules, keys: KeySet) -> Result<Self, IssuerError> {
        match rules.mistake() {
            None => Ok(Self { rules, keys }),
            Some(what) => Err(IssuerError {
                issuer: rules.issuer,
                what,
            }),
        }
    }

    /// The same issuer with the keys it has now.
    #[must_use]
    pub fn with_keys(&self, keys: KeySet) -> Self {
        let rules = self.rules.clone();
        Self { rules, keys }
    }

    /// What its tokens must say.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Its keys.
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }
}
