//! An issuer's public keys: JWK sets (RFC 7517, keys by RFC 7518, 6 and RFC 8037, 2).

use crate::base::json;
use crate::base::limits::CLAIM_BYTES_MAX;
use crate::base::limits::KEY_SET_BYTES_MAX;
use crate::base::limits::KEY_SET_KEYS_MAX;
use crate::identity::Algorithm;
use crate::identity::KeySetError;
use crate::identity::TokenError;
use crate::identity::error::cut;
use aws_lc_rs::signature;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Map;
use serde_json::Value;
use std::fmt;

/// Public keys of one issuer, parsed once, found by name and algorithm.
///
/// Keys that are of no use for signatures here (other types, other uses, no name) are passed over
/// and told in [`passed_over`](Self::passed_over): sets of real brokers hold encryption keys too.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    passed_over: Vec<String>,
}

/// One key ready for one algorithm; an RSA key without `alg` stands here twice.
#[derive(Clone)]
struct Key {
    kid: Box<str>,
    algorithm: Algorithm,
    public: ParsedPublicKey,
}

/// Why one key of a set is passed over.
type Useless = &'static str;

impl KeySet {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// [`KeySetError`]: too large, not a set, ambiguous, or without any key of use.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let (len, max) = (bytes.len(), KEY_SET_BYTES_MAX);
        if len > max {
            return Err(KeySetError::TooLarge { bytes: len, max });
        }
        let set = json::object(bytes).map_err(|fault| {
            KeySetError::Malformed(match fault {
                json::Fault::Duplicate => "a member stands twice".to_owned(),
                json::Fault::Malformed(what) => what,
            })
        })?;
        let Some(Value::Array(members)) = set.get("keys") else {
            return Err(KeySetError::Malformed("there is no list `keys`".to_owned()));
        };
        let (keys, max) = (members.len(), KEY_SET_KEYS_MAX);
        if keys > max {
            return Err(KeySetError::TooMany { keys, max });
        }
        let mut set = Self::default();
        for (at, member) in members.iter().enumerate() {
            set.take(at, member)?;
        }
        if set.keys.is_empty() {
            return Err(KeySetError::Useless(set.passed_over.join("; ")));
        }
        Ok(set)
    }

    /// Names of the keys, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let earlier = |at: usize, kid: &str| self.keys.iter().take(at).any(|key| &*key.kid == kid);
        let names = self.keys.iter().map(|key| &*key.kid).enumerate();
        names.filter_map(move |(at, kid)| (!earlier(at, kid)).then_some(kid))
    }

    /// One sentence for each key that cannot be used, for the log of a reload.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Checks `signature` over `message` with the key of this name.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`], [`TokenError::KeyMismatch`] or [`TokenError::Signature`].
    pub(super) fn check(
        &self,
        kid: &str,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        let mut named = self.keys.iter().filter(|key| &*key.kid == kid).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey(cut(kid)));
        }
        let key = named.find(|key| key.algorithm == algorithm);
        let Some(key) = key else {
            let kid = cut(kid);
            return Err(TokenError::KeyMismatch { kid, algorithm });
        };
        let checked = key.public.verify_sig(message, signature);
        checked.map_err(|_unspecified| TokenError::Signature)
    }

    fn take(&mut self, at: usize, member: &Value) -> Result<(), KeySetError> {
        let parsed = member
            .as_object()
            .ok_or("not an object")
            .and_then(|jwk| Ok((name(jwk)?, public_keys(jwk)?)));
        let (kid, publics) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => {
                let kid = member
                    .get("kid")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let told = format!("key {} ({:?}): {why}", at + 1, cut(kid));
                self.passed_over.push(told);
                return Ok(());
            }
        };
        for (algorithm, public) in publics {
            let alike = |key: &Key| *key.kid == *kid && key.algorithm == algorithm;
            if self.keys.iter().any(alike) {
                return Err(KeySetError::Ambiguous(cut(kid)));
            }
            let kid = kid.into();
            self.keys.push(Key {
                kid,
                algorithm,
                public,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The key's name, once it is known that the key is there to check signatures with.
fn name(jwk: &Map<String, Value>) -> Result<&str, Useless> {
    if ["d", "p", "q", "k"]
        .iter()
        .any(|secret| jwk.contains_key(*secret))
    {
        return Err("it holds a private or shared secret; withdraw it at once");
    }
    match jwk.get("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(_) => return Err("`use` is not \"sig\""),
    }
    let verifies = |operations: &Vec<Value>| operations.iter().any(|one| one == "verify");
    match jwk.get("key_ops") {
        None => {}
        Some(Value::Array(operations)) if verifies(operations) => {}
        Some(_) => return Err("`key_ops` lacks \"verify\""),
    }
    let kid = jwk.get("kid").and_then(Value::as_str).unwrap_or_default();
    if kid.is_empty() || kid.len() > CLAIM_BYTES_MAX {
        return Err("it has no name `kid` of 1 to 255 bytes");
    }
    Ok(kid)
}

/// The key made ready for each algorithm it may be used with.
fn public_keys(jwk: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, Useless> {
    let text = |member: &str| jwk.get(member).and_then(Value::as_str);
    let fitting: &[Algorithm] = match (text("kty"), text("crv")) {
        (Some("RSA"), _) => &[Algorithm::RS256, Algorithm::PS256],
        (Some("EC"), Some("P-256")) => &[Algorithm::ES256],
        (Some("EC"), Some("P-384")) => &[Algorithm::ES384],
        (Some("OKP"), Some("Ed25519")) => &[Algorithm::EdDSA],
        _ => return Err("its type or curve is not one of RSA, P-256, P-384, Ed25519"),
    };
    let chosen = fitting
        .iter()
        .copied()
        .filter(|algorithm| match jwk.get("alg") {
            None => true,
            // RFC 9864 names the curve in the algorithm.
            Some(Value::String(named)) if *algorithm == Algorithm::EdDSA => {
                named == "EdDSA" || named == "Ed25519"
            }
            Some(named) => named == algorithm.name(),
        });
    let keys: Vec<_> = chosen
        .map(|algorithm| Ok((algorithm, public_key(jwk, algorithm)?)))
        .collect::<Result<_, Useless>>()?;
    if keys.is_empty() {
        return Err("`alg` is not one that fits the key and is accepted here");
    }
    Ok(keys)
}

fn public_key(jwk: &Map<String, Value>, algorithm: Algorithm) -> Result<ParsedPublicKey, Useless> {
    let Some(verification) = algorithm.of_point() else {
        return rsa_key(jwk, algorithm);
    };
    let bytes = match algorithm {
        Algorithm::EdDSA => number(jwk, "x", 32)?,
        Algorithm::ES384 => point(jwk, 48)?,
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::PS256 => point(jwk, 32)?,
    };
    ParsedPublicKey::new(verification, bytes).map_err(|_rejected| "it is no point of its curve")
}

fn rsa_key(jwk: &Map<String, Value>, algorithm: Algorithm) -> Result<ParsedPublicKey, Useless> {
    let (n, e) = (decoded(jwk, "n")?, decoded(jwk, "e")?);
    // aws-lc checks the size only when it verifies; a short key is worth a word at the reload.
    let bits = n
        .first()
        .map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err("RSA keys have 2048 to 8192 bits here");
    }
    let padding = if algorithm == Algorithm::PS256 {
        &signature::RSA_PSS_2048_8192_SHA256
    } else {
        &signature::RSA_PKCS1_2048_8192_SHA256
    };
    let components = RsaPublicKeyComponents { n, e };
    let parsed = components.to_parsed_public_key(padding);
    parsed.map_err(|_rejected| "it is no RSA key")
}

/// An uncompressed point (SEC 1, 2.3.3) of coordinates of `size` bytes each.
fn point(jwk: &Map<String, Value>, size: usize) -> Result<Vec<u8>, Useless> {
    let mut point = vec![4];
    point.extend(number(jwk, "x", size)?);
    point.extend(number(jwk, "y", size)?);
    Ok(point)
}

/// A member of exactly `size` bytes (RFC 7518, 6.2.1.2).
fn number(jwk: &Map<String, Value>, member: &str, size: usize) -> Result<Vec<u8>, Useless> {
    let bytes = decoded(jwk, member)?;
    (bytes.len() == size)
        .then_some(bytes)
        .ok_or("a coordinate has the wrong length")
}

fn decoded(jwk: &Map<String, Value>, member: &str) -> Result<Vec<u8>, Useless> {
    let text = jwk.get(member).and_then(Value::as_str);
    let text = text.ok_or("a member of the key is missing")?;
    let decoded = BASE64URL_NOPAD.decode(text.as_bytes());
    decoded.map_err(|_position| "a member of the key is not base64url")
}
