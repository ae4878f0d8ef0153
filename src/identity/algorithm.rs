//! Signature algorithms of JWTs (RFC 7518, 3.1; RFC 8037) that an issuer may be allowed.

use aws_lc_rs::signature;
use aws_lc_rs::signature::VerificationAlgorithm;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// A signature algorithm with a public key. There is no `none` and no `HS…` to choose: a key set
/// that anybody may read holds no shared secret (RFC 8725, 3.1 and 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
    RS256,
    /// RSASSA-PSS with SHA-256, keys of 2048 to 8192 bits.
    PS256,
    /// ECDSA over P-256 with SHA-256.
    ES256,
    /// ECDSA over P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// All of them, the order of preference for a list in a configuration.
    pub const ALL: [Self; 5] = [
        Self::ES256,
        Self::EdDSA,
        Self::RS256,
        Self::PS256,
        Self::ES384,
    ];

    /// The algorithm with this name in `alg`; names are case-sensitive (RFC 7515, 4.1.1).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Its name in `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// How a key that is given as one byte string verifies; `None` for RSA, whose keys are pairs.
    pub(super) fn of_point(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::RS256 | Self::PS256 => None,
            Self::ES256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
            Self::ES384 => Some(&signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDSA => Some(&signature::ED25519),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
