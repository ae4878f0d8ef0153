//! Language tags and texts in several languages.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Visitor;
use std::fmt;
use std::sync::Arc;

/// A language tag (RFC 5646) in its simple form: a primary subtag of 2 or 3 letters, then subtags
/// of 1 to 8 letters or digits, joined by `-`; 35 bytes at most. Kept as written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(Arc<str>);

impl Language {
    /// The tag written as `text`, or `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut subtags = text.split('-');
        let primary = subtags.next()?;
        let letters = primary.bytes().all(|b| b.is_ascii_alphabetic());
        let rest =
            |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        let good = (2..=3).contains(&primary.len()) && letters && subtags.all(rest);
        (good && text.len() <= 35).then(|| Self(text.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language's name for itself, for a player's menu; the tag where we know no name.
    pub fn own_name(&self) -> &str {
        let primary = self.0.split('-').next().unwrap_or_default();
        let known = OWN_NAMES.iter().find(|(tag, _)| *tag == primary);
        known.map_or(&*self.0, |(_, name)| name)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Borrows where the text is at hand: an index holds a million of them.
        struct Parse;
        impl Visitor<'_> for Parse {
            type Value = Language;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a language tag")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Language, E> {
                Language::parse(text).ok_or_else(|| E::custom("not a language tag"))
            }
        }
        deserializer.deserialize_str(Parse)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One text in one or more languages, in the author's order; the first is the main one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts(Vec<(Language, String)>);

impl Texts {
    /// A text in one language.
    pub fn one(language: Language, text: impl Into<String>) -> Self {
        Self(vec![(language, text.into())])
    }

    /// The text in `language`.
    pub fn get(&self, language: &str) -> Option<&str> {
        let mut texts = self.0.iter();
        let found = texts.find(|(l, _)| l.as_str() == language);
        found.map(|(_, text)| text.as_str())
    }

    /// The main text; empty if there is none.
    pub fn main(&self) -> &str {
        self.0.first().map_or("", |(_, text)| text)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Language, &str)> {
        self.0.iter().map(|(l, text)| (l, text.as_str()))
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Language, String)> for Texts {
    fn from_iter<I: IntoIterator<Item = (Language, String)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

const OWN_NAMES: &[(&str, &str)] = &[
    ("vi", "Tiếng Việt"),
    ("en", "English"),
    ("fr", "Français"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("pt", "Português"),
    ("ru", "Русский"),
    ("zh", "中文"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("th", "ไทย"),
    ("lo", "ລາວ"),
    ("km", "ខ្មែរ"),
    ("tay", "Tày"),
    ("hmn", "Hmoob"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_would_break_a_playlist_are_refused() {
        for bad in [
            "",
            "v",
            "vi_VN",
            "vi\"",
            "vi-",
            "-vi",
            "viet",
            "vi-toolongsub",
            "v1",
        ] {
            assert!(Language::parse(bad).is_none(), "{bad}");
        }
        for good in ["vi", "pt-BR", "zh-Hant-TW", "tay"] {
            assert!(Language::parse(good).is_some(), "{good}");
        }
    }

    #[test]
    fn menus_show_languages_by_their_own_name() {
        let name = |tag| Language::parse(tag).map(|l| l.own_name().to_owned());
        assert_eq!(name("vi").as_deref(), Some("Tiếng Việt"));
        assert_eq!(name("en-GB").as_deref(), Some("English"));
        assert_eq!(name("xx").as_deref(), Some("xx"));
    }
}
