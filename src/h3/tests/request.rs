//! Request streams: each fault has its code, and only broken framing costs the connection.

use super::*;
use crate::base::limits::HEADER_BYTES_MAX;
use crate::http::Method;

const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "https"),
    (":authority", "a.example"),
    (":path", "/"),
];

#[test]
fn a_get_in_one_chunk_is_one_event() {
    let mut input = Input::new(headers(GET).into(), true);
    let (mut server, mut message) = (server(), Message::new());
    let mut stream = Stream::request(0);
    let event = server.next(&mut stream, &mut input, &mut message);
    assert_eq!(event, Ok(Some(Event::Head { end: true })));
    assert_eq!(message.request().method, Method::Get);
    assert_eq!(server.next(&mut stream, &mut input, &mut message), Ok(None));
}

#[test]
fn content_unknown_frames_and_trailers_are_taken_in_their_order() {
    let wire = [
        frame(frame::reserved(3), &[1; 100]),
        post(&[("content-length", "5")]),
        frame(frame::DATA, b"hel"),
        frame(frame::reserved(9), b""),
        frame(frame::DATA, b""),
        frame(frame::DATA, b"lo"),
        headers(&[("x-checksum", "1")]),
        frame(frame::reserved(1), b"x"),
    ];
    let seen = request(&wire.concat());
    assert_eq!((seen.events, seen.fault), (vec!["head", "end"], None));
    assert_eq!(seen.content, b"hello");
}

#[test]
fn frames_in_the_wrong_place_cost_the_connection() {
    let data = frame(frame::DATA, b"x");
    let trailers = headers(&[("x", "y")]);
    for (wire, code) in [
        (data.clone(), Code::FrameUnexpected),
        (
            [post(&[]), trailers.clone(), data.clone()].concat(),
            Code::FrameUnexpected,
        ),
        (
            [post(&[]), trailers.clone(), trailers].concat(),
            Code::FrameUnexpected,
        ),
        (frame(frame::SETTINGS, b""), Code::FrameUnexpected),
        (frame(frame::GOAWAY, &[0]), Code::FrameUnexpected),
        (frame(frame::CANCEL_PUSH, &[0]), Code::FrameUnexpected),
        (frame(frame::MAX_PUSH_ID, &[0]), Code::FrameUnexpected),
        (frame(frame::PUSH_PROMISE, &[0]), Code::FrameUnexpected),
        (frame(frame::PRIORITY_UPDATE, &[0]), Code::FrameUnexpected),
        (
            frame(frame::PRIORITY_UPDATE_PUSH, &[0]),
            Code::FrameUnexpected,
        ),
        (frame(0x02, b""), Code::FrameUnexpected),
        (frame(0x06, b""), Code::FrameUnexpected),
        (frame(0x08, b""), Code::FrameUnexpected),
        (frame(0x09, b""), Code::FrameUnexpected),
        (frame(frame::HEADERS, b""), Code::QpackDecompressionFailed),
        (
            frame(frame::HEADERS, &[0, 0, 0x80]),
            Code::QpackDecompressionFailed,
        ),
        (
            frame(frame::HEADERS, &[1, 0, 0xd1]),
            Code::QpackDecompressionFailed,
        ),
        (
            [post(&[]), frame(frame::HEADERS, &[0])].concat(),
            Code::QpackDecompressionFailed,
        ),
        (post(&[])[..9].to_vec(), Code::FrameError),
        (vec![0x01], Code::FrameError),
        (vec![0x40], Code::FrameError),
        ([post(&[]), data[..2].to_vec()].concat(), Code::FrameError),
        ([post(&[]), vec![0x21, 5, 0]].concat(), Code::FrameError),
    ] {
        let seen = request(&wire);
        assert_eq!(connection_fault(seen.fault), Some(code), "{wire:x?}");
    }
}

#[test]
fn malformed_requests_cost_only_their_stream() {
    for (wire, code) in [
        (vec![], Code::RequestIncomplete),
        (frame(frame::reserved(0), b"x"), Code::RequestIncomplete),
        (headers(&[(":method", "GET")]), Code::MessageError),
        (post(&[("X-Upper", "1")]), Code::MessageError),
        (post(&[("content-length", "1")]), Code::MessageError),
        (
            [post(&[("content-length", "1")]), frame(frame::DATA, b"xy")].concat(),
            Code::MessageError,
        ),
        (
            [post(&[("content-length", "3")]), frame(frame::DATA, b"xy")].concat(),
            Code::MessageError,
        ),
        (
            [post(&[]), headers(&[(":path", "/")])].concat(),
            Code::MessageError,
        ),
    ] {
        let (mut server, mut message) = (server(), Message::new());
        let mut stream = Stream::request(0);
        let seen = feed(&mut server, &mut stream, &[&wire], &mut message);
        assert_eq!(stream_fault(seen.fault), Some(code), "{wire:x?}");
        // What comes behind is skipped, and other streams do not notice.
        let more = frame(frame::SETTINGS, b"");
        let after = feed(&mut server, &mut stream, &[&more], &mut message);
        assert_eq!(after, Seen::default());
        let mut next = Stream::request(4);
        let seen = feed(&mut server, &mut next, &[&headers(GET)], &mut message);
        assert_eq!(seen.events, ["head", "end"]);
    }
}

#[test]
fn a_head_over_the_bound_is_reported_once_and_never_buffered() {
    let long = "v".repeat(HEADER_BYTES_MAX);
    let mut announced = Vec::new();
    frame::write_header(frame::HEADERS, 1 << 40, &mut announced);
    let many = vec![("a", "b"); 200];
    for wire in [
        post(&[("x", &long)]),
        [announced, vec![0; 5000]].concat(),
        post(&many),
    ] {
        let chunks: Vec<_> = wire.chunks(1000).collect();
        let mut stream = Stream::request(0);
        let seen = feed(&mut server(), &mut stream, &chunks, &mut Message::new());
        assert_eq!((seen.events, seen.fault), (vec!["too large"], None));
    }
}

#[test]
fn requests_after_goaway_are_rejected_and_earlier_ones_finish() {
    let (mut server, mut message) = (server(), Message::new());
    let mut early = Stream::request(4);
    let mut input = Input::new(post(&[]).into(), false);
    server.next(&mut early, &mut input, &mut message).unwrap();
    let mut goaway = Vec::new();
    server.goaway(&mut goaway);
    assert_eq!(goaway, [0x07, 1, 8]);
    let seen = feed(
        &mut server,
        &mut early,
        &[&frame(frame::DATA, b"x")],
        &mut message,
    );
    assert_eq!(seen.events, ["end"]);
    let mut late = Stream::request(8);
    let seen = feed(&mut server, &mut late, &[&headers(GET)], &mut message);
    assert_eq!(stream_fault(seen.fault), Some(Code::RequestRejected));
    let mut between = Stream::request(0);
    let seen = feed(&mut server, &mut between, &[&headers(GET)], &mut message);
    assert_eq!(seen.events, ["head", "end"]);
}

fn reply(method: Method, wire: &[u8]) -> Seen {
    let mut stream = Stream::response(0, method);
    feed(&mut client(), &mut stream, &[wire], &mut Message::new())
}

#[test]
fn replies_with_interim_ones_before_and_trailers_behind_are_understood() {
    let wire = [
        headers(&[(":status", "103"), ("link", "x")]),
        headers(&[(":status", "100")]),
        headers(&[(":status", "200"), ("content-length", "2")]),
        frame(frame::DATA, b"ok"),
        headers(&[("x", "y")]),
    ];
    let seen = reply(Method::Get, &wire.concat());
    assert_eq!(seen.events, ["interim", "interim", "head", "end"]);
    assert_eq!((seen.content, seen.fault), (b"ok".to_vec(), None));
}

#[test]
fn replies_without_content_may_state_a_length() {
    let sized = |status| headers(&[(":status", status), ("content-length", "9")]);
    for (method, wire) in [
        (Method::Head, sized("200")),
        (Method::Get, sized("304")),
        (Method::Get, headers(&[(":status", "204")])),
    ] {
        assert_eq!(reply(method, &wire).events, ["head", "end"]);
        let wire = [wire, frame(frame::DATA, b"123456789")].concat();
        assert_eq!(
            stream_fault(reply(method, &wire).fault),
            Some(Code::MessageError)
        );
    }
    assert_eq!(
        stream_fault(reply(Method::Get, &sized("200")).fault),
        Some(Code::MessageError)
    );
}

#[test]
fn wrong_replies_have_the_code_of_their_fault() {
    let interim = headers(&[(":status", "103")]);
    for (wire, code) in [
        (vec![], Code::MessageError),
        (interim.clone(), Code::MessageError),
        (headers(&[("x", "y")]), Code::MessageError),
    ] {
        assert_eq!(stream_fault(reply(Method::Get, &wire).fault), Some(code));
    }
    for (wire, code) in [
        (frame(frame::PUSH_PROMISE, &[0, 0, 0]), Code::IdError),
        (
            [interim, frame(frame::DATA, b"x")].concat(),
            Code::FrameUnexpected,
        ),
    ] {
        assert_eq!(
            connection_fault(reply(Method::Get, &wire).fault),
            Some(code)
        );
    }
    let mut from_server = Stream::response(1, Method::Get);
    let seen = feed(&mut client(), &mut from_server, &[b""], &mut Message::new());
    assert_eq!(
        connection_fault(seen.fault),
        Some(Code::StreamCreationError)
    );
}
