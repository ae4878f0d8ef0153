//! Entity tags (RFC 9110, 8.8.3): making strong ones and comparing them.

use std::fmt;

/// A strong entity tag with its quotes, e.g. `"3f9ac81b-br"`; at most 62 bytes, no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EntityTag {
    bytes: [u8; 63],
    len: u8,
}

impl EntityTag {
    /// A tag of the hexadecimal digits of a content hash and, for a coded representation, the
    /// coding's name (each coding has a tag of its own: RFC 9110, 8.8.3.3). Bytes that a tag may
    /// not hold, and what exceeds the room, are left out.
    pub fn new(hash: &str, coding: Option<&str>) -> Self {
        let mut tag = Self {
            bytes: [0; 63],
            len: 0,
        };
        tag.put(b'"');
        let plain = |b: &u8| b.is_ascii_graphic() && *b != b'"';
        hash.bytes().take(48).filter(plain).for_each(|b| tag.put(b));
        if let Some(part) = coding {
            tag.put(b'-');
            part.bytes().take(10).filter(plain).for_each(|b| tag.put(b));
        }
        tag.put(b'"');
        tag
    }

    /// The tag as a field value.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether a list of tags (the value of `If-Match`) holds this one by strong comparison, or is
    /// `*`. A malformed list matches nothing beyond the malformed place.
    pub fn is_in_strong(&self, list: &[u8]) -> bool {
        list.trim_ascii() == b"*" || tags(list).any(|t| !t.weak && t.opaque == self.as_bytes())
    }

    /// The same by weak comparison (the value of `If-None-Match`).
    pub fn is_in_weak(&self, list: &[u8]) -> bool {
        // The value every revalidating client sends is our own tag and nothing else.
        list == self.as_bytes()
            || list.trim_ascii() == b"*"
            || tags(list).any(|t| t.opaque == self.as_bytes())
    }

    fn put(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }
}

impl fmt::Debug for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

struct Tag<'a> {
    weak: bool,
    /// With its quotes.
    opaque: &'a [u8],
}

fn tags(mut rest: &[u8]) -> impl Iterator<Item = Tag<'_>> {
    std::iter::from_fn(move || {
        while let [b' ' | b'\t' | b',', tail @ ..] = rest {
            rest = tail;
        }
        let weak = rest.starts_with(b"W/");
        let quoted = rest.get(if weak { 2 } else { 0 }..)?;
        let inside = quoted.strip_prefix(b"\"")?;
        let len = inside.iter().position(|b| *b == b'"')? + 2;
        let (opaque, tail) = quoted.split_at_checked(len)?;
        rest = tail;
        Some(Tag { weak, opaque })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_coding_has_its_own_strong_tag() {
        let plain = EntityTag::new("3f9a", None);
        let coded = EntityTag::new("3f9a", Some("br"));
        assert_eq!(plain.as_bytes(), b"\"3f9a\"");
        assert_eq!(coded.as_bytes(), b"\"3f9a-br\"");
        assert!(!plain.is_in_weak(coded.as_bytes()));
        let long = EntityTag::new(&"x\"\n".repeat(99), Some("averylongcoding"));
        assert!(long.as_bytes().starts_with(b"\"x") && long.as_bytes().ends_with(b"\""));
    }

    #[test]
    fn a_weakened_tag_revalidates_but_does_not_join_ranges() {
        let tag = EntityTag::new("3f9a", None);
        for list in [
            "\"3f9a\"",
            "\"x\", W/\"3f9a\"",
            "*",
            " * ",
            "W/\"3f9a\"",
            "\"a,b\",\"3f9a\"",
        ] {
            assert!(tag.is_in_weak(list.as_bytes()), "{list}");
        }
        for list in [
            "",
            "3f9a",
            "\"3f9a",
            "\"3F9A\"",
            "w/\"3f9a\"",
            "x \"3f9a\"",
            "\"\"",
        ] {
            assert!(!tag.is_in_weak(list.as_bytes()), "{list}");
        }
        assert!(tag.is_in_strong(b"\"x\",\"3f9a\"") && tag.is_in_strong(b"*"));
        assert!(!tag.is_in_strong(b"W/\"3f9a\""));
    }

    proptest! {
        #[test]
        fn a_tag_is_found_in_any_well_formed_list(
            hash in "[0-9a-f]{1,48}", before in "(W/)?\"[!#-~]{0,9}\"", weak in any::<bool>(),
        ) {
            let tag = EntityTag::new(&hash, None);
            let prefix = if weak { "W/" } else { "" };
            let own = std::str::from_utf8(tag.as_bytes()).unwrap().to_owned();
            let list = format!("{before} ,, {prefix}{own}");
            prop_assert!(tag.is_in_weak(list.as_bytes()));
            prop_assert!(tag.is_in_strong(list.as_bytes()) != weak || before == own);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            list in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let tag = EntityTag::new("3f9a", None);
            let _ = (tag.is_in_weak(&list), tag.is_in_strong(&list));
        }
    }
}
