//! What well-behaved clients get.

use crate::server::{BIG, Server, ask, pattern};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_carry_the_same_bytes_and_fields() {
    let server = Server::start();
    let one = server.client(|builder| builder.http1_only());
    let two = server.client(|builder| builder.http2_prior_knowledge());
    let versions = [(one, http::Version::HTTP_11), (two, http::Version::HTTP_2)];
    for (client, version) in &versions {
        let before = server.metrics.accepted.value();
        for path in ["/big", "/pull"] {
            let reply = client.get(server.url(path)).send().await.unwrap();
            assert_eq!((reply.status().as_u16(), reply.version()), (200, *version));
            let field = |name: &str| reply.headers().get(name).unwrap().to_str().unwrap();
            assert_eq!(field("x-made-by"), "small");
            assert_eq!(field("alt-svc"), "h3=\":4433\"; ma=86400");
            assert!(field("date").ends_with(" GMT"));
            assert!(
                reply.bytes().await.unwrap() == pattern(BIG),
                "{path} {version:?}"
            );
        }
        let reply = client.get(server.url("/later")).send().await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "later");
        let reply = client
            .post(server.url("/echo"))
            .body("sent")
            .send()
            .await
            .unwrap();
        assert_eq!(reply.text().await.unwrap(), "sent");
        let reply = client.head(server.url("/hello")).send().await.unwrap();
        assert_eq!(reply.headers().get("content-length").unwrap(), "5");
        assert_eq!(reply.text().await.unwrap(), "");
        let reply = client.get(server.url("/authority")).send().await.unwrap();
        let authority = format!("localhost:{}", server.address.port());
        assert_eq!(reply.text().await.unwrap(), authority);
        // A client of HTTP/1.1 may ask before it has put its connection back.
        let opened = server.metrics.accepted.value() - before;
        let most = if *version == http::Version::HTTP_2 {
            1
        } else {
            5
        };
        assert!(opened <= most, "6 requests took {opened} connections");
    }
    assert_eq!(
        (server.metrics.http1.value(), server.metrics.http2.value()),
        (6, 6)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_streams_of_one_connection_all_end_whole() {
    let server = Server::start();
    let client = server.client(|builder| builder.http2_prior_knowledge());
    let whole = pattern(BIG);
    let fetch = || async {
        let reply = client.get(server.url("/big")).send().await.unwrap();
        reply.bytes().await.unwrap() == whole
    };
    let all = (0..100).map(|_| fetch());
    for whole in futures_join(all).await {
        assert!(whole);
    }
    assert_eq!(server.metrics.accepted.value(), 1);
}

async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.map(|future| Some(Box::pin(future))).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        for slot in &mut pending {
            if let Some(future) = slot
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                done.push(value);
                *slot = None;
            }
        }
        if pending.iter().all(Option::is_none) {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
    done
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let text = ask(
        &server,
        "GET /hello HTTP/1.1\r\nhost: a\r\n\r\nGET /later HTTP/1.1\r\nhost: a\r\n\r\n\
         GET /authority HTTP/1.1\r\nhost: third\r\nconnection: close\r\n\r\n",
    );
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("{what} in {text}"))
    };
    assert!(at("hello") < at("\r\n\r\nlater") && at("\r\n\r\nlater") < at("\r\n\r\nthird"));
}

#[test]
fn http_1_0_gets_its_reply_and_the_end_of_the_connection() {
    let server = Server::start();
    let text = ask(&server, "GET /hello HTTP/1.0\r\n\r\n");
    assert!(
        text.starts_with("HTTP/1.0 200") && text.ends_with("\r\n\r\nhello"),
        "{text}"
    );
}

#[test]
fn tls_1_2_clients_are_served_and_1_3_clients_come_back_with_a_ticket() {
    let server = Server::start();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = Arc::new(server.tls_config(&[version]));
        for round in 0..2 {
            let mut raw = server.raw_with(Arc::clone(&config));
            raw.send(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            assert!(raw.text().ends_with("hello"));
            assert_eq!(raw.0.conn.protocol_version(), Some(version.version));
            let resumed = raw.0.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
            assert_eq!(resumed, round == 1, "{version:?}");
        }
    }
    assert_eq!(server.metrics.resumed.value(), 2);
}

#[test]
fn the_key_exchange_is_post_quantum_where_the_client_can() {
    let server = Server::start();
    let mut raw = server.raw("http/1.1");
    raw.send(b"GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    raw.text();
    let group = raw.0.conn.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_requests_end_and_closes_idle_connections() {
    let mut server = Server::start();
    let client = server.client(|builder| builder.http2_prior_knowledge());
    client.get(server.url("/hello")).send().await.unwrap();
    let mut idle = server.raw("http/1.1");
    idle.send(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
    let url = server.url("/later");
    let running = tokio::spawn(async move { client.get(url).send().await });
    while server.metrics.http2.value() < 2 || server.metrics.http1.value() < 1 {
        tokio::task::yield_now().await;
    }
    let server = tokio::task::spawn_blocking(move || {
        server.drain(Duration::from_secs(60));
        server
    });
    assert_eq!(
        running.await.unwrap().unwrap().text().await.unwrap(),
        "later"
    );
    let closed = tokio::task::spawn_blocking(move || idle.text())
        .await
        .unwrap();
    assert!(closed.ends_with("hello"));
    let server = server.await.unwrap();
    assert_eq!(server.metrics.closed_drain.value(), 0, "nobody was cut off");
    assert!(
        std::net::TcpStream::connect(server.address).is_err(),
        "the port is closed"
    );
}

#[test]
fn a_drain_ends_in_time_whatever_clients_do() {
    let mut server = Server::start();
    let mut slow = server.raw("http/1.1");
    slow.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12");
    let silent = std::net::TcpStream::connect(server.address).unwrap();
    while server.metrics.http1.value() < 1 {
        std::thread::yield_now();
    }
    server.drain(Duration::from_millis(200));
    drop(silent);
    assert!(
        server.metrics.closed_drain.value() >= 1,
        "the slow one was cut"
    );
}
