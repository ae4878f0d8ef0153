//! Content hashes: the names of versions and the validators of resources.

use aws_lc_rs::digest;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use std::fmt;

/// The first 128 bits of a SHA-256, shown as 32 lowercase hexadecimal digits.
///
/// It names versions in URLs and, quoted, is the strong validator (RFC 9110, 8.8.3) of a resource.
/// Nobody gains by a collision here: authors are trusted with their own course.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The hash of `parts`, each preceded by its length, so that no two lists of parts agree.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let hash = context.finish();
        let first = hash.as_ref().first_chunk::<16>();
        Self(first.map_or(0, |bytes| u128::from_be_bytes(*bytes)))
    }

    /// The digest shown as `text`; `None` unless it is 32 lowercase hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        // On the way of every request for a segment, so by hand: two digits a byte.
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 16 || !rest.is_empty() {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(u128::from_be_bytes(bytes)))
    }

    /// The 16 bytes, for hashing into another digest.
    pub const fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The first 64 bits, for where a collision is no more than a nuisance.
    pub const fn first64(self) -> u64 {
        (self.0 >> 64) as u64
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 16]>::deserialize(deserializer).map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_has_one_name() {
        let digest = Digest::of(&[b"a", b"bc"]);
        let text = digest.to_string();
        assert_eq!(Digest::parse(&text), Some(digest));
        assert_eq!(Digest::parse(&text.to_uppercase()), None);
        assert_eq!(Digest::parse(&format!("+{}", &text[1..])), None);
        assert_eq!(Digest::parse(&text[1..]), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Digest::of(&[b"a", b"bc"]), Digest::of(&[b"ab", b"c"]));
        assert_ne!(Digest::of(&[b""]), Digest::of(&[]));
    }
}
