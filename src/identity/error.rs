//! What is wrong with a token or a key set, and whose fault it is.

use std::fmt;

/// A part of a JWT in compact form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Before the first dot.
    Header,
    /// Between the dots.
    Claims,
    /// After the second dot.
    Signature,
}

/// Why a token is not believed. None of these keeps any of the token's secret parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Larger than any honest token.
    #[error("the token has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// [`TOKEN_BYTES_MAX`](crate::base::limits::TOKEN_BYTES_MAX).
        max: usize,
    },
    /// Not three parts (RFC 7515, 7.1).
    #[error("a token is three parts with dots between; this has {0}")]
    Parts(usize),
    /// Five parts: an encrypted token (RFC 7516), which nobody but the recipient can check.
    #[error("the token is encrypted; ask the issuer for a signed one")]
    Encrypted,
    /// Not base64url without padding (RFC 7515, 2).
    #[error("the token's {0} is not base64url without padding")]
    Base64(Part),
    /// Not a JSON object in UTF-8.
    #[error("the token's {part} is not a JSON object: {what}")]
    Json {
        /// Which part.
        part: Part,
        /// What the reader says.
        what: String,
    },
    /// A member stands twice (RFC 8725, 2.4: parsers disagree about which counts).
    #[error("the token's {part} names a member twice")]
    Duplicate {
        /// Which part.
        part: Part,
    },
    /// A header member that must be there, or is of another type than it must be.
    #[error("the token's header: `{member}` {what}")]
    Header {
        /// The member.
        member: &'static str,
        /// What about it.
        what: &'static str,
    },
    /// `none`, `HS256` and other algorithms that are never accepted.
    #[error("signature algorithm {0:?} is never accepted")]
    UnknownAlgorithm(String),
    /// An algorithm of ours that this issuer may not use.
    #[error("signature algorithm {0} is not allowed for this issuer")]
    ForeignAlgorithm(super::Algorithm),
    /// An extension that must be understood (RFC 7515, 4.1.11); none is.
    #[error("the token asks for an extension that must be understood (`crit`)")]
    Critical,
    /// Another kind of token (RFC 8725, 3.11), such as a logout token.
    #[error("a token of type {0:?} is not a sign-in")]
    Type(String),
    /// An issuer that is not configured.
    #[error("issuer {0:?} is not one of ours")]
    UnknownIssuer(String),
    /// A key that the issuer's set does not have: fetch the set again (at most once a minute).
    #[error("the issuer has no key named {0:?}")]
    UnknownKey(String),
    /// The key is of another type or for another use than the algorithm needs (RFC 8725, 3.1).
    #[error("the issuer's key {kid:?} does not sign with {algorithm}")]
    KeyMismatch {
        /// The key's name.
        kid: String,
        /// What the token says.
        algorithm: super::Algorithm,
    },
    /// Forged, or changed on the way.
    #[error("the signature does not fit")]
    Signature,
    /// A claim that must be there, or is of another type or larger than it may be.
    #[error("claim `{claim}` {what}")]
    Claim {
        /// Its name.
        claim: String,
        /// What about it.
        what: &'static str,
    },
    /// Made for somebody else (RFC 8725, 3.9).
    #[error("the token is for another audience")]
    Audience,
    /// Too old.
    #[error("the token expired {since_s} s ago")]
    Expired {
        /// Seconds since then.
        since_s: i64,
    },
    /// `nbf` or `iat` lies ahead.
    #[error("claim `{claim}` lies {ahead_s} s ahead; is a clock wrong?")]
    Ahead {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Seconds until then.
        ahead_s: i64,
    },
}

/// Why a key set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Larger than any honest set.
    #[error("the key set has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// [`KEY_SET_BYTES_MAX`](crate::base::limits::KEY_SET_BYTES_MAX).
        max: usize,
    },
    /// Not JSON, a member twice, or no `keys` array (RFC 7517, 5).
    #[error("not a JWK set: {0}")]
    Malformed(String),
    /// More keys than anybody rotates through.
    #[error("the key set has {keys} keys; at most {max} are read")]
    TooMany {
        /// How many.
        keys: usize,
        /// [`KEY_SET_KEYS_MAX`](crate::base::limits::KEY_SET_KEYS_MAX).
        max: usize,
    },
    /// Two keys with one name that sign alike: which one is meant?
    #[error("two keys of the set are named {0:?} and sign with the same algorithm")]
    Ambiguous(String),
    /// No key that any allowed algorithm could use.
    #[error("no key of the set is of use: {0}")]
    Useless(String),
}

impl TokenError {
    /// Every word that [`reason`](Self::reason) gives.
    pub const REASONS: [&'static str; 19] = [
        "too_large",
        "not_a_token",
        "encrypted",
        "base64",
        "json",
        "duplicate_member",
        "header",
        "unknown_algorithm",
        "foreign_algorithm",
        "critical_extension",
        "type",
        "unknown_issuer",
        "unknown_key",
        "key_mismatch",
        "signature",
        "claim",
        "audience",
        "expired",
        "not_yet_valid",
    ];

    /// A word for counters and logs; one for each variant.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Parts(_) => "not_a_token",
            Self::Encrypted => "encrypted",
            Self::Base64(_) => "base64",
            Self::Json { .. } => "json",
            Self::Duplicate { .. } => "duplicate_member",
            Self::Header { .. } => "header",
            Self::UnknownAlgorithm(_) => "unknown_algorithm",
            Self::ForeignAlgorithm(_) => "foreign_algorithm",
            Self::Critical => "critical_extension",
            Self::Type(_) => "type",
            Self::UnknownIssuer(_) => "unknown_issuer",
            Self::UnknownKey(_) => "unknown_key",
            Self::KeyMismatch { .. } => "key_mismatch",
            Self::Signature => "signature",
            Self::Claim { .. } => "claim",
            Self::Audience => "audience",
            Self::Expired { .. } => "expired",
            Self::Ahead { .. } => "not_yet_valid",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Claims => "claims",
            Self::Signature => "signature",
        })
    }
}

/// What a stranger wrote, short enough for a log line; `Debug` escapes the rest.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
