//! curl and reqwest over HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3.

use crate::answer::Answer;
use crate::server::Server;
use reqwest::tls;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// A reqwest client of one HTTP version and one TLS version.
pub(crate) fn reqwest_client(
    server: &Server,
    http: http::Version,
    tls: tls::Version,
) -> reqwest::Client {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let ca = fs::read(&server.ca).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let builder = reqwest::Client::builder()
        .tls_certs_only([ca])
        .tls_version_min(tls)
        .tls_version_max(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .resolve("localhost", server.address)
        .timeout(Duration::from_secs(60));
    let builder = match http {
        http::Version::HTTP_2 => builder.http2_prior_knowledge(),
        _ => builder.http1_only(),
    };
    builder.build().unwrap()
}

/// One request, whole.
pub(crate) async fn ask(
    client: &reqwest::Client,
    url: &str,
    method: &str,
    fields: &[(&str, &str)],
) -> (http::Version, Answer) {
    let method = method.parse().unwrap();
    let mut request = client.request(method, url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let reply = request.send().await.unwrap();
    let version = reply.version();
    let mut answer = Answer::new(reply.status(), reply.headers());
    answer.body = reply.bytes().await.unwrap().to_vec();
    (version, answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqwest_gets_the_same_bytes_in_both_versions_and_both_tls() {
    let server = Server::start();
    for http in [http::Version::HTTP_11, http::Version::HTTP_2] {
        for tls in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
            let client = reqwest_client(&server, http, tls);
            for file in [server.small(), server.middle(), server.big()] {
                let (version, answer) = ask(&client, &server.url(&file.path), "GET", &[]).await;
                assert_eq!(version, http);
                answer.is_whole(file.body);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqwest_has_a_hundred_requests_at_once_on_one_connection() {
    let server = Server::start();
    let client = reqwest_client(&server, http::Version::HTTP_2, tls::Version::TLS_1_3);
    let middle = server.middle();
    let url = server.url(&middle.path);
    ask(&client, &url, "GET", &[]).await.1.is_whole(middle.body);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (client, url) = (client.clone(), url.clone());
        running.spawn(async move { ask(&client, &url, "GET", &[]).await.1 });
    }
    for answer in running.join_all().await {
        answer.is_whole(middle.body);
    }
    assert_eq!(server.metric("lamplight_tcp_accepted"), 1);
}

#[test]
fn curl_gets_the_same_bytes_in_both_versions_and_both_tls() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for (tls, spoken) in [("1.2", "TLSv1.2"), ("1.3", "TLSv1.3")] {
            for file in [server.small(), server.middle(), server.big()] {
                let to = dir.path().join("body");
                let output = curl(&server)
                    .args([http, &format!("--tlsv{tls}"), "--tls-max", tls, "--verbose"])
                    .args([
                        "--write-out",
                        "%{http_version} %{response_code}",
                        "--output",
                    ])
                    .arg(&to)
                    .arg(server.url(&file.path))
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{said}");
                assert_eq!(
                    String::from_utf8_lossy(&output.stdout),
                    format!("{version} 200")
                );
                assert!(
                    said.contains(&format!("SSL connection using {spoken}")),
                    "{said}"
                );
                assert!(
                    fs::read(&to).unwrap() == file.body,
                    "{version} {spoken} {}",
                    file.path
                );
            }
        }
    }
}

#[test]
fn curl_goes_on_with_a_broken_download() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("body");
    let big = server.big();
    for http in ["--http1.1", "--http2"] {
        fs::write(&to, &big.body[..2_000_000]).unwrap();
        let output = curl(&server)
            .args([
                http,
                "--continue-at",
                "-",
                "--write-out",
                "%{response_code} %{size_download}",
            ])
            .arg("--output")
            .arg(&to)
            .arg(server.url(&big.path))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, format!("206 {}", big.body.len() - 2_000_000));
        assert!(fs::read(&to).unwrap() == big.body, "{http}");
    }
}

fn curl(server: &Server) -> Command {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--max-time",
        "60",
        "--noproxy",
        "*",
        "--cacert",
    ])
    .arg(&server.ca)
    .arg("--resolve")
    .arg(format!("{}:127.0.0.1", server.authority()));
    curl
}
