//! A field section: header fields in order, in one buffer that is reused from message to message.

/// Header fields in the order of the wire; names lowercase (RFC 9114, 4.2).
///
/// All names and values lie in one buffer, so that a driver decodes message after message into the
/// same `Fields` without allocating. Look-up is linear: a message has a dozen fields.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Fields {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    start: u32,
    name_len: u32,
    value_len: u32,
}

impl Fields {
    /// An empty section, without an allocation.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Appends a field. The caller has checked that `name` is a lowercase token and that `value`
    /// has no CR, LF or NUL.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        debug_assert!(!name.iter().any(u8::is_ascii_uppercase));
        debug_assert!(!value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)));
        let entry = Entry {
            start: short(self.bytes.len()),
            name_len: short(name.len()),
            value_len: short(value.len()),
        };
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        self.entries.push(entry);
    }

    /// The same, for building a section in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.push(name.as_bytes(), value.as_ref());
        self
    }

    /// The first value of `name` (lowercase).
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.iter();
        fields.find(|(n, _)| *n == name.as_bytes()).map(|(_, v)| v)
    }

    /// The first value of `name` if it is UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|v| std::str::from_utf8(v).ok())
    }

    /// Every value of `name`, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name.as_bytes())
            .map(|(_, v)| v)
    }

    /// All fields in order, as (name, value).
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|e| self.slices(*e))
    }

    /// Number of fields.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets the fields and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    fn slices(&self, entry: Entry) -> (&[u8], &[u8]) {
        let start = entry.start as usize;
        let middle = start + entry.name_len as usize;
        let end = middle + entry.value_len as usize;
        let name = self.bytes.get(start..middle).unwrap_or_default();
        (name, self.bytes.get(middle..end).unwrap_or_default())
    }
}

/// Sections are bounded by `HEADER_BYTES_MAX`, far below 4 GiB.
fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_order_and_find_the_first_of_a_name() {
        let fields = Fields::new().with("a", "1").with("b", "").with("a", "2");
        assert_eq!(fields.get("a"), Some(&b"1"[..]));
        assert_eq!(fields.get_all("a").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(fields.get_str("b"), Some(""));
        assert_eq!((fields.get("c"), fields.len()), (None, 3));
    }

    #[test]
    fn cleared_fields_hold_nothing_of_the_last_message() {
        let mut fields = Fields::new().with("cookie", "secret");
        fields.clear();
        fields.push(b"x", b"y");
        assert_eq!(fields.get("cookie"), None);
        assert_eq!(fields.iter().collect::<Vec<_>>(), [(&b"x"[..], &b"y"[..])]);
    }
}
