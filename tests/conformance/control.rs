//! Control, QPACK and other unidirectional streams.

use crate::raw::*;
use crate::server::Server;

/// What a control stream must not begin with, as (what, bytes, code).
fn preambles() -> Vec<(&'static str, Vec<u8>, u64)> {
    let settings = |payload: &[u8]| [vec![0], frame(0x04, payload)].concat();
    let first = |kind| [vec![0], frame(kind, &[0])].concat();
    vec![
        ("GOAWAY first", first(0x07), MISSING_SETTINGS),
        ("a reserved frame first", first(0x21), MISSING_SETTINGS),
        ("DATA first", first(0x00), MISSING_SETTINGS),
        (
            "a setting twice",
            settings(&[0x06, 9, 0x06, 9]),
            SETTINGS_ERROR,
        ),
        (
            "an unknown setting twice",
            settings(&[0x21, 9, 0x21, 8]),
            SETTINGS_ERROR,
        ),
        (
            "ENABLE_PUSH of HTTP/2",
            settings(&[0x02, 0]),
            SETTINGS_ERROR,
        ),
        (
            "MAX_CONCURRENT_STREAMS of HTTP/2",
            settings(&[0x03, 9]),
            SETTINGS_ERROR,
        ),
        (
            "INITIAL_WINDOW_SIZE of HTTP/2",
            settings(&[0x04, 9]),
            SETTINGS_ERROR,
        ),
        (
            "MAX_FRAME_SIZE of HTTP/2",
            settings(&[0x05, 9]),
            SETTINGS_ERROR,
        ),
        ("a setting cut", settings(&[0x06, 0x40]), FRAME_ERROR),
        ("a setting without value", settings(&[0x06]), FRAME_ERROR),
        (
            "very long SETTINGS",
            settings(&[0x21; 4000]),
            EXCESSIVE_LOAD,
        ),
    ]
}

/// What must not follow SETTINGS.
fn frames() -> Vec<(&'static str, Vec<u8>, u64)> {
    let twice = |a: Vec<u8>, b: Vec<u8>| [a, b].concat();
    vec![
        ("SETTINGS twice", frame(0x04, &[]), FRAME_UNEXPECTED),
        ("DATA", frame(0x00, b"x"), FRAME_UNEXPECTED),
        ("HEADERS", frame(0x01, &[0, 0]), FRAME_UNEXPECTED),
        ("PUSH_PROMISE", frame(0x05, &[0]), FRAME_UNEXPECTED),
        ("PRIORITY of HTTP/2", frame(0x02, &[]), FRAME_UNEXPECTED),
        ("PING of HTTP/2", frame(0x06, &[]), FRAME_UNEXPECTED),
        (
            "WINDOW_UPDATE of HTTP/2",
            frame(0x08, &[]),
            FRAME_UNEXPECTED,
        ),
        ("CONTINUATION of HTTP/2", frame(0x09, &[]), FRAME_UNEXPECTED),
        ("an empty GOAWAY", frame(0x07, &[]), FRAME_ERROR),
        ("GOAWAY and more", frame(0x07, &[0, 0]), FRAME_ERROR),
        ("GOAWAY cut", frame(0x07, &[0x40]), FRAME_ERROR),
        ("an empty MAX_PUSH_ID", frame(0x0d, &[]), FRAME_ERROR),
        (
            "GOAWAY up",
            twice(frame(0x07, &[1]), frame(0x07, &[2])),
            ID_ERROR,
        ),
        (
            "MAX_PUSH_ID down",
            twice(frame(0x0d, &[2]), frame(0x0d, &[1])),
            ID_ERROR,
        ),
        ("CANCEL_PUSH of no promise", frame(0x03, &[0]), ID_ERROR),
        (
            "PRIORITY_UPDATE of no request",
            frame(0xf_0700, &[2]),
            ID_ERROR,
        ),
        (
            "PRIORITY_UPDATE of no push",
            frame(0xf_0701, &[0]),
            ID_ERROR,
        ),
        (
            "an empty PRIORITY_UPDATE",
            frame(0xf_0700, &[]),
            FRAME_ERROR,
        ),
        (
            "a long PRIORITY_UPDATE",
            frame(0xf_0700, &[0; 5000]),
            EXCESSIVE_LOAD,
        ),
    ]
}

#[test]
fn wrong_control_streams_close_the_connection_with_their_code() {
    on(Server::whole(), async |field| {
        let bystander = field.connect(PREAMBLE).await;
        let behind = |wire: Vec<u8>| [PREAMBLE, &wire].concat();
        let frames = frames()
            .into_iter()
            .map(|(what, wire, code)| (what, behind(wire), code));
        for (what, wire, code) in preambles().into_iter().chain(frames) {
            let raw = field.connect(&wire).await;
            assert_eq!(raw.closed().await, code, "{what}");
            bystander.assert_lives(what).await;
        }
    });
}

#[test]
fn wrong_unidirectional_streams_close_the_connection_with_their_code() {
    on(Server::whole(), async |field| {
        let bystander = field.connect(PREAMBLE).await;
        for (what, wires, code) in [
            (
                "a second control stream",
                &[&[0x00][..]][..],
                STREAM_CREATION_ERROR,
            ),
            ("a push by a client", &[&[0x01, 0]], STREAM_CREATION_ERROR),
            (
                "a second encoder stream",
                &[&[0x02], &[0x02]],
                STREAM_CREATION_ERROR,
            ),
            (
                "a second decoder stream",
                &[&[0x03], &[0x03]],
                STREAM_CREATION_ERROR,
            ),
            (
                "a capacity above 0",
                &[&[0x02, 0x3f, 0x01]],
                ENCODER_STREAM_ERROR,
            ),
            (
                "an insert",
                &[&[0x02, 0xc1, 0x01, b'x']],
                ENCODER_STREAM_ERROR,
            ),
            (
                "an insert by name",
                &[&[0x02, 0x41, b'a', 1, b'b']],
                ENCODER_STREAM_ERROR,
            ),
            ("a duplicate", &[&[0x02, 0x00]], ENCODER_STREAM_ERROR),
            ("an acknowledgment", &[&[0x03, 0x80]], DECODER_STREAM_ERROR),
            ("an increment", &[&[0x03, 0x01]], DECODER_STREAM_ERROR),
            ("an increment of 0", &[&[0x03, 0x00]], DECODER_STREAM_ERROR),
        ] {
            let raw = field.connect(PREAMBLE).await;
            let mut open = Vec::new();
            for wire in wires {
                open.push(raw.uni(wire).await);
            }
            assert_eq!(raw.closed().await, code, "{what}");
            bystander.assert_lives(what).await;
        }
    });
}

#[test]
fn an_ended_critical_stream_closes_the_connection() {
    on(Server::whole(), async |field| {
        for kind in [0x00, 0x02, 0x03] {
            for way in ["finished", "reset"] {
                let mut raw = field.connect(&[]).await;
                let preamble = if kind == 0x00 { PREAMBLE } else { &[kind] };
                raw.control.write_all(preamble).await.unwrap();
                // A reply shows that the server has read what went before.
                raw.assert_lives("the preamble").await;
                match way {
                    "finished" => raw.control.finish().unwrap(),
                    _ => raw.control.reset(0x100_u32.into()).unwrap(),
                }
                let code = raw.closed().await;
                assert_eq!(code, CLOSED_CRITICAL_STREAM, "stream {kind} {way}");
            }
        }
        let raw = field.connect(PREAMBLE).await;
        let mut control = in_time(raw.quic.accept_uni()).await.unwrap();
        control.stop(0x100_u32.into()).unwrap();
        assert_eq!(raw.closed().await, CLOSED_CRITICAL_STREAM, "stopped");
    });
}

#[test]
fn harmless_control_and_qpack_traffic_is_accepted() {
    on(Server::whole(), async |field| {
        let mut raw = field.connect(PREAMBLE).await;
        let _encoder = raw.uni(&[0x02, 0x20, 0x20]).await;
        let _decoder = raw.uni(&[0x03, 0x40, 0x7f, 0xff, 0x01]).await;
        let mut ended = raw.uni(&[0x40]).await;
        ended.finish().unwrap();
        for wire in [
            frame(0x21, &[0; 10_000]),
            frame(0x0d, &[5]),
            frame(0x0d, &[5]),
            frame(0x07, &[3]),
            frame(0xf_0700, b"\x00u=0, i"),
            frame(0xf_0700, b"\x40\x50nonsense=("),
        ] {
            raw.control.write_all(&wire).await.unwrap();
            raw.assert_lives("control traffic").await;
        }
    });
}

#[test]
fn the_server_speaks_first_settings_then_what_must_be_ignored() {
    on(Server::whole(), async |field| {
        let raw = field.connect(PREAMBLE).await;
        let mut control = in_time(raw.quic.accept_uni()).await.unwrap();
        let mut wire = vec![0; 3];
        in_time(control.read_exact(&mut wire)).await.unwrap();
        assert_eq!(
            wire[..2],
            [0x00, 0x04],
            "a control stream that begins with SETTINGS"
        );
        let mut payload = vec![0; usize::from(wire[2])];
        in_time(control.read_exact(&mut payload)).await.unwrap();
        let mut numbers = Vec::new();
        let mut rest = &payload[..];
        while let Some((&first, _)) = rest.split_first() {
            let (number, after) = rest.split_at(1 << (first >> 6));
            let value = |n: u64, b: &u8| n << 8 | u64::from(*b);
            let whole = number.iter().fold(0, value);
            numbers.push(whole & !(3 << (8 * number.len() - 2)));
            rest = after;
        }
        let settings: Vec<_> = numbers.chunks(2).map(|s| (s[0], s[1])).collect();
        assert_eq!(settings[..3], [(0x06, 65_536), (0x01, 0), (0x07, 0)]);
        assert_eq!((settings[3].0 - 0x21) % 0x1f, 0, "one is reserved");
        assert_eq!(settings.len(), 4);
    });
}
