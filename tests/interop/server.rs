//! The real binary over a course folder made for the test, and what its operations listener says.

use crate::answer::noise;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// The course of the test.
pub(crate) const COURSE: &str = "ky-nang-so";
/// Its folder of attachments.
const HANDOUTS: &str = "handouts";
/// Bytes of the three attachments.
const SMALL_BYTES: usize = 200;
const MIDDLE_BYTES: usize = 256 * 1024;
const BIG_BYTES: usize = 6 * 1024 * 1024 + 13;

/// A running server; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where QUIC and TCP listen.
    pub(crate) address: SocketAddr,
    /// PEM file of the authority that issued its certificate.
    pub(crate) ca: PathBuf,
    ops: SocketAddr,
    child: Child,
    _dir: TempDir,
}

/// An attachment: where it is and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Path of its URL.
    pub(crate) path: String,
    /// Content.
    pub(crate) body: &'static [u8],
}

impl Server {
    /// With the default configuration.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With some keys set, as `--set key=value`.
    pub(crate) fn with(keys: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_content(&dir.path().join("content"));
        let ca = write_certificate(dir.path());
        let at = |name: &str| dir.path().join(name).display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"]);
        command.args(["--content", &at("content"), "--data", &at("data")]);
        command
            .arg("--set")
            .arg(format!("tls.certificate={}", at("certificate.pem")));
        command
            .arg("--set")
            .arg(format!("tls.key={}", at("key.pem")));
        for (key, value) in [&[("server.workers", "2"), ("log.level", "error")][..], keys].concat()
        {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let mut child = command
            .env_remove("LAMPLIGHT_CONFIG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (address, ops) = addresses(&mut child);
        Self {
            address,
            ca,
            ops,
            child,
            _dir: dir,
        }
    }

    /// Host and port as URLs name them.
    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.authority())
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// 200 bytes.
    pub(crate) fn small(&self) -> File {
        file("small.zip")
    }

    /// 256 KiB.
    pub(crate) fn middle(&self) -> File {
        file("middle.zip")
    }

    /// Some MiB.
    pub(crate) fn big(&self) -> File {
        file("big.zip")
    }

    /// Sum over all labels of a counter or gauge, by its name without `_total`.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.ops("/metrics");
        let lines = text.lines().filter(|line| {
            let rest = line.strip_prefix(name).unwrap_or("?");
            let rest = rest.strip_prefix("_total").unwrap_or(rest);
            rest.starts_with([' ', '{'])
        });
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        let values: Vec<_> = lines.map(value).collect();
        assert!(!values.is_empty(), "no metric {name} in:\n{text}");
        values.iter().sum()
    }

    /// A counter under one value of its label.
    pub(crate) fn reason(&self, name: &str, reason: &str) -> u64 {
        self.metric(&format!("{name}_total{{reason=\"{reason}\"}}"))
    }

    /// A page of the operations listener.
    pub(crate) fn ops(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.ops).unwrap();
        let wait = Some(Duration::from_secs(60));
        stream.set_read_timeout(wait).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body.to_owned()
    }

    /// Open files, sockets among them.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .unwrap()
            .count()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        let kib = line.split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let alive = matches!(self.child.try_wait(), Ok(None));
        let _killed = self.child.kill();
        let _status = self.child.wait();
        assert!(alive || std::thread::panicking(), "the server had died");
    }
}

/// Reads listeners until the server says `ready`, then goes on reading so that it never blocks.
fn addresses(child: &mut Child) -> (SocketAddr, SocketAddr) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut public, mut ops) = (None, None);
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line.unwrap();
        let port = |scheme: &str| {
            let (_, rest) = line.split_once(scheme)?;
            let (_, port) = rest.split_once(':')?;
            let digits = port.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse::<u16>().ok()
        };
        public = public.or_else(|| port("https://"));
        ops = ops.or_else(|| port("http://"));
        said.push_str(&line);
        said.push('\n');
        if line.trim() == "ready" {
            break;
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    let at = |port: Option<u16>| {
        let port = port.unwrap_or_else(|| panic!("the server did not come up:\n{said}"));
        SocketAddr::from(([127, 0, 0, 1], port))
    };
    (at(public), at(ops))
}

/// A lesson with recordings, captions and quiz from the bundled course, and three attachments.
fn write_content(dir: &Path) {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("content")
        .join(COURSE);
    let lesson = "01-mat-khau";
    let to = dir.join(COURSE);
    fs::create_dir_all(to.join(lesson)).unwrap();
    fs::create_dir_all(to.join(HANDOUTS)).unwrap();
    fs::copy(bundled.join("course.toml"), to.join("course.toml")).unwrap();
    for entry in fs::read_dir(bundled.join(lesson)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(lesson).join(entry.file_name())).unwrap();
    }
    for (name, body) in files() {
        fs::write(to.join(HANDOUTS).join(name), body).unwrap();
    }
}

fn files() -> &'static [(&'static str, Vec<u8>); 3] {
    static FILES: OnceLock<[(&str, Vec<u8>); 3]> = OnceLock::new();
    FILES.get_or_init(|| {
        [
            ("small.zip", noise(SMALL_BYTES, 1)),
            ("middle.zip", noise(MIDDLE_BYTES, 2)),
            ("big.zip", noise(BIG_BYTES, 3)),
        ]
    })
}

fn file(name: &str) -> File {
    let (name, body) = files().iter().find(|(n, _)| *n == name).unwrap();
    File {
        path: format!("/files/{COURSE}/{HANDOUTS}/{name}"),
        body,
    }
}

/// An authority and a certificate of it; returns the authority's file.
fn write_certificate(dir: &Path) -> PathBuf {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "test authority");
    let root = params.self_signed(&authority).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = rcgen::CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let ca = dir.join("authority.pem");
    fs::write(&ca, root).unwrap();
    fs::write(dir.join("certificate.pem"), leaf.pem()).unwrap();
    fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    ca
}

/// Parses a JSON document.
pub(crate) fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| {
        let text = String::from_utf8_lossy(text);
        panic!("{error} in {text}")
    })
}
