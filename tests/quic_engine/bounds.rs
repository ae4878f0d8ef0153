//! Restarts, bounds and drains.

use super::*;
use support::Secrets;

#[test]
fn a_restarted_server_tells_learners_at_once_that_their_connection_is_gone() {
    is_told_after_a_restart(Arc::clone);
}

/// Restarts a server that says nothing, with secrets that follow from those it had.
pub(crate) fn is_told_after_a_restart(keys: impl FnOnce(&Arc<Secrets>) -> Arc<Secrets>) {
    let first = Server::start(Options::default());
    let mut client = OwnClient::new(&first);
    // By its reply the handshake is confirmed: resets answer nothing that belongs to one.
    assert_eq!(client.get("/hello").status, 200);
    let (secrets, address) = (keys(&first.secrets), first.address);
    // The old process says nothing: its last words go to a socket that is gone.
    let mute = client
        .client
        .rebind(client.conn, "127.0.0.1:0".parse().unwrap());
    assert!(mute.is_ok());
    first.crash();
    let second = Server::start(Options {
        secrets,
        address,
        generation: 2,
        ..Options::default()
    });
    let lost = client.request("GET", "/hello", Bytes::new()).unwrap_err();
    let Event::Closed { reason, .. } = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(reason, ConnectionError::Reset);
    assert!(second.count(|m| m.stateless_replies.value()) > 0);
    assert_eq!(OwnClient::new(&second).get("/hello").status, 200);
}

#[test]
fn at_the_connection_limit_the_newcomer_is_refused_and_the_others_notice_nothing() {
    let server = Server::start(Options {
        connections_max: 3,
        ..Options::default()
    });
    let mut inside: Vec<_> = (0..3).map(|_| OwnClient::new(&server)).collect();
    let config = own_config(KeyExchange::Classic, Resume::Never);
    let mut outside = Client::new(config).unwrap();
    outside
        .connect(runtime::now(), server.address, "localhost")
        .unwrap();
    let Event::Closed { reason, .. } = support::next(&mut outside) else {
        panic!()
    };
    let ConnectionError::ConnectionClosed(close) = reason else {
        panic!("{reason:?}")
    };
    assert_eq!(
        close.error_code,
        quinn_proto::TransportErrorCode::CONNECTION_REFUSED
    );
    for client in &mut inside {
        assert_eq!(client.get("/bytes/50000").body, bytes(50_000));
    }
    assert_eq!(server.count(|m| m.refused.budget.value()), 1);
    assert_eq!(server.budget.taken(), 3);
}

#[test]
fn half_open_connections_of_one_prefix_are_bounded_and_time_out() {
    let server = Server::start(Options::set(|config| {
        config.half_open_prefix_max = 5;
        config.handshake_timeout = Span::secs(8);
    }));
    let hello = first_flight(&server);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Each with an id of its own, and so undecipherable or another connection: what matters
    // is that a handshake of nobody who answers is begun only so often.
    let hellos: Vec<_> = (0..20_u8).map(hello).collect();
    for hello in hellos {
        socket.send_to(&hello, server.address).unwrap();
    }
    wait_for(|| server.count(|m| m.refused.prefix.value()) == 15);
    wait_for(|| server.count(|m| m.closed.handshake_timeout.value()) == 5);
    assert_eq!(OwnClient::new(&server).get("/hello").status, 200);
}

#[test]
fn a_drained_server_finishes_requests_says_goodbye_and_ends() {
    let server = Server::start(Options::default());
    let mut idle = OwnClient::new(&server);
    let mut busy = OwnClient::new(&server);
    let stream = busy.ask("/later/700");
    busy.client.turn(runtime::now()).unwrap();
    wait_for(|| server.count(|m| m.requests.value()) == 1);
    server.drain(support::PATIENCE);
    let address = server.address;
    let got = support::collect(&mut busy.client, stream).unwrap();
    assert_eq!(got.body, b"at last");
    let goodbye = |client: &mut OwnClient| loop {
        if let Event::Closed { reason, .. } = support::next(&mut client.client) {
            break reason;
        }
    };
    for client in [&mut idle, &mut busy] {
        let reason = goodbye(client);
        let ConnectionError::ApplicationClosed(close) = reason else {
            panic!("{reason:?}")
        };
        assert_eq!(close.error_code.into_inner(), 0x100);
    }
    server.ended();
    assert!(UdpSocket::bind(address).is_ok(), "nothing is left behind");
}

#[test]
fn a_drain_ends_in_time_even_if_a_request_does_not() {
    let server = Server::start(Options::default());
    let mut client = OwnClient::new(&server);
    client.ask("/later/3600000");
    client.client.turn(runtime::now()).unwrap();
    wait_for(|| server.count(|m| m.requests.value()) == 1);
    server.drain(Duration::from_millis(400));
    server.ended();
}

#[test]
fn a_client_without_http3_is_told_so() {
    let server = Server::start(Options::default());
    with_quinn(&server, |quinn| async {
        let mut quinn = quinn;
        for protocols in [vec![], vec![b"hq-interop".to_vec()]] {
            quinn.tls.alpn_protocols = protocols;
            let error = quinn.connecting(server.address).await.unwrap_err();
            let QuinnError::ConnectionClosed(close) = error else {
                panic!("{error}")
            };
            assert_eq!(
                u64::from(close.error_code),
                0x178,
                "no_application_protocol"
            );
        }
    });
}

#[test]
fn random_datagrams_hurt_nobody() {
    let server = Server::start(Options::default());
    let mut client = OwnClient::new(&server);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let noise = bytes(2_000_000);
    for n in 0..1_000 {
        let len = 1 + n * 7 % 1_400;
        socket
            .send_to(&noise[n * 400..n * 400 + len], server.address)
            .unwrap();
    }
    assert_eq!(client.get("/bytes/200000").body, bytes(200_000));
}

/// Makes first flights of clients that never go on.
fn first_flight(server: &Server) -> impl Fn(u8) -> Vec<u8> + use<> {
    let _ = server;
    |_| {
        let catcher = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut client = Client::new(own_config(KeyExchange::Classic, Resume::Never)).unwrap();
        let to = catcher.local_addr().unwrap();
        client.connect(runtime::now(), to, "localhost").unwrap();
        client.turn(runtime::now()).unwrap();
        let mut packet = vec![0; 1500];
        let len = catcher.recv(&mut packet).unwrap();
        packet.truncate(len);
        packet
    }
}

pub(crate) fn wait_for(condition: impl Fn() -> bool) {
    let until = runtime::now() + support::PATIENCE;
    while !condition() {
        assert!(runtime::now() < until, "it did not come about");
        std::thread::yield_now();
    }
}
