//! What stands in a log can be shown to others.

use crate::client::Client;
use crate::school::JSON;
use crate::school::PHONE;
use crate::school::call;
use crate::school::log_in;
use crate::support;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::process::Command;
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_and_no_name_of_a_person_stands_in_the_log() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let data = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_lamplight"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--ops",
            "127.0.0.1:0",
            "--workers",
            "1",
        ])
        .arg("--content")
        .arg(support::bundled_content())
        .arg("--data")
        .arg(data.path().join("data"))
        .args([
            "--set",
            "identity.mode=dev",
            "--set",
            "public.access_log_every=1",
        ])
        .args(["--set", "log.level=trace"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = server.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr
            .read_to_end(&mut text)
            .map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut told = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if line == "ready" {
            break;
        }
        told.push_str(&line);
        told.push('\n');
    }
    let rest = told.split("https://").nth(1).unwrap();
    let port = rest.split(':').nth(1).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let pem = std::fs::read(data.path().join("data/self-signed/certificate.pem")).unwrap();
    let certificate = certificate_of(&pem);

    let mut secrets = vec!["nguyen-thi-lan".to_owned()];
    for client in &mut Client::all(address, &certificate).await {
        let body = br#"{"learner":"nguyen-thi-lan"}"#;
        let reply = client.send("POST", "/v1/dev/token", &[JSON], body).await;
        let token = reply.json()["token"].as_str().unwrap().to_owned();
        let begun = log_in(client, &token, PHONE).await.json();
        let session = begun["session"].as_str().unwrap().to_owned();
        let renewed = call(client, "POST", "/v1/session/renew", &session)
            .await
            .json();
        let renewed = renewed["session"].as_str().unwrap().to_owned();
        assert_eq!(
            log_in(client, &format!("{token}x"), PHONE).await.status,
            401
        );
        assert_eq!(call(client, "GET", "/v1/session", &token).await.status, 401);
        assert_eq!(
            call(client, "DELETE", "/v1/session", &renewed).await.status,
            204
        );
        secrets.extend(token.split('.').map(str::to_owned));
        secrets.extend([session, renewed]);
    }
    let pid = i32::try_from(server.id()).unwrap();
    // SIGTERM: a drain, so that the log is whole.
    let ended = Command::new("kill").arg(pid.to_string()).status().unwrap();
    assert!(ended.success() && server.wait().unwrap().success());
    let log = log.join().unwrap().unwrap();
    assert!(
        log.contains("/v1/sessions"),
        "the log has no such line: {log}"
    );
    for secret in secrets {
        assert!(!log.contains(&secret), "the log holds {secret}");
    }
}

fn certificate_of(pem: &[u8]) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(pem).unwrap()
}
