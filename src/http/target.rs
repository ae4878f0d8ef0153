//! Request targets (RFC 9110, 7.1; RFC 3986): splitting, decoding, and refusing escapes.

use crate::base::limits::TARGET_BYTES_MAX;
use std::borrow::Cow;

/// A target in origin form, decoded once, in which no segment is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    /// Decoded path, beginning with `/`; its only empty segment is the one of `/` itself.
    pub path: Cow<'a, str>,
    /// Raw query without `?`; empty if there is none.
    pub query: &'a str,
}

/// Why a target is refused; each is a 400 but the first, which is a 414.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// More bytes than we read.
    #[error("the path and query are longer than {TARGET_BYTES_MAX} bytes; shorten them")]
    TooLong,
    /// Not in origin form.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// `//` or a slash at the end.
    #[error("the path has an empty segment; remove the doubled or final slash")]
    EmptySegment,
    /// `.` or `..`, which clients resolve before they send.
    #[error("the path has a dot segment; send the resolved path")]
    DotSegment,
    /// `%` without two hexadecimal digits.
    #[error("the path has a percent sign that is not followed by two hexadecimal digits")]
    BadEscape,
    /// An escaped character that must not be escaped or not be there: `.`, `/`, `\`, controls.
    #[error("the path escapes a character that may not be escaped (dot, slash, control)")]
    ForbiddenEscape,
    /// A raw byte that a path may not hold.
    #[error("the path holds a character that must be escaped")]
    ForbiddenByte,
    /// Escapes that do not decode to UTF-8 (overlong forms included).
    #[error("the path does not decode to UTF-8")]
    NotUtf8,
}

impl<'a> Target<'a> {
    /// Reads a target; allocates only when the path holds escapes.
    pub fn parse(raw: &'a str) -> Result<Self, TargetError> {
        if raw.len() > TARGET_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        if !path.starts_with('/') {
            return Err(TargetError::NotAbsolute);
        }
        let (mut escaped, mut dotted, mut previous) = (false, false, 0);
        for byte in path.bytes() {
            match CLASS.get(usize::from(byte)) {
                Some(Class::Plain) => {}
                Some(Class::Slash) if previous != b'/' => {}
                Some(Class::Slash) => return Err(TargetError::EmptySegment),
                Some(Class::Dot) => dotted |= previous == b'/',
                Some(Class::Escape) => escaped = true,
                _ => return Err(TargetError::ForbiddenByte),
            }
            previous = byte;
        }
        if previous == b'/' && path.len() > 1 {
            return Err(TargetError::EmptySegment);
        }
        if dotted && path.split('/').any(|s| s == "." || s == "..") {
            return Err(TargetError::DotSegment);
        }
        let path = if escaped {
            Cow::Owned(decode(path)?)
        } else {
            Cow::Borrowed(path)
        };
        Ok(Self { path, query })
    }

    /// The segments; none for `/`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').filter(|segment| !segment.is_empty())
    }

    /// The decoded value of the first query parameter of that name; `+` is a space. `None` if it
    /// is absent or does not decode.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut pairs = self.query.split('&');
        let value = pairs.find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })?;
        if !value.contains(['%', '+']) {
            return Some(Cow::Borrowed(value));
        }
        let bytes = unescape(&value.replace('+', " "), |_| Ok(())).ok()?;
        String::from_utf8(bytes).ok().map(Cow::Owned)
    }
}

/// Whether an authority (`Host`, `:authority`) is a host with an optional port (RFC 3986, 3.2),
/// without user information, in characters that are safe to repeat in a URL.
pub fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let port_ok = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_ok = match inner {
        Some(v6) => {
            !v6.is_empty()
                && v6
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() || b":.".contains(&b))
        }
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    port_ok && host_ok && authority.len() <= 260
}

/// What a path may hold raw (RFC 3986, 3.3).
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Slash,
    Dot,
    Escape,
    Forbidden,
}

static CLASS: [Class; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn set(table: &mut [Class; 256], byte: u8, class: Class) {
    table[byte as usize] = class;
}

#[expect(clippy::indexing_slicing, reason = "runs at compile time")]
const fn classes() -> [Class; 256] {
    let mut table = [Class::Forbidden; 256];
    let plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=:@";
    let mut i = 0;
    while i < plain.len() {
        set(&mut table, plain[i], Class::Plain);
        i += 1;
    }
    set(&mut table, b'/', Class::Slash);
    set(&mut table, b'.', Class::Dot);
    set(&mut table, b'%', Class::Escape);
    table
}

fn decode(path: &str) -> Result<String, TargetError> {
    let bytes = unescape(path, |byte| {
        let hidden = byte.is_ascii_control() || b"./\\".contains(&byte);
        if hidden {
            Err(TargetError::ForbiddenEscape)
        } else {
            Ok(())
        }
    })?;
    String::from_utf8(bytes).map_err(|_not_utf8| TargetError::NotUtf8)
}

fn unescape(
    text: &str,
    allow: impl Fn(u8) -> Result<(), TargetError>,
) -> Result<Vec<u8>, TargetError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [b'%', high, low, tail @ ..] => {
                let byte = hex(*high).zip(hex(*low)).map(|(h, l)| h << 4 | l);
                let byte = byte.ok_or(TargetError::BadEscape)?;
                allow(byte)?;
                out.push(byte);
                tail
            }
            [b'%', ..] => return Err(TargetError::BadEscape),
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
            [] => return Ok(out),
        };
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_paths_are_borrowed_and_split() {
        let target = Target::parse("/media/a/b/1.m4s?CMCD=br%3D1&x").unwrap();
        assert!(matches!(target.path, Cow::Borrowed("/media/a/b/1.m4s")));
        assert_eq!(target.query, "CMCD=br%3D1&x");
        assert_eq!(
            target.segments().collect::<Vec<_>>(),
            ["media", "a", "b", "1.m4s"]
        );
        assert_eq!(Target::parse("/").unwrap().segments().count(), 0);
        let vietnamese = Target::parse("/files/a/t%C3%A0i%20li%E1%BB%87u.pdf").unwrap();
        assert_eq!(vietnamese.path, "/files/a/tài liệu.pdf");
    }

    #[test]
    fn a_path_never_climbs_out_of_its_folder() {
        let refused = |raw: &str| Target::parse(raw).unwrap_err();
        for raw in ["/files/a/../b", "/..", "/files/.", "/./x", "/files/a/.."] {
            assert_eq!(refused(raw), TargetError::DotSegment, "{raw}");
        }
        for raw in [
            "/%2e%2e/x",
            "/a/%2E%2e/b",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/a%0d%0aX",
            "/a%7f",
            "/.%2e/",
        ] {
            assert!(Target::parse(raw).is_err(), "{raw}");
        }
        assert_eq!(refused("/a%2fb"), TargetError::ForbiddenEscape);
        for raw in ["//x", "/a//b", "/a/", "//"] {
            assert_eq!(refused(raw), TargetError::EmptySegment, "{raw}");
        }
        for raw in ["/a%", "/a%2", "/a%zz", "/a%+1"] {
            assert_eq!(refused(raw), TargetError::BadEscape, "{raw}");
        }
        // Overlong dot and slash, a lone surrogate, a cut sequence.
        for raw in [
            "/%c0%ae%c0%ae/x",
            "/a%c0%afb",
            "/%e0%80%af",
            "/%ed%a0%80",
            "/%e1%bb",
        ] {
            assert_eq!(refused(raw), TargetError::NotUtf8, "{raw}");
        }
        for raw in [
            "/a\\..\\b",
            "/a b",
            "/a\0",
            "/é",
            "/a\u{7f}",
            "/a#b",
            "/<x>",
        ] {
            assert_eq!(refused(raw), TargetError::ForbiddenByte, "{raw}");
        }
        for raw in ["", "*", "media", "https://host/x", "?q"] {
            assert_eq!(refused(raw), TargetError::NotAbsolute, "{raw}");
        }
        let long = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
        assert_eq!(refused(&long), TargetError::TooLong);
    }

    #[test]
    fn query_parameters_decode_and_unknown_ones_do_no_harm() {
        let target =
            Target::parse("/v1/courses?limit=2&q=k%E1%BB%B9+n%C4%83ng&lang=&bad=%ff&a=b=c");
        let target = target.unwrap();
        assert_eq!(target.parameter("limit").as_deref(), Some("2"));
        assert_eq!(target.parameter("q").as_deref(), Some("kỹ năng"));
        assert_eq!(target.parameter("lang").as_deref(), Some(""));
        assert_eq!(target.parameter("a").as_deref(), Some("b=c"));
        assert_eq!(target.parameter("bad"), None);
        assert_eq!(target.parameter("missing"), None);
    }

    #[test]
    fn an_authority_that_could_break_out_of_a_url_is_refused() {
        for good in [
            "localhost",
            "localhost:4433",
            "127.0.0.1:1",
            "[::1]:4433",
            "[::1]",
            "a-b.example_x.vn",
        ] {
            assert!(is_authority(good), "{good}");
        }
        for bad in [
            "", ":80", "a b", "a/b", "u@h", "h:port", "h:123456", "[::1", "[]", "a\"b", "a,b",
            "h:1:2", "é",
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
        assert!(!is_authority(&"a".repeat(300)));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_holds_no_escape_route(
            raw in "/([a./%25ce0-9A-F\\\\]{0,6}/?){0,4}",
        ) {
            if let Ok(target) = Target::parse(&raw) {
                for segment in target.segments() {
                    prop_assert!(segment != "." && segment != "..");
                    prop_assert!(!segment.contains(['/', '\\', '\0']));
                }
                prop_assert!(target.path == "/" || !target.path.contains("//"));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(raw in ".{0,80}") {
            if let Ok(target) = Target::parse(&raw) {
                drop(target.parameter("q"));
            }
            let _ = is_authority(&raw);
        }
    }
}
