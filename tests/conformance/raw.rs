//! A client that sends what it is told, and says what came back.

use crate::server::Server;
use quinn::ConnectionError;
use quinn::ReadError;
use quinn::ReadToEndError;
use quinn::RecvStream;
use quinn::SendStream;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const STREAM_CREATION_ERROR: u64 = 0x103;
pub(crate) const CLOSED_CRITICAL_STREAM: u64 = 0x104;
pub(crate) const FRAME_UNEXPECTED: u64 = 0x105;
pub(crate) const FRAME_ERROR: u64 = 0x106;
pub(crate) const EXCESSIVE_LOAD: u64 = 0x107;
pub(crate) const ID_ERROR: u64 = 0x108;
pub(crate) const SETTINGS_ERROR: u64 = 0x109;
pub(crate) const MISSING_SETTINGS: u64 = 0x10a;
pub(crate) const REQUEST_INCOMPLETE: u64 = 0x10d;
pub(crate) const MESSAGE_ERROR: u64 = 0x10e;
pub(crate) const DECOMPRESSION_FAILED: u64 = 0x200;
pub(crate) const ENCODER_STREAM_ERROR: u64 = 0x201;
pub(crate) const DECODER_STREAM_ERROR: u64 = 0x202;

/// How long any step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Type of a control stream, and empty SETTINGS.
pub(crate) const PREAMBLE: &[u8] = &[0x00, 0x04, 0x00];

/// What a request stream came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The bytes of a reply.
    Reply(Vec<u8>),
    /// The server reset the stream with this code.
    Reset(u64),
    /// The server closed the connection with this code.
    Closed(u64),
}

/// A connection whose streams carry hand-made bytes.
pub(crate) struct Raw {
    target: &'static str,
    pub(crate) quic: quinn::Connection,
    pub(crate) control: SendStream,
}

/// A server, and a way to connect to it.
pub(crate) struct Field {
    endpoint: quinn::Endpoint,
    server: Server,
}

/// Runs a test against a server.
pub(crate) fn on<F: Future<Output = ()>>(server: Server, test: impl FnOnce(Field) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let field = Field {
            endpoint: endpoint(&server),
            server,
        };
        test(field).await;
    });
}

fn endpoint(server: &Server) -> quinn::Endpoint {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    endpoint
}

impl Field {
    /// A connection whose control stream has begun with `preamble`.
    pub(crate) async fn connect(&self, preamble: &[u8]) -> Raw {
        let connecting = self.endpoint.connect(self.server.address, "localhost");
        let quic = connecting.unwrap().await.unwrap();
        let mut control = quic.open_uni().await.unwrap();
        control.write_all(preamble).await.unwrap();
        Raw {
            target: self.server.target,
            quic,
            control,
        }
    }
}

impl Raw {
    /// Sends a whole request stream and waits for what it comes to.
    pub(crate) async fn exchange(&self, wire: &[u8]) -> Outcome {
        let Ok((mut send, receive)) = self.quic.open_bi().await else {
            return Outcome::Closed(self.closed().await);
        };
        // The server may reset, stop or close before it has everything.
        let written = send.write_all(wire).await;
        let _finished = written.is_ok() && send.finish().is_ok();
        self.outcome(receive).await
    }

    /// Waits for what a request stream comes to.
    pub(crate) async fn outcome(&self, mut receive: RecvStream) -> Outcome {
        let read = in_time(receive.read_to_end(1 << 20)).await;
        match read {
            Ok(reply) => Outcome::Reply(reply),
            Err(ReadToEndError::Read(ReadError::Reset(code))) => Outcome::Reset(code.into_inner()),
            Err(ReadToEndError::Read(ReadError::ConnectionLost(_))) => {
                Outcome::Closed(self.closed().await)
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Sends a new unidirectional stream, left open.
    pub(crate) async fn uni(&self, wire: &[u8]) -> SendStream {
        let mut stream = self.quic.open_uni().await.unwrap();
        // The server may close in the middle.
        let _written = stream.write_all(wire).await;
        stream
    }

    /// Waits for the server to close the connection; its code.
    pub(crate) async fn closed(&self) -> u64 {
        match in_time(self.quic.closed()).await {
            ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
            other => panic!("{other}"),
        }
    }

    /// Whether the connection still serves.
    pub(crate) async fn assert_lives(&self, after: &str) {
        let Outcome::Reply(reply) = self.exchange(&get(self.target)).await else {
            panic!("no reply after {after}");
        };
        assert_eq!(status(&reply), "200", "after {after}");
    }
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// A variable-length integer (RFC 9000, 16).
pub(crate) fn integer(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (value as u16 | 0x4000).to_be_bytes().to_vec(),
        0x4000..0x4000_0000 => (value as u32 | 0x8000_0000).to_be_bytes().to_vec(),
        _ => (value | 0xc000_0000_0000_0000).to_be_bytes().to_vec(),
    }
}

pub(crate) fn frame(kind: u64, payload: &[u8]) -> Vec<u8> {
    let mut wire = integer(kind);
    wire.extend(integer(payload.len() as u64));
    wire.extend_from_slice(payload);
    wire
}

/// A literal field line with literal name, without Huffman code (RFC 9204, 4.5.6).
pub(crate) fn line(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut wire = prefixed(0x20, 3, name.len());
    wire.extend_from_slice(name);
    wire.extend(prefixed(0, 7, value.len()));
    wire.extend_from_slice(value);
    wire
}

fn prefixed(flags: u8, bits: u32, value: usize) -> Vec<u8> {
    let mask = (1 << bits) - 1;
    if value < mask {
        return vec![flags | value as u8];
    }
    let mut wire = vec![flags | mask as u8];
    let mut left = value - mask;
    while left >= 0x80 {
        wire.push(left as u8 | 0x80);
        left >>= 7;
    }
    wire.push(left as u8);
    wire
}

/// A HEADERS frame of literal lines.
pub(crate) fn headers(lines: &[(&str, &str)]) -> Vec<u8> {
    let lines = lines
        .iter()
        .flat_map(|(name, value)| line(name.as_bytes(), value.as_bytes()));
    let section: Vec<u8> = [0, 0].into_iter().chain(lines).collect();
    frame(0x01, &section)
}

/// A well-formed request with further fields.
pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":method", method),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
    ];
    headers(&[&pseudo[..], fields].concat())
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    request("GET", path, &[])
}

/// The status of a reply, from its first field line: indexed or a literal without Huffman code.
pub(crate) fn status(reply: &[u8]) -> String {
    let (first, length) = (reply[0], reply[1]);
    assert_eq!(first, 0x01, "the first frame is HEADERS");
    let section = if length < 0x40 {
        &reply[2..]
    } else {
        &reply[3..]
    };
    assert_eq!(section[..2], [0, 0], "no dynamic table");
    match section[2] {
        0xd9 => "200".to_owned(),
        0xdc => "503".to_owned(),
        0x5f => String::from_utf8_lossy(&section[5..8]).into_owned(),
        other => panic!("status line {other:#x}"),
    }
}
