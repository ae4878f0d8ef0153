//! The `quinn` and `h3` crates: the same list as far as they can do it.

use crate::aioquic::POOR;
use crate::proxy::Proxy;
use crate::quinn_client::Client;
use crate::server::Offered;
use crate::server::Server;
use std::net::UdpSocket;

/// A draft's version, which `quinn` still speaks and the server does not.
const DRAFT_29: u32 = 0xff00_001d;

async fn transfers(client: &Client, server: &Server, offered: &Offered) {
    let connection = client.connect(server.address).await;
    let answer = connection.get(&offered.path).await;
    assert_eq!((answer.status, answer.body == *offered.bytes), (200, true));
}

#[tokio::test]
async fn quinn_transfers_the_same_bytes() {
    let server = Server::start(&[]);
    let client = Client::new("127.0.0.1", &server.ca);
    transfers(&client, &server, &server.small).await;
    transfers(&client, &server, &server.large).await;
}

#[tokio::test]
async fn quinn_proves_its_address_after_a_retry() {
    let server = Server::start(&["quic.half_open_retry=0"]);
    let client = Client::new("127.0.0.1", &server.ca);
    transfers(&client, &server, &server.medium).await;
}

#[tokio::test]
async fn quinn_resumes_its_session() {
    let server = Server::start(&[]);
    let client = Client::new("127.0.0.1", &server.ca);
    for _ in 0..3 {
        transfers(&client, &server, &server.small).await;
        assert_eq!(client.full_handshakes(), 1);
    }
}

#[tokio::test]
async fn quinn_updates_keys_between_transfers() {
    let server = Server::start(&[]);
    let client = Client::new("127.0.0.1", &server.ca);
    let connection = client.connect(server.address).await;
    for _ in 0..4 {
        let answer = connection.get(&server.medium.path).await;
        assert!(answer.body == *server.medium.bytes);
        connection.quic.force_key_update();
    }
}

#[tokio::test]
async fn quinn_is_told_that_its_version_is_unknown() {
    let server = Server::start(&[]);
    let mut client = Client::new("127.0.0.1", &server.ca);
    client.speak(DRAFT_29);
    let refused = client.quic(server.address).await.unwrap_err();
    assert_eq!(refused, quinn::ConnectionError::VersionMismatch);
}

async fn moves_to(address: &str) {
    let server = Server::start(&[]);
    let client = Client::new("127.0.0.1", &server.ca);
    let connection = client.connect(server.address).await;
    let (path, length) = (&server.large.path, server.large.bytes.len());
    let fresh = UdpSocket::bind(format!("{address}:0")).unwrap();
    let before = client.endpoint.local_addr().unwrap();
    let rebind = || client.endpoint.rebind(fresh).unwrap();
    let answer = connection.get_and(path, length, rebind).await;
    assert!(answer.body == *server.large.bytes);
    let after = client.endpoint.local_addr().unwrap();
    assert_ne!(before, after);
    assert_eq!(after.ip().to_string(), address);
    let again = connection.get(&server.small.path).await;
    assert!(again.body == *server.small.bytes);
}

#[tokio::test]
async fn quinn_keeps_its_transfer_when_its_port_changes() {
    moves_to("127.0.0.1").await;
}

#[tokio::test]
async fn quinn_keeps_its_transfer_when_its_address_changes() {
    moves_to("127.0.0.2").await;
}

#[tokio::test]
async fn quinn_has_a_hundred_requests_answered_at_once() {
    let server = Server::start(&[]);
    let client = Client::new("127.0.0.1", &server.ca);
    let connection = client.connect(server.address).await;
    let mut all = Vec::new();
    for _ in 0..100 {
        all.push(connection.get(&server.medium.path));
    }
    let answers = join_all(all).await;
    assert!(answers.iter().all(|a| a.body == *server.medium.bytes));
}

#[tokio::test]
async fn quinn_transfers_over_a_path_that_loses_and_delays() {
    let server = Server::start(&[]);
    let proxy = Proxy::start(server.address, POOR).await.unwrap();
    let client = Client::new("127.0.0.1", &server.ca);
    let connection = client.connect(proxy.address).await;
    let answer = connection.get(&server.medium.path).await;
    assert!(answer.body == *server.medium.bytes);
    assert!(proxy.counts().0 > 0);
}

/// Polls all futures of one task until each has its answer.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    let mut answers: Vec<_> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (slot, answer) in waiting.iter_mut().zip(&mut answers) {
            if let Some(future) = slot
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *answer = Some(output);
                *slot = None;
            }
        }
        match waiting.iter().all(Option::is_none) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}
