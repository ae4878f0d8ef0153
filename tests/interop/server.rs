//! The real binary, started for one test on free ports over generated content.

use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

/// A file the server offers and its true bytes.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// Request target.
    pub(crate) path: String,
    /// Content.
    pub(crate) bytes: Arc<[u8]>,
}

/// A server process with a folder of its own.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens, UDP and TCP.
    pub(crate) address: SocketAddr,
    /// Its self-signed certificate.
    pub(crate) ca: PathBuf,
    /// 200 bytes: held in memory whole.
    pub(crate) small: Offered,
    /// 256 KiB: for paths that lose.
    pub(crate) medium: Offered,
    /// 8 MiB: read from its file as it is sent.
    pub(crate) large: Offered,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts with further `--set` settings and waits until it is ready.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (content, data) = (folder.path().join("content"), folder.path().join("data"));
        let course = content.join("interop");
        copy(Path::new("content/ky-nang-so"), &course);
        let offer = |name: &str, len: usize, seed: u64| offer(&course, name, len, seed);
        let (small, medium, large) = (
            offer("small.pdf", 200, 1),
            offer("medium.pdf", 256 << 10, 2),
            offer("large.pdf", 8 << 20, 3),
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
            .args(["--workers", "2", "--set", "log.level=error", "--content"])
            .arg(&content)
            .arg("--data")
            .arg(&data);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let port = port_when_ready(&mut process);
        Self {
            address: ([127, 0, 0, 1], port).into(),
            ca: data.join("self-signed/certificate.pem"),
            small,
            medium,
            large,
            process,
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
    }
}

/// Reads one line a listener until the line `ready`.
fn port_when_ready(process: &mut Child) -> u16 {
    let mut port = None;
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("https://127.0.0.1:") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            port = Some(digits.parse().unwrap());
        }
        if line.trim() == "ready" {
            // A full pipe must not block the server.
            std::thread::spawn(move || lines.count());
            return port.expect("a listener's line before `ready`");
        }
    }
    panic!("the server ended before it was ready");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
    // The folder's own name is the course's id unless the file says otherwise.
    let file = to.join("course.toml");
    if let Ok(text) = fs::read_to_string(&file) {
        fs::write(
            &file,
            text.replace("id = \"ky-nang-so\"", "id = \"interop\""),
        )
        .unwrap();
    }
}

/// Writes an attachment of pseudo-random bytes.
fn offer(course: &Path, name: &str, len: usize, seed: u64) -> Offered {
    let mut state = seed;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    })
    .take(len)
    .collect();
    let folder = course.join("extra");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), &bytes).unwrap();
    Offered {
        path: format!("/files/interop/extra/{name}"),
        bytes: bytes.into(),
    }
}
