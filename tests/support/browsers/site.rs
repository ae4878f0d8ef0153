//! The built server on a free port, with a certificate of a throw-away authority.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use data_encoding::BASE64;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PublicKeyData as _;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A running server; it ends with the value.
pub struct Site {
    child: Child,
    dir: TempDir,
    /// The port of all three versions.
    pub port: u16,
    /// SHA-256 of the leaf's public key, as Chromium takes it.
    pub spki: String,
}

impl Site {
    /// Serves the bundled course; returns once the server says that it is ready.
    pub fn start() -> Self {
        Self::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("content"))
    }

    /// Serves the courses in `content`; returns once the server says that it is ready.
    pub fn of(content: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spki = certify(dir.path());
        let child = Command::new(env!("CARGO_BIN_EXE_lamplight"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--ops",
                "127.0.0.1:0",
                "--content",
            ])
            .arg(content)
            .arg("--data")
            .arg(dir.path().join("data"))
            .arg("--set")
            .arg(format!(
                "tls.certificate={}",
                dir.path().join("leaf.pem").display()
            ))
            .arg("--set")
            .arg(format!("tls.key={}", dir.path().join("leaf.key").display()))
            .stdout(Stdio::piped())
            .stderr(log())
            .spawn()
            .unwrap();
        let mut site = Self {
            child,
            dir,
            port: 0,
            spki,
        };
        site.port = port_of(&mut site.child);
        site
    }

    /// Address of a view, e.g. `#/course/ky-nang-so`.
    pub fn url(&self, view: &str) -> String {
        format!("https://localhost:{}/{view}", self.port)
    }

    /// The authority's certificate, for a browser that shall trust it.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("authority.pem")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads what the server says until `ready`; the address line names the port that was free.
fn port_of(child: &mut Child) -> u16 {
    let out = BufReader::new(child.stdout.take().unwrap());
    let (lines, said) = mpsc::channel();
    // Reads on to the end, so that the server never waits for somebody to listen.
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            lines.send(line).ok();
        }
    });
    let mut port = None;
    loop {
        let line = said
            .recv_timeout(READY_WITHIN)
            .expect("the server did not become ready");
        if let Some((_, rest)) = line.split_once("https://127.0.0.1:") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            port = digits.parse().ok();
        }
        if line.trim() == "ready" {
            return port.expect("no line named the address");
        }
    }
}

/// The server's log of the last test, beside the pictures.
fn log() -> Stdio {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-output");
    fs::create_dir_all(&folder).unwrap();
    Stdio::from(fs::File::create(folder.join(LOG)).unwrap())
}

/// Writes an authority and a leaf for localhost; returns the leaf's key hash.
fn certify(dir: &Path) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "Lamplight browser test");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &authority).unwrap();
    fs::write(dir.join("authority.pem"), authority.pem()).unwrap();
    fs::write(dir.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(dir.join("leaf.key"), key.serialize_pem()).unwrap();
    let info = key.subject_public_key_info();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &info);
    BASE64.encode(hash.as_ref())
}

/// One a suite.
const LOG: &str = concat!(env!("CARGO_CRATE_NAME"), "-server.log");
/// A debug build on a busy machine, with a catalogue to open.
const READY_WITHIN: Duration = Duration::from_secs(120);
