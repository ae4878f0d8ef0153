//! How many requests one HTTP/2 connection may have open.

use crate::support::Running;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// SETTINGS_MAX_CONCURRENT_STREAMS as the server announces it (RFC 9113, 6.5.2).
fn announced(server: &Running) -> u32 {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(server.certificate().into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = "localhost".try_into().unwrap();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(server.address()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut stream = rustls::StreamOwned::new(tls, socket);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[3], 4, "SETTINGS come first");
    let mut settings = vec![0; usize::from(head[2]) + 256 * usize::from(head[1])];
    stream.read_exact(&mut settings).unwrap();
    let mut settings = settings.chunks_exact(6);
    let setting = settings.find(|setting| setting[..2] == [0, 3]).unwrap();
    u32::from_be_bytes(setting[2..].try_into().unwrap())
}

#[test]
fn a_configured_edge_may_ask_for_more_at_once_than_a_learner() {
    let server = Running::with(|config| {
        config.tcp.streams_max = 100;
        config.tcp.edges = vec!["192.0.2.0/24".parse().unwrap()];
    });
    assert_eq!(announced(&server), 100);
    let server = Running::with(|config| {
        config.tcp.streams_max = 100;
        config.tcp.edges = vec![
            "192.0.2.0/24".parse().unwrap(),
            "127.0.0.1".parse().unwrap(),
        ];
    });
    assert!(announced(&server) >= 128);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_of_an_edge_all_end_whole() {
    let server = Running::with(|config| {
        config.tcp.edges = vec!["127.0.0.0/8".parse().unwrap()];
    });
    server.wait_ready();
    let client = server.client(http::Version::HTTP_2);
    let url = server.url("/media/ky-nang-so/mat-khau/master.m3u8");
    let whole = client
        .get(&url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let all = (0..200).map(|_| {
        let request = client.get(&url);
        tokio::spawn(async move { request.send().await.unwrap().bytes().await.unwrap() })
    });
    let all: Vec<_> = all.collect();
    for one in all {
        assert!(one.await.unwrap() == whole);
    }
}

#[test]
fn an_edge_may_open_as_many_connections_at_once_as_it_needs() {
    let begun = |edges: &[&str]| {
        let server = Running::with(|config| {
            config.tcp.handshakes_per_prefix_max = 2;
            config.tcp.edges = edges.iter().map(|edge| edge.parse().unwrap()).collect();
        });
        // Four that say nothing hold a place each, then one speaks.
        let silent: Vec<_> = (0..4)
            .map(|_| TcpStream::connect(server.address()).unwrap())
            .collect();
        let mut fifth = TcpStream::connect(server.address()).unwrap();
        fifth
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // Not TLS: whoever is let in hears an alert, the others only the end.
        drop(fifth.write_all(b"GET / HTTP/1.1\r\n\r\n"));
        let mut alert = Vec::new();
        drop(fifth.read_to_end(&mut alert));
        drop(silent);
        alert.first() == Some(&21)
    };
    assert!(!begun(&["192.0.2.0/24"]));
    assert!(begun(&["127.0.0.1"]));
}
