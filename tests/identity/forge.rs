//! An issuer of the test's own, which signs whatever it is told to.

use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use serde_json::json;

pub(crate) const NAME: &str = "https://id.test/realms/hoc-tap";

pub(crate) struct Forge(Ed25519KeyPair);

impl Forge {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn key_set(&self) -> String {
        let x = BASE64URL_NOPAD.encode(self.0.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string()
    }

    /// The token of these very texts.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let header = BASE64URL_NOPAD.encode(header.as_bytes());
        let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
        let signed = format!("{header}.{claims}");
        let signature = BASE64URL_NOPAD.encode(self.0.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }

    /// A good token of this person.
    pub(crate) fn token(&self, subject: &str) -> String {
        self.sign(HEADER, &claims(subject, |_| {}))
    }
}

pub(crate) const HEADER: &str = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#;

/// Good claims of this person, after `change`.
pub(crate) fn claims(subject: &str, change: impl FnOnce(&mut Value)) -> String {
    let now_s = lamplight::runtime::unix_ms() / 1000;
    let mut claims = json!({
        "iss": NAME, "aud": ["other", "lamplight"], "sub": subject, "iat": now_s,
        "exp": now_s + 3600, "acr": "loa2", "commune": "Xã Hòa Tiến", "school": "THPT Lê Lợi",
    });
    change(&mut claims);
    claims.to_string()
}
