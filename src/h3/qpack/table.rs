//! The static table (RFC 9204, appendix A) and look-up in it.

/// Name and value of an entry; an empty value means that only the name is worth a reference.
pub(crate) type Entry = (&'static str, &'static str);

/// The entry of that index.
#[inline]
pub(crate) fn entry(index: u64) -> Option<Entry> {
    TABLE.get(usize::try_from(index).ok()?).copied()
}

/// How a field can be expressed through the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// Name and value are this entry.
    Whole(u8),
    /// The name is that of this entry, the lowest with the name.
    Name(u8),
    /// The name is not in the table.
    Nothing,
}

/// Finds the best entry for a field; compares only names of the same length.
pub(crate) fn find(name: &[u8], value: &[u8]) -> Match {
    let bounds = BY_LENGTH.starts.get(name.len()..name.len() + 2);
    let Some(&[start, end]) = bounds else {
        return Match::Nothing;
    };
    let candidates = BY_LENGTH.order.get(usize::from(start)..usize::from(end));
    let mut best = Match::Nothing;
    for &index in candidates.unwrap_or_default() {
        let Some((n, v)) = entry(u64::from(index)) else {
            continue;
        };
        if n.as_bytes() == name {
            if v.as_bytes() == value {
                return Match::Whole(index);
            }
            if best == Match::Nothing {
                best = Match::Name(index);
            }
        }
    }
    best
}

const NAME_LEN_MAX: usize = 32;

/// Indices sorted by the length of their names; those of length `n` lie in
/// `order[starts[n]..starts[n + 1]]`.
struct ByLength {
    order: [u8; TABLE.len()],
    starts: [u8; NAME_LEN_MAX + 2],
}

const BY_LENGTH: ByLength = sort_by_length();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated at compile time, where a fault is a compile error; 99 fits a byte"
)]
const fn sort_by_length() -> ByLength {
    let mut sorted = ByLength {
        order: [0; TABLE.len()],
        starts: [0; NAME_LEN_MAX + 2],
    };
    let (mut len, mut filled) = (0, 0);
    while len <= NAME_LEN_MAX {
        sorted.starts[len] = filled as u8;
        let mut index = 0;
        while index < TABLE.len() {
            if TABLE[index].0.len() == len {
                sorted.order[filled] = index as u8;
                filled += 1;
            }
            index += 1;
        }
        len += 1;
    }
    sorted.starts[len] = filled as u8;
    assert!(filled == TABLE.len(), "a name is longer than NAME_LEN_MAX");
    sorted
}

#[rustfmt::skip]
pub(crate) const TABLE: [Entry; 99] = [
    (":authority", ""),
    (":path", "/"),
    ("age", "0"),
    ("content-disposition", ""),
    ("content-length", "0"),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("referer", ""),
    ("set-cookie", ""),
    (":method", "CONNECT"),
    (":method", "DELETE"),
    (":method", "GET"),
    (":method", "HEAD"),
    (":method", "OPTIONS"),
    (":method", "POST"),
    (":method", "PUT"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "103"),
    (":status", "200"),
    (":status", "304"),
    (":status", "404"),
    (":status", "503"),
    ("accept", "*/*"),
    ("accept", "application/dns-message"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-ranges", "bytes"),
    ("access-control-allow-headers", "cache-control"),
    ("access-control-allow-headers", "content-type"),
    ("access-control-allow-origin", "*"),
    ("cache-control", "max-age=0"),
    ("cache-control", "max-age=2592000"),
    ("cache-control", "max-age=604800"),
    ("cache-control", "no-cache"),
    ("cache-control", "no-store"),
    ("cache-control", "public, max-age=31536000"),
    ("content-encoding", "br"),
    ("content-encoding", "gzip"),
    ("content-type", "application/dns-message"),
    ("content-type", "application/javascript"),
    ("content-type", "application/json"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-type", "image/gif"),
    ("content-type", "image/jpeg"),
    ("content-type", "image/png"),
    ("content-type", "text/css"),
    ("content-type", "text/html; charset=utf-8"),
    ("content-type", "text/plain"),
    ("content-type", "text/plain;charset=utf-8"),
    ("range", "bytes=0-"),
    ("strict-transport-security", "max-age=31536000"),
    ("strict-transport-security", "max-age=31536000; includesubdomains"),
    ("strict-transport-security", "max-age=31536000; includesubdomains; preload"),
    ("vary", "accept-encoding"),
    ("vary", "origin"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    (":status", "100"),
    (":status", "204"),
    (":status", "206"),
    (":status", "302"),
    (":status", "400"),
    (":status", "403"),
    (":status", "421"),
    (":status", "425"),
    (":status", "500"),
    ("accept-language", ""),
    ("access-control-allow-credentials", "FALSE"),
    ("access-control-allow-credentials", "TRUE"),
    ("access-control-allow-headers", "*"),
    ("access-control-allow-methods", "get"),
    ("access-control-allow-methods", "get, post, options"),
    ("access-control-allow-methods", "options"),
    ("access-control-expose-headers", "content-length"),
    ("access-control-request-headers", "content-type"),
    ("access-control-request-method", "get"),
    ("access-control-request-method", "post"),
    ("alt-svc", "clear"),
    ("authorization", ""),
    ("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    ("early-data", "1"),
    ("expect-ct", ""),
    ("forwarded", ""),
    ("if-range", ""),
    ("origin", ""),
    ("purpose", "prefetch"),
    ("server", ""),
    ("timing-allow-origin", "*"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", ""),
    ("x-forwarded-for", ""),
    ("x-frame-options", "deny"),
    ("x-frame-options", "sameorigin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_own_name_and_value() {
        for (index, (name, value)) in TABLE.iter().enumerate() {
            let found = find(name.as_bytes(), value.as_bytes());
            assert_eq!(found, Match::Whole(u8::try_from(index).unwrap()));
        }
    }

    #[test]
    fn another_value_is_sent_with_the_lowest_entry_of_the_name() {
        assert_eq!(find(b":status", b"418"), Match::Name(24));
        assert_eq!(find(b"etag", b"\"x\""), Match::Name(7));
        assert_eq!(find(b"x-request-id", b"1"), Match::Nothing);
        assert_eq!(find(b"", b""), Match::Nothing);
        assert_eq!(find(&[b'a'; 500], b""), Match::Nothing);
        assert_eq!(entry(99), None);
    }
}
