//! Request streams.

use crate::raw::*;
use crate::server::Server;
use tokio::task::JoinSet;

const HEADERS: u64 = 0x01;
const DATA: u64 = 0x00;

/// What costs the connection, as (what, bytes, code).
fn framing() -> Vec<(&'static str, Vec<u8>, u64)> {
    let trailers = || headers(&[("x-sum", "1")]);
    let misplaced = |kind, payload: &[u8]| (frame(kind, payload), FRAME_UNEXPECTED);
    let mut cases = vec![
        ("DATA first", frame(DATA, b"x"), FRAME_UNEXPECTED),
        (
            "DATA after trailers",
            [request("POST", "/echo", &[]), trailers(), frame(DATA, b"x")].concat(),
            FRAME_UNEXPECTED,
        ),
        (
            "trailers twice",
            [request("POST", "/echo", &[]), trailers(), trailers()].concat(),
            FRAME_UNEXPECTED,
        ),
        ("a frame cut in its header", vec![0x01], FRAME_ERROR),
        ("a frame cut in its length", vec![0x01, 0x40], FRAME_ERROR),
        ("HEADERS cut", get("/hello")[..10].to_vec(), FRAME_ERROR),
        (
            "DATA cut",
            [request("POST", "/echo", &[]), vec![0x00, 0x05, b'h']].concat(),
            FRAME_ERROR,
        ),
        (
            "an unknown frame cut",
            [request("POST", "/echo", &[]), vec![0x21, 0x05, 0]].concat(),
            FRAME_ERROR,
        ),
    ];
    for (what, (wire, code)) in [
        ("SETTINGS", misplaced(0x04, &[])),
        ("PUSH_PROMISE", misplaced(0x05, &[0, 0, 0, 0xd1])),
        ("CANCEL_PUSH", misplaced(0x03, &[0])),
        ("GOAWAY", misplaced(0x07, &[0])),
        ("MAX_PUSH_ID", misplaced(0x0d, &[0])),
        ("PRIORITY_UPDATE", misplaced(0xf_0700, &[0])),
        ("PRIORITY of HTTP/2", misplaced(0x02, &[])),
        ("PING of HTTP/2", misplaced(0x06, &[])),
        ("WINDOW_UPDATE of HTTP/2", misplaced(0x08, &[])),
        ("CONTINUATION of HTTP/2", misplaced(0x09, &[])),
    ] {
        cases.push((what, wire, code));
    }
    cases
}

/// Field sections that QPACK without a dynamic table cannot decode.
fn sections() -> Vec<(&'static str, Vec<u8>)> {
    let section = |bytes: &[u8]| frame(HEADERS, bytes);
    vec![
        ("an empty section", section(&[])),
        ("a section of one byte", section(&[0])),
        ("an insert count", section(&[2, 0, 0x80])),
        ("a dynamic line", section(&[0, 0, 0x80])),
        ("a dynamic name", section(&[0, 0, 0x40, 0])),
        ("a post-base line", section(&[0, 0, 0x10])),
        ("a post-base name", section(&[0, 0, 0x00, 0])),
        ("a negative base", section(&[0, 0x80, 0xd1])),
        ("static index 99", section(&[0, 0, 0xff, 0x24])),
        ("a string cut", section(&[0, 0, 0x51, 0x05, b'/'])),
        (
            "an integer of 70 bits",
            section(&[&[0, 0, 0x51, 0x7f][..], &[0xff; 9], &[0x7f]].concat()),
        ),
        (
            "Huffman padding of zeros",
            section(&[0, 0, 0x51, 0x81, 0x00]),
        ),
        (
            "Huffman padding of a byte",
            section(&[0, 0, 0x51, 0x82, 0x63, 0xff]),
        ),
        (
            "the Huffman end-of-string symbol",
            section(&[0, 0, 0x51, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
    ]
}

#[test]
fn broken_framing_and_qpack_close_the_connection_with_their_code() {
    on(Server::engine(), async |field| {
        let bystander = field.connect(PREAMBLE).await;
        let broken = |(what, wire)| (what, wire, DECOMPRESSION_FAILED);
        for (what, wire, code) in framing()
            .into_iter()
            .chain(sections().into_iter().map(broken))
        {
            let raw = field.connect(PREAMBLE).await;
            assert_eq!(raw.exchange(&wire).await, Outcome::Closed(code), "{what}");
            bystander.assert_lives(what).await;
        }
    });
}

type Lines = &'static [(&'static str, &'static str)];

/// Malformed heads, as lines.
const MALFORMED: &[Lines] = &[
    &[],
    &[(":method", "GET")],
    &[(":scheme", "https"), (":authority", "a"), (":path", "/")],
    &[(":method", "GET"), (":authority", "a"), (":path", "/")],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
    ],
    &[(":method", "GET"), (":scheme", "https"), (":path", "/")],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", ""),
        (":path", "/"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "u@a"),
        (":path", "/"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", ""),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "hello"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "*"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/a b"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/\0"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/\r\nx: y"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/#x"),
    ],
    &[
        (":method", "G T"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/"),
    ],
    &[
        (":method", "CONNECT"),
        (":scheme", "https"),
        (":authority", "a"),
        (":path", "/"),
    ],
    &[(":method", "CONNECT")],
    &[(":status", "200")],
];

/// Malformed fields behind a good GET.
const MALFORMED_FIELDS: &[(&str, &str)] = &[
    ("Accept", "x"),
    ("acCept", "x"),
    ("", "x"),
    ("a b", "x"),
    ("a\0", "x"),
    ("x", "a\rb"),
    ("x", "a\nb"),
    ("x", "a\0b"),
    ("connection", "close"),
    ("keep-alive", "timeout=5"),
    ("proxy-connection", "x"),
    ("transfer-encoding", "chunked"),
    ("upgrade", "h2c"),
    ("te", "gzip"),
    ("host", "elsewhere"),
    ("content-length", "x"),
    ("content-length", "1"),
    (":path", "/late"),
    (":method", "GET"),
    (":unknown", "x"),
];

#[test]
fn malformed_requests_reset_their_stream_and_the_connection_lives() {
    on(Server::whole(), async |field| {
        let bystander = field.connect(PREAMBLE).await;
        let raw = field.connect(PREAMBLE).await;
        let heads = MALFORMED.iter().map(|lines| headers(lines));
        let fields = MALFORMED_FIELDS
            .iter()
            .map(|line| request("GET", "/hello", &[*line]));
        for wire in heads.chain(fields) {
            let what = String::from_utf8_lossy(&wire).escape_debug().to_string();
            let outcome = raw.exchange(&wire).await;
            assert_eq!(outcome, Outcome::Reset(MESSAGE_ERROR), "{what}");
        }
        raw.assert_lives("malformed requests").await;
        bystander.assert_lives("malformed requests").await;
    });
}

#[test]
fn malformed_content_and_missing_heads_reset_their_stream() {
    on(Server::engine(), async |field| {
        let raw = field.connect(PREAMBLE).await;
        let sized = |n| request("POST", "/echo", &[("content-length", n)]);
        for (what, wire, code) in [
            ("nothing", vec![], REQUEST_INCOMPLETE),
            ("no head", frame(0x21, b"x"), REQUEST_INCOMPLETE),
            (
                "less",
                [sized("3"), frame(DATA, b"ab")].concat(),
                MESSAGE_ERROR,
            ),
            (
                "more",
                [sized("1"), frame(DATA, b"ab")].concat(),
                MESSAGE_ERROR,
            ),
            (
                "a pseudo trailer",
                [request("POST", "/echo", &[]), headers(&[(":path", "/")])].concat(),
                MESSAGE_ERROR,
            ),
        ] {
            assert_eq!(raw.exchange(&wire).await, Outcome::Reset(code), "{what}");
            raw.assert_lives(what).await;
        }
    });
}

#[test]
fn unfinished_malformed_requests_are_also_stopped() {
    on(Server::engine(), async |field| {
        let raw = field.connect(PREAMBLE).await;
        let (mut send, receive) = raw.quic.open_bi().await.unwrap();
        send.write_all(&request("POST", "/echo", &[("te", "gzip")]))
            .await
            .unwrap();
        assert_eq!(raw.outcome(receive).await, Outcome::Reset(MESSAGE_ERROR));
        let stopped = in_time(send.stopped()).await.unwrap();
        assert_eq!(stopped.map(|code| code.into_inner()), Some(MESSAGE_ERROR));
        raw.assert_lives("a stopped request").await;
    });
}

#[test]
fn heads_over_the_bound_are_answered_with_431() {
    on(Server::whole(), async |field| {
        let raw = field.connect(PREAMBLE).await;
        let long = "v".repeat(70_000);
        let many = vec![("a", "b"); 129];
        for (what, wire) in [
            ("one long field", request("GET", "/hello", &[("x", &long)])),
            ("many fields", request("GET", "/hello", &many)),
            (
                "a gigabyte announced",
                [integer(HEADERS), integer(1 << 30), vec![0; 1000]].concat(),
            ),
        ] {
            let (mut send, receive) = raw.quic.open_bi().await.unwrap();
            // The server may stop the stream before it has everything.
            let _stopped = send.write_all(&wire).await;
            let Outcome::Reply(reply) = raw.outcome(receive).await else {
                panic!("no reply to {what}");
            };
            assert_eq!(status(&reply), "431", "{what}");
            raw.assert_lives(what).await;
        }
    });
}

#[test]
fn what_the_server_does_not_know_it_ignores() {
    on(Server::engine(), async |field| {
        // Reserved settings and frames, and extensions the server does not have.
        let settings = [integer(0x21), integer(7), vec![0x08, 1, 0x33, 1]].concat();
        let preamble = [vec![0], frame(0x04, &settings), frame(0x40, &[9; 3000])].concat();
        let raw = field.connect(&preamble).await;
        let mut unknown = raw.uni(&[0x40, 0x40, 1, 2, 3]).await;
        let stopped = in_time(unknown.stopped()).await.unwrap();
        assert_eq!(
            stopped.map(|code| code.into_inner()),
            Some(STREAM_CREATION_ERROR)
        );
        unknown.finish().ok();
        let wire = [
            frame(0x21, b"before"),
            request("POST", "/echo", &[("te", "trailers")]),
            frame(0x40, &vec![7; 100_000]),
            frame(DATA, b"he"),
            frame(0x1f * 12345 + 0x21, b""),
            frame(DATA, b""),
            frame(DATA, b"y"),
            headers(&[("x-sum", "1")]),
            frame(0x21, b"after"),
        ];
        let Outcome::Reply(reply) = raw.exchange(&wire.concat()).await else {
            panic!("no reply");
        };
        assert_eq!(status(&reply), "200");
        assert!(reply.ends_with(b"\x00\x03hey"));
    });
}

#[test]
fn many_half_sent_heads_hold_no_more_than_a_few() {
    on(Server::whole(), async |field| {
        let bystander = field.connect(PREAMBLE).await;
        let raw = field.connect(PREAMBLE).await;
        let half = [integer(HEADERS), integer(60_000), vec![0; 50_000]].concat();
        let mut sending = Vec::new();
        let mut replies = JoinSet::new();
        for _ in 0..6 {
            let (mut send, mut receive) = raw.quic.open_bi().await.unwrap();
            // The one that is too much is stopped in the middle.
            let _stopped = in_time(send.write_all(&half)).await;
            sending.push(send);
            replies.spawn(async move { receive.read_to_end(1000).await });
        }
        let reply = in_time(replies.join_next()).await.unwrap().unwrap();
        let reply = reply.expect("a reply to the one that is too much");
        assert_eq!(status(&reply), "503");
        raw.assert_lives("half-sent heads").await;
        bystander.assert_lives("half-sent heads").await;
    });
}
