//! The `quinn` and `h3` crates as the client.

use crate::proxy::{Path, Proxy};
use crate::quinn_client::Client;
use crate::server::Server;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_gets_small_and_big_bodies_unchanged() {
    let server = Server::start();
    let client = Client::new(&server);
    let connection = client.connect(server.address).await;
    for file in [server.small(), server.middle(), server.big()] {
        connection.get(&file.path).await.is_whole(file.body);
    }
    assert_eq!(server.metric("lamplight_quic_requests"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_follows_a_retry() {
    let server = Server::with(&[("quic.half_open_retry", "0")]);
    let client = Client::new(&server);
    let small = server.small();
    let connection = client.connect(server.address).await;
    connection.get(&small.path).await.is_whole(small.body);
    // A hello of two datagrams is asked back twice.
    assert!(server.metric("lamplight_quic_retried") >= 1);
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_resumes_a_session() {
    let server = Server::start();
    let client = Client::new(&server);
    let small = server.small();
    for _ in 0..3 {
        let connection = client.connect(server.address).await;
        connection.get(&small.path).await.is_whole(small.body);
    }
    assert_eq!(client.full_handshakes(), 1);
    assert_eq!(server.metric("lamplight_quic_handshakes"), 3);
    assert_eq!(server.metric("lamplight_quic_resumed"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_updates_keys_mid_transfer() {
    let server = Server::start();
    let client = Client::new(&server);
    let (small, big) = (server.small(), server.big());
    let connection = client.connect(server.address).await;
    let mut running = connection.begin("GET", &big.path, &[]).await.unwrap();
    for part in 1..=4 {
        running.until(big.body.len() * part / 5).await;
        connection.quic.force_key_update();
        connection.get(&small.path).await.is_whole(small.body);
    }
    running.rest().await.is_whole(big.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_with_a_draft_version_is_told_so() {
    let server = Server::start();
    let mut client = Client::new(&server);
    client.speak(0xff00_001d);
    let refused = client.begin(server.address).await.unwrap_err();
    assert_eq!(refused, quinn::ConnectionError::VersionMismatch);
    client.speak(1);
    let small = server.small();
    let connection = client.connect(server.address).await;
    connection.get(&small.path).await.is_whole(small.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_goes_on_from_another_port_mid_transfer() {
    moves([127, 0, 0, 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_goes_on_from_another_address_mid_transfer() {
    moves([127, 0, 0, 2]).await;
}

async fn moves(to: [u8; 4]) {
    let server = Server::start();
    let client = Client::new(&server);
    let (small, big) = (server.small(), server.big());
    let connection = client.connect(server.address).await;
    let mut running = connection.begin("GET", &big.path, &[]).await.unwrap();
    running.until(big.body.len() / 3).await;
    let before = client.endpoint.local_addr().unwrap();
    client.rebind(to);
    let after = client.endpoint.local_addr().unwrap();
    assert_eq!(
        (before.ip(), after.ip()),
        ([127, 0, 0, 1].into(), to.into())
    );
    assert_ne!(before.port(), after.port());
    running.rest().await.is_whole(big.body);
    connection.get(&small.path).await.is_whole(small.body);
    assert_eq!(
        server.metric("lamplight_quic_handshakes"),
        1,
        "a new connection was made"
    );
}

/// The kernel spreads datagrams over workers by address and port, so after a rebinding every
/// other datagram reaches a worker that does not own the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgetful_nat_loses_no_transfer_whichever_worker_hears_it() {
    let server = Server::start();
    let proxy = Proxy::start(server.address, Path::default()).await.unwrap();
    let client = Client::new(&server);
    let big = server.big();
    let connection = client.connect(proxy.address).await;
    for address in 1..=8 {
        let mut running = connection.begin("GET", &big.path, &[]).await.unwrap();
        running.until(big.body.len() / 4).await;
        proxy.rebind([127, 0, 0, address]);
        running.until(big.body.len() / 2).await;
        proxy.rebind([127, 0, 0, address]);
        running.rest().await.is_whole(big.body);
    }
    assert!(proxy.counts().moved >= 8, "{:?}", proxy.counts());
    assert!(
        server.metric("lamplight_quic_handed_over") > 0,
        "nothing was handed over"
    );
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_transfers_through_loss_and_delay() {
    let server = Server::start();
    let path = Path {
        loss_per_mille: 50,
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(20),
        seed: 7,
        ..Path::default()
    };
    let proxy = Proxy::start(server.address, path).await.unwrap();
    let client = Client::new(&server);
    let (small, middle) = (server.small(), server.middle());
    let connection = client.connect(proxy.address).await;
    connection.get(&small.path).await.is_whole(small.body);
    connection.get(&middle.path).await.is_whole(middle.body);
    assert!(
        proxy.counts().lost > 5,
        "nothing was lost: {:?}",
        proxy.counts()
    );
}

/// As when a phone leaves its Wi-Fi for a tunnel: long datagrams were fine, and now vanish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_becomes_narrow_stops_no_transfer() {
    let server = Server::start();
    let proxy = Proxy::start(server.address, Path::default()).await.unwrap();
    let client = Client::new(&server);
    let big = server.big();
    let connection = client.connect(proxy.address).await;
    connection.get(&big.path).await.is_whole(big.body);
    let before = proxy.counts().lost;
    let mut running = connection.begin("GET", &big.path, &[]).await.unwrap();
    running.until(big.body.len() / 4).await;
    proxy.narrow(1_250);
    running.rest().await.is_whole(big.body);
    assert!(proxy.counts().lost > before, "no long datagram was sent");
    connection.get(&big.path).await.is_whole(big.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_and_doubled_datagrams_change_nothing() {
    let server = Server::start();
    let path = Path {
        forged_per_mille: 300,
        doubled_per_mille: 100,
        jitter: Duration::from_millis(2),
        seed: 11,
        ..Path::default()
    };
    let proxy = Proxy::start(server.address, path).await.unwrap();
    let client = Client::new(&server);
    let middle = server.middle();
    for _ in 0..4 {
        let connection = client.connect(proxy.address).await;
        for _ in 0..4 {
            connection.get(&middle.path).await.is_whole(middle.body);
        }
    }
    assert!(proxy.counts().forged > 100, "{:?}", proxy.counts());
    assert_eq!(server.metric("lamplight_quic_handshakes"), 4);
}

/// All hundred heads are in before one body is read to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_has_a_hundred_requests_open_at_once() {
    let server = Server::start();
    let client = Client::with(&server, |transport| {
        transport.stream_receive_window(16_384_u32.into());
    });
    let middle = server.middle();
    let connection = client.connect(server.address).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(connection.begin("GET", &middle.path, &[]).await.unwrap());
    }
    for pending in open {
        pending.rest().await.is_whole(middle.body);
    }
    assert!(server.metric("lamplight_quic_streams_raised") >= 1);
    assert_eq!(server.metric("lamplight_quic_handshakes"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quinn_asks_for_heads_ranges_and_changes() {
    let server = Server::start();
    let client = Client::new(&server);
    let big = server.big();
    let len = big.body.len();
    let connection = client.connect(server.address).await;
    let head = connection.ask("HEAD", &big.path, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.field("content-length"), Some(&*len.to_string()));
    let etag = head.field("etag").unwrap();
    let range = connection
        .ask("GET", &big.path, &[("range", "bytes=1000000-3000000")])
        .await;
    assert_eq!(range.status, 206);
    let place = format!("bytes 1000000-3000000/{len}");
    assert_eq!(range.field("content-range"), Some(&*place));
    assert!(range.body == big.body[1_000_000..=3_000_000]);
    let beyond = connection
        .ask("GET", &big.path, &[("range", "bytes=99999999-")])
        .await;
    assert_eq!(beyond.status, 416);
    assert_eq!(
        beyond.field("content-range"),
        Some(&*format!("bytes */{len}"))
    );
    let same = connection
        .ask("GET", &big.path, &[("if-none-match", etag)])
        .await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.field("etag"), Some(etag));
}
