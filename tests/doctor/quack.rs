//! An origin that does everything wrong that a delivery network can mind.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// The server, on a thread of its own; it ends with this.
pub(crate) struct Quack {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Quack {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A client that went away is none of the server's business.
                drop(reply(&stream));
            }
        });
        let thread = Some(thread);
        Self {
            address,
            stop,
            thread,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Quack {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().unwrap().join());
    }
}

/// One request, one reply, and the connection is closed.
fn reply(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut coded = false;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        coded |= line.starts_with("accept-encoding:");
        if line.is_empty() {
            break;
        }
    }
    let head = if request.starts_with("HEAD") {
        format!("HTTP/1.1 405 Method Not Allowed\r\n{NOTHING}")
    } else if request.contains("/moved") {
        format!("HTTP/1.1 302 Found\r\nlocation: /media/c/l/bad.m4s\r\n{NOTHING}")
    } else {
        let tag = if request.contains("CMCD") {
            "query"
        } else {
            "plain"
        };
        let coding = if coded {
            "content-encoding: gzip\r\n"
        } else {
            ""
        };
        format!(
            "HTTP/1.1 200 OK\r\netag: W/\"{tag}\"\r\n\
             date: Mon, 01 Jan 2001 00:00:00 GMT\r\nage: 9\r\n\
             set-cookie: a=b\r\nvary: user-agent\r\ncache-control: private\r\n{coding}\
             surrogate-key: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             4\r\nquak\r\n0\r\n\r\n",
            "k".repeat(20_000),
        )
    };
    stream.write_all(head.as_bytes())
}

const NOTHING: &str = "content-length: 0\r\nconnection: close\r\n\r\n";
