//! Promises about single connections that have a test of their own.

use super::*;
use ::bytes::Buf as _;
use bounds::wait_for;
use lamplight::base::units::Size;
use lamplight::runtime::tls;
use relay::Relay;
use support::Secrets;

/// A quinn client with transport settings of its own.
fn with_transport(
    quinn: &Quinn,
    change: impl FnOnce(&mut quinn::TransportConfig),
) -> quinn::ClientConfig {
    let mut transport = quinn::TransportConfig::default();
    change(&mut transport);
    let mut config = quinn.config();
    config.transport_config(Arc::new(transport));
    config
}

/// A client that reads nothing it is not asked to, and stays.
fn lazy(quinn: &Quinn) -> quinn::ClientConfig {
    with_transport(quinn, |transport| {
        transport.stream_receive_window(16_384_u32.into());
        transport.keep_alive_interval(Some(Duration::from_millis(100)));
    })
}

#[test]
fn the_stream_limit_falls_when_a_connection_is_quiet() {
    let server = Server::start(Options::default());
    let raised = || server.count(|m| m.streams_raised.value());
    with_quinn(&server, |quinn| async move {
        let client = quinn.connect(server.address).await;
        let burst = async || {
            let gets = (0..100).map(|_| {
                let mut one = Http3 {
                    quic: client.quic.clone(),
                    sender: client.sender.clone(),
                };
                tokio::spawn(async move { one.get("/hello").await.status })
            });
            for get in gets.collect::<Vec<_>>() {
                assert_eq!(get.await.unwrap(), 200);
            }
        };
        burst().await;
        assert_eq!(raised(), 1);
        // It is raised a second time only after it has fallen.
        while raised() < 2 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            burst().await;
        }
    });
}

#[test]
fn no_datagram_is_longer_than_configured() {
    for mtu_max in [1_300, 1_472] {
        let server = Server::start(Options::set(|config| config.mtu_max = mtu_max));
        let relay = Relay::start(&[server.address]);
        with_quinn(&server, |quinn| async {
            let mut quinn = quinn;
            let mut endpoint = quinn::EndpointConfig::default();
            endpoint.max_udp_payload_size(9_000).unwrap();
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let runtime = quinn::default_runtime().unwrap();
            quinn.endpoint = quinn::Endpoint::new(endpoint, None, socket, runtime).unwrap();
            let mut client = quinn.connect(relay.address).await;
            let found = usize::from(mtu_max) - 20;
            while relay.longest() < found {
                assert_eq!(client.get("/bytes/1000000").await.body, bytes(1_000_000));
            }
            for _ in 0..3 {
                assert_eq!(client.get("/bytes/1000000").await.body, bytes(1_000_000));
            }
        });
        let longest = relay.longest();
        assert!(longest <= mtu_max.into(), "{longest} of {mtu_max} bytes");
    }
}

#[test]
fn early_data_that_is_replayed_is_not_served_again() {
    let server = Server::start(Options::set(|config| config.early_data = true));
    let config = own_config(KeyExchange::Classic, Resume::EarlyData);
    let mut first = OwnClient::with(server.address, config.clone());
    assert_eq!(first.get("/hello").status, 200);
    drop(first);
    let relay = Relay::start(&[server.address]);
    let mut client = Client::new(config).unwrap();
    let conn = client
        .connect(runtime::now(), relay.address, "localhost")
        .unwrap();
    let fields = Fields::new();
    let request = Request {
        method: "GET",
        authority: "localhost",
        target: "/early",
        fields: &fields,
        body: Bytes::new(),
    };
    let stream = client.request(conn, &request).unwrap();
    assert_eq!(support::collect(&mut client, stream).unwrap().body, b"true");
    let early = || server.count(|m| m.requests_early.value());
    assert_eq!(early(), 1);
    client.close(runtime::now(), conn, 0x100);
    client.turn(runtime::now()).unwrap();
    // Somebody who listened sends the first flight again, once its connection is forgotten.
    let flight = relay.sent();
    let long = |datagram: &&Vec<u8>| datagram[0] & 0x80 != 0;
    wait_for(|| server.count(|m| m.closed.peer.value()) >= 1);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let half_open = || server.count(|m| m.half_open.value().try_into().unwrap());
    wait_for(|| {
        for datagram in flight.iter().take_while(long) {
            stranger.send_to(datagram, server.address).unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
        half_open() == 1
    });
    // By this reply the replayed flight has been looked at.
    assert_eq!(OwnClient::new(&server).get("/hello").status, 200);
    assert_eq!(early(), 1, "a replayed request was served");
    assert_eq!(server.count(|m| m.handshakes.value()), 3);
}

#[test]
fn a_new_certificate_reaches_newcomers_and_disturbs_nobody() {
    let made = tempfile::tempdir().unwrap();
    let config = tls::Config {
        certificate: made.path().join("c.pem"),
        key: made.path().join("k.pem"),
    };
    let write = || {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(&config.certificate, pair.cert.pem()).unwrap();
        std::fs::write(&config.key, pair.signing_key.serialize_pem()).unwrap();
    };
    write();
    let server = Server::start(Options {
        secrets: Secrets::with(config.clone()),
        ..Options::default()
    });
    with_quinn(&server, |old| async {
        let old = old;
        let mut kept = old.connect(server.address).await;
        assert_eq!(kept.get("/hello").await.status, 200);
        write();
        server.secrets.identity.reload().unwrap();
        let new = Quinn::new(&server);
        let mut fresh = new.connect(server.address).await;
        assert_eq!(fresh.get("/bytes/100000").await.body, bytes(100_000));
        assert_eq!(kept.get("/bytes/100000").await.body, bytes(100_000));
        // Without a ticket, who trusts only the old one is shown the new one.
        let distrusting = Quinn {
            endpoint: old.endpoint.clone(),
            tls: {
                let mut tls = old.tls.clone();
                tls.resumption = rustls::client::Resumption::disabled();
                tls
            },
        };
        assert!(distrusting.connecting(server.address).await.is_err());
        assert_eq!(kept.get("/hello").await.status, 200);
    });
    assert_eq!(server.count(|m| m.handshakes.value()), 2);
}

#[test]
fn a_client_that_allows_no_control_stream_is_told_so() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let config = with_transport(&quinn, |transport| {
            transport.max_concurrent_uni_streams(0_u32.into());
        });
        let connecting = quinn
            .endpoint
            .connect_with(config, server.address, "localhost");
        let connection = connecting.unwrap().await.unwrap();
        let QuinnError::ApplicationClosed(close) = connection.closed().await else {
            panic!("not closed by HTTP/3")
        };
        assert_eq!(
            u64::from(close.error_code),
            0x101,
            "H3_GENERAL_PROTOCOL_ERROR"
        );
    });
    assert_eq!(server.count(|m| m.closed.violation.value()), 1);
}

#[test]
fn a_reply_whose_fields_the_client_will_not_take_is_not_sent() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let quic = quinn.connecting(server.address).await.unwrap();
        let transport = h3_quinn::Connection::new(quic.clone());
        let mut builder = h3::client::builder();
        // Between what `/bytes` (155) and `/hello` (197) take, names and values and 32 a field.
        let built = builder.max_field_section_size(160).build(transport).await;
        let (mut driver, sender) = built.unwrap();
        tokio::spawn(async move { driver.wait_idle().await });
        let mut client = Http3 { quic, sender };
        // By this reply our settings have arrived.
        assert_eq!(client.get("/bytes/10").await.body, bytes(10));
        let request = http::Request::get("https://localhost/hello");
        let refused = client.send(request.body(()).unwrap(), Bytes::new()).await;
        let refused = format!("{:?}", refused.unwrap_err());
        assert!(refused.contains("H3_INTERNAL_ERROR"), "{refused}");
        assert_eq!(client.get("/bytes/10").await.body, bytes(10));
    });
    assert_eq!(server.count(|m| m.requests_refused.peer_limit.value()), 1);
}

/// Whether the bound is reached. Who was let in just before somebody else reached it waits for
/// room, and is given up here.
async fn is_refused(client: &mut Http3) -> bool {
    let asked = tokio::time::timeout(Duration::from_secs(5), client.get("/pull/1000"));
    asked.await.is_ok_and(|got| got.status == 503)
}

#[test]
fn readers_that_stop_hold_no_more_than_the_bound_and_get_the_rest_when_they_read() {
    let server = Server::start(Options::set(|config| config.pulled_max = Size::kib(16)));
    with_quinn(&server, |quinn| async {
        let quinn = quinn;
        let lazy = lazy(&quinn);
        let lazy = quinn
            .endpoint
            .connect_with(lazy, server.address, "localhost");
        let mut stopped = Http3::over(lazy.unwrap().await.unwrap()).await;
        let mut other = quinn.connect(server.address).await;
        let mut streams = Vec::new();
        // Each holds the piece of 10,000 bytes that its window of 16 KiB cut.
        while !is_refused(&mut other).await {
            let request = http::Request::get("https://localhost/pull/1000000");
            let request = request.body(()).unwrap();
            let mut stream = stopped.sender.send_request(request).await.unwrap();
            stream.finish().await.unwrap();
            if stream.recv_response().await.unwrap().status() == 200 {
                streams.push(stream);
            }
        }
        let at_hand = other.get("/bytes/90000").await;
        assert_eq!(at_hand.body, bytes(90_000), "what is at hand is served");
        assert!(server.count(|m| m.requests_refused.pulled.value()) >= 1);
        // Who reads at last gets all of it, and then there is room for others.
        for mut stream in streams {
            let mut body = Vec::new();
            while let Some(mut chunk) = stream.recv_data().await.unwrap() {
                body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
            }
            assert!(body == bytes(1_000_000));
        }
        while other.get("/pull/1000").await.status != 200 {}
    });
}
