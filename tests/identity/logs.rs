//! What stands in a log can be shown to others.

use crate::client::Client;
use crate::school::JSON;
use crate::school::PHONE;
use crate::school::call;
use crate::school::log_in;
use crate::support;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_and_no_name_of_a_person_stands_in_the_log() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let data = tempfile::tempdir().unwrap();
    let mut server = serve(data.path());
    let mut stderr = server.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let address = address(server.stdout.take().unwrap());
    let pem = std::fs::read(data.path().join("data/self-signed/certificate.pem")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let mut secrets = vec![NAME.to_owned()];
    for client in &mut Client::all(address, &certificate).await {
        secrets.extend(Box::pin(live(client)).await);
    }
    // SIGTERM: a drain, so that the log is whole.
    let ended = Command::new("kill").arg(server.id().to_string()).status();
    assert!(ended.unwrap().success() && server.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(
        log.contains("/v1/sessions"),
        "the log has no such line: {log}"
    );
    for secret in secrets {
        assert!(!log.contains(&secret), "the log holds {secret}");
    }
}

const NAME: &str = "nguyen-thi-lan";

/// The real program, as talkative as it can be.
fn serve(data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lamplight"))
        .args(["serve", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
        .args(["--workers", "1", "--content"])
        .arg(support::bundled_content())
        .arg("--data")
        .arg(data.join("data"))
        .args(["--set", "identity.mode=dev", "--set", "log.level=trace"])
        .args(["--set", "public.access_log_every=1"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where it listens, once it is ready.
fn address(stdout: ChildStdout) -> SocketAddr {
    let lines = BufReader::new(stdout).lines().map(Result::unwrap);
    let told: Vec<_> = lines.take_while(|line| line != "ready").collect();
    let told = told.join("\n");
    let (_, rest) = told.split_once("https://").unwrap();
    let port: String = rest.chars().skip_while(|c| *c != ':').skip(1).collect();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

/// Signs in, goes on, and out, with mistakes on the way; what nobody else should see.
async fn live(client: &mut Client) -> Vec<String> {
    let body = format!(r#"{{"learner":"{NAME}"}}"#);
    let made = client
        .send("POST", "/v1/dev/token", &[JSON], body.as_bytes())
        .await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let session = |reply: serde_json::Value| reply["session"].as_str().unwrap().to_owned();
    let begun = session(log_in(client, &token, PHONE).await.json());
    let renewed = call(client, "POST", "/v1/session/renew", &begun).await;
    let renewed = session(renewed.json());
    let forged = format!("{token}x");
    assert_eq!(log_in(client, &forged, PHONE).await.status, 401);
    assert_eq!(call(client, "GET", "/v1/session", &token).await.status, 401);
    assert_eq!(
        call(client, "DELETE", "/v1/session", &renewed).await.status,
        204
    );
    let parts = token.split('.').map(str::to_owned);
    parts.chain([begun, renewed]).collect()
}
