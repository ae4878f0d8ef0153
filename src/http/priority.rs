//! Priority of a reply (RFC 9218): urgency and whether it is useful piece by piece.

/// Urgency and incremental delivery of one reply, from the `priority` field or PRIORITY_UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Priority {
    /// 0 (first) to 7 (last); 3 when nothing was said (RFC 9218, 4.1).
    pub urgency: u8,
    /// Whether the client can use it in pieces, so that replies of one urgency may take turns
    /// (RFC 9218, 4.2); off when nothing was said.
    pub incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Self {
            urgency: 3,
            incremental: false,
        }
    }
}

impl Priority {
    /// Parses a priority field value, a structured-field dictionary (RFC 9651, 4.2.2). Members
    /// that are unknown, out of range or of a wrong type are ignored, and a value that is no
    /// dictionary is the default (RFC 9218, 4): a priority is advice, never a reason to fail.
    pub fn parse(value: &[u8]) -> Self {
        Self::parse_dictionary(value).unwrap_or_default()
    }

    /// Appends the field value, leaving out what is the default.
    pub fn encode(self, out: &mut Vec<u8>) {
        let default = Self::default();
        if self.urgency != default.urgency {
            out.extend_from_slice(&[b'u', b'=', b'0' + self.urgency.min(7)]);
        }
        if self.incremental {
            let separator: &[u8] = if out.last().is_some_and(u8::is_ascii_digit) {
                b", "
            } else {
                b""
            };
            out.extend_from_slice(separator);
            out.push(b'i');
        }
    }

    fn parse_dictionary(value: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        let mut rest = value.trim_ascii();
        while !rest.is_empty() {
            let member;
            (member, rest) = split_member(rest)?;
            let (key, item) = split_key(member)?;
            match (key, item) {
                (b"u", Some([digit @ b'0'..=b'7'])) => found.urgency = digit - b'0',
                (b"i", None | Some(b"?1")) => found.incremental = true,
                (b"i", Some(b"?0")) => found.incremental = false,
                _ => {}
            }
        }
        Some(found)
    }
}

/// The first member and what follows its comma; `None` where a comma ends the value or a string
/// or list is left open.
fn split_member(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                let (member, rest) = value.split_at_checked(at)?;
                let rest = rest.get(1..)?.trim_ascii_start();
                return (!rest.is_empty()).then_some((member.trim_ascii_end(), rest));
            }
            _ => {}
        }
    }
    (!quoted && depth == 0).then_some((value, &[]))
}

/// Key and bare item of a member, parameters cut off (RFC 9651, 3.1.2).
fn split_key(member: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let is_key = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
    let end = member.iter().position(|b| !is_key(b));
    let (key, rest) = member.split_at_checked(end.unwrap_or(member.len()))?;
    if !matches!(key.first(), Some(b'a'..=b'z' | b'*')) {
        return None;
    }
    match rest.split_first() {
        None | Some((b';', _)) => Some((key, None)),
        Some((b'=', item)) if !item.is_empty() => {
            let end = item.iter().position(|b| *b == b';').unwrap_or(item.len());
            Some((key, item.get(..end)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(urgency: u8, incremental: bool) -> Priority {
        Priority {
            urgency,
            incremental,
        }
    }

    #[test]
    fn what_browsers_send_is_understood() {
        for (value, expected) in [
            ("u=0", priority(0, false)),
            ("u=1, i", priority(1, true)),
            ("i", priority(3, true)),
            ("u=7,i=?0", priority(7, false)),
            ("i=?1;x=1, u=2;y", priority(2, true)),
            ("u=2, u=5", priority(5, false)),
            ("", priority(3, false)),
            ("  u=4  ", priority(4, false)),
            ("a=\"x, u=1\", u=6", priority(6, false)),
            ("a=(1 2);q, i", priority(3, true)),
        ] {
            assert_eq!(Priority::parse(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn nonsense_is_the_default_and_never_an_error() {
        for value in [
            "u=8",
            "u=-1",
            "u=1.0",
            "u=\"1\"",
            "u",
            "i=1",
            "u=1,",
            "u=1,,i",
            "U=1",
            "=1",
            "u=",
            "\"",
            "(",
            "u=1, \"x",
            "u=1 i",
            ")",
            "\\",
            "u=0\u{e9}",
        ] {
            assert_eq!(
                Priority::parse(value.as_bytes()),
                Priority::default(),
                "{value}"
            );
        }
    }

    #[test]
    fn every_priority_survives_the_wire() {
        for urgency in 0..=7 {
            for incremental in [false, true] {
                let mut wire = Vec::new();
                priority(urgency, incremental).encode(&mut wire);
                assert_eq!(Priority::parse(&wire), priority(urgency, incremental));
            }
        }
    }
}
