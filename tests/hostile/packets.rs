//! Datagrams that are no part of any conversation.

use crate::answer::noise;
use crate::forge::{Initial, MOMENT, Reply, socket};
use crate::neighbour::Neighbour;
use crate::server::Server;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Transport error codes (RFC 9000, 20.1).
const FRAME_ENCODING_ERROR: u64 = 0x07;
const PROTOCOL_VIOLATION: u64 = 0x0a;
const INVALID_TOKEN: u64 = 0x0b;
/// First and last code of CRYPTO_ERROR, which carries a TLS alert.
const CRYPTO_ERRORS: std::ops::RangeInclusive<u64> = 0x100..=0x1ff;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_disturbs_nobody() {
    let server = Server::start();
    let neighbour = Neighbour::start(&server).await;
    let stranger = socket([127, 0, 0, 9]);
    stranger.set_nonblocking(true).unwrap();
    let before = server.resident_bytes();
    let heard = || {
        server.metric("lamplight_quic_datagrams_ignored")
            + server.metric("lamplight_quic_stateless_replies")
    };
    // How many the server hears depends on its receive buffer and on how busy the machine is.
    for round in 0..2_000_u64 {
        if round >= 60 && heard() > 1_000 {
            break;
        }
        for seed in 0..500 {
            let mut bytes = noise(1 + usize::try_from(seed).unwrap() * 3, round << 32 | seed);
            // Short header, long header of version 1, of another version, and as it comes.
            match seed % 4 {
                0 => bytes[0] = bytes[0] & 0x7f | 0x40,
                1 if bytes.len() > 5 => bytes[..5].copy_from_slice(&[0xc3, 0, 0, 0, 1]),
                2 => bytes[0] |= 0xc0,
                _ => {}
            }
            let _full = stranger.send_to(&bytes, server.address);
        }
        tokio::task::yield_now().await;
    }
    neighbour.leave().await;
    let heard = heard();
    assert!(heard > 1_000, "{heard} ignored or answered");
    assert_eq!(server.metric("lamplight_quic_half_open"), 0);
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes of memory for garbage");
}

#[test]
fn no_datagram_is_too_short_or_too_long() {
    let server = Server::start();
    let socket = socket([127, 0, 0, 9]);
    let hello = Initial::new(begun_hello()).seal();
    for len in (0..64).chain([1199, 65_507]) {
        let mut cut = hello.clone();
        cut.resize(len, 0);
        socket.send_to(&cut, server.address).unwrap();
    }
    // An answer to another socket shows that the server has read them all; to this one it may say
    // something about the handshake that the longest began.
    let other = self::socket([127, 0, 0, 9]);
    let reply = Initial::new(vec![0x21]).ask(&other, server.address);
    assert_eq!(reply, Reply::Closed(FRAME_ENCODING_ERROR));
    // The longest holds the whole packet.
    assert_eq!(server.metric("lamplight_quic_half_open"), 1);
}

#[test]
fn an_unknown_version_is_answered_once_and_never_with_more_than_it_sent() {
    let server = Server::start();
    let socket = socket([127, 0, 0, 9]);
    let mut initial = Initial::new(begun_hello());
    initial.version = 0x5a6a_7a8a;
    let Reply::Versions(versions) = initial.ask(&socket, server.address) else {
        panic!("no version negotiation");
    };
    assert!(versions.contains(&1), "{versions:x?}");
    // RFC 9000, 6.3: a reserved version keeps the mechanism alive; but none that is not spoken.
    let odd = versions
        .iter()
        .filter(|v| **v != 1 && **v & 0x0f0f_0f0f != 0x0a0a_0a0a);
    assert_eq!(odd.count(), 0, "{versions:x?}");
    // RFC 9000, 5.2.2: too small to begin a connection of any version.
    initial.len = 1000;
    assert_eq!(initial.ask_in_vain(&socket, server.address), Reply::Silence);
    // A version negotiation packet is never answered (6.1).
    initial.len = 1200;
    initial.version = 0;
    assert_eq!(initial.ask_in_vain(&socket, server.address), Reply::Silence);
}

#[test]
fn a_malformed_first_flight_gets_its_code() {
    let server = Server::start();
    let socket = socket([127, 0, 0, 9]);
    let refused = server.metric("lamplight_quic_refused");
    let cases: [(&str, Vec<u8>, std::ops::RangeInclusive<u64>); 8] = [
        (
            "no handshake message",
            Initial::crypto(0, &noise(600, 1)),
            CRYPTO_ERRORS,
        ),
        (
            "a server's message",
            Initial::crypto(0, &[2, 0, 0, 1, 0]),
            CRYPTO_ERRORS,
        ),
        (
            "an empty hello",
            Initial::crypto(0, &[1, 0, 0, 0]),
            CRYPTO_ERRORS,
        ),
        ("a hello of noise", hello_of(&noise(512, 2)), CRYPTO_ERRORS),
        (
            "an unknown frame",
            vec![0x21],
            FRAME_ENCODING_ERROR..=FRAME_ENCODING_ERROR,
        ),
        (
            "a cut frame",
            cut_frame(),
            FRAME_ENCODING_ERROR..=FRAME_ENCODING_ERROR,
        ),
        (
            "a stream",
            vec![0x08, 0x00, 0x01, 0x02],
            PROTOCOL_VIOLATION..=PROTOCOL_VIOLATION,
        ),
        (
            "the end of a handshake",
            vec![0x1e],
            PROTOCOL_VIOLATION..=PROTOCOL_VIOLATION,
        ),
    ];
    let count = u64::try_from(cases.len()).unwrap();
    for (what, frames, wanted) in cases {
        let reply = Initial::new(frames).ask(&socket, server.address);
        let Reply::Closed(code) = reply else {
            panic!("{what}: {reply:?}");
        };
        assert!(wanted.contains(&code), "{what}: {code:#x}, not {wanted:x?}");
    }
    let counted = server.metric("lamplight_quic_refused") - refused
        + server.reason("lamplight_quic_closed", "violation");
    assert_eq!(counted, count, "each is counted once");
    assert_eq!(server.metric("lamplight_quic_half_open"), 0);
}

#[test]
fn a_small_initial_begins_nothing() {
    let server = Server::start();
    let socket = socket([127, 0, 0, 9]);
    let mut initial = Initial::new(begun_hello());
    initial.len = 1199;
    assert_eq!(initial.ask_in_vain(&socket, server.address), Reply::Silence);
    assert_eq!(server.metric("lamplight_quic_half_open"), 0);
}

#[test]
fn a_token_proves_nothing_for_another_address() {
    let server = Server::with(&[("quic.half_open_retry", "0")]);
    let mine = socket([127, 0, 0, 9]);
    let mut initial = Initial::new(begun_hello());
    let Reply::Retry { token, id } = initial.ask(&mine, server.address) else {
        panic!("no retry");
    };
    // Noise is no token: it is as if there were none (RFC 9000, 8.1.3).
    initial.token = noise(64, 3);
    let again = initial.ask(&mine, server.address);
    assert!(matches!(again, Reply::Retry { .. }), "{again:?}");
    initial.token = token;
    initial.id = id;
    let theirs = socket([127, 0, 1, 9]);
    assert_eq!(
        initial.ask(&theirs, server.address),
        Reply::Closed(INVALID_TOKEN)
    );
    assert_eq!(server.metric("lamplight_quic_half_open"), 0);
    // From where it was given it is good: the unfinished hello now waits for its rest.
    let reply = initial.ask_in_vain(&mine, server.address);
    assert!(
        matches!(reply, Reply::Handshake | Reply::Silence),
        "{reply:?}"
    );
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while server.metric("lamplight_quic_half_open") != 1 {
        assert!(std::time::Instant::now() < deadline, "no handshake began");
    }
}

#[test]
fn one_unknown_datagram_never_brings_a_larger_answer() {
    let server = Server::start();
    let socket = socket([127, 0, 0, 9]);
    socket.set_read_timeout(Some(MOMENT)).unwrap();
    for len in [5, 21, 22, 30, 40, 43, 100, 1200] {
        let mut bytes = noise(len, 17);
        bytes[0] = bytes[0] & 0x7f | 0x40;
        socket.send_to(&bytes, server.address).unwrap();
        let mut reply = [0; 2048];
        match socket.recv(&mut reply) {
            // RFC 9000, 10.3.3: or two endpoints could answer each other for ever.
            Ok(answered) => assert!(answered < len, "{answered} bytes for {len}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_instead_of_tls_ends_its_own_connection_only() {
    let server = Server::start();
    let neighbour = Neighbour::start(&server).await;
    for seed in 0..20 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(&noise(3000, seed)).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let kind = ended.map_err(|error| error.kind());
        assert!(
            matches!(kind, Ok(_) | Err(ErrorKind::ConnectionReset)),
            "{kind:?}"
        );
        assert!(rest.len() < 64, "an alert and no more");
    }
    neighbour.leave().await;
    let failed = server.reason("lamplight_tcp_refused", "handshake_failed");
    assert_eq!(failed, 20);
    assert_eq!(server.metric("lamplight_tcp_connections"), 0);
}

/// A ClientHello that announces more than comes.
fn begun_hello() -> Vec<u8> {
    Initial::crypto(0, &[&[1, 0, 8, 0, 3, 3][..], &[7; 32]].concat())
}

/// A whole ClientHello with that content.
fn hello_of(content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    Initial::crypto(0, &[&[1, 0], &len[..], content].concat())
}

/// A CRYPTO frame that claims more than the packet holds.
fn cut_frame() -> Vec<u8> {
    vec![0x06, 0x00, 0x7f, 0xff, 0x01]
}
