//! Signed URLs: who holds `/s/{token}/media/…` may fetch what lies below the token's prefix until
//! it expires, and playlists' relative URLs carry the token on.
//!
//! A token is `{key}.{until}.{depth}.{mac}`: the key's name, seconds since 1970, how many segments
//! of the path are covered, and 64 hexadecimal digits of
//! HMAC-SHA-256("lamplight-url-1\n{key}\n{until}\n{prefix}"), where the prefix is those segments
//! of the decoded path (`/media/ky-nang-so/mat-khau`).

use crate::service::url_keys::UrlKeys;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// Why a token does not open a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a token, of an unknown key, for another path, or not made with the key.
    #[error("the signature is not valid for this path")]
    Invalid,
    /// Genuine, and its time is over.
    #[error("the signature has expired")]
    Expired,
}

/// A token's parts.
struct Token<'a> {
    key: &'a str,
    until: &'a str,
    depth: usize,
    mac: [u8; 32],
}

impl UrlKeys {
    /// A token for what lies at `prefix` (a decoded path without final slash) and below it, until
    /// that second since 1970, made with the key of that name or else with the last by name.
    /// `None` if there is no such key or the prefix is none.
    pub fn sign(&self, key: Option<&str>, prefix: &str, until_unix_s: u64) -> Option<String> {
        let depth = prefix.split('/').count().checked_sub(1)?;
        let whole = covered(prefix, depth) == Some(prefix);
        let fits = prefix.starts_with('/') && whole && (1..=DEPTH_MAX).contains(&depth);
        if !fits || prefix.split('/').skip(1).any(str::is_empty) {
            return None;
        }
        let keys = self.all();
        let chosen = match key {
            Some(name) => keys.iter().find(|key| key.name == name),
            None => keys.last(),
        }?;
        let until = until_unix_s.to_string();
        let tag = mac(&chosen.key, &chosen.name, &until, prefix);
        let digits: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        Some(format!("{}.{until}.{depth}.{digits}", chosen.name))
    }

    /// The second since 1970 until which `token` opens the decoded `path`.
    ///
    /// # Errors
    /// [`Refused`]; that it has expired is said of genuine tokens only.
    pub fn verify(&self, token: &str, path: &str, now_unix_s: u64) -> Result<u64, Refused> {
        let token = parse(token).ok_or(Refused::Invalid)?;
        let prefix = covered(path, token.depth).ok_or(Refused::Invalid)?;
        let keys = self.all();
        let key = keys.iter().find(|key| key.name == token.key);
        let key = key.ok_or(Refused::Invalid)?;
        let made = mac(&key.key, token.key, token.until, prefix);
        verify_slices_are_equal(made.as_ref(), &token.mac).map_err(|_differ| Refused::Invalid)?;
        let until = token.until.parse().map_err(|_beyond| Refused::Invalid)?;
        if until <= now_unix_s {
            return Err(Refused::Expired);
        }
        Ok(until)
    }
}

/// Whether `path` is `prefix` or lies below it.
pub(crate) fn lies_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn mac(key: &hmac::Key, name: &str, until: &str, prefix: &str) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in ["lamplight-url-1\n", name, "\n", until, "\n", prefix] {
        context.update(part.as_bytes());
    }
    context.sign()
}

fn parse(token: &str) -> Option<Token<'_>> {
    let mut parts = token.split('.');
    let [key, until, depth, mac] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    if parts.next().is_some() || until.len() > UNTIL_BYTES_MAX {
        return None;
    }
    // Only the shortest form, or a token would have several.
    let canonical = depth.bytes().all(|b| b.is_ascii_digit()) && !depth.starts_with('0');
    let number = depth.parse().ok().filter(|_| canonical);
    let depth = number.filter(|n| (1..=DEPTH_MAX).contains(n))?;
    let mac = digits(mac)?;
    Some(Token {
        key,
        until,
        depth,
        mac,
    })
}

/// The first `depth` segments of a path that begins with a slash.
fn covered(path: &str, depth: usize) -> Option<&str> {
    let mut slashes = path.match_indices('/').skip(depth);
    match slashes.next() {
        Some((end, _)) => path.get(..end),
        None if path.split('/').count() == depth + 1 => Some(path),
        None => None,
    }
}

/// 64 hexadecimal digits, lowercase: a token has one form.
pub(crate) fn digits(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let &[high, low] = pair else {
            return None;
        };
        *place = nibble(high)? << 4 | nibble(low)?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Segments that a prefix may have: deeper than any URL of ours but attachments in folders.
const DEPTH_MAX: usize = 16;
/// Digits of the second of expiry.
const UNTIL_BYTES_MAX: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const PREFIX: &str = "/media/ky-nang-so/mat-khau";
    const SEGMENT: &str = "/media/ky-nang-so/mat-khau/240p/0123/1.m4s";
    const UNTIL: u64 = 1_800_000_000;
    /// `printf 'lamplight-url-1\nk1\n1800000000\n/media/ky-nang-so/mat-khau' |
    /// openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -hex`
    const TOKEN: &str = concat!(
        "k1.1800000000.3.",
        "3a76468d7b64e791bcf8ba6d93e7ac1791cffdabcedfedaac8a16bdb70c5bd95"
    );

    fn keys() -> Arc<UrlKeys> {
        let bytes = |first: u8| std::array::from_fn(|i| first + u8::try_from(i).unwrap());
        UrlKeys::of([("k0", bytes(100)), ("k1", bytes(0))])
    }

    #[test]
    fn the_documented_example_holds() {
        let keys = keys();
        assert_eq!(keys.sign(None, PREFIX, UNTIL).as_deref(), Some(TOKEN));
        assert_eq!(keys.verify(TOKEN, SEGMENT, UNTIL - 1), Ok(UNTIL));
        assert_eq!(keys.verify(TOKEN, PREFIX, 0), Ok(UNTIL));
        let contract = include_str!("../../docs/protocol.md");
        assert!(
            contract.contains(TOKEN),
            "docs/protocol.md shows another token"
        );
    }

    #[test]
    fn both_keys_are_good_while_they_rotate_and_an_unknown_one_is_not() {
        let keys = keys();
        for name in ["k0", "k1"] {
            let token = keys.sign(Some(name), PREFIX, UNTIL).unwrap();
            assert_eq!(keys.verify(&token, SEGMENT, 0), Ok(UNTIL));
            let alone = UrlKeys::of([("k2", [1; 32])]);
            assert_eq!(alone.verify(&token, SEGMENT, 0), Err(Refused::Invalid));
            let other = UrlKeys::of([(name, [1; 32])]);
            assert_eq!(other.verify(&token, SEGMENT, 0), Err(Refused::Invalid));
        }
        assert_eq!(keys.sign(Some("k9"), PREFIX, UNTIL), None);
    }

    #[test]
    fn a_token_opens_nothing_beside_its_prefix_and_nothing_after_its_time() {
        let keys = keys();
        for path in [
            "/media/ky-nang-so/mat-khau-2/240p/0123/1.m4s",
            "/media/ky-nang-so",
            "/media/other/mat-khau/master.m3u8",
            "/files/ky-nang-so/mat-khau/x.pdf",
            "/",
            "",
        ] {
            assert_eq!(keys.verify(TOKEN, path, 0), Err(Refused::Invalid), "{path}");
        }
        for now in [UNTIL, UNTIL + 1, u64::MAX] {
            assert_eq!(keys.verify(TOKEN, SEGMENT, now), Err(Refused::Expired));
        }
        // Nobody learns from a forged token whether the time would have been right.
        let forged = TOKEN.replace("k1.18", "k1.08");
        assert_eq!(keys.verify(&forged, SEGMENT, UNTIL), Err(Refused::Invalid));
        for prefix in ["", "/", "media", "/media/", "/media//x", "/a/b/"] {
            assert_eq!(keys.sign(None, prefix, UNTIL), None, "{prefix}");
        }
        assert!(lies_below("/media/a/b", "/media/a") && lies_below("/media/a", "/media/a"));
        assert!(!lies_below("/media/ab", "/media/a") && !lies_below("/media", "/media/a"));
    }

    #[test]
    fn a_changed_digit_anywhere_breaks_a_token() {
        let keys = keys();
        for at in 0..TOKEN.len() {
            let mut bytes = TOKEN.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'3' { b'2' } else { b'3' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(
                changed == TOKEN || keys.verify(&changed, SEGMENT, 0).is_err(),
                "{changed}"
            );
        }
        for other in [
            TOKEN.to_uppercase().replace("K1", "k1"),
            TOKEN.replace(".3.", ".+3."),
            TOKEN.replace(".3.", ".03."),
            TOKEN.replace(".18", ".+18"),
            format!("{TOKEN}."),
        ] {
            assert_eq!(
                keys.verify(&other, SEGMENT, 0),
                Err(Refused::Invalid),
                "{other}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_token_is_read_without_a_panic(token in ".{0,90}", path in "(/[a-z]{0,3}){0,6}") {
            prop_assert!(keys().verify(&token, &path, 0).is_err());
        }

        #[test]
        fn what_is_signed_opens_what_lies_below(
            prefix in "(/[a-z0-9-]{1,6}){1,16}", below in "(/[a-z0-9.]{1,6}){0,3}",
        ) {
            let token = keys().sign(Some("k0"), &prefix, UNTIL).unwrap();
            let path = format!("{prefix}{below}");
            prop_assert_eq!(keys().verify(&token, &path, 0), Ok(UNTIL));
        }
    }
}
