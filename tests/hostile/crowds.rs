//! Too many of something: the newcomer is refused with its code, those inside notice nothing.

use crate::forge::{Initial, Reply, socket};
use crate::neighbour::Neighbour;
use crate::quinn_client::Client;
use crate::server::Server;
use quinn::ConnectionError;
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::time::Duration;

/// CONNECTION_REFUSED (RFC 9000, 20.1).
const CONNECTION_REFUSED: u64 = 0x02;
/// Requests whose reply was not taken.
const STALLED: &str = "lamplight_quic_requests_refused_total{reason=\"stalled\"}";
/// Requests that their client gave up.
const CANCELLED: &str = "lamplight_quic_requests_cancelled";

/// Begins handshakes that never go on, each from a port of its own, until a counter says that
/// `count` of them met the bound. How many the server hears depends on its receive buffer.
fn crowd(server: &Server, address: [u8; 4], counter: &str, count: u64) {
    // A ClientHello of 2 KiB of which the first bytes come.
    let hello = Initial::crypto(0, &[&[1, 0, 8, 0, 3, 3][..], &[7; 32]].concat());
    for _ in 0..200 {
        for _ in 0..20 {
            let initial = Initial::new(hello.clone());
            let socket = socket(address);
            socket.send_to(&initial.seal(), server.address).unwrap();
        }
        if server.metric(counter) >= count {
            return;
        }
    }
    panic!("{counter} stays at {}", server.metric(counter));
}

/// Somebody who comes now gets in and gets every byte.
async fn newcomer_is_served(server: &Server) {
    let client = Client::new(server);
    let small = server.small();
    let connection = client.connect(server.address).await;
    connection.get(&small.path).await.is_whole(small.body);
}

/// Waits until a gauge or counter satisfies `enough`.
async fn until(server: &Server, name: &str, enough: impl Fn(u64) -> bool) -> u64 {
    for _ in 0..4_000 {
        let value = server.metric(name);
        if enough(value) {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{name} stays at {}", server.metric(name));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_half_open_handshakes_makes_newcomers_prove_their_address() {
    let server = Server::with(&[
        ("server.workers", "1"),
        ("quic.half_open_retry", "40"),
        ("quic.handshake_timeout", "600s"),
    ]);
    let neighbour = Neighbour::start(&server).await;
    crowd(&server, [127, 0, 5, 1], "lamplight_quic_retried", 300);
    assert_eq!(server.metric("lamplight_quic_half_open"), 40);
    newcomer_is_served(&server).await;
    assert_eq!(server.metric("lamplight_quic_refused"), 0);
    neighbour.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_one_prefix_does_not_keep_others_out() {
    let server = Server::with(&[
        ("server.workers", "1"),
        ("quic.half_open_prefix_max", "50"),
        ("quic.handshake_timeout", "600s"),
    ]);
    let neighbour = Neighbour::start(&server).await;
    crowd(&server, [127, 0, 5, 1], "lamplight_quic_refused", 50);
    crowd(&server, [127, 0, 5, 77], "lamplight_quic_refused", 100);
    assert_eq!(server.metric("lamplight_quic_half_open"), 50);
    let refused = server.reason("lamplight_quic_refused", "prefix_limit");
    assert!(refused >= 100, "{refused} refused for their prefix");
    let hello = Initial::new(Initial::crypto(0, &[1, 0, 8, 0]));
    let same = socket([127, 0, 5, 200]);
    assert_eq!(
        hello.ask(&same, server.address),
        Reply::Closed(CONNECTION_REFUSED)
    );
    newcomer_is_served(&server).await;
    neighbour.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_handshakes_are_bounded_and_end_in_time() {
    let server = Server::with(&[
        ("server.workers", "1"),
        ("quic.half_open_max", "60"),
        ("quic.handshake_timeout", "6s"),
    ]);
    let neighbour = Neighbour::start(&server).await;
    crowd(&server, [127, 0, 5, 1], "lamplight_quic_refused", 100);
    assert!(server.metric("lamplight_quic_half_open") <= 60);
    let refused = server.reason("lamplight_quic_refused", "half_open_limit");
    assert!(refused >= 100, "{refused} refused");
    until(&server, "lamplight_quic_half_open", |n| n == 0).await;
    let timed_out = server.reason("lamplight_quic_closed", "handshake_timeout");
    assert!(timed_out >= 60, "{timed_out} timed out");
    newcomer_is_served(&server).await;
    neighbour.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_connection_limit_newcomers_are_refused_and_nobody_is_put_out() {
    let server = Server::with(&[("server.connections_max", "5")]);
    let neighbour = Neighbour::start(&server).await;
    let client = Client::new(&server);
    let small = server.small();
    let mut inside = Vec::new();
    for _ in 0..4 {
        inside.push(client.connect(server.address).await);
    }
    for _ in 0..20 {
        let refused = client.begin(server.address).await.unwrap_err();
        let ConnectionError::ConnectionClosed(close) = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(u64::from(close.error_code), CONNECTION_REFUSED, "{close:?}");
    }
    // A hello of two datagrams is refused twice.
    let refused = server.reason("lamplight_quic_refused", "connection_limit");
    assert!(refused >= 20, "{refused} refused");
    tcp_is_refused(&server);
    assert!(server.metric("lamplight_tcp_refused") >= 1);
    for connection in &inside {
        connection.get(&small.path).await.is_whole(small.body);
    }
    neighbour.is_well().await;
    inside.pop();
    until(&server, "lamplight_quic_connections", |n| n == 4).await;
    let connection = client.connect(server.address).await;
    connection.get(&small.path).await.is_whole(small.body);
    neighbour.leave().await;
}

/// A TCP newcomer sees its connection end without a TLS handshake.
fn tcp_is_refused(server: &Server) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let ended = stream.read(&mut [0; 1]).map_err(|error| error.kind());
    assert!(
        matches!(ended, Ok(0) | Err(ErrorKind::ConnectionReset)),
        "{ended:?}"
    );
}

/// A reader that takes a little and then nothing holds its window, not whole files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_reading_hold_little_memory() {
    const READERS: u64 = 60;
    let server = Server::start();
    let neighbour = Neighbour::start(&server).await;
    let client = Client::with(&server, |transport| {
        transport.stream_receive_window(16_384_u32.into());
    });
    let big = server.big();
    let before = server.resident_bytes();
    let mut slow = Vec::new();
    for _ in 0..READERS {
        let connection = client.connect(server.address).await;
        for _ in 0..8 {
            slow.push(connection.begin("GET", &big.path, &[]).await.unwrap());
        }
        // The requests keep the connection up; its handle would close it.
        std::mem::forget(connection);
    }
    neighbour.is_well().await;
    let grown = server.resident_bytes().saturating_sub(before);
    let each = grown / READERS;
    assert!(
        each < 3 << 19,
        "{each} bytes a connection of which nobody reads"
    );
    let files = server.open_files();
    assert!(
        files < 100,
        "{files} open files for readers that do not read"
    );
    // One of them reads after all, and gets every byte.
    slow.swap_remove(5).rest().await.is_whole(big.body);
    neighbour.leave().await;
}

/// Whoever stops reading for good loses the reply; whoever reads slowly keeps it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_nobody_takes_is_given_up_and_a_slow_one_is_not() {
    let server = Server::with(&[("quic.stall_timeout", "5s")]);
    let neighbour = Neighbour::start(&server).await;
    let client = Client::with(&server, |transport| {
        transport.stream_receive_window(16_384_u32.into());
        transport.keep_alive_interval(Some(Duration::from_millis(500)));
    });
    let (small, middle, big) = (server.small(), server.middle(), server.big());
    let stopped = client.connect(server.address).await;
    let mut lost = stopped.begin("GET", &big.path, &[]).await.unwrap();
    lost.until(10_000).await;
    let slow = client.connect(server.address).await;
    let mut kept = slow.begin("GET", &middle.path, &[]).await.unwrap();
    let mut len = 0;
    while len < middle.body.len() {
        len += 24 * 1024;
        kept.until(len.min(middle.body.len())).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    kept.rest().await.is_whole(middle.body);
    until(&server, STALLED, |n| n > 0).await;
    let reset = format!("{:?}", lost.end().await.unwrap_err());
    assert!(reset.contains("H3_EXCESSIVE_LOAD"), "{reset}");
    assert_eq!(server.metric(STALLED), 1);
    // The connection itself is as good as before.
    stopped.get(&small.path).await.is_whole(small.body);
    neighbour.leave().await;
}

/// Requests that are cancelled as soon as they are made (rapid reset).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_cancelled_requests_costs_its_own_connection_only() {
    let server = Server::start();
    let neighbour = Neighbour::start(&server).await;
    let client = Client::new(&server);
    let connection = client.connect(server.address).await;
    let before = server.resident_bytes();
    // `:method GET`, `:scheme https`, an authority, and a path.
    let path = server.big().path;
    let path_len = u8::try_from(path.len()).unwrap();
    let fields = [0, 0, 0xd1, 0xd7, 0x50, 1, b'a', 0x51, path_len];
    let fields = [&fields[..], path.as_bytes()].concat();
    let head = [&[1, u8::try_from(fields.len()).unwrap()], &fields[..]].concat();
    let mut made = 0;
    let attack = async {
        while made < 5_000 || server.metric(CANCELLED) <= 500 {
            let mut begun = Vec::new();
            for _ in 0..50 {
                let Ok((mut send, receive)) = connection.quic.open_bi().await else {
                    return;
                };
                let _sent = send.write_all(&head).await;
                begun.push((send, receive));
            }
            // Heads that never left would not be requests.
            tokio::time::sleep(Duration::from_millis(1)).await;
            for (mut send, mut receive) in begun {
                let _reset = send.reset(0x10c_u32.into());
                let _stopped = receive.stop(0x10c_u32.into());
                made += 1;
            }
        }
    };
    let attack = tokio::time::timeout(Duration::from_secs(120), attack).await;
    assert!(attack.is_ok(), "the attack itself stalled");
    neighbour.is_well().await;
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < 32 << 20,
        "{grown} bytes after {made} cancelled requests"
    );
    let cancelled = server.metric(CANCELLED);
    let ended = server.reason("lamplight_quic_closed", "violation");
    assert!(
        cancelled > 500 || ended == 1,
        "{cancelled} of {made} counted"
    );
    if connection.quic.close_reason().is_none() {
        let small = server.small();
        connection.get(&small.path).await.is_whole(small.body);
    }
    neighbour.leave().await;
}
