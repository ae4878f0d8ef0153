//! A redis-server of its own for each test.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

/// A process, and where it listens. Dropping it ends the process, also a stopped one.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) dir: tempfile::TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
    password: Option<String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With more arguments; `PORT` and `DIR` in them stand for the port and the directory.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        // Another process may take the port in between: then the next one.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut server = Self {
                port,
                dir: tempfile::tempdir().unwrap(),
                arguments: arguments
                    .iter()
                    .map(|&argument| argument.to_owned())
                    .collect(),
                child: None,
                password: None,
            };
            if let Some(at) = arguments
                .iter()
                .position(|argument| *argument == "--requirepass")
            {
                server.password = Some(arguments[at + 1].to_owned());
            }
            server.prepare();
            if server.try_begin() {
                return server;
            }
        }
        panic!("no redis-server would start; scripts/setup-test.sh installs it");
    }

    fn prepare(&mut self) {
        if !self
            .arguments
            .iter()
            .any(|argument| argument == "--tls-port")
        {
            return;
        }
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(self.dir.path().join("cert.pem"), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(self.dir.path().join("key.pem"), key).unwrap();
    }

    /// Begins anew on the same port, as empty as at first.
    pub(crate) fn begin(&mut self) {
        for _ in 0..200 {
            if self.try_begin() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("redis-server does not start again on port {}", self.port);
    }

    fn try_begin(&mut self) -> bool {
        let port = self.port.to_string();
        let dir = self.dir.path().display().to_string();
        let arguments = self.arguments.iter();
        let arguments = arguments.map(|text| text.replace("PORT", &port).replace("DIR", &dir));
        let arguments: Vec<String> = arguments.collect();
        let mut command = Command::new("redis-server");
        if !arguments.iter().any(|argument| argument == "--port") {
            command.args(["--port", &port]);
        }
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--dir", &dir]).args(&arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("redis-server, which scripts/setup-test.sh installs");
        self.child = Some(child);
        let is_secure = arguments.iter().any(|argument| argument == "--tls-port");
        for _ in 0..1200 {
            let up = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if up && (is_secure || self.is_ours(&dir)) {
                return true;
            }
            let child = self.child.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("redis-server on port {} does not answer", self.port);
    }

    /// Whether it answers, and is not the server of another test that took the port meanwhile.
    fn is_ours(&self, dir: &str) -> bool {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        if let Some(password) = &self.password {
            send(&mut socket, &[b"AUTH", password.as_bytes()]);
            line(&mut socket);
        }
        send(&mut socket, &[b"CONFIG", b"GET", b"dir"]);
        (0..5).any(|_| line(&mut socket) == dir)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGSTOP: it is there and says nothing.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Says a command on a connection of its own, past the library under test; gives the first line
    /// of the reply.
    pub(crate) fn say(&self, words: &[&str]) -> String {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.say_bytes(&bytes)
    }

    pub(crate) fn say_bytes(&self, words: &[&[u8]]) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        if let Some(password) = &self.password {
            send(&mut socket, &[b"AUTH", password.as_bytes()]);
            assert_eq!(line(&mut socket), "+OK");
        }
        send(&mut socket, words);
        line(&mut socket)
    }
}

fn send(socket: &mut TcpStream, words: &[&[u8]]) {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    socket.write_all(&bytes).unwrap();
}

fn line(socket: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if socket.read(&mut byte).unwrap_or(0) == 0 {
            return String::new();
        }
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).trim_end().to_owned()
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A stopped process dies of SIGKILL too.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
