//! Messages that break HTTP or its bounds: each gets its answer, and nobody else notices.

use crate::server::{BODY_LIMIT, Server, ask};
use std::time::Duration;

fn status(text: &str) -> u16 {
    let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("no status line: {text:?}"))
}

#[test]
fn requests_that_are_none_are_answered_with_400_and_the_others_go_on() {
    let server = Server::start();
    for request in [
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
        "GET /hel lo HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /hello HTTP/9.9\r\nhost: a\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\n\r\n1",
        "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\r\n",
        "\x16\x03\x01\r\n\r\n",
    ] {
        let text = ask(&server, &close(request));
        assert!(text.starts_with("HTTP/1.1 400 "), "{request:?} → {text:?}");
    }
    let text = ask(
        &server,
        "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(text.ends_with("hello"));
}

/// Asks for the end after the reply, where hyper would keep the connection.
fn close(request: &str) -> String {
    request
        .replacen(
            "\r\nhost: a\r\nhost",
            "\r\nconnection: close\r\nhost: a\r\nhost",
            1,
        )
        .replacen(
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1\r\nconnection: close\r\n\r\n",
            1,
        )
}

#[test]
fn a_smuggled_second_request_is_not_seen() {
    let server = Server::start();
    // Both framings: chunked wins and the connection ends, so what follows is never a request.
    let text = ask(
        &server,
        "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nhost: a\r\n\r\n",
    );
    assert!(!text.contains("hello"), "{text}");
    assert!(server.metrics.http1.value() <= 1);
}

#[test]
fn too_much_header_is_431_too_much_content_413() {
    let server = Server::start();
    let long = "x".repeat(70_000);
    let text = ask(
        &server,
        &format!("GET /hello HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
    );
    assert_eq!(status(&text), 431);
    let many = "x: y\r\n".repeat(200);
    let text = ask(
        &server,
        &format!("GET /hello HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
    );
    assert_eq!(status(&text), 431);

    let content = "x".repeat(BODY_LIMIT + 1);
    let announced = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{content}",
        content.len()
    );
    assert_eq!(status(&ask(&server, &announced)), 413);
    let chunked = format!(
        "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{content}\r\n0\r\n\r\n",
        content.len()
    );
    assert_eq!(status(&ask(&server, &chunked)), 413);
    assert_eq!(server.metrics.body_too_large.value(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_has_the_same_bounds() {
    let server = Server::start();
    let client = server.client(|builder| builder.http2_prior_knowledge());
    let long = "x".repeat(70_000);
    let reply = client
        .get(server.url("/hello"))
        .header("x", long)
        .send()
        .await;
    // The client may refuse to send what our SETTINGS forbid; if it sends, it is 431.
    assert!(reply.is_err() || reply.is_ok_and(|reply| reply.status() == 431));
    let content = "x".repeat(BODY_LIMIT + 1);
    let reply = client
        .post(server.url("/echo"))
        .body(content)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 413);
    let reply = client.get(server.url("/hello")).send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "hello");
}

#[test]
fn opening_and_resetting_streams_ends_the_connection_not_the_server() {
    let server = Server::start();
    let mut raw = server.raw("h2");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    // :method GET, :scheme https, :path /, :authority "a" (RFC 7541, static table).
    let head = [0x82, 0x87, 0x84, 0x41, 1, b'a'];
    for stream in (1..4001).step_by(2) {
        bytes.extend(frame(1, 0x5, stream, &head));
        bytes.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    // The server stops reading at some point; what it could not take is its right.
    drop(std::io::Write::write_all(&mut raw.0, &bytes));
    let answer = raw.rest();
    let codes = goaway_codes(&answer);
    assert!(
        codes.contains(&0xb),
        "ENHANCE_YOUR_CALM expected, got {codes:?}"
    );
    let text = ask(
        &server,
        "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert!(text.ends_with("hello"));
}

#[test]
fn http_2_that_breaks_its_framing_is_told_so() {
    let server = Server::start();
    let mut raw = server.raw("h2");
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    // DATA on stream 0 (RFC 9113, 6.1).
    bytes.extend(frame(0, 0, 0, b"x"));
    raw.send(&bytes);
    assert_eq!(goaway_codes(&raw.rest()), [1], "PROTOCOL_ERROR");
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![len[1], len[2], len[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Error codes of the GOAWAY frames among `bytes`.
fn goaway_codes(mut bytes: &[u8]) -> Vec<u32> {
    let mut codes = Vec::new();
    while bytes.len() >= 9 {
        let len = usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
        let Some(payload) = bytes.get(9..9 + len) else {
            break;
        };
        if bytes[3] == 7 {
            codes.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        bytes = &bytes[9 + len..];
    }
    codes
}

#[test]
fn plain_text_on_the_tls_port_costs_one_failed_handshake() {
    let server = Server::start();
    let mut socket = std::net::TcpStream::connect(server.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    std::io::Write::write_all(&mut socket, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    drop(std::io::Read::read_to_end(&mut socket, &mut answer));
    assert_eq!(answer.first(), Some(&21), "a TLS alert");
    assert_eq!(server.metrics.handshake_failed.value(), 1);
}
