//! What one node makes and another understands, and what a key that was rotated leaves behind.

use super::*;
use relay::Relay;
use std::net::SocketAddr;

/// Nodes 3 and 4 with one keyring, both asking everybody to prove the address.
fn two_nodes() -> [Server; 2] {
    let config = Config {
        half_open_retry: 0,
        ..Config::default()
    };
    let first = Server::start(Options {
        config: config.clone(),
        ..Options::default()
    });
    let second = Server::start(Options {
        config,
        node: 4,
        secrets: Arc::clone(&first.secrets),
        ..Options::default()
    });
    [first, second]
}

#[test]
fn a_ticket_of_one_node_resumes_at_another() {
    let [first, second] = two_nodes();
    let config = own_config(KeyExchange::Classic, Resume::Tickets);
    let mut client = OwnClient::with(first.address, config.clone());
    assert_eq!(client.get("/hello").status, 200);
    let mut other = OwnClient::with(second.address, config);
    assert!(other.handshake.resumed);
    assert_eq!(other.get("/hello").status, 200);
    assert_eq!(second.count(|m| m.resumed.value()), 1);
}

/// A client asked back by one server goes on at another, as behind a balancer.
fn goes_on_at(first: SocketAddr, second: &Server) {
    let relay = Relay::start(&[first, second.address]);
    let config = own_config(KeyExchange::Classic, Resume::Never);
    let mut client = OwnClient::with(relay.address, config);
    assert_eq!(client.get("/bytes/50000").body, bytes(50_000));
    assert_eq!(second.count(|m| m.handshakes.value()), 1);
    assert_eq!(second.count(|m| m.retried.value()), 0, "asked back again");
}

#[test]
fn an_address_proved_to_one_node_is_proved_to_another() {
    let [first, second] = two_nodes();
    goes_on_at(first.address, &second);
    assert!(first.count(|m| m.retried.value()) >= 1);
    assert_eq!(first.count(|m| m.handshakes.value()), 0);
}

#[test]
fn a_datagram_for_another_node_resets_nobody() {
    let [first, second] = two_nodes();
    let relay = Relay::start(&[first.address]);
    let config = own_config(KeyExchange::Classic, Resume::Never);
    let mut client = OwnClient::with(relay.address, config);
    assert_eq!(client.get("/hello").status, 200);
    // What the client said last, misled: long enough that a reset would be shorter.
    let sent = relay.sent();
    let short = |datagram: &&Vec<u8>| datagram[0] & 0x80 == 0;
    let mut stray = sent.iter().rfind(short).unwrap().clone();
    stray.resize(200, 0);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = second.count(|m| m.datagrams_ignored.value());
    socket.send_to(&stray, second.address).unwrap();
    bounds::wait_for(|| second.count(|m| m.datagrams_ignored.value()) > before);
    assert_eq!(second.count(|m| m.stateless_replies.value()), 0);
    // At its own node, by another port, it is that connection's, which ignores it.
    socket.send_to(&stray, first.address).unwrap();
    assert_eq!(client.get("/hello").status, 200);
}

#[test]
fn after_a_key_rotation_learners_of_before_are_told_at_once() {
    bounds::is_told_after_a_restart(|secrets| secrets.rotated());
}

#[test]
fn after_a_key_rotation_an_address_proved_before_stays_proved() {
    let [first, _] = two_nodes();
    let config = Config {
        half_open_retry: 0,
        ..Config::default()
    };
    let second = Server::start(Options {
        config,
        secrets: first.secrets.rotated(),
        ..Options::default()
    });
    goes_on_at(first.address, &second);
}

#[test]
fn after_a_key_rotation_tickets_of_before_resume() {
    let first = Server::start(Options::default());
    let config = own_config(KeyExchange::Classic, Resume::Tickets);
    let mut client = OwnClient::with(first.address, config.clone());
    assert_eq!(client.get("/hello").status, 200);
    let second = Server::start(Options {
        secrets: first.secrets.rotated(),
        ..Options::default()
    });
    assert!(OwnClient::with(second.address, config).handshake.resumed);
}
