//! A key-set server over real HTTPS that can be told to rotate, fail, and count.

use rustls::pki_types::PrivateKeyDer;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;

/// What the key-set server answers with, and how often it was asked.
#[derive(Default)]
struct Desk {
    /// A key set; `None` is 500.
    set: Option<String>,
    asked: usize,
}

/// An HTTPS server on a thread that lives as long as the process; its port and its certificate.
pub(crate) struct KeyServer {
    desk: Arc<Mutex<Desk>>,
    pub(crate) port: u16,
    /// PEM.
    pub(crate) certificate: String,
}

impl KeyServer {
    pub(crate) fn start(set: Option<String>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Mutex::new(Desk { set, asked: 0 }));
        let (shared, tls) = (Arc::clone(&desk), Arc::new(tls));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                answer(socket, &tls, &shared);
            }
        });
        Self {
            desk,
            port,
            certificate: made.cert.pem(),
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.desk.lock().unwrap().asked
    }

    pub(crate) fn rotate(&self, set: Option<String>) {
        self.desk.lock().unwrap().set = set;
    }
}

fn answer(socket: std::net::TcpStream, tls: &Arc<rustls::ServerConfig>, desk: &Mutex<Desk>) {
    let connection = rustls::ServerConnection::new(Arc::clone(tls)).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, socket);
    let mut head = Vec::new();
    let mut byte = [0];
    // A client that does not trust us goes away in the handshake.
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    if !head.starts_with(b"GET /certs HTTP/1.1\r\n") {
        return;
    }
    let mut desk = desk.lock().unwrap();
    desk.asked += 1;
    let (status, body) = match &desk.set {
        Some(set) => ("200 OK", set.as_str()),
        None => ("500 Broken", "no"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _gone = stream.write_all(format!("{head}{body}").as_bytes());
    stream.conn.send_close_notify();
    let _gone = stream.flush();
}
