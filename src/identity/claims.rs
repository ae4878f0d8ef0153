//! What a believed token says about a learner.

use crate::base::id::LearnerId;
use crate::base::limits::AUDIENCES_MAX;
use crate::base::limits::CLAIM_BYTES_MAX;
use crate::identity::Rules;
use crate::identity::TokenError;
use aws_lc_rs::hmac;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use std::ops::Deref;

/// Something that was checked; only this room can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

/// How sure the issuer is of the person: 1 (a password) to 4 (in person or by chip and face), the
/// four levels of electronic identification that national rules tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

/// What is kept of a token. The subject itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whom it is about.
    pub learner: LearnerId,
    /// How sure the issuer is of the person.
    pub level: Level,
    /// When the person last proved it, unix seconds; exams may ask for a recent proof.
    pub authenticated_s: Option<i64>,
    /// Until when the token is good, unix seconds.
    pub expires_s: i64,
    /// Locality, where the rules name a claim for it; 1 to 255 bytes.
    pub locality: Option<Box<str>>,
    /// Unit, where the rules name a claim for it; 1 to 255 bytes.
    pub unit: Option<Box<str>>,
}

impl<T> Verified<T> {
    pub(super) const fn new(checked: T) -> Self {
        Self(checked)
    }

    /// The checked value by itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Level {
    /// The lowest.
    pub const LOWEST: Self = Self(1);

    /// The level with this number, 1 to 4.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            1..=4 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number, 1 to 4.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Level {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        Self::new(number).ok_or("a level is a number from 1 to 4")
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}

/// The learner that `issuer` calls `subject`: HMAC-SHA-256 over both, cut to 128 bits (RFC 2104, 5
/// allows half). The issuer's length stands before it, so that no two pairs run into each other.
pub fn learner_id(key: &[u8; 32], issuer: &str, subject: &str) -> LearnerId {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(&(issuer.len() as u64).to_be_bytes());
    context.update(issuer.as_bytes());
    context.update(subject.as_bytes());
    let tag = context.sign();
    LearnerId(tag.as_ref().first_chunk().copied().unwrap_or_default())
}

/// Judges the claims of a token whose signature fits (RFC 9068, 4; RFC 7519, 4.1).
pub(super) fn judge(
    claims: &Map<String, Value>,
    rules: &Rules,
    learners: &[u8; 32],
    now_s: i64,
) -> Result<Claims, TokenError> {
    let leeway_s = i64::from(rules.leeway_s);
    audience(claims, &rules.audiences)?;
    let expires_s = time(claims, "exp")?.ok_or_else(|| wrong("exp", "is missing"))?;
    if expires_s.saturating_add(leeway_s) <= now_s {
        let since_s = now_s.saturating_sub(expires_s);
        return Err(TokenError::Expired { since_s });
    }
    time(claims, "iat")?.ok_or_else(|| wrong("iat", "is missing"))?;
    for claim in ["iat", "nbf"] {
        let ahead_s = time(claims, claim)?.map_or(0, |at| at.saturating_sub(now_s));
        if ahead_s > leeway_s {
            return Err(TokenError::Ahead { claim, ahead_s });
        }
    }
    let subject = text(claims, "sub")?.ok_or_else(|| wrong("sub", "is missing"))?;
    let level = text(claims, "acr")?.and_then(|acr| rules.levels.get(acr));
    let named = |claim: &Option<String>| {
        let value = claim
            .as_ref()
            .map_or(Ok(None), |claim| text(claims, claim))?;
        Ok::<_, TokenError>(value.map(Into::into))
    };
    Ok(Claims {
        learner: learner_id(learners, &rules.issuer, subject),
        level: level.copied().unwrap_or(Level::LOWEST),
        authenticated_s: time(claims, "auth_time")?,
        expires_s,
        locality: named(&rules.locality_claim)?,
        unit: named(&rules.unit_claim)?,
    })
}

/// `aud` is one text or a list of them (RFC 7519, 4.1.3).
fn audience(claims: &Map<String, Value>, ours: &[String]) -> Result<(), TokenError> {
    let is_us = |name: &str| ours.iter().any(|our| our == name);
    let found = match claims.get("aud") {
        Some(Value::String(one)) => is_us(one),
        Some(Value::Array(several)) if several.len() > AUDIENCES_MAX => {
            return Err(wrong("aud", "lists more than 32 audiences"));
        }
        Some(Value::Array(several)) if several.iter().all(Value::is_string) => {
            several.iter().filter_map(Value::as_str).any(is_us)
        }
        None => return Err(wrong("aud", "is missing")),
        Some(_) => return Err(wrong("aud", "is neither a text nor a list of texts")),
    };
    found.then_some(()).ok_or(TokenError::Audience)
}

/// A text of 1 to 255 bytes, where the claim is there.
fn text<'a>(claims: &'a Map<String, Value>, claim: &str) -> Result<Option<&'a str>, TokenError> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=CLAIM_BYTES_MAX).contains(&text.len()) => Ok(Some(text)),
        Some(Value::String(_)) => Err(wrong(claim, "has not 1 to 255 bytes")),
        Some(_) => Err(wrong(claim, "is not a text")),
    }
}

/// Whole unix seconds, where the claim is there; fractions (RFC 7519, 2 allows them) are cut off.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<i64>, TokenError> {
    /// The year 9999: later than any honest token, and exact in every number type.
    const TIME_S_MAX: f64 = 253_402_300_799.0;
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    match value.as_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "cutting fractions off is meant"
        )]
        Some(seconds) if (0.0..=TIME_S_MAX).contains(&seconds) => Ok(Some(seconds as i64)),
        Some(_) => Err(wrong(claim, "is no time between the years 1970 and 9999")),
        None => Err(wrong(claim, "is not a number of seconds")),
    }
}

fn wrong(claim: &str, what: &'static str) -> TokenError {
    let claim = claim.to_owned();
    TokenError::Claim { claim, what }
}
