//! The peer's unidirectional streams: control, QPACK encoder and decoder, and those to refuse.

use crate::h3::Code;
use crate::h3::Control;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::connection::CONTROL_STREAM;
use crate::h3::connection::Role;
use crate::h3::frame;
use crate::h3::requests::Requests;
use crate::h3::settings;
use crate::h3::varint;
use crate::http::Priority;
use bytes::Buf;

/// The state of all unidirectional streams of the peer.
#[derive(Debug)]
pub(crate) struct Controls {
    role: Role,
    settled: bool,
    /// Where the decoder stream stands within an integer: bytes of it so far.
    decoder_bytes: u8,
    control: u64,
    encoder: u64,
    decoder: u64,
    /// Payload bytes of an unknown control frame still to skip.
    skip: u64,
    /// Smallest id of the peer's GOAWAYs, largest of its MAX_PUSH_IDs; neither may turn back.
    goaway: u64,
    max_push: u64,
    peer_header_bytes_max: u64,
    /// What came in pieces; none while nothing is half received.
    pieces: Option<Box<Pieces>>,
}

/// What the first bytes of a stream say.
enum Opened {
    Known,
    /// Its type is not whole.
    NotYet,
    /// Its type means nothing to us.
    Unwanted,
}

/// Half-received things; only a peer that sends tiny chunks ever causes them.
#[derive(Debug, Default)]
struct Pieces {
    /// A frame of the control stream.
    frame: Vec<u8>,
    /// Types of streams, by stream.
    types: Vec<(u64, Vec<u8>)>,
}

impl Controls {
    pub(crate) const fn new(role: Role) -> Self {
        Self {
            role,
            settled: false,
            decoder_bytes: 0,
            control: NONE,
            encoder: NONE,
            decoder: NONE,
            skip: 0,
            goaway: varint::MAX,
            max_push: 0,
            peer_header_bytes_max: u64::MAX,
            pieces: None,
        }
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn peer_header_bytes_max(&self) -> u64 {
        self.peer_header_bytes_max
    }

    /// See [`Connection::next_control`](crate::h3::Connection::next_control).
    pub(crate) fn next(
        &mut self,
        stream: u64,
        input: &mut Input,
        requests: &mut Requests,
    ) -> Result<Option<Control>, Fault> {
        if !self.is_critical(stream) {
            match self.open(stream, input)? {
                Opened::Known => {}
                Opened::NotYet => return Ok(None),
                Opened::Unwanted => {
                    input.bytes.clear();
                    return Ok(Some(Control::Unwanted));
                }
            }
        }
        if stream == self.encoder {
            check_encoder(input)?;
        } else if stream == self.decoder {
            self.check_decoder(input)?;
        } else if stream == self.control
            && let Some(event) = self.next_frame(input, requests)?
        {
            return Ok(Some(event));
        }
        if input.fin && self.is_critical(stream) {
            return closed();
        }
        Ok(None)
    }

    /// See [`Connection::reset_control`](crate::h3::Connection::reset_control).
    pub(crate) fn reset(&mut self, stream: u64) -> Result<(), Fault> {
        if self.is_critical(stream) {
            return closed();
        }
        self.take_type(stream);
        Ok(())
    }

    const fn is_critical(&self, stream: u64) -> bool {
        stream == self.control || stream == self.encoder || stream == self.decoder
    }

    /// Reads the type of a new stream and takes it off the input.
    fn open(&mut self, stream: u64, input: &mut Input) -> Result<Opened, Fault> {
        let mut type_bytes = self.take_type(stream);
        let kind = loop {
            if let Some((kind, _)) = varint::read(&type_bytes) {
                break kind;
            }
            if !input.bytes.has_remaining() {
                // A stream may end before it says what it is (RFC 9114, 6.2).
                if !input.fin && !type_bytes.is_empty() {
                    self.keep_type(stream, type_bytes)?;
                }
                return Ok(Opened::NotYet);
            }
            type_bytes.push(input.bytes.get_u8());
        };
        let place = match kind {
            CONTROL_STREAM => &mut self.control,
            ENCODER_STREAM => &mut self.encoder,
            DECODER_STREAM => &mut self.decoder,
            PUSH_STREAM => return self.refuse_push(),
            _ => return Ok(Opened::Unwanted),
        };
        if *place != NONE {
            let reason = "a second control or QPACK stream";
            return Err(Fault::connection(Code::StreamCreationError, reason));
        }
        *place = stream;
        Ok(Opened::Known)
    }

    const fn refuse_push(&self) -> Result<Opened, Fault> {
        let (code, reason) = match self.role {
            Role::Server => (Code::StreamCreationError, "a client must not push"),
            // We never send MAX_PUSH_ID (RFC 9114, 6.2.2).
            Role::Client => (Code::IdError, "a push without permission"),
        };
        Err(Fault::connection(code, reason))
    }

    fn take_type(&mut self, stream: u64) -> Vec<u8> {
        let Some(pieces) = &mut self.pieces else {
            return Vec::new();
        };
        let at = pieces.types.iter().position(|(id, _)| *id == stream);
        let bytes = at.map(|at| pieces.types.swap_remove(at).1);
        self.tidy_pieces();
        bytes.unwrap_or_default()
    }

    fn keep_type(&mut self, stream: u64, bytes: Vec<u8>) -> Result<(), Fault> {
        let types = &mut self.pieces.get_or_insert_default().types;
        if types.len() >= OPENING_MAX {
            let reason = "too many unidirectional streams without a type";
            return Err(Fault::connection(Code::ExcessiveLoad, reason));
        }
        types.push((stream, bytes));
        Ok(())
    }

    /// Takes frames off the control stream up to one that is an event.
    fn next_frame(
        &mut self,
        input: &mut Input,
        requests: &mut Requests,
    ) -> Result<Option<Control>, Fault> {
        while input.bytes.has_remaining() {
            if self.skip > 0 {
                let left = usize::try_from(self.skip).unwrap_or(usize::MAX);
                let taken = left.min(input.bytes.len());
                input.bytes.advance(taken);
                self.skip -= taken as u64;
                continue;
            }
            let Some((kind, payload)) = self.take_frame(input)? else {
                continue;
            };
            let event = self.accept(kind, &payload, requests)?;
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// A whole frame of a known type, assembled from pieces if need be. `None` when the input is
    /// used up or an unknown frame begins.
    fn take_frame(&mut self, input: &mut Input) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let mut bytes = match &mut self.pieces {
            Some(pieces) => std::mem::take(&mut pieces.frame),
            None => Vec::new(),
        };
        self.tidy_pieces();
        loop {
            let mut wanted = 1;
            if let Some((kind, len, header)) = frame::read_header(&bytes) {
                let Some(known_len) = self.check_header(kind, len)? else {
                    self.skip = len;
                    return Ok(None);
                };
                wanted = header + known_len - bytes.len();
                if wanted == 0 {
                    return Ok(Some((kind, bytes.split_off(header))));
                }
            }
            if !input.bytes.has_remaining() {
                self.pieces.get_or_insert_default().frame = bytes;
                return Ok(None);
            }
            let piece = input.bytes.split_to(wanted.min(input.bytes.len()));
            bytes.extend_from_slice(&piece);
        }
    }

    /// Whether a frame may stand here, from its header alone; its length if it is to be read.
    fn check_header(&self, kind: u64, len: u64) -> Result<Option<usize>, Fault> {
        if (kind == frame::SETTINGS) == self.settled {
            let (code, reason) = if self.settled {
                (Code::FrameUnexpected, "a second SETTINGS")
            } else {
                (Code::MissingSettings, "the first frame is not SETTINGS")
            };
            return Err(Fault::connection(code, reason));
        }
        let len_max = match (kind, self.role) {
            (frame::SETTINGS, _) => settings::PAYLOAD_BYTES_MAX,
            (frame::GOAWAY | frame::CANCEL_PUSH, _) => IDENTIFIER_BYTES_MAX,
            (frame::MAX_PUSH_ID, Role::Server) => IDENTIFIER_BYTES_MAX,
            (frame::PRIORITY_UPDATE | frame::PRIORITY_UPDATE_PUSH, Role::Server) => {
                PRIORITY_BYTES_MAX
            }
            (
                frame::DATA
                | frame::HEADERS
                | frame::PUSH_PROMISE
                | frame::MAX_PUSH_ID
                | frame::PRIORITY_UPDATE
                | frame::PRIORITY_UPDATE_PUSH,
                _,
            ) => return frame::unexpected("a frame that does not belong on a control stream"),
            (kind, _) if frame::is_of_http2(kind) => {
                return frame::unexpected("a frame type of HTTP/2");
            }
            _ => return Ok(None),
        };
        match usize::try_from(len) {
            Ok(whole) if len <= len_max => Ok(Some(whole)),
            _ if len_max == IDENTIFIER_BYTES_MAX => {
                let reason = "a frame that holds one identifier is too long";
                Err(Fault::connection(Code::FrameError, reason))
            }
            _ => {
                let reason = "a control frame is longer than is reasonable";
                Err(Fault::connection(Code::ExcessiveLoad, reason))
            }
        }
    }

    fn accept(
        &mut self,
        kind: u64,
        payload: &[u8],
        requests: &mut Requests,
    ) -> Result<Option<Control>, Fault> {
        match kind {
            frame::SETTINGS => {
                self.peer_header_bytes_max = settings::read(payload)?.header_bytes_max;
                self.settled = true;
                Ok(Some(Control::Settings))
            }
            frame::GOAWAY => self.accept_goaway(frame::read_only_integer(payload)?),
            frame::MAX_PUSH_ID => {
                let id = frame::read_only_integer(payload)?;
                if id < self.max_push {
                    return wrong_id("MAX_PUSH_ID goes down");
                }
                self.max_push = id;
                Ok(None)
            }
            frame::CANCEL_PUSH => {
                frame::read_only_integer(payload)?;
                wrong_id("CANCEL_PUSH names a push that was never promised")
            }
            frame::PRIORITY_UPDATE_PUSH => {
                wrong_id("PRIORITY_UPDATE names a push that was never promised")
            }
            _ => accept_priority(payload, requests),
        }
    }

    fn accept_goaway(&mut self, id: u64) -> Result<Option<Control>, Fault> {
        if id > self.goaway {
            return wrong_id("GOAWAY goes up");
        }
        if self.role == Role::Client && id & 0b11 != 0 {
            return wrong_id("GOAWAY names no request stream");
        }
        self.goaway = id;
        Ok(Some(Control::GoAway { id }))
    }

    /// The decoder stream: a peer that never saw us use the dynamic table has nothing to
    /// acknowledge, it can only cancel streams (RFC 9204, 4.4).
    fn check_decoder(&mut self, input: &mut Input) -> Result<(), Fault> {
        while input.bytes.has_remaining() {
            let byte = input.bytes.get_u8();
            self.decoder_bytes = match (self.decoder_bytes, byte) {
                (0, 0x40..0x7f) | (1.., 0..0x80) => 0,
                (0, 0x7f) => 1,
                (1..INTEGER_BYTES_MAX, _) => self.decoder_bytes + 1,
                _ => {
                    let reason = "a decoder instruction for a dynamic table that is not in use";
                    return Err(Fault::connection(Code::QpackDecoderStreamError, reason));
                }
            };
        }
        Ok(())
    }

    /// Gives memory back once nothing is half received.
    fn tidy_pieces(&mut self) {
        let empty = |p: &Pieces| p.frame.is_empty() && p.types.is_empty();
        if self.pieces.as_deref().is_some_and(empty) {
            self.pieces = None;
        }
    }
}

/// The encoder stream: with capacity 0 the only instruction is to set it to 0 (RFC 9204, 4.3).
fn check_encoder(input: &mut Input) -> Result<(), Fault> {
    const SET_CAPACITY_0: u8 = 0x20;
    if input.bytes.iter().any(|b| *b != SET_CAPACITY_0) {
        let reason = "an encoder instruction for a dynamic table of capacity 0";
        return Err(Fault::connection(Code::QpackEncoderStreamError, reason));
    }
    input.bytes.clear();
    Ok(())
}

/// RFC 9218, 7.2.
fn accept_priority(payload: &[u8], requests: &mut Requests) -> Result<Option<Control>, Fault> {
    let Some((stream, len)) = varint::read(payload) else {
        let reason = "PRIORITY_UPDATE ends within its identifier";
        return Err(Fault::connection(Code::FrameError, reason));
    };
    if stream & 0b11 != 0 {
        return wrong_id("PRIORITY_UPDATE names no request stream");
    }
    let priority = Priority::parse(payload.get(len..).unwrap_or_default());
    if requests.has_arrived(stream) {
        return Ok(Some(Control::Priority { stream, priority }));
    }
    requests.remember(stream, priority);
    Ok(None)
}

const fn closed<T>() -> Result<T, Fault> {
    let reason = "a control or QPACK stream was closed";
    Err(Fault::connection(Code::ClosedCriticalStream, reason))
}

const fn wrong_id<T>(reason: &'static str) -> Result<T, Fault> {
    Err(Fault::connection(Code::IdError, reason))
}

/// No stream has this id (they end at 2^62 - 1).
const NONE: u64 = u64::MAX;
const PUSH_STREAM: u64 = 0x01;
const ENCODER_STREAM: u64 = 0x02;
const DECODER_STREAM: u64 = 0x03;
/// Bytes of an instruction's integer on the decoder stream (62 bits and the prefix).
const INTEGER_BYTES_MAX: u8 = 10;
/// Bytes of a payload that is one identifier.
const IDENTIFIER_BYTES_MAX: u64 = 8;
/// Bytes of a PRIORITY_UPDATE; its value is a few characters.
const PRIORITY_BYTES_MAX: u64 = 512;
/// Streams of the peer whose type is not whole.
const OPENING_MAX: usize = 8;
