//! JWTs in compact form (RFC 7515, 7.1): taken apart strictly, believed only whole.

use crate::base::json;
use crate::base::limits::CLAIM_BYTES_MAX;
use crate::base::limits::TOKEN_BYTES_MAX;
use crate::identity::Algorithm;
use crate::identity::Claims;
use crate::identity::Issuer;
use crate::identity::Part;
use crate::identity::Rules;
use crate::identity::TokenError;
use crate::identity::Verified;
use crate::identity::claims;
use crate::identity::error::cut;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Map;
use serde_json::Value;
use std::ops::Deref;

/// What a header may say that is of importance here. `jku`, `jwk`, `x5u` and `x5c` are not: who
/// may name his own key may sign anything (RFC 8725, 3.10).
struct Header {
    algorithm: Algorithm,
    kid: String,
    /// Lowercase, without a leading `application/` (RFC 7515, 4.1.9).
    kind: String,
}

/// Believes `token` or says why not. `find` gives the configured issuer of that exact name,
/// `learners` is the key that makes learner ids of subjects (see
/// [`learner_id`](crate::identity::learner_id)), `now_s` the time in unix seconds.
///
/// Nothing of the token counts before its signature fits, except which issuer's keys to try.
///
/// # Errors
/// [`TokenError`]. After [`TokenError::UnknownKey`] the caller may fetch the issuer's keys anew
/// (once at a time, at most every minute) and try again; every other refusal is final.
pub fn verify<I: Deref<Target = Issuer>>(
    token: &str,
    find: impl FnOnce(&str) -> Option<I>,
    learners: &[u8; 32],
    now_s: i64,
) -> Result<Verified<Claims>, TokenError> {
    let (bytes, max) = (token.len(), TOKEN_BYTES_MAX);
    if bytes > max {
        return Err(TokenError::TooLarge { bytes, max });
    }
    let [header, payload, signature] = split(token)?;
    let header = Header::read(&decoded(Part::Header, header)?)?;
    let claims = object(Part::Claims, &decoded(Part::Claims, payload)?)?;
    let signature = decoded(Part::Signature, signature)?;

    let name = issuer_name(&claims)?;
    let found = find(name).filter(|issuer| issuer.rules().issuer == name);
    // Its keys decide whether it is what it claims to be.
    let issuer = found.ok_or_else(|| TokenError::UnknownIssuer(cut(name)))?;
    header.fits(issuer.rules())?;
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    let keys = issuer.keys();
    keys.check(&header.kid, header.algorithm, signed.as_bytes(), &signature)?;
    claims::judge(&claims, issuer.rules(), learners, now_s).map(Verified::new)
}

fn split(token: &str) -> Result<[&str; 3], TokenError> {
    let mut parts = token.split('.');
    if let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    {
        return Ok([header, payload, signature]);
    }
    match token.split('.').count() {
        5 => Err(TokenError::Encrypted),
        parts => Err(TokenError::Parts(parts)),
    }
}

fn decoded(part: Part, text: &str) -> Result<Vec<u8>, TokenError> {
    let decoded = BASE64URL_NOPAD.decode(text.as_bytes());
    decoded.map_err(|_position| TokenError::Base64(part))
}

fn object(part: Part, bytes: &[u8]) -> Result<Map<String, Value>, TokenError> {
    json::object(bytes).map_err(|fault| match fault {
        json::Fault::Duplicate => TokenError::Duplicate { part },
        json::Fault::Malformed(what) => TokenError::Json { part, what },
    })
}

/// Whom the token claims to be from.
fn issuer_name(claims: &Map<String, Value>) -> Result<&str, TokenError> {
    let name = claims.get("iss").and_then(Value::as_str);
    name.ok_or_else(|| {
        let (claim, what) = ("iss".to_owned(), "is missing or not a text");
        TokenError::Claim { claim, what }
    })
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, TokenError> {
        let header = object(Part::Header, bytes)?;
        let text = |member: &'static str| match header.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(missing(member, "is not a text")),
        };
        let name = text("alg")?.ok_or_else(|| missing("alg", "is missing"))?;
        let algorithm = Algorithm::named(name);
        let algorithm = algorithm.ok_or_else(|| TokenError::UnknownAlgorithm(cut(name)))?;
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        let kind = text("typ")?.unwrap_or("JWT").to_ascii_lowercase();
        let kind = kind
            .strip_prefix("application/")
            .unwrap_or(&kind)
            .to_owned();
        if text("cty")?.is_some_and(|content| content.eq_ignore_ascii_case("jwt")) {
            return Err(TokenError::Type("nested JWT".to_owned()));
        }
        let kid = text("kid")?.unwrap_or_default().to_owned();
        if kid.is_empty() || kid.len() > CLAIM_BYTES_MAX {
            return Err(missing(
                "kid",
                "must name the issuer's key in 1 to 255 bytes",
            ));
        }
        Ok(Self {
            algorithm,
            kid,
            kind,
        })
    }

    fn fits(&self, rules: &Rules) -> Result<(), TokenError> {
        if !rules.algorithms.contains(&self.algorithm) {
            return Err(TokenError::ForeignAlgorithm(self.algorithm));
        }
        let meant = |kind: &String| kind.eq_ignore_ascii_case(&self.kind);
        if !rules.types.iter().any(meant) {
            return Err(TokenError::Type(cut(&self.kind)));
        }
        Ok(())
    }
}

const fn missing(member: &'static str, what: &'static str) -> TokenError {
    TokenError::Header { member, what }
}
