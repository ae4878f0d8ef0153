//! HTTP/1.1 and HTTP/2: reqwest and curl get the bytes that HTTP/3 clients get.

use crate::server::Offered;
use crate::server::Server;
use std::process::Command;

/// reqwest with rustls, trusting the server's certificate; HTTP/2 unless told otherwise.
fn reqwest_client(server: &Server, version: reqwest::Version) -> reqwest::Client {
    // Another test may have been quicker; both install the same provider.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let pem = std::fs::read(&server.ca).unwrap();
    let ca = reqwest::Certificate::from_pem(&pem).unwrap();
    let builder = reqwest::Client::builder()
        .tls_certs_only([ca])
        .resolve("localhost", server.address);
    match version {
        reqwest::Version::HTTP_11 => builder.http1_only(),
        _ => builder,
    }
    .build()
    .unwrap()
}

async fn reqwest_gets(version: reqwest::Version) {
    let server = Server::start(&[]);
    let client = reqwest_client(&server, version);
    for offered in [&server.small, &server.medium, &server.large] {
        let url = format!(
            "https://localhost:{}{}",
            server.address.port(),
            offered.path
        );
        let answer = client.get(url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        let advertised = answer.headers().get("alt-svc").unwrap().to_str().unwrap();
        assert!(advertised.contains("h3="), "{advertised}");
        assert!(answer.bytes().await.unwrap() == offered.bytes[..]);
    }
}

#[tokio::test]
async fn reqwest_transfers_the_same_bytes_over_http_2() {
    reqwest_gets(reqwest::Version::HTTP_2).await;
}

#[tokio::test]
async fn reqwest_transfers_the_same_bytes_over_http_1_1() {
    reqwest_gets(reqwest::Version::HTTP_11).await;
}

fn curl(server: &Server, version: &str, offered: &Offered) -> Vec<u8> {
    let port = server.address.port();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--max-time",
            "20",
            version,
        ])
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
        .arg("--cacert")
        .arg(&server.ca)
        .args(["--write-out", "%{http_version}"])
        .arg(format!("https://localhost:{port}{}", offered.path))
        .output()
        .expect("curl; run scripts/setup-test.sh");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn curl_transfers_the_same_bytes_over_both() {
    let server = Server::start(&[]);
    for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for offered in [&server.small, &server.medium, &server.large] {
            let got = curl(&server, flag, offered);
            let right = [&offered.bytes[..], version.as_bytes()].concat();
            assert!(got == right, "{flag} {}: {} bytes", offered.path, got.len());
        }
    }
}
