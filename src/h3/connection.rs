//! One HTTP/3 connection, either role.

use crate::h3::Config;
use crate::h3::Control;
use crate::h3::Event;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::h3::Stream;

/// What must be remembered between the streams of one connection.
#[derive(Debug)]
pub struct Connection {
    header_bytes_max: u32,
}

impl Connection {
    /// The server's end.
    pub const fn server(config: &Config) -> Self {
        Self {
            header_bytes_max: config.header_bytes_max,
        }
    }

    /// The client's end.
    pub const fn client(config: &Config) -> Self {
        Self {
            header_bytes_max: config.header_bytes_max,
        }
    }

    /// Appends what our control stream begins with: its type, SETTINGS, and with greasing on a
    /// reserved frame. `seed` (any number) picks the reserved values.
    pub fn preamble(&self, seed: u64, out: &mut Vec<u8>) {
        let _ = (self.header_bytes_max, seed, out);
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
        let _ = (stream, input, &self);
        Ok(None)
    }

    /// The peer reset its unidirectional stream.
    ///
    /// # Errors
    /// A connection error if the stream is critical (RFC 9114, 6.2.1; RFC 9204, 4.2).
    pub fn reset_control(&mut self, stream: u64) -> Result<(), Fault> {
        let _ = (stream, &self);
        Ok(())
    }

    /// Takes bytes of a request stream; call until `None`. The head is put into `message`, a
    /// scratch that one worker reuses for all its streams, and is valid until the next call with
    /// the same scratch.
    ///
    /// # Errors
    /// Stream errors for malformed messages, connection errors for broken framing.
    pub fn next(
        &mut self,
        stream: &mut Stream,
        input: &mut Input,
        message: &mut Message,
    ) -> Result<Option<Event>, Fault> {
        let _ = (stream, input, message, &self);
        Ok(None)
    }

    /// Appends a GOAWAY that announces the end while requests under way may still arrive
    /// (RFC 9114, 5.2); about one round trip later [`Connection::goaway`] follows.
    pub fn shutdown_notice(&mut self, out: &mut Vec<u8>) {
        let _ = (out, &self);
    }

    /// Appends (for the control stream) the GOAWAY that names the first request not accepted.
    /// Requests from there on end in a stream error of [`Code::RequestRejected`](crate::h3::Code).
    pub fn goaway(&mut self, out: &mut Vec<u8>) {
        let _ = (out, &self);
    }

    /// Bytes of a field section the peer accepts; `u64::MAX` as long as it named no bound.
    pub const fn peer_header_bytes_max(&self) -> u64 {
        u64::MAX
    }
}
