//! Ids of courses, lessons, quizzes and tracks.

use crate::base::limits::SLUG_BYTES_MAX;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Visitor;
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// An id that is safe in a URL, a file name and a log line: 1 to 64 of `a-z`, `0-9` and `-`,
/// neither beginning nor ending with `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Arc<str>);

impl Slug {
    /// The slug written as `text`, or `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let fits = (1..=SLUG_BYTES_MAX).contains(&text.len());
        let hyphen = text.starts_with('-') || text.ends_with('-');
        (fits && !hyphen && text.bytes().all(plain)).then(|| Self(text.into()))
    }

    /// The slug of a lesson's folder: its name without the ordering prefix `nn-`.
    pub fn of_folder(name: &str) -> Option<Self> {
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let rest = name.get(digits..).and_then(|r| r.strip_prefix('-'));
        match rest {
            Some(rest) if digits > 0 && !rest.is_empty() => Self::parse(rest),
            _ => Self::parse(name),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Slug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Borrows where the text is at hand: an index holds a million of them.
        struct Parse;
        impl Visitor<'_> for Parse {
            type Value = Slug;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Slug, E> {
                Slug::parse(text).ok_or_else(|| E::custom("not an id"))
            }
        }
        deserializer.deserialize_str(Parse)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Option<String> {
        Slug::of_folder(name).map(|s| s.to_string())
    }

    #[test]
    fn reordering_lessons_keeps_their_ids() {
        assert_eq!(folder("01-mat-khau").as_deref(), Some("mat-khau"));
        assert_eq!(folder("12-mat-khau").as_deref(), Some("mat-khau"));
        assert_eq!(folder("mat-khau").as_deref(), Some("mat-khau"));
        assert_eq!(folder("2026").as_deref(), Some("2026"));
    }

    #[test]
    fn ids_that_need_escaping_in_a_url_are_refused() {
        for bad in [
            "",
            "-",
            "a-",
            "-a",
            "Mật khẩu",
            "a b",
            "A",
            "a.b",
            "a/b",
            "..",
        ] {
            assert!(Slug::parse(bad).is_none(), "{bad}");
        }
        assert!(Slug::parse(&"a".repeat(64)).is_some());
        assert!(Slug::parse(&"a".repeat(65)).is_none());
        assert_eq!(folder("01-"), None);
    }
}
