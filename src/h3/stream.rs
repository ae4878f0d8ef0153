//! The receiving half of one request stream: frames to events.

use crate::h3::Code;
use crate::h3::Event;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::h3::frame;
use crate::h3::head::Section;
use crate::http::Method;
use crate::http::Status;
use bytes::Buf;

/// Where the peer's half of one request stream stands. Owned by the driver; dropping it forgets
/// the request.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    role: Role,
    phase: Phase,
    step: Step,
    /// Content that may still come, if `content-length` promised some.
    promised: Option<u64>,
    /// A frame header or field section that came in pieces.
    partial: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Request,
    /// A reply; `bodiless` if it answers HEAD.
    Response {
        bodiless: bool,
    },
}

/// Which part of the message is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Content,
    /// Trailers came; nothing but unknown frames may follow.
    Trailed,
    /// Complete, refused or broken: whatever comes is skipped.
    Over,
}

/// Which part of a frame is due; numbers are payload bytes to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Header,
    Section(usize),
    Data(u64),
    Skip(u64),
}

/// What a stream needs to know of its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Bytes of a field section, as RFC 9114, 4.2.2 counts them.
    pub(crate) header_bytes_max: usize,
    /// First request that is not accepted any more.
    pub(crate) requests_end: u64,
}

impl Stream {
    /// A request that the peer, a client, sends on stream `id`.
    pub const fn request(id: u64) -> Self {
        Self::new(id, Role::Request)
    }

    /// The reply to a request with `method` that we sent on stream `id`.
    pub fn response(id: u64, method: Method) -> Self {
        let bodiless = method == Method::Head;
        Self::new(id, Role::Response { bodiless })
    }

    /// The stream's id.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Bytes held of a frame that has not arrived whole.
    pub const fn held_bytes(&self) -> usize {
        self.partial.len()
    }

    const fn new(id: u64, role: Role) -> Self {
        Self {
            id,
            role,
            phase: Phase::Head,
            step: Step::Header,
            promised: None,
            partial: Vec::new(),
        }
    }

    /// The next event; see [`Connection::next`](crate::h3::Connection::next).
    pub(crate) fn next(
        &mut self,
        input: &mut Input,
        message: &mut Message,
        rules: Rules,
    ) -> Result<Option<Event>, Fault> {
        let event = self.advance(input, message, rules);
        if matches!(event, Err(_) | Ok(Some(Event::TooLarge | Event::End))) {
            self.phase = Phase::Over;
        }
        event
    }

    fn advance(
        &mut self,
        input: &mut Input,
        message: &mut Message,
        rules: Rules,
    ) -> Result<Option<Event>, Fault> {
        loop {
            if self.phase == Phase::Over {
                input.bytes.clear();
                self.partial = Vec::new();
                return Ok(None);
            }
            let event = match self.step {
                Step::Header => match self.take_header(input) {
                    Some((kind, len)) => self.begin_frame(kind, len, rules)?,
                    None if input.fin => return self.end(),
                    None => return Ok(None),
                },
                _ if input.bytes.is_empty() && input.fin => return self.end(),
                _ if input.bytes.is_empty() => return Ok(None),
                Step::Section(left) => self.take_section(left, input, message, rules)?,
                Step::Data(left) => self.take_data(left, input),
                Step::Skip(left) => {
                    let taken = take_up_to(left, input);
                    input.bytes.advance(taken);
                    self.after(left, taken, Step::Skip);
                    None
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Type and length of the next frame once both are whole.
    #[inline]
    fn take_header(&mut self, input: &mut Input) -> Option<(u64, u64)> {
        if self.partial.is_empty() {
            if let Some((kind, len, taken)) = frame::read_header(&input.bytes) {
                input.bytes.advance(taken);
                return Some((kind, len));
            }
            self.partial.extend_from_slice(&input.bytes);
            input.bytes.clear();
            return None;
        }
        while input.bytes.has_remaining() {
            self.partial.push(input.bytes.get_u8());
            if let Some((kind, len, _)) = frame::read_header(&self.partial) {
                self.partial.clear();
                return Some((kind, len));
            }
        }
        debug_assert!(self.partial.len() < frame::HEADER_LEN_MAX);
        None
    }

    fn begin_frame(&mut self, kind: u64, len: u64, rules: Rules) -> Result<Option<Event>, Fault> {
        match (kind, self.phase) {
            (frame::DATA, Phase::Content) => self.begin_data(len)?,
            (frame::HEADERS, Phase::Head | Phase::Content) => {
                if self.role == Role::Request && self.id >= rules.requests_end {
                    return Err(Fault::Stream {
                        code: Code::RequestRejected,
                        reason: "the request came after GOAWAY",
                    });
                }
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                if len > rules.header_bytes_max {
                    return Ok(Some(Event::TooLarge));
                }
                self.step = Step::Section(len);
                if len == 0 {
                    let reason = "a HEADERS frame is empty";
                    return Err(Fault::connection(Code::QpackDecompressionFailed, reason));
                }
            }
            (frame::DATA | frame::HEADERS, _) => {
                return frame::unexpected("DATA before HEADERS, or either after trailers");
            }
            // We never send MAX_PUSH_ID, so every promise exceeds it (RFC 9114, 7.2.5).
            (frame::PUSH_PROMISE, _) if self.role != Role::Request => {
                let reason = "a push was promised without permission";
                return Err(Fault::connection(Code::IdError, reason));
            }
            (
                frame::PUSH_PROMISE
                | frame::CANCEL_PUSH
                | frame::SETTINGS
                | frame::GOAWAY
                | frame::MAX_PUSH_ID
                | frame::PRIORITY_UPDATE
                | frame::PRIORITY_UPDATE_PUSH,
                _,
            ) => return frame::unexpected("a frame that does not belong on a request stream"),
            (kind, _) if frame::is_of_http2(kind) => {
                return frame::unexpected("a frame type of HTTP/2");
            }
            _ if len > 0 => self.step = Step::Skip(len),
            _ => {}
        }
        Ok(None)
    }

    fn begin_data(&mut self, len: u64) -> Result<(), Fault> {
        if let Some(promised) = &mut self.promised {
            *promised = promised.checked_sub(len).ok_or(Fault::malformed(
                "more content than content-length promised",
            ))?;
        }
        if len > 0 {
            self.step = Step::Data(len);
        }
        Ok(())
    }

    fn take_data(&mut self, left: u64, input: &mut Input) -> Option<Event> {
        let taken = take_up_to(left, input);
        self.after(left, taken, Step::Data);
        Some(Event::Data(input.bytes.split_to(taken)))
    }

    #[inline]
    fn take_section(
        &mut self,
        left: usize,
        input: &mut Input,
        message: &mut Message,
        rules: Rules,
    ) -> Result<Option<Event>, Fault> {
        if self.partial.is_empty()
            && let Some(encoded) = input.bytes.get(..left)
        {
            self.step = Step::Header;
            let decoded = self.decode(encoded, message, rules);
            input.bytes.advance(left);
            return decoded.and_then(|event| self.finish_head(event, input));
        }
        let piece = input.bytes.split_to(left.min(input.bytes.len()));
        self.partial.extend_from_slice(&piece);
        if piece.len() < left {
            self.step = Step::Section(left - piece.len());
            return Ok(None);
        }
        self.step = Step::Header;
        let encoded = std::mem::take(&mut self.partial);
        let event = self.decode(&encoded, message, rules)?;
        self.finish_head(event, input)
    }

    /// Decodes a head or trailers and sets what the content must be.
    fn decode(
        &mut self,
        encoded: &[u8],
        message: &mut Message,
        rules: Rules,
    ) -> Result<Option<Event>, Fault> {
        let section = match (self.phase, self.role) {
            (Phase::Head, Role::Request) => Section::Request,
            (Phase::Head, Role::Response { .. }) => Section::Response,
            _ => Section::Trailers,
        };
        if let Err(reject) = message.decode(encoded, section, rules.header_bytes_max) {
            return reject.fault().map_or(Ok(Some(Event::TooLarge)), Err);
        }
        match section {
            Section::Trailers => {
                self.phase = Phase::Trailed;
                return Ok(None);
            }
            Section::Response if message.status() < Status(200) => {
                return Ok(Some(Event::Interim));
            }
            Section::Request | Section::Response => {}
        }
        self.phase = Phase::Content;
        // A reply that never has content may state a length all the same (RFC 9114, 4.1.2).
        let never = self.role == Role::Response { bodiless: true }
            || matches!(message.status(), Status(204 | 304));
        self.promised = if never {
            Some(0)
        } else {
            message.content_length()
        };
        Ok(Some(Event::Head { end: false }))
    }

    /// A head at the very end of its stream is a whole message.
    fn finish_head(&mut self, event: Option<Event>, input: &Input) -> Result<Option<Event>, Fault> {
        let last = input.fin && input.bytes.is_empty();
        if !last || event != Some(Event::Head { end: false }) {
            return Ok(event);
        }
        self.end()?;
        self.phase = Phase::Over;
        Ok(Some(Event::Head { end: true }))
    }

    /// The stream ended cleanly, at a good place or not.
    fn end(&self) -> Result<Option<Event>, Fault> {
        if self.step != Step::Header || !self.partial.is_empty() {
            let reason = "a stream ends within a frame";
            return Err(Fault::connection(Code::FrameError, reason));
        }
        match (self.phase, self.role) {
            (Phase::Head, Role::Request) => Err(Fault::Stream {
                code: Code::RequestIncomplete,
                reason: "a request stream ended without a head",
            }),
            (Phase::Head, Role::Response { .. }) => {
                Err(Fault::malformed("a stream ended without a final reply"))
            }
            _ if self.promised.is_some_and(|left| left > 0) => Err(Fault::malformed(
                "less content than content-length promised",
            )),
            _ => Ok(Some(Event::End)),
        }
    }

    /// Goes on within the frame, or to the next one.
    fn after(&mut self, left: u64, taken: usize, step: impl FnOnce(u64) -> Step) {
        let left = left - taken as u64;
        self.step = if left > 0 { step(left) } else { Step::Header };
    }
}

/// How much of `left` bytes has arrived.
fn take_up_to(left: u64, input: &Input) -> usize {
    usize::try_from(left).map_or(input.bytes.len(), |left| left.min(input.bytes.len()))
}
