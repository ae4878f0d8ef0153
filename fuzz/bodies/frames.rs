//! HTTP/3 streams. The first byte says which stream of which role, the second how it is cut.
//!
//! Promises: no panic, all input is taken, and the chunks do not matter.

use bytes::Bytes;
use lamplight::h3::Config;
use lamplight::h3::Connection;
use lamplight::h3::Event;
use lamplight::h3::Fault;
use lamplight::h3::Input;
use lamplight::h3::Message;
use lamplight::h3::Stream;
use lamplight::http::Method;

pub(crate) fn run(bytes: &[u8]) {
    let [kind, cut, wire @ ..] = bytes else {
        return;
    };
    let chunk = usize::from(*cut).max(1);
    if kind & 1 == 0 {
        let whole = request(*kind, wire, usize::MAX);
        assert_eq!(request(*kind, wire, chunk), whole, "chunks of {chunk}");
    } else {
        let whole = control(*kind, wire, usize::MAX);
        assert_eq!(control(*kind, wire, chunk), whole, "chunks of {chunk}");
    }
}

fn ends(kind: u8) -> (Connection, Stream) {
    let config = Config::default();
    if kind & 2 == 0 {
        (Connection::server(&config), Stream::request(0))
    } else {
        let method = if kind & 4 == 0 {
            Method::Get
        } else {
            Method::Head
        };
        (Connection::client(&config), Stream::response(0, method))
    }
}

/// The chunks of a stream, the last of them empty and with its end.
fn inputs(wire: &[u8], chunk: usize) -> impl Iterator<Item = Input> {
    let chunks = wire.chunks(chunk.min(wire.len().max(1)));
    let inputs = chunks.map(|c| Input::new(Bytes::copy_from_slice(c), false));
    inputs.chain([Input::new(Bytes::new(), true)])
}

/// Events as text, with content joined so that chunks do not show.
fn request(kind: u8, wire: &[u8], chunk: usize) -> (Vec<String>, usize, Option<Fault>) {
    let (mut connection, mut stream) = ends(kind);
    let mut message = Message::new();
    let (mut events, mut content) = (Vec::new(), 0);
    for mut input in inputs(wire, chunk) {
        loop {
            match connection.next(&mut stream, &mut input, &mut message) {
                Ok(Some(Event::Data(data))) => content += data.len(),
                Ok(Some(event)) => events.push(format!("{event:?} {:?}", message.fields())),
                Ok(None) => break,
                Err(fault) => return (events, content, Some(fault)),
            }
        }
        assert!(input.bytes.is_empty(), "input is left over");
    }
    (events, content, None)
}

fn control(kind: u8, wire: &[u8], chunk: usize) -> (Vec<String>, Option<Fault>) {
    let (mut connection, _) = ends(kind);
    let mut events = Vec::new();
    for mut input in inputs(wire, chunk) {
        loop {
            match connection.next_control(2, &mut input) {
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Ok(None) => break,
                Err(fault) => return (events, Some(fault)),
            }
            if events.last().is_some_and(|e| e == "Unwanted") {
                return (events, None);
            }
        }
        assert!(input.bytes.is_empty(), "input is left over");
    }
    (events, None)
}
