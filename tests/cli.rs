//! The real binary: flags, output, exit codes, signals.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_lamplight");

fn lamplight(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A serving process; killed if the test fails before it ended by itself.
struct Serving {
    child: Child,
    lines: Vec<String>,
    data: tempfile::TempDir,
}

impl Serving {
    /// Starts on free ports and waits for `ready`.
    fn start(arguments: &[&str]) -> Self {
        Self::start_by(Command::new(BINARY), arguments)
    }

    /// The same through `command`, which runs the binary with the arguments it is given.
    fn start_by(mut command: Command, arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--ops",
                "127.0.0.1:0",
                "--workers",
                "1",
            ])
            .arg("--data")
            .arg(data.path().join("data"))
            .args(arguments)
            .current_dir(root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let mut serving = Self {
            child,
            lines: Vec::new(),
            data,
        };
        for line in BufReader::new(out).lines() {
            serving.lines.push(line.unwrap());
            if serving.lines.last().is_some_and(|line| line == "ready") {
                return serving;
            }
        }
        let lines = serving.lines.clone();
        let (code, log) = serving.end();
        panic!("it ended with {code:?} before `ready`: {lines:?} {log}");
    }

    fn address(&self, before: &str) -> SocketAddr {
        let line = self
            .lines
            .iter()
            .find_map(|line| line.strip_prefix(before))
            .unwrap();
        line.split('/').next().unwrap().parse().unwrap()
    }

    fn https(&self) -> SocketAddr {
        self.address("listening on https://")
    }

    fn ops(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address("operations on http://")).unwrap();
        write!(socket, "{request} HTTP/1.1\r\nhost: ops\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end; exit code and log.
    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    /// A TLS connection that trusts `certificate` (PEM).
    fn tls(&self, certificate: &str) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
        use rustls::pki_types::pem::PemObject as _;
        let der = rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der.unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(self.https()).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        rustls::StreamOwned::new(tls, socket)
    }

    fn self_signed(&self) -> String {
        fs::read_to_string(self.data.path().join("data/self-signed/certificate.pem")).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Only our own child, and only if it still runs.
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

/// One request on a connection that stays open; the status line.
fn ask(tls: &mut Tls, path: &str) -> std::io::Result<String> {
    write!(tls, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(text(&head).lines().next().unwrap().to_owned())
}

#[test]
fn wrong_use_is_exit_code_2_and_names_the_remedy() {
    for (arguments, says) in [
        (&["--frobnicate"][..], "--frobnicate"),
        (
            &["--set", "tcp.idle_timout=1s"],
            "did you mean `tcp.idle_timeout`",
        ),
        (
            &["serve", "--workers", "two"],
            "--workers: `two` is not a whole number",
        ),
        (
            &["--config", "/nowhere/lamplight.toml"],
            "cannot read the configuration",
        ),
        (&["check"], "<PATH>"),
    ] {
        let output = lamplight(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    let unknown = Command::new(BINARY)
        .env("LAMPLIGHT_TCP_IDLE", "1s")
        .output()
        .unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("LAMPLIGHT_TCP_IDLE: no setting"));
    let binary: &OsStr = OsStrExt::from_bytes(b"\xff");
    let mut foreign = Command::new(BINARY);
    let foreign = foreign.env("SOMEBODY", binary).env(binary, "x");
    let output = foreign.args(["config", "check"]).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "what is not ours may be anything"
    );
    let ours = foreign.env("LAMPLIGHT_LOG_LEVEL", binary).output().unwrap();
    assert_eq!(ours.status.code(), Some(2));
    assert!(text(&ours.stderr).contains("LAMPLIGHT_LOG_LEVEL: the value is not UTF-8"));
}

#[test]
fn what_cannot_start_is_exit_code_1_and_one_sentence() {
    let temp = tempfile::tempdir().unwrap();
    let data = temp.path().join("data").display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken
        .local_addr()
        .map(|address| (address.to_string(), taken))
        .unwrap();
    let free = [
        "--listen",
        "127.0.0.1:0",
        "--ops",
        "127.0.0.1:0",
        "--data",
        &data,
    ];
    let cases = [
        (&["--listen", &taken.0][..], "is taken by another program"),
        (&["--ops", &taken.0], "choose another address with --ops"),
        (
            &[
                "--set",
                "tls.certificate=/nowhere.pem",
                "--set",
                "tls.key=/nowhere.key",
            ],
            "/nowhere",
        ),
        (&["--set", "tls.key=/nowhere.key"], "set both"),
        (&["--content", "/nowhere"], "content folder /nowhere"),
        (&["--data", "/proc/nowhere"], "/proc/nowhere"),
    ];
    for (arguments, says) in cases {
        let kept = free
            .chunks(2)
            .filter(|pair| pair[0] != arguments[0])
            .flatten();
        let all: Vec<&str> = kept.chain(arguments).copied().collect();
        let output = lamplight(&all);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(!text(&output.stdout).contains("ready"));
    }
}

#[test]
fn a_keyring_that_others_may_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let serving = Serving::start(&[]);
    serving.signal("TERM");
    let keys = serving.data.path().join("data/keys");
    let mode = fs::metadata(&keys).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o755)).unwrap();
    let data = serving.data.path().join("data").display().to_string();
    let output = lamplight(&["--listen", "127.0.0.1:0", "--data", &data]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("chmod go-rwx"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn check_tells_good_courses_from_bad_ones() {
    let good = lamplight(&["check", "content"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stdout));
    let temp = tempfile::tempdir().unwrap();
    let course = temp.path().join("bad-course");
    fs::create_dir(&course).unwrap();
    fs::write(course.join("course.toml"), "titel = \"x\"\n").unwrap();
    let folder = temp.path().display().to_string();
    let bad = lamplight(&["check", &folder]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        text(&bad.stdout).contains("course.toml"),
        "{}",
        text(&bad.stdout)
    );
    let json = lamplight(&["check", "--json", &folder]);
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (report["ok"].as_bool(), json.status.code()),
        (Some(false), Some(1))
    );
    assert!(report["problems"][0]["remedy"].is_string(), "{report}");
    assert_eq!(lamplight(&["check", "/nowhere"]).status.code(), Some(1));
}

#[test]
fn config_check_prints_what_is_in_effect_and_the_memory() {
    let output = lamplight(&["config", "check", "config/lamplight.toml"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        printed.contains("idle_timeout = \"75s\"") && printed.contains("in all"),
        "{printed}"
    );
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("bad.toml");
    fs::write(&file, "[server]\n\nwokers = 2\n").unwrap();
    let output = lamplight(&["config", "check", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.contains("bad.toml:3: unknown key `server.wokers`"),
        "{error}"
    );
}

#[test]
fn sigterm_ends_in_order_and_json_logs_are_json() {
    let serving = Serving::start(&["--log", "json"]);
    let mut tls = serving.tls(&serving.self_signed());
    assert_eq!(
        ask(&mut tls, "/v1/health").unwrap(),
        "HTTP/1.1 204 No Content"
    );
    serving.signal("TERM");
    let (code, log) = serving.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.is_empty());
    for line in log.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["level"].is_string() && entry["timestamp"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn the_heap_is_on_huge_pages_unless_every_start_failed_or_the_operator_chose() {
    let of = |serving: &Serving, file: &str| {
        text(&fs::read(format!("/proc/{}/{file}", serving.child.id())).unwrap())
    };
    let mut command = Command::new(BINARY);
    command.env_remove("GLIBC_TUNABLES");
    let serving = Serving::start_by(command, &[]);
    let mode = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    let advised = mode.is_ok_and(|mode| mode.contains("[madvise]"));
    let followed = of(&serving, "smaps").contains(" hg");
    let gave_up = of(&serving, "environ").contains("_LAMPLIGHT_BEGUN=8");
    assert!(followed || gave_up || !advised);

    let mut command = Command::new(BINARY);
    command.env("GLIBC_TUNABLES", "glibc.malloc.arena_max=2");
    let serving = Serving::start_by(command, &[]);
    assert!(!of(&serving, "environ").contains("_LAMPLIGHT_BEGUN"));
}

#[test]
fn a_drain_asked_for_by_the_operations_listener_ends_the_process_too() {
    let serving = Serving::start(&[]);
    assert!(serving.ops("GET /readyz").starts_with("HTTP/1.1 200"));
    assert!(serving.ops("POST /admin/drain").starts_with("HTTP/1.1 202"));
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn sighup_takes_the_new_certificate_and_keeps_connections() {
    let temp = tempfile::tempdir().unwrap();
    let (certificate, key) = (temp.path().join("c.pem"), temp.path().join("k.pem"));
    let write = || {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&certificate, pair.cert.pem()).unwrap();
        fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        pair.cert.pem()
    };
    let old = write();
    let set = [("tls.certificate", &certificate), ("tls.key", &key)];
    let set = set.map(|(name, path)| format!("{name}={}", path.display()));
    let serving = Serving::start(&["--set", &set[0], "--set", &set[1]]);
    let mut kept = serving.tls(&old);
    assert!(ask(&mut kept, "/v1/health").is_ok());
    let new = write();
    serving.signal("HUP");
    let until = lamplight::runtime::now() + Duration::from_secs(60);
    while ask(&mut serving.tls(&new), "/v1/health").is_err() {
        assert!(
            lamplight::runtime::now() < until,
            "the new certificate is not shown"
        );
    }
    assert!(
        ask(&mut serving.tls(&old), "/v1/health").is_err(),
        "the old one is not shown"
    );
    assert!(
        ask(&mut kept, "/v1/health").is_ok(),
        "the connection lives on"
    );
    serving.signal("INT");
    assert_eq!(serving.end().0, Some(0));
}

#[test]
fn a_machine_out_of_files_serves_again_as_soon_as_some_are_free() {
    let mut starved = Command::new("sh");
    starved.args(["-c", "ulimit -n 60; exec \"$0\" \"$@\"", BINARY]);
    let mut serving = Serving::start_by(starved, &[]);
    let mut log = BufReader::new(serving.child.stderr.take().unwrap()).lines();
    let crowd: Vec<_> = (0..80)
        .map(|_| TcpStream::connect(serving.https()).unwrap())
        .collect();
    let told = log.find(|line| {
        let line = line.as_ref().unwrap();
        line.contains("cannot accept a connection")
    });
    assert!(told.is_some());
    drop(crowd);
    let mut tls = serving.tls(&serving.self_signed());
    assert!(ask(&mut tls, "/v1/health").is_ok());
    let metrics = serving.ops("GET /metrics");
    let failed = metrics
        .lines()
        .find_map(|l| l.strip_prefix("lamplight_tcp_accept_failed_total "));
    assert!(failed.unwrap().parse::<u64>().unwrap() > 0, "{metrics}");
    serving.signal("TERM");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}
