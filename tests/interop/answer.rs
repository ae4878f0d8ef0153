//! What a client got, whichever client it was.

/// One reply, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Fields in the order they came, names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// Content.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// From the head that the `http` crate describes.
    pub(crate) fn new(status: http::StatusCode, fields: &http::HeaderMap) -> Self {
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Self {
            status: status.as_u16(),
            fields: fields.iter().map(field).collect(),
            body: Vec::new(),
        }
    }

    /// The value of a field, if it came exactly once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(n, _)| n == name);
        let value = found.next().map(|(_, value)| value.as_str());
        value.filter(|_| found.next().is_none())
    }

    /// Fails unless this is a 200 with exactly `body`.
    #[track_caller]
    pub(crate) fn is_whole(&self, body: &[u8]) {
        assert_eq!(self.status, 200, "{:?}", self.fields);
        assert_eq!(self.body.len(), body.len(), "length of the content");
        assert!(self.body == body, "the content is not what was stored");
    }
}

/// Bytes that no mistake in order, offset or length reproduces (SplitMix64).
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let word = |n: u64| {
        let z = (seed ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).to_le_bytes()
    };
    (0..).flat_map(word).take(len).collect()
}
