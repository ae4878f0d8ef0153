//! Unidirectional streams: what they may bring, and each connection error.

use super::*;
use crate::h3::encode_priority_update;
use crate::http::Priority;

const CONTROL: u64 = 2;

fn settings(payload: &[u8]) -> Vec<u8> {
    [vec![0], frame(frame::SETTINGS, payload)].concat()
}

/// A connection that has the peer's SETTINGS.
fn settled(mut connection: Connection) -> Connection {
    let events = control(&mut connection, CONTROL, &settings(&[0x06, 0x40, 100]));
    assert_eq!(events, Ok(vec![Control::Settings]));
    connection
}

#[test]
fn an_idle_connection_is_small_and_holds_no_heap() {
    assert!(
        size_of::<Connection>() <= 160,
        "{}",
        size_of::<Connection>()
    );
    assert!(size_of::<Stream>() <= 96, "{}", size_of::<Stream>());
}

#[test]
fn each_role_understands_the_preamble_of_the_other() {
    for seed in [0, 1, 77, u16::MAX] {
        for (from, mut to) in [(server(), client()), (client(), server())] {
            let mut wire = Vec::new();
            from.preamble(seed, &mut wire);
            assert_eq!(control(&mut to, 3, &wire), Ok(vec![Control::Settings]));
            assert_eq!(to.peer_header_bytes_max(), 65_536);
        }
    }
    let config = Config {
        grease: false,
        ..Config::default()
    };
    let (mut plain, mut greased) = (Vec::new(), Vec::new());
    Connection::server(&config).preamble(5, &mut plain);
    server().preamble(5, &mut greased);
    assert!(plain.len() < greased.len());
    assert_eq!(settled(server()).peer_header_bytes_max(), 100);
}

#[test]
fn wrong_control_streams_have_the_code_of_their_fault() {
    for (wire, code) in [
        (frame(frame::GOAWAY, &[0]), Code::MissingSettings),
        (frame(frame::reserved(0), &[0]), Code::MissingSettings),
        (frame(frame::DATA, b""), Code::MissingSettings),
        (frame(frame::SETTINGS, &[2, 0]), Code::SettingsError),
        (frame(frame::SETTINGS, &[6, 0, 6, 0]), Code::SettingsError),
        (frame(frame::SETTINGS, &[6]), Code::FrameError),
        (frame(frame::SETTINGS, &[0; 2000]), Code::ExcessiveLoad),
    ] {
        let wire = [vec![0], wire].concat();
        assert_eq!(
            control(&mut server(), CONTROL, &wire),
            Err(code),
            "{wire:x?}"
        );
    }
}

#[test]
fn wrong_frames_after_settings_have_the_code_of_their_fault() {
    let identifier_and_more = [0, 0];
    for (wire, code) in [
        (frame(frame::SETTINGS, b""), Code::FrameUnexpected),
        (frame(frame::DATA, b"x"), Code::FrameUnexpected),
        (frame(frame::HEADERS, &[0, 0]), Code::FrameUnexpected),
        (frame(frame::PUSH_PROMISE, &[0]), Code::FrameUnexpected),
        (frame(0x02, b""), Code::FrameUnexpected),
        (frame(0x06, b""), Code::FrameUnexpected),
        (frame(0x08, b""), Code::FrameUnexpected),
        (frame(0x09, b""), Code::FrameUnexpected),
        (frame(frame::GOAWAY, b""), Code::FrameError),
        (frame(frame::GOAWAY, &identifier_and_more), Code::FrameError),
        (frame(frame::GOAWAY, &[0; 9]), Code::FrameError),
        (frame(frame::CANCEL_PUSH, &[0]), Code::IdError),
        (frame(frame::CANCEL_PUSH, b""), Code::FrameError),
    ] {
        for end in [server(), client()] {
            assert_eq!(
                control(&mut settled(end), CONTROL, &wire),
                Err(code),
                "{wire:x?}"
            );
        }
    }
    for (wire, code) in [
        (frame(frame::MAX_PUSH_ID, b""), Code::FrameError),
        (frame(frame::PRIORITY_UPDATE, b""), Code::FrameError),
        (frame(frame::PRIORITY_UPDATE, &[1]), Code::IdError),
        (frame(frame::PRIORITY_UPDATE_PUSH, &[0]), Code::IdError),
        (
            frame(frame::PRIORITY_UPDATE, &[0; 600]),
            Code::ExcessiveLoad,
        ),
    ] {
        assert_eq!(
            control(&mut settled(server()), CONTROL, &wire),
            Err(code),
            "{wire:x?}"
        );
        let kind = frame::read_header(&wire).map(|(kind, ..)| kind);
        let seen = control(&mut settled(client()), CONTROL, &wire);
        assert_eq!(seen, Err(Code::FrameUnexpected), "{kind:x?}");
    }
}

#[test]
fn identifiers_that_turn_back_are_errors() {
    let goaway = |id| frame(frame::GOAWAY, &[id]);
    let mut end = settled(client());
    let wire = [
        goaway(8),
        frame(frame::reserved(2), b"x"),
        goaway(8),
        goaway(4),
    ]
    .concat();
    let ids = control(&mut end, CONTROL, &wire).unwrap();
    assert_eq!(ids, [8, 8, 4].map(|id| Control::GoAway { id }));
    assert_eq!(control(&mut end, CONTROL, &goaway(8)), Err(Code::IdError));
    assert_eq!(
        control(&mut settled(client()), CONTROL, &goaway(3)),
        Err(Code::IdError)
    );
    let push = control(&mut settled(server()), CONTROL, &goaway(3));
    assert_eq!(push, Ok(vec![Control::GoAway { id: 3 }]));
    let max_push = |id| frame(frame::MAX_PUSH_ID, &[id]);
    let mut end = settled(server());
    assert_eq!(
        control(&mut end, CONTROL, &[max_push(5), max_push(5)].concat()),
        Ok(vec![])
    );
    assert_eq!(control(&mut end, CONTROL, &max_push(4)), Err(Code::IdError));
}

#[test]
fn critical_streams_come_once_and_stay_open() {
    for kind in [0, 2, 3] {
        let mut end = server();
        assert_eq!(control(&mut end, 2, &[kind]), Ok(vec![]));
        assert_eq!(
            control(&mut end, 6, &[kind]),
            Err(Code::StreamCreationError)
        );
        let code = end.reset_control(2).unwrap_err().code();
        assert_eq!(code, Code::ClosedCriticalStream);
        let mut fin = Input::new(Bytes::new(), true);
        let fault = end.next_control(2, &mut fin).unwrap_err();
        assert_eq!(fault.code(), Code::ClosedCriticalStream);
    }
    assert_eq!(
        control(&mut server(), 2, &[1]),
        Err(Code::StreamCreationError)
    );
    assert_eq!(control(&mut client(), 3, &[1]), Err(Code::IdError));
}

#[test]
fn unknown_streams_are_unwanted_and_those_without_a_type_forgotten() {
    let mut end = settled(server());
    let seen = control(&mut end, 6, &[0x21, 1, 2, 3]);
    assert_eq!(seen, Ok(vec![Control::Unwanted]));
    assert_eq!(control(&mut end, 10, &[0x40]), Ok(vec![]));
    assert_eq!(control(&mut end, 10, &[0x54]), Ok(vec![Control::Unwanted]));
    assert_eq!(control(&mut end, 14, &[0xc0, 0]), Ok(vec![]));
    assert_eq!(end.reset_control(14), Ok(()));
    let mut fin = Input::new(Bytes::from_static(&[0x80]), true);
    assert_eq!(end.next_control(18, &mut fin), Ok(None));
    for stream in 10..18 {
        assert_eq!(control(&mut end, 4 * stream + 2, &[0x40]), Ok(vec![]));
    }
    assert_eq!(control(&mut end, 202, &[0x40]), Err(Code::ExcessiveLoad));
}

#[test]
fn qpack_streams_may_say_only_that_the_table_is_unused() {
    let encoder = |wire: &[u8]| {
        let mut end = server();
        control(&mut end, 6, &[&[2], wire].concat())
    };
    assert_eq!(encoder(&[0x20, 0x20]), Ok(vec![]));
    for wrong in [&[0x21][..], &[0x3f, 0], &[0x80, 0], &[0x40, 0], &[0x00]] {
        assert_eq!(
            encoder(wrong),
            Err(Code::QpackEncoderStreamError),
            "{wrong:x?}"
        );
    }
    let decoder = |wire: &[u8]| {
        let mut end = server();
        control(&mut end, 10, &[3])?;
        for byte in wire {
            control(&mut end, 10, &[*byte])?;
        }
        Ok(())
    };
    let cancellations = [0x40, 0x7e, 0x7f, 0x00, 0x7f, 0xff, 0x80, 0x01, 0x44];
    assert_eq!(decoder(&cancellations), Ok(()));
    let endless = [&[0x7f][..], &[0x80; 10]].concat();
    for wrong in [&[0x80][..], &[0xff, 0], &[0x00], &[0x01], &endless] {
        assert_eq!(
            decoder(wrong),
            Err(Code::QpackDecoderStreamError),
            "{wrong:x?}"
        );
    }
}

#[test]
fn a_priority_update_counts_whether_it_comes_before_or_after_its_request() {
    let urgent = Priority {
        urgency: 0,
        incremental: true,
    };
    let update = |stream| {
        let mut wire = Vec::new();
        encode_priority_update(stream, urgent, &mut wire);
        wire
    };
    let (mut end, mut message) = (settled(server()), Message::new());
    assert_eq!(control(&mut end, CONTROL, &update(4)), Ok(vec![]));
    let wire = post(&[("priority", "u=6")]);
    for (id, expected) in [(0, 6), (4, 0)] {
        feed(&mut end, &mut Stream::request(id), &[&wire], &mut message);
        assert_eq!(message.priority().urgency, expected);
    }
    let seen = control(&mut end, CONTROL, &update(4));
    let expected = Control::Priority {
        stream: 4,
        priority: urgent,
    };
    assert_eq!(seen, Ok(vec![expected]));
    let garbage = frame(frame::PRIORITY_UPDATE, b"\x00u=\xff\xff");
    let seen = control(&mut end, CONTROL, &garbage);
    let default = Control::Priority {
        stream: 0,
        priority: Priority::default(),
    };
    assert_eq!(seen, Ok(vec![default]));
}
