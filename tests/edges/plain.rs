//! The listener without TLS, as edges use it.

use crate::origin::LARGE;
use crate::origin::Origin;
use crate::origin::large;
use crate::support::plain_client;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls_the_same_bytes_arrive_and_no_other_protocol_is_announced() {
    let origin = Origin::start();
    let client = plain_client();
    let playlist = origin.playlist().await;
    for _ in 0..3 {
        let reply = client.get(format!("http://{}{playlist}", origin.plain));
        let reply = reply.send().await.unwrap();
        assert_eq!(
            (reply.status(), reply.version()),
            (http::StatusCode::OK, http::Version::HTTP_11)
        );
        assert!(!reply.headers().contains_key("alt-svc"));
        assert!(reply.bytes().await.unwrap() == origin.direct(&playlist).await);
        let reply = client.get(format!("http://{}{LARGE}", origin.plain));
        assert!(reply.send().await.unwrap().bytes().await.unwrap() == large());
    }
}

#[test]
fn pipelined_and_slow_readers_get_every_byte_in_order() {
    let origin = Origin::start();
    let mut socket = TcpStream::connect(origin.plain).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let ask = format!("GET {LARGE} HTTP/1.1\r\nhost: a\r\n\r\n").repeat(3);
    let last = format!("GET {LARGE} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    socket.write_all((ask + &last).as_bytes()).unwrap();
    // More than both kernels buffer: the server has to wait for the reader again and again.
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let whole = large();
    let mut rest = &all[..];
    for _ in 0..4 {
        let head = rest.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        assert!(rest.starts_with(b"HTTP/1.1 200 "));
        assert!(rest[head..head + whole.len()] == whole);
        rest = &rest[head + whole.len()..];
    }
    assert!(rest.is_empty());
}

#[test]
fn http_2_without_tls_is_refused_and_others_are_served() {
    let origin = Origin::start();
    let mut socket = TcpStream::connect(origin.plain).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // It ends: with a refusal, or with nothing.
    drop(socket.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    let mut socket = TcpStream::connect(origin.plain).unwrap();
    let ask = "GET /v1/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    socket.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}
