//! Clients that are slow, silent or too many.

use crate::server::{BIG, Raw, Server, ask, pattern};
use lamplight::base::units::Span;
use lamplight::tcp::Config;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Shorter than the defaults, and longer than a busy machine needs for a handshake.
const SHORT: Span = Span::secs(4);
/// How long any step of a test may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn now() -> Instant {
    lamplight::runtime::now()
}

/// Waits until `done`.
fn until(what: &str, done: impl Fn() -> bool) {
    let end = now() + PATIENCE;
    while !done() {
        assert!(now() < end, "{what} did not come");
        std::thread::yield_now();
    }
}

/// A server with room for all, after `change`.
fn server(change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config::default();
    change(&mut config);
    Server::with(config, 100)
}

/// Whether somebody else is served.
fn serves(server: &Server) -> bool {
    let request = "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    ask(server, request).ends_with("hello")
}

#[test]
fn a_header_that_never_ends_is_given_up_while_others_are_served() {
    let server = server(|config| config.header_timeout = SHORT);
    let mut slow = server.raw("http/1.1");
    slow.send(b"GET /hello HTTP/1.1\r\nhost: a\r\nx-drip: ");
    assert!(serves(&server));
    assert_eq!(slow.rest(), b"");
    until("the count", || server.metrics.closed_header.value() == 1);
}

#[test]
fn a_header_dripping_byte_by_byte_does_not_reset_the_clock() {
    let server = server(|config| config.header_timeout = SHORT);
    let mut slow = server.raw("http/1.1");
    let drip = |slow: &mut Raw| slow.0.write_all(b"x").and_then(|()| slow.0.flush());
    drip(&mut slow).unwrap();
    let end = now() + PATIENCE;
    while drip(&mut slow).is_ok() {
        assert!(now() < end, "each byte bought more time");
        std::thread::sleep(Duration::from_millis(20));
    }
    until("the close", || server.metrics.closed_header.value() == 1);
}

#[test]
fn a_head_of_http_2_that_never_ends_is_given_up_however_it_drips() {
    let server = server(|config| config.header_timeout = SHORT);
    // Preface, SETTINGS, and the beginning of a HEADERS frame of 250 bytes.
    let mut begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begun.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    begun.extend([0, 0, 250, 1, 0x5, 0, 0, 0, 1, 0x82, 0x87]);
    let mut silent = server.raw("h2");
    silent.send(&begun);
    let mut dripping = server.raw("h2");
    dripping.send(&begun);
    let mut drip = || {
        let written = dripping.0.write_all(&[0x84]);
        written.and_then(|()| dripping.0.flush())
    };
    let end = now() + PATIENCE;
    while drip().is_ok() {
        assert!(now() < end, "each byte bought more time");
        std::thread::sleep(Duration::from_millis(300));
    }
    silent.rest();
    until("the closes", || server.metrics.closed_header.value() == 2);
    assert!(serves(&server));
}

#[test]
fn silence_is_ended_after_the_idle_time() {
    let server = server(|config| config.idle_timeout = SHORT);
    for alpn in ["http/1.1", "h2"] {
        let begin = now();
        let mut silent = server.raw(alpn);
        silent.0.conn.complete_io(&mut silent.0.sock).unwrap();
        silent.rest();
        assert!(now() - begin >= SHORT.duration(), "{alpn} was cut short");
    }
    until("both ends", || server.metrics.closed_idle.value() == 2);
}

#[test]
fn a_client_that_asks_now_and_then_is_not_idle() {
    let idle_timeout = Span::secs(6);
    let server = server(|config| config.idle_timeout = idle_timeout);
    let mut asking = server.raw("http/1.1");
    for _ in 0..4 {
        asking.send(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
        std::thread::sleep(Duration::from_secs(2));
    }
    assert_eq!(asking.text().matches("hello").count(), 4);
}

#[test]
fn content_that_does_not_come_is_408() {
    let server = server(|config| config.body_timeout = SHORT);
    let text = ask(
        &server,
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\n12",
    );
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert_eq!(server.metrics.body_timeout.value(), 1);
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_and_a_slow_one_is_not() {
    let server = server(|config| config.stall_timeout = SHORT);
    let asked = b"GET /big HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    // Enough replies to fill the kernel's buffers of both ends.
    let many = b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n".repeat(8);
    let mut stuck = server.raw("http/1.1");
    stuck.send(&many);
    let mut slow = server.raw("http/1.1");
    slow.send(asked);
    let (mut got, mut buffer) = (Vec::new(), vec![0; 60_000]);
    loop {
        match slow.0.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(error) => panic!("the slow client was cut off: {error}"),
        }
        // In all longer than the time after which a client that takes nothing is cut off.
        std::thread::sleep(Duration::from_millis(30));
    }
    assert!(got.ends_with(&pattern(BIG)));
    until("the cut", || server.metrics.closed_stalled.value() == 1);
}

#[test]
fn handshakes_under_way_are_bounded_and_end_by_the_clock() {
    let config = Config {
        handshake_timeout: SHORT,
        handshakes_per_prefix_max: 2,
        ..Config::default()
    };
    let server = Server::with(config, 100);
    let silent: Vec<_> = (0..5)
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    until("refusals", || server.metrics.refused_prefix.value() == 3);
    until("timeouts", || server.metrics.handshake_timeout.value() == 2);
    drop(silent);
    assert!(serves(&server), "there is room again");
}

#[test]
fn beyond_the_budget_the_newcomer_is_refused_and_those_inside_go_on() {
    let server = Server::with(Config::default(), 1);
    let mut inside = server.raw("http/1.1");
    inside.0.conn.complete_io(&mut inside.0.sock).unwrap();
    let mut newcomer = TcpStream::connect(server.address).unwrap();
    newcomer.set_read_timeout(Some(PATIENCE)).unwrap();
    let refused = newcomer.read(&mut [0; 1]);
    assert!(refused.is_err() || refused.is_ok_and(|n| n == 0));
    assert_eq!(server.metrics.refused_budget.value(), 1);
    inside.send(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(inside.text().ends_with("hello"));
    until("room", || server.metrics.live.value() == 0);
    assert!(serves(&server));
}
