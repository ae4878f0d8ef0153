//! The QUIC engine against the `quinn` and `h3` crates, which share no code with its HTTP/3, and
//! against its own client engine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_collect,
    clippy::indexing_slicing,
    clippy::large_futures,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot be set up fails, and its clients run on a runtime of their own"
)]

#[path = "quic_engine/bounds.rs"]
mod bounds;
#[path = "quic_engine/nodes.rs"]
mod nodes;
#[path = "quic_engine/ordering.rs"]
mod ordering;
#[path = "quic_engine/promises.rs"]
mod promises;
#[path = "support/quinn_client.rs"]
mod quinn_client;
#[path = "quic_engine/relay.rs"]
mod relay;
#[path = "support/quic.rs"]
mod support;

use bytes::Bytes;
use lamplight::base::units::Span;
use lamplight::http::Fields;
use lamplight::quic::Config;
use lamplight::quic::KeyExchange;
use lamplight::quic::client::Client;
use lamplight::quic::client::Event;
use lamplight::quic::client::Request;
use lamplight::quic::client::Resume;
use lamplight::runtime;
use quinn::ConnectionError as QuinnError;
use quinn_client::Http3;
use quinn_client::Quinn;
use quinn_proto::ConnectionError;
use std::future::Future;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;
use support::Options;
use support::OwnClient;
use support::Server;
use support::bytes;
use support::own_config;

fn with_quinn<F: Future<Output = ()>>(server: &Server, test: impl FnOnce(Quinn) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let test = test(Quinn::new(server));
        tokio::time::timeout(support::PATIENCE, test)
            .await
            .expect("in time");
    });
}

#[test]
fn an_independent_client_gets_every_byte() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        assert_eq!(client.get("/hello").await.body, b"hello");
        assert_eq!(client.get("/bytes/3000000").await.body, bytes(3_000_000));
        assert_eq!(client.get("/pull/300000").await.body, bytes(300_000));
        assert_eq!(client.get("/later/30").await.body, b"at last");
        assert_eq!(client.get("/nowhere").await.status, 404);
        let post = http::Request::post("https://localhost/echo")
            .body(())
            .unwrap();
        let got = client.send(post, bytes(50_000)).await.unwrap();
        assert_eq!((got.status, got.body), (200, bytes(50_000).to_vec()));
    });
    assert_eq!(server.count(|m| m.handshakes.value()), 1);
    assert_eq!(
        server.count(|m| m.hybrid.value()),
        1,
        "the post-quantum exchange is preferred"
    );
    assert_eq!(server.count(|m| m.requests.value()), 6);
}

#[test]
fn a_hundred_requests_at_once_are_all_answered() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let client = quinn.connect(server.address).await;
        let gets = (0..100).map(|n| {
            let mut one = Http3 {
                quic: client.quic.clone(),
                sender: client.sender.clone(),
            };
            tokio::spawn(async move {
                let len = 1000 * n;
                assert_eq!(one.get(&format!("/bytes/{len}")).await.body, bytes(len));
            })
        });
        for get in gets.collect::<Vec<_>>() {
            get.await.unwrap();
        }
    });
    assert!(
        server.count(|m| m.streams_raised.value()) >= 1,
        "the limit of 8 was raised"
    );
}

#[test]
fn a_cancelled_download_frees_the_connection_for_the_next() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        for _ in 0..20 {
            let request = http::Request::get("https://localhost/bytes/9000000")
                .body(())
                .unwrap();
            let mut stream = client.sender.send_request(request).await.unwrap();
            stream.finish().await.unwrap();
            stream.recv_response().await.unwrap();
            stream.stop_sending(h3::error::Code::H3_REQUEST_CANCELLED);
        }
        assert_eq!(client.get("/bytes/2000000").await.body, bytes(2_000_000));
    });
    assert_eq!(server.count(|m| m.requests_cancelled.value()), 20);
}

#[test]
fn content_over_the_limit_is_refused_and_the_connection_lives() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        for announced in [true, false] {
            let mut post = http::Request::post("https://localhost/echo");
            if announced {
                post = post.header("content-length", "60000");
            }
            let got = client
                .send(post.body(()).unwrap(), bytes(60_000))
                .await
                .unwrap();
            assert_eq!(got.status, 413);
        }
        assert_eq!(client.get("/hello").await.status, 200);
    });
    assert_eq!(
        server.count(|m| m.requests_refused.body_too_large.value()),
        2
    );
}

#[test]
fn fields_over_the_limit_are_refused_and_the_connection_lives() {
    let server = Server::start(Options::default());
    let mut client = OwnClient::new(&server);
    let fields = Fields::new().with("x-large", "x".repeat(70_000));
    let request = Request {
        method: "GET",
        authority: "localhost",
        target: "/hello",
        fields: &fields,
        body: Bytes::new(),
    };
    let stream = client.client.request(client.conn, &request).unwrap();
    assert_eq!(
        support::collect(&mut client.client, stream).unwrap().status,
        431
    );
    assert_eq!(client.get("/hello").status, 200);
    assert_eq!(
        server.count(|m| m.requests_refused.fields_too_large.value()),
        1
    );
}

#[test]
fn a_request_that_never_arrives_whole_is_refused_in_time() {
    let server = Server::start(Options::set(|config| {
        config.request_timeout = Span::ms(500);
    }));
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        let post = http::Request::post("https://localhost/echo")
            .body(())
            .unwrap();
        let mut stream = client.sender.send_request(post).await.unwrap();
        stream
            .send_data(Bytes::from_static(b"the beginning"))
            .await
            .unwrap();
        assert_eq!(stream.recv_response().await.unwrap().status(), 408);
        assert_eq!(client.get("/hello").await.status, 200);
    });
    assert_eq!(server.count(|m| m.requests_refused.timeout.value()), 1);
}

#[test]
fn strangers_prove_their_address_when_many_knock() {
    let server = Server::start(Options::set(|config| config.half_open_retry = 0));
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        assert_eq!(client.get("/bytes/100000").await.body, bytes(100_000));
    });
    assert_eq!(OwnClient::new(&server).get("/hello").status, 200);
    assert!(server.count(|m| m.retried.value()) >= 2);
}

#[test]
fn a_session_resumes_even_on_a_restarted_server() {
    let first = Server::start(Options::default());
    let config = own_config(KeyExchange::Classic, Resume::Tickets);
    let mut client = OwnClient::with(first.address, config.clone());
    assert!(!client.handshake.resumed);
    assert_eq!(client.handshake.exchange, Some(rustls::NamedGroup::X25519));
    assert_eq!(client.get("/hello").status, 200);
    let mut again = OwnClient::with(first.address, config.clone());
    assert!(again.handshake.resumed);
    assert_eq!(again.get("/hello").status, 200);
    assert_eq!(first.count(|m| m.resumed.value()), 1);
    let secrets = Arc::clone(&first.secrets);
    let address = first.address;
    first.crash();
    let second = Server::start(Options {
        secrets,
        address,
        ..Options::default()
    });
    let after = OwnClient::with(second.address, config);
    assert!(after.handshake.resumed, "tickets survive the restart");
}

#[test]
fn an_independent_client_resumes() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        for _ in 0..3 {
            let mut client = quinn.connect(server.address).await;
            assert_eq!(client.get("/hello").await.status, 200);
            client.quic.close(0x100_u32.into(), b"");
        }
    });
    assert_eq!(server.count(|m| m.resumed.value()), 2);
}

#[test]
fn early_data_serves_what_is_safe_and_nothing_else() {
    let server = Server::start(Options::set(|config| config.early_data = true));
    let config = own_config(KeyExchange::Hybrid, Resume::EarlyData);
    let mut first = OwnClient::with(server.address, config.clone());
    assert_eq!(first.get("/early").body, b"false");
    let ask = |method, target| {
        let mut client = Client::new(config.clone()).unwrap();
        let conn = client
            .connect(runtime::now(), server.address, "localhost")
            .unwrap();
        let fields = Fields::new();
        let body = Bytes::new();
        let request = Request {
            method,
            authority: "localhost",
            target,
            fields: &fields,
            body,
        };
        let stream = client.request(conn, &request).expect("in the first flight");
        let got = support::collect(&mut client, stream).unwrap();
        // One more after the handshake, by whose reply the next ticket has come.
        let late = Request {
            method: "GET",
            target: "/early",
            ..request
        };
        let stream = client.request(conn, &late).unwrap();
        assert_eq!(
            support::collect(&mut client, stream).unwrap().body,
            b"false"
        );
        got
    };
    assert_eq!(ask("GET", "/early").body, b"true");
    assert_eq!(ask("POST", "/echo").status, 425);
    assert_eq!(server.count(|m| m.requests_early.value()), 2);
}

#[test]
fn keys_are_updated_by_either_side_in_the_middle_of_a_transfer() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let mut client = quinn.connect(server.address).await;
        for _ in 0..4 {
            client.quic.force_key_update();
            assert_eq!(client.get("/bytes/700000").await.body, bytes(700_000));
        }
    });
    let mut own = OwnClient::new(&server);
    for _ in 0..4 {
        own.client.update_keys(own.conn);
        assert_eq!(own.get("/bytes/700000").body, bytes(700_000));
    }
}

#[test]
fn an_unknown_version_is_told_the_right_one() {
    let server = Server::start(Options::default());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut packet = vec![0xc0, 0x5a, 0x6a, 0x7a, 0x8a, 8];
    packet.extend_from_slice(&[1; 8]);
    packet.push(4);
    packet.extend_from_slice(&[2; 4]);
    packet.resize(1200, 0);
    socket.send_to(&packet, server.address).unwrap();
    let mut reply = [0; 1500];
    let len = socket.recv(&mut reply).unwrap();
    let reply = &reply[..len];
    assert_eq!(reply[1..5], [0; 4], "a version negotiation");
    assert_eq!((reply[5], &reply[6..10], reply[10]), (4, &[2; 4][..], 8));
    assert!(reply[19..].chunks(4).any(|v| v == [0, 0, 0, 1]));
    socket.send_to(&packet[..600], server.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(
        socket.recv(&mut [0; 1500]).is_err(),
        "small packets get no larger answer"
    );
}

#[test]
fn a_learner_keeps_the_download_when_the_address_changes() {
    for workers in [1, 3] {
        let server = Server::start(Options {
            workers,
            ..Options::default()
        });
        with_quinn(&server, |quinn| async {
            let quinn = quinn;
            let mut client = quinn.connect(server.address).await;
            for hop in 1..12 {
                let get = client.get("/bytes/2000000");
                let socket = UdpSocket::bind(format!("127.0.0.{}:0", 1 + hop % 3)).unwrap();
                quinn.endpoint.rebind(socket).unwrap();
                assert_eq!(get.await.body, bytes(2_000_000));
            }
        });
        assert_eq!(server.count(|m| m.handshakes.value()), 1);
        let handed_over = server.count(|m| m.handed_over.value());
        assert_eq!(
            handed_over > 0,
            workers > 1,
            "{handed_over} datagrams were handed over"
        );
        assert_eq!(server.count(|m| m.handover_dropped.value()), 0);
    }
}

#[test]
fn the_own_client_survives_a_rebind() {
    let server = Server::start(Options {
        workers: 2,
        ..Options::default()
    });
    let mut client = OwnClient::new(&server);
    for _ in 0..6 {
        let address = client
            .client
            .rebind(client.conn, "127.0.0.1:0".parse().unwrap())
            .unwrap();
        assert_eq!(client.get("/bytes/300000").body, bytes(300_000));
        assert_eq!(client.get("/peer").body, address.to_string().as_bytes());
    }
}
