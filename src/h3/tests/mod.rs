//! The whole machine against hand-made bytes and against itself.

mod control;
mod pair;
mod request;
mod splits;

use crate::h3::Code;
use crate::h3::Config;
use crate::h3::Connection;
use crate::h3::Control;
use crate::h3::Event;
use crate::h3::Fault;
use crate::h3::Input;
use crate::h3::Message;
use crate::h3::Stream;
use crate::h3::frame;
use crate::h3::qpack;
use bytes::Bytes;

fn server() -> Connection {
    Connection::server(&Config::default())
}

fn client() -> Connection {
    Connection::client(&Config::default())
}

fn frame(kind: u64, payload: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    frame::write_header(kind, payload.len() as u64, &mut wire);
    [wire, payload.to_vec()].concat()
}

fn headers(lines: &[(&str, &str)]) -> Vec<u8> {
    let mut section = qpack::PREFIX.to_vec();
    for (name, value) in lines {
        qpack::encode_line(name.as_bytes(), value.as_bytes(), &mut section);
    }
    frame(frame::HEADERS, &section)
}

/// A well-formed POST with further fields.
fn post(fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "a.example"),
        (":path", "/"),
    ];
    headers(&[&pseudo[..], fields].concat())
}

/// What one stream brought until it was used up or failed; content is joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    events: Vec<&'static str>,
    content: Vec<u8>,
    fault: Option<Fault>,
}

fn feed(
    connection: &mut Connection,
    stream: &mut Stream,
    chunks: &[&[u8]],
    message: &mut Message,
) -> Seen {
    let mut seen = Seen::default();
    for (at, chunk) in chunks.iter().enumerate() {
        let fin = at + 1 == chunks.len();
        let mut input = Input::new(Bytes::copy_from_slice(chunk), fin);
        loop {
            match connection.next(stream, &mut input, message) {
                Ok(None) => break,
                Ok(Some(Event::Head { end: false })) => seen.events.push("head"),
                // Whether the end comes with the head depends on the chunks.
                Ok(Some(Event::Head { end: true })) => seen.events.extend(["head", "end"]),
                Ok(Some(Event::Interim)) => seen.events.push("interim"),
                Ok(Some(Event::End)) => seen.events.push("end"),
                Ok(Some(Event::TooLarge)) => seen.events.push("too large"),
                Ok(Some(Event::Data(data))) => {
                    assert!(!data.is_empty());
                    seen.content.extend_from_slice(&data);
                }
                Err(fault) => {
                    seen.fault = Some(fault);
                    return seen;
                }
            }
        }
        assert!(input.bytes.is_empty(), "input is used up");
    }
    seen
}

/// Feeds a whole request stream to a fresh server.
fn request(wire: &[u8]) -> Seen {
    let mut stream = Stream::request(0);
    feed(&mut server(), &mut stream, &[wire], &mut Message::new())
}

fn connection_fault(fault: Option<Fault>) -> Option<Code> {
    match fault {
        Some(Fault::Connection { code, .. }) => Some(code),
        _ => None,
    }
}

fn stream_fault(fault: Option<Fault>) -> Option<Code> {
    match fault {
        Some(Fault::Stream { code, .. }) => Some(code),
        _ => None,
    }
}

/// Feeds one chunk of a unidirectional stream.
fn control(connection: &mut Connection, stream: u64, wire: &[u8]) -> Result<Vec<Control>, Code> {
    let mut events = Vec::new();
    control_into(connection, stream, wire, &mut events)?;
    Ok(events)
}

/// The same, keeping what came before a fault.
fn control_into(
    connection: &mut Connection,
    stream: u64,
    wire: &[u8],
    events: &mut Vec<Control>,
) -> Result<(), Code> {
    let mut input = Input::new(Bytes::copy_from_slice(wire), false);
    loop {
        match connection.next_control(stream, &mut input) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return Ok(()),
            Err(Fault::Connection { code, .. }) => return Err(code),
            Err(Fault::Stream { .. }) => panic!("a control stream has connection errors only"),
        }
    }
}
