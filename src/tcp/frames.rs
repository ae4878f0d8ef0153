//! The frames of HTTP/2 as they pass by, to tell a head under way from silence.
//!
//! hyper says nothing of a HEADERS frame whose rest does not come, and the idle rule alone would
//! let a client hold its connection that way for minutes. Framing is all that is read here
//! (RFC 9113, 4.1, 6.2 and 6.10); whether it is right is hyper's to judge.

/// Bytes before the first frame (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;
const HEADERS: u8 = 0x01;
const CONTINUATION: u8 = 0x09;
const END_HEADERS: u8 = 0x04;

/// Where the client's bytes stand.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes to pass over: the preface, then each frame's payload.
    skip: usize,
    header: [u8; HEADER_BYTES],
    /// Bytes of the header that have come.
    have: usize,
    /// Whether a head has begun that has not ended.
    open: bool,
    /// Whether it ends with the payload under way.
    ends: bool,
}

impl Frames {
    pub(super) const fn new() -> Self {
        Self {
            skip: PREFACE_BYTES,
            header: [0; HEADER_BYTES],
            have: 0,
            open: false,
            ends: false,
        }
    }

    /// Whether a head has begun and its end has not come.
    pub(super) const fn head_is_open(&self) -> bool {
        self.open
    }

    /// Takes the next bytes of the client.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(bytes.len());
                bytes = bytes.get(passed..).unwrap_or_default();
                self.skip -= passed;
                self.end();
                continue;
            }
            let wanted = (HEADER_BYTES - self.have).min(bytes.len());
            let (taken, rest) = bytes.split_at(wanted);
            let place = self.header.get_mut(self.have..self.have + wanted);
            if let Some(place) = place {
                place.copy_from_slice(taken);
            }
            bytes = rest;
            self.have += wanted;
            if self.have == HEADER_BYTES {
                self.have = 0;
                self.begin();
            }
        }
    }

    /// A frame's header is whole.
    fn begin(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.open = true;
            self.ends = flags & END_HEADERS != 0;
        }
        self.end();
    }

    /// Closes the head if this was its last byte.
    const fn end(&mut self) {
        if self.skip == 0 && self.ends {
            self.open = false;
            self.ends = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u8::try_from(payload.len()).unwrap();
        [&[0, 0, len, kind, flags, 0, 0, 0, 1][..], payload].concat()
    }

    /// Preface, SETTINGS, then these frames.
    fn after_preface(frames: &[Vec<u8>]) -> Vec<u8> {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        [preface, frame(4, 0, &[]), frames.concat()].concat()
    }

    fn is_open(bytes: &[u8]) -> bool {
        let mut frames = Frames::new();
        frames.pass(bytes);
        frames.head_is_open()
    }

    #[test]
    fn a_head_is_open_until_its_last_byte_has_come() {
        let head = frame(HEADERS, END_HEADERS, b"head");
        let whole = after_preface(std::slice::from_ref(&head));
        assert!(!is_open(&whole));
        let begun = whole.len() - head.len() + HEADER_BYTES;
        for cut in begun..whole.len() {
            assert!(is_open(&whole[..cut]), "{cut}");
        }
        assert!(!is_open(&whole[..begun - 1]), "nothing has begun");
    }

    #[test]
    fn a_head_goes_on_in_continuations_and_other_frames_are_none() {
        let first = frame(HEADERS, 0, b"he");
        let more = frame(CONTINUATION, 0, b"ad");
        let last = frame(CONTINUATION, END_HEADERS, b"");
        assert!(is_open(&after_preface(&[first.clone(), more.clone()])));
        assert!(!is_open(&after_preface(&[first, more, last])));
        // The same bit means ACK or PADDED elsewhere, and long payloads are no heads.
        for kind in [0, 2, 3, 4, 5, 6, 7, 8] {
            let part = after_preface(&[frame(kind, END_HEADERS, b"payload")]);
            assert!(!is_open(&part[..part.len() - 2]), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_answer_is_the_same(
            kinds in proptest::collection::vec((0_u8..10, any::<bool>(), 0_usize..40), 0..12),
            cuts in proptest::collection::vec(1_usize..30, 1..20),
        ) {
            let frames: Vec<_> = kinds
                .iter()
                .map(|(kind, end, len)| frame(*kind, u8::from(*end) * END_HEADERS, &vec![7; *len]))
                .collect();
            let bytes = after_preface(&frames);
            let mut pieces = Frames::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                pieces.pass(piece);
                rest = more;
            }
            prop_assert_eq!(pieces.head_is_open(), is_open(&bytes));
        }
    }
}
