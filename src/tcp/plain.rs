//! Output of a connection without TLS, collected during one turn and sent at its end.

use std::io;
use std::io::IoSlice;
use std::io::Write;

/// From here on content goes straight to the socket: a copy would cost more than a system call.
const THROUGH_BYTES: usize = 16 * 1024;

/// Small writes of one turn, in order.
#[derive(Debug)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// Bytes of `bytes` already sent.
    sent: usize,
    max: usize,
    /// The socket refused content that goes past this buffer.
    held: bool,
}

impl Output {
    /// Collects up to `max` bytes.
    pub(super) const fn new(max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            max,
            held: false,
        }
    }

    /// Whether there is something to send.
    pub(super) const fn wants_write(&self) -> bool {
        self.sent < self.bytes.len()
    }

    /// Whether `bufs` should be collected: they are small, or something is before them in line.
    pub(super) fn takes(&self, bufs: &[IoSlice<'_>]) -> bool {
        self.wants_write() || bufs.iter().map(|buf| buf.len()).sum::<usize>() < THROUGH_BYTES
    }

    /// Notes whether the socket refused content that its owner still holds.
    pub(super) const fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether content waits for the socket without lying here.
    pub(super) const fn is_held(&self) -> bool {
        self.held
    }

    /// Collects what has room; 0 when it is full.
    pub(super) fn take(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        let before = self.bytes.len();
        for buf in bufs {
            let room = self.max.saturating_sub(self.bytes.len());
            let part = buf.get(..buf.len().min(room)).unwrap_or_default();
            self.bytes.extend_from_slice(part);
        }
        self.bytes.len() - before
    }

    /// Sends what one write takes; the memory goes when all is sent, so that an idle connection
    /// holds none.
    pub(super) fn write_to(&mut self, wire: &mut impl Write) -> io::Result<usize> {
        let n = wire.write(self.bytes.get(self.sent..).unwrap_or_default())?;
        self.sent += n;
        if !self.wants_write() {
            *self = Self::new(self.max);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_collected_is_bounded_and_leaves_in_order() {
        let mut output = Output::new(10);
        let bufs = [IoSlice::new(b"lamp"), IoSlice::new(b"light by night")];
        assert!(output.takes(&bufs));
        assert_eq!(output.take(&bufs), 10);
        assert_eq!(output.take(&bufs), 0);
        let mut first = [0; 4];
        assert_eq!(output.write_to(&mut &mut first[..]).unwrap(), 4);
        assert!(output.wants_write() && output.take(&bufs) == 0);
        let mut rest = Vec::new();
        assert_eq!(output.write_to(&mut rest).unwrap(), 6);
        assert_eq!([&first[..], &rest].concat(), b"lamplight ");
        assert!(!output.wants_write() && output.bytes.capacity() == 0);
    }

    #[test]
    fn large_content_never_overtakes_what_was_collected_before() {
        let large = vec![0; THROUGH_BYTES];
        let large = [IoSlice::new(&large)];
        let mut output = Output::new(THROUGH_BYTES);
        assert!(!output.takes(&large));
        output.take(&[IoSlice::new(b"head")]);
        assert!(output.takes(&large));
    }
}
