//! One HTTP/3 connection, either role: what is remembered between its streams.

use crate::h3::Code;
use crate::h3::Config;
use crate::h3::Control;
use crate::h3::Event;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::h3::Stream;
use crate::h3::control::Controls;
use crate::h3::frame;
use crate::h3::requests::Requests;
use crate::h3::settings;
use crate::h3::stream::Rules;
use crate::h3::varint;

/// One end of a connection.
///
/// Order of calls: see the [module](crate::h3). It needs no memory but its own while nothing on it
/// is half received.
#[derive(Debug)]
pub struct Connection {
    controls: Controls,
    requests: Requests,
    /// Bytes of a field section that we accept.
    header_bytes_max: usize,
    grease: bool,
}

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Connection {
    /// The server's end.
    pub fn server(config: &Config) -> Self {
        Self::new(config, Role::Server)
    }

    /// The client's end.
    pub fn client(config: &Config) -> Self {
        Self::new(config, Role::Client)
    }

    fn new(config: &Config, role: Role) -> Self {
        Self {
            controls: Controls::new(role),
            requests: Requests::new(),
            header_bytes_max: config.header_max.as_len(),
            grease: config.grease,
        }
    }

    /// Appends what our control stream begins with: its type, SETTINGS, and with greasing on a
    /// reserved setting and a reserved frame. `seed` (any number) picks them.
    pub fn preamble(&self, seed: u16, out: &mut Vec<u8>) {
        varint::write(CONTROL_STREAM, out);
        let reserved = self.grease.then_some(seed);
        settings::write(self.header_bytes_max as u64, reserved, out);
        if let Some(n) = reserved {
            let payload = n.to_be_bytes();
            frame::write_header(frame::reserved(n), payload.len() as u64, out);
            out.extend_from_slice(&payload);
        }
    }

    /// Takes bytes of a unidirectional stream of the peer; call until `None`.
    ///
    /// # Errors
    /// Connection errors only.
    pub fn next_control(
        &mut self,
        stream: u64,
        input: &mut Input,
    ) -> Result<Option<Control>, Fault> {
        self.controls.next(stream, input, &mut self.requests)
    }

    /// The peer reset its unidirectional stream.
    ///
    /// # Errors
    /// A connection error if the stream is critical (RFC 9114, 6.2.1; RFC 9204, 4.2).
    pub fn reset_control(&mut self, stream: u64) -> Result<(), Fault> {
        self.controls.reset(stream)
    }

    /// Takes bytes of a request stream; call until `None`. The head is put into `message`, a
    /// scratch that one worker reuses for all its streams, and is valid until the next call with
    /// the same scratch.
    ///
    /// # Errors
    /// Stream errors for malformed messages, connection errors for broken framing.
    #[inline]
    pub fn next(
        &mut self,
        stream: &mut Stream,
        input: &mut Input,
        message: &mut Message,
    ) -> Result<Option<Event>, Fault> {
        if stream.id() & 0b11 != 0 {
            let reason = "a server must not open a bidirectional stream";
            return Err(Fault::connection(Code::StreamCreationError, reason));
        }
        let rules = Rules {
            header_bytes_max: self.header_bytes_max,
            requests_end: self.requests.end(),
        };
        let event = stream.next(input, message, rules)?;
        if self.controls.role() == Role::Server
            && matches!(event, Some(Event::Head { .. } | Event::TooLarge))
            && let Some(priority) = self.requests.arrived(stream.id())
        {
            message.set_priority(priority);
        }
        Ok(event)
    }

    /// Appends (for the control stream) a GOAWAY that announces the end while requests under way
    /// may still arrive (RFC 9114, 5.2); about one round trip later [`Connection::goaway`] follows.
    pub fn shutdown_notice(&self, out: &mut Vec<u8>) {
        write_goaway(varint::MAX & !0b11, out);
    }

    /// Appends (for the control stream) the GOAWAY that names the first request not accepted;
    /// requests from there on end in a stream error of `H3_REQUEST_REJECTED`. Says the same when
    /// called again. A client says that it accepts no push.
    pub fn goaway(&mut self, out: &mut Vec<u8>) {
        let id = match self.controls.role() {
            Role::Server => self.requests.close(),
            Role::Client => 0,
        };
        write_goaway(id, out);
    }

    /// Bytes of a field section the peer accepts; `u64::MAX` as long as it named no bound.
    pub const fn peer_header_bytes_max(&self) -> u64 {
        self.controls.peer_header_bytes_max()
    }
}

fn write_goaway(id: u64, out: &mut Vec<u8>) {
    let mut payload = Vec::with_capacity(8);
    varint::write(id, &mut payload);
    frame::write_header(frame::GOAWAY, payload.len() as u64, out);
    out.extend_from_slice(&payload);
}

/// The type of a control stream (RFC 9114, 6.2.1).
pub(crate) const CONTROL_STREAM: u64 = 0x00;
