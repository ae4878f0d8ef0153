//! An issuer of our own, for development and tests: Ed25519, a key made from a seed.

use crate::identity::Algorithm;
use crate::identity::Level;
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

/// Signs tokens that [`verify`](crate::identity::verify) believes when its own key set is
/// configured. It asks nobody for a password: never let it near a public listener.
#[derive(Debug)]
pub struct DevIssuer {
    key: Ed25519KeyPair,
}

impl DevIssuer {
    /// Its value of `iss`.
    pub const NAME: &'static str = "https://dev.lamplight.invalid";
    /// Its value of `aud`.
    pub const AUDIENCE: &'static str = "lamplight";
    /// Seconds for which its tokens are good.
    pub const LIFETIME_S: i64 = 600;
    const KID: &'static str = "dev";

    /// The issuer of this seed; the same seed makes the same key.
    ///
    /// # Errors
    /// Does not happen with 32 bytes; the library's signature allows for it.
    pub fn new(seed: &[u8; 32]) -> Result<Self, KeyRejected> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed)?;
        Ok(Self { key })
    }

    /// Its key set, as JSON (RFC 8037, 2).
    pub fn key_set(&self) -> String {
        let x = BASE64URL_NOPAD.encode(self.key.public_key().as_ref());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": Self::KID, "x": x});
        json!({ "keys": [key] }).to_string()
    }

    /// A token for `subject` (1 to 255 bytes) at this level, good for ten minutes. `acr` is the
    /// level's number.
    pub fn token(&self, subject: &str, level: Level, now_s: i64) -> String {
        self.token_of(Self::KID, subject, level, now_s)
    }

    /// The same with another name of the key in its header.
    pub fn token_of(&self, kid: &str, subject: &str, level: Level, now_s: i64) -> String {
        let claims = json!({
            "iss": Self::NAME, "aud": Self::AUDIENCE, "sub": subject,
            "iat": now_s, "auth_time": now_s, "exp": now_s + Self::LIFETIME_S,
            "acr": level.number().to_string(),
        });
        let header = json!({"alg": Algorithm::EdDSA.name(), "typ": "at+jwt", "kid": kid});
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// The compact form of header and claims as they are, signed.
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let header = BASE64URL_NOPAD.encode(header.as_bytes());
        let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
        let signed = format!("{header}.{claims}");
        let signature = self.key.sign(signed.as_bytes());
        let signature = BASE64URL_NOPAD.encode(signature.as_ref());
        format!("{signed}.{signature}")
    }
}
