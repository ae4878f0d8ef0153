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
    content: PathBuf,
    settings: Vec<&'static str>,
    /// The port of all three versions.
    pub port: u16,
    /// SHA-256 of the leaf's public key, as Chromium takes it.
    pub spki: String,
}

impl Site {
    /// Serves the bundled course; returns once the server says that it is ready.
    pub fn start() -> Self {
        Self::of(&bundled())
    }

    /// Serves the courses in `content`; returns once the server says that it is ready.
    pub fn of(content: &Path) -> Self {
        Self::with(content, &[])
    }

    /// Serves the bundled course to learners, who sign in under any name.
    pub fn school() -> Self {
        Self::school_of(&bundled())
    }

    /// Serves the courses in `content` to learners, who sign in under any name.
    pub fn school_of(content: &Path) -> Self {
        Self::with(content, &["identity.mode=dev"])
    }

    fn with(content: &Path, settings: &[&'static str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spki = certify(dir.path());
        let child = serve(content, dir.path(), 0, settings);
        let mut site = Self {
            child,
            dir,
            content: content.to_owned(),
            settings: settings.to_vec(),
            port: 0,
            spki,
        };
        site.port = port_of(&mut site.child);
        site
    }

    /// Ends the server as a power cut would: nothing is finished, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the killed server again, at the same port and on the same data.
    pub fn restart(&mut self) {
        self.child = serve(&self.content, self.dir.path(), self.port, &self.settings);
        assert_eq!(port_of(&mut self.child), self.port);
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

fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("content")
}

/// Starts the server at `port`; 0 is any that is free.
fn serve(content: &Path, dir: &Path, port: u16, settings: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight"));
    command.args(["serve", "--ops", "127.0.0.1:0", "--listen"]);
    command.arg(format!("127.0.0.1:{port}"));
    command.arg("--content").arg(content);
    command.arg("--data").arg(dir.join("data"));
    for (name, file) in [("certificate", "leaf.pem"), ("key", "leaf.key")] {
        let set = format!("tls.{name}={}", dir.join(file).display());
        command.arg("--set").arg(set);
    }
    for set in settings {
        command.arg("--set").arg(set);
    }
    let command = command.stdout(Stdio::piped()).stderr(log());
    command.spawn().unwrap()
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
