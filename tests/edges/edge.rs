//! A process in front of the origin with a clock of its own, and a client for it.

use reqwest::header::HeaderMap;
use std::cell::Cell;
use std::fs;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// Whatever is waited for on a slow machine comes within this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// A port found free may be taken by another before the edge has it.
const STARTS: usize = 5;

/// A running edge; it ends when dropped.
pub(crate) struct Edge {
    child: Child,
    port: u16,
    dir: TempDir,
    client: reqwest::Client,
    /// Seconds that passed for it alone.
    passed: Cell<i64>,
    /// Tells from a reply that the edge gave what it had although it should have asked.
    pub(crate) is_stale: fn(&HeaderMap) -> bool,
}

/// Every cache but nginx says how old its copy is; playlists are fresh for a minute.
fn is_old(fields: &HeaderMap) -> bool {
    let age = fields.get("age").and_then(|age| age.to_str().ok());
    age.is_some_and(|age| age.parse::<u64>().unwrap() > 60)
}

impl Edge {
    /// Starts what `make` configures for a folder and a port, and waits until it listens.
    pub(crate) fn start(make: impl Fn(&Path, u16) -> Command) -> Self {
        let mut said = String::new();
        for _ in 0..STARTS {
            let dir = tempfile::tempdir().unwrap();
            // Edges started as root serve as another user.
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
            let port = free_port();
            let mut command = make(dir.path(), port);
            let name = command.get_program().to_owned();
            let log = fs::File::create(dir.path().join("output.log")).unwrap();
            command
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap());
            set_clock(dir.path(), 0);
            command.env("EDGE_CLOCK", dir.path().join(CLOCK));
            command.env("LD_PRELOAD", clock_library());
            // Where Debian puts servers, which not every user's path names.
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{path}:/usr/sbin"));
            let child = command.stderr(log).process_group(0).spawn();
            let child = child.unwrap_or_else(|error| {
                panic!("{name:?}: {error}; scripts/setup-test.sh installs the edges")
            });
            let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
            let mut edge = Self {
                child,
                port,
                dir,
                client: client.build().unwrap(),
                passed: Cell::new(0),
                is_stale: is_old,
            };
            if edge.listens() {
                return edge;
            }
            said = edge.log();
        }
        panic!("the edge does not start:\n{said}");
    }

    fn listens(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && self.child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            sleep(LOOK);
        }
        false
    }

    /// Lets `seconds` pass for the edge alone, so that what it keeps expires as its fields say.
    pub(crate) fn pass(&self, seconds: i64) {
        self.passed.set(self.passed.get() + seconds);
        set_clock(self.dir.path(), self.passed.get());
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        let folders = [self.dir.path().to_owned(), self.dir.path().join("run")];
        let files = folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let logs = files.flatten().map(|file| file.unwrap().path());
        let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| fs::read_to_string(path).unwrap_or_default())
            .collect()
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.client.request(method, url)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// Waits until it has found the origin.
    pub(crate) async fn ready(self) -> Self {
        let until = Instant::now() + PATIENCE;
        while self.get("/v1/health").send().await.unwrap().status() != 204 {
            assert!(
                Instant::now() < until,
                "no way to the origin\n{}",
                self.log()
            );
            tokio::time::sleep(LOOK).await;
        }
        self
    }

    /// A whole representation.
    pub(crate) async fn whole(&self, path: &str) -> Vec<u8> {
        let reply = self.get(path).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{path}\n{}", self.log());
        reply.bytes().await.unwrap().into()
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // Its workers are in its process group.
        let group = format!("-{}", self.child.id());
        for (signal, patience) in [("TERM", Duration::from_secs(10)), ("KILL", PATIENCE)] {
            let mut kill = Command::new("kill");
            kill.args(["-s", signal, "--", &group])
                .stderr(Stdio::null());
            drop(kill.status());
            let until = Instant::now() + patience;
            while Instant::now() < until {
                if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                    break;
                }
                sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The file with the difference of the edge's clock, see `clock.c`.
const CLOCK: &str = "clock";
/// Where it begins: behind the origin's, because a `Date` long past looks like an old copy.
const BEHIND_S: i64 = 600;

fn set_clock(dir: &Path, passed: i64) {
    assert!(passed <= BEHIND_S);
    let file = dir.join(CLOCK);
    let file = fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(file);
    let difference = passed - BEHIND_S;
    file.unwrap()
        .write_all_at(&difference.to_ne_bytes(), 0)
        .unwrap();
}

/// `clock.c`, compiled once; building the server needed the compiler too.
fn clock_library() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_dir, library) = BUILT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let library = dir.path().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edges/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let built = compiler.arg(&library).arg(source).status();
        assert!(built.unwrap().success(), "tests/edges/clock.c");
        (dir, library)
    });
    library
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
