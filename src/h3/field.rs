//! What kind of field a name is, and which characters names and values may hold.

use crate::h3::qpack::Line;
use crate::h3::qpack::TABLE;

/// How a message treats a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `:method`.
    Method,
    /// `:scheme`.
    Scheme,
    /// `:authority`.
    Authority,
    /// `:path`.
    Path,
    /// `:status`.
    Status,
    /// A pseudo-header field that no extension we announced defines.
    UnknownPseudo,
    /// Belongs to one connection of HTTP/1.1 and must not be here (RFC 9114, 4.2).
    Forbidden,
    /// Allowed with the value `trailers` only (RFC 9114, 4.2).
    Te,
    /// May come in several lines that are one field (RFC 9114, 4.2.1).
    Cookie,
    /// Compared with the content (RFC 9114, 4.1.2).
    ContentLength,
    /// Stands in for `:authority` (RFC 9114, 4.3.1).
    Host,
    /// RFC 9218.
    Priority,
    /// Any other field.
    Plain,
}

impl Kind {
    /// The kind of a line's field; names from the static table are known beforehand.
    #[inline]
    pub(crate) fn of(line: &Line<'_>) -> Self {
        let known = line.index.and_then(|i| KINDS.get(usize::from(i)));
        known.map_or_else(|| Self::of_name(line.name), |k| *k)
    }

    /// Whether the field is a pseudo-header field.
    pub(crate) const fn is_pseudo(self) -> bool {
        (self as u8) <= Self::UnknownPseudo as u8
    }

    const fn of_name(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            b":status" => Self::Status,
            [b':', ..] => Self::UnknownPseudo,
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding"
            | b"upgrade" => Self::Forbidden,
            b"te" => Self::Te,
            b"cookie" => Self::Cookie,
            b"content-length" => Self::ContentLength,
            b"host" => Self::Host,
            b"priority" => Self::Priority,
            _ => Self::Plain,
        }
    }
}

/// Whether `name` is a token without uppercase letters (RFC 9114, 4.2; RFC 9110, 5.6.2).
pub(crate) fn is_lowercase_token(name: &[u8]) -> bool {
    is_token(name) && !name.iter().any(u8::is_ascii_uppercase)
}

/// Whether `name` is a token (RFC 9110, 5.6.2).
pub(crate) fn is_token(name: &[u8]) -> bool {
    let allowed = |b: &u8| TOKEN.get(usize::from(*b)).copied().unwrap_or(false);
    !name.is_empty() && name.iter().all(allowed)
}

/// Whether `value` has only characters of field-content (RFC 9110, 5.5): no control characters
/// but the tab. Without an early exit, so that it compiles to vector instructions.
pub(crate) fn is_field_content(value: &[u8]) -> bool {
    let bad = |b: u8| (b < 0x20 && b != b'\t') || b == 0x7f;
    !value.iter().fold(false, |any, b| any | bad(*b))
}

/// Whether `path` can be the `:path` of a request: visible ASCII beginning with `/`, without a
/// fragment (RFC 9114, 4.3.1; RFC 3986, 3.3).
pub(crate) fn is_path(path: &[u8]) -> bool {
    let bad = |b: u8| !(0x21..0x7f).contains(&b) || b == b'#';
    path.first() == Some(&b'/') && !path.iter().fold(false, |any, b| any | bad(*b))
}

/// Whether `text` can be host and port, without user information (RFC 9114, 4.3.1).
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let bad = |b: u8| {
        !(0x21..0x7f).contains(&b)
            || matches!(b, b'/' | b'?' | b'#' | b'@' | b'\\' | b'<' | b'>' | b'"')
    };
    !text.is_empty() && !text.iter().any(|b| bad(*b))
}

/// Whether `text` is a URI scheme (RFC 3986, 3.1).
pub(crate) fn is_scheme(text: &[u8]) -> bool {
    let rest = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(rest)
}

static KINDS: [Kind; TABLE.len()] = kinds();
static TOKEN: [bool; 256] = token_table();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a fault is a compile error"
)]
const fn kinds() -> [Kind; TABLE.len()] {
    let mut kinds = [Kind::Plain; TABLE.len()];
    let mut at = 0;
    while at < kinds.len() {
        kinds[at] = Kind::of_name(TABLE[at].0.as_bytes());
        at += 1;
    }
    kinds
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a fault is a compile error"
)]
const fn token_table() -> [bool; 256] {
    let mut table = [false; 256];
    let marks = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = true;
        }
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_keep_to_their_alphabets() {
        for good in ["a", "x-y_z", "!#$%&'*+-.^_`|~09az"] {
            assert!(is_lowercase_token(good.as_bytes()), "{good}");
        }
        for bad in ["", "A", "a b", "a:", "a\r", "\u{e9}", "a\0", "a(", "a\""] {
            assert!(!is_lowercase_token(bad.as_bytes()), "{bad}");
        }
        assert!(is_field_content(b"caf\xc3\xa9 \t~"));
        for bad in 0..=255_u8 {
            let allowed = bad == b'\t' || (bad >= b' ' && bad != 0x7f);
            assert_eq!(is_field_content(&[b'a', bad, b'b']), allowed, "{bad}");
        }
    }

    #[test]
    fn targets_with_spaces_fragments_or_bytes_above_ascii_are_no_paths() {
        assert!(is_path(b"/") && is_path(b"/a%20b?c=|d") && !is_path(b"") && !is_path(b"*"));
        for bad in [
            "a",
            "/ ",
            "/#x",
            "/\u{e9}",
            "/\0",
            "/\r\n",
            "/\x7f",
            "http://x/",
        ] {
            assert!(!is_path(bad.as_bytes()), "{bad}");
        }
        assert!(is_authority(b"[::1]:4433") && is_authority(b"a.example"));
        for bad in ["", "u@a", "a/b", "a b", "a\0", "\u{e9}", "a?", "a#"] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
        assert!(is_scheme(b"https") && !is_scheme(b"") && !is_scheme(b"1a") && !is_scheme(b"a b"));
    }
}
