//! The same bytes mean the same however they arrive, and no bytes cause a panic.

use super::*;
use crate::http::Method;
use proptest::prelude::*;

/// Pieces of request streams, good and bad, from which hostile streams are put together.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(post(&[("content-length", "4")])),
        3 => Just(post(&[])),
        2 => Just(headers(&[(":status", "200")])),
        2 => Just(headers(&[(":status", "103")])),
        2 => Just(headers(&[("trailer", "x")])),
        1 => Just(headers(&[("Bad", "x")])),
        4 => prop::collection::vec(any::<u8>(), 0..9).prop_map(|p| frame(frame::DATA, &p)),
        4 => (any::<u16>(), prop::collection::vec(any::<u8>(), 0..99))
            .prop_map(|(n, p)| frame(frame::reserved(n), &p)),
        1 => (0_u64..16).prop_map(|kind| frame(kind, &[0])),
        1 => prop::collection::vec(any::<u8>(), 0..9),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat())
}

/// Cuts `wire` at the given places, taken modulo its length.
fn cut<'a>(wire: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|p| p % (wire.len() + 1)).collect();
    places.extend([0, wire.len()]);
    places.sort_unstable();
    places.windows(2).map(|w| &wire[w[0]..w[1]]).collect()
}

fn run(role: &str, chunks: &[&[u8]]) -> (Seen, String) {
    let (mut connection, mut stream) = match role {
        "server" => (server(), Stream::request(0)),
        _ => (client(), Stream::response(0, Method::Get)),
    };
    let mut message = Message::new();
    let seen = feed(&mut connection, &mut stream, chunks, &mut message);
    (seen, format!("{:?}", message.fields()))
}

fn run_control(kind: u8, chunks: &[&[u8]]) -> (Vec<Control>, Result<(), Code>) {
    let (mut end, mut events) = (server(), Vec::new());
    let first = [kind];
    let mut chunks = [&first[..]].into_iter().chain(chunks.iter().copied());
    let result = chunks.try_for_each(|chunk| control_into(&mut end, 2, chunk, &mut events));
    (events, result)
}

proptest! {
    #[test]
    fn request_streams_mean_the_same_in_any_chunks(
        wire in stream(),
        places in prop::collection::vec(any::<usize>(), 0..12),
        role in prop_oneof![Just("server"), Just("client")],
    ) {
        let (mut whole, fields) = run(role, &[&wire]);
        let bytes: Vec<_> = wire.chunks(1).chain([&[][..]]).collect();
        for chunks in [cut(&wire, &places), bytes] {
            let (seen, fields_seen) = run(role, &chunks);
            // A head whose content is known to be missing is not reported, if it is known.
            if seen.fault.is_some() && seen.events.len() == whole.events.len() + 1 {
                whole.events.push("head");
            }
            prop_assert_eq!(&seen, &whole);
            prop_assert_eq!(&fields_seen, &fields);
        }
    }

    #[test]
    fn control_streams_mean_the_same_in_any_chunks(
        frames in prop::collection::vec(
            (prop_oneof![0_u64..16, 0xf_0700_u64..0xf_0702, Just(0x21), Just(0x07)],
             prop::collection::vec(any::<u8>(), 0..4)),
            0..6,
        ),
        kind in prop_oneof![8 => Just(0_u8), 1 => Just(2), 1 => Just(3)],
        places in prop::collection::vec(any::<usize>(), 0..12),
    ) {
        let settings = frame(frame::SETTINGS, b"");
        let frames = frames.iter().flat_map(|(kind, payload)| frame(*kind, payload));
        let wire: Vec<_> = settings.into_iter().chain(frames).collect();
        let whole = run_control(kind, &[&wire]);
        prop_assert_eq!(&run_control(kind, &cut(&wire, &places)), &whole);
        let bytes: Vec<_> = wire.chunks(1).collect();
        prop_assert_eq!(&run_control(kind, &bytes), &whole);
    }

    #[test]
    fn random_bytes_never_panic(wire: Vec<u8>, kind in 0_u8..5) {
        run("server", &[&wire]);
        run("client", &[&wire]);
        for mut end in [server(), client()] {
            drop(control(&mut end, 2, &[&[kind], &wire[..]].concat()));
        }
    }
}
