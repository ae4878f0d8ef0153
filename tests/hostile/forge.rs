//! Initial packets made by hand, and the server's answer to them read by hand (RFC 9000, 17.2.2;
//! RFC 9001, 5). Anybody can make these: the keys follow from the connection id.

use rustls::Side;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::quic::{Keys, Version};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What a server answers while it does not know a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing came.
    Silence,
    /// A request to prove the address, with its token and the new connection id.
    Retry { token: Vec<u8>, id: Vec<u8> },
    /// The versions it speaks.
    Versions(Vec<u32>),
    /// CONNECTION_CLOSE with that error code, in an Initial packet.
    Closed(u64),
    /// An Initial packet without one, which begins a handshake.
    Handshake,
}

/// One Initial packet to be.
#[derive(Debug, Clone)]
pub(crate) struct Initial {
    /// Version field.
    pub(crate) version: u32,
    /// Connection id that the client chose.
    pub(crate) id: Vec<u8>,
    /// Token field.
    pub(crate) token: Vec<u8>,
    /// Frames.
    pub(crate) frames: Vec<u8>,
    /// Bytes of the datagram, at least; made up with PADDING.
    pub(crate) len: usize,
}

/// Initials made so far: each has a connection id of its own.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Our own connection id.
const SOURCE: [u8; 4] = *b"forg";
const NUMBER_LEN: usize = 4;
const TAG_LEN: usize = 16;

impl Initial {
    /// A packet of the usual size that holds `frames`.
    pub(crate) fn new(frames: Vec<u8>) -> Self {
        Self {
            version: 1,
            id: [&b"forge"[..], &MADE.fetch_add(1, Relaxed).to_be_bytes()].concat(),
            token: Vec::new(),
            frames,
            len: 1200,
        }
    }

    /// A CRYPTO frame with `data` at `offset`.
    pub(crate) fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x06];
        varint(&mut frame, offset);
        varint(&mut frame, data.len() as u64);
        frame.extend_from_slice(data);
        frame
    }

    /// The datagram, sealed.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let mut packet = vec![0xc0 | 0x03];
        packet.extend(self.version.to_be_bytes());
        for id in [&self.id[..], &SOURCE] {
            packet.push(u8::try_from(id.len()).unwrap());
            packet.extend_from_slice(id);
        }
        varint(&mut packet, self.token.len() as u64);
        packet.extend_from_slice(&self.token);
        let fixed = packet.len() + 2 + NUMBER_LEN + TAG_LEN;
        let mut payload = self.frames.clone();
        payload.resize(payload.len().max(self.len.saturating_sub(fixed)).max(4), 0);
        let len = u16::try_from(NUMBER_LEN + payload.len() + TAG_LEN).unwrap();
        packet.extend((0x4000 | len).to_be_bytes());
        let number_at = packet.len();
        packet.extend([0; NUMBER_LEN]);
        let keys = keys(&self.id).local;
        let tag = keys
            .packet
            .encrypt_in_place(0, &packet, &mut payload)
            .unwrap();
        packet.extend(payload);
        packet.extend_from_slice(tag.as_ref());
        let sample = packet[number_at + 4..number_at + 20].to_vec();
        let (head, number) = packet.split_at_mut(number_at);
        let number = &mut number[..NUMBER_LEN];
        keys.header
            .encrypt_in_place(&sample, &mut head[0], number)
            .unwrap();
        packet
    }

    /// Sends it from `socket` and waits for the answer.
    pub(crate) fn ask(&self, socket: &UdpSocket, server: SocketAddr) -> Reply {
        socket.send_to(&self.seal(), server).unwrap();
        answer(socket, &self.id)
    }

    /// Sends it from `socket` where silence is right, and listens for a moment.
    pub(crate) fn ask_in_vain(&self, socket: &UdpSocket, server: SocketAddr) -> Reply {
        socket.set_read_timeout(Some(MOMENT)).unwrap();
        let reply = self.ask(socket, server);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        reply
    }
}

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to listen where nothing should come.
pub(crate) const MOMENT: Duration = Duration::from_millis(500);

/// A socket that waits for an answer.
pub(crate) fn socket(address: [u8; 4]) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::from((address, 0))).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Reads one datagram and understands its first packet.
pub(crate) fn answer(socket: &UdpSocket, id: &[u8]) -> Reply {
    let mut datagram = vec![0; 65_536];
    match socket.recv(&mut datagram) {
        Ok(len) => datagram.truncate(len),
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Reply::Silence,
        Err(error) => panic!("{error}"),
    }
    understand(&datagram, id)
}

fn understand(datagram: &[u8], id: &[u8]) -> Reply {
    let mut rest = Rest(datagram);
    let first = rest.take(1)[0];
    let version = u32::from_be_bytes(rest.take(4).try_into().unwrap());
    let len = rest.take(1)[0];
    let ours = rest.take(len.into()).to_vec();
    let len = rest.take(1)[0];
    let theirs = rest.take(len.into()).to_vec();
    if version == 0 {
        let versions = rest
            .0
            .chunks(4)
            .map(|v| u32::from_be_bytes(v.try_into().unwrap()));
        return Reply::Versions(versions.collect());
    }
    assert_eq!(ours, SOURCE, "not for us: {datagram:x?}");
    match first & 0x30 {
        0x00 => {}
        0x30 => {
            let token = rest.0[..rest.0.len() - TAG_LEN].to_vec();
            return Reply::Retry { token, id: theirs };
        }
        _ => return Reply::Handshake,
    }
    assert_eq!(rest.varint(), 0, "a server's Initial has no token");
    let len = usize::try_from(rest.varint()).unwrap();
    let number_at = datagram.len() - rest.0.len();
    let mut packet = datagram[..number_at + len].to_vec();
    let keys = keys(id).remote;
    let sample = packet[number_at + 4..number_at + 20].to_vec();
    let (head, tail) = packet.split_at_mut(number_at);
    keys.header
        .decrypt_in_place(&sample, &mut head[0], &mut tail[..4])
        .unwrap();
    let number_len = usize::from(head[0] & 3) + 1;
    let (head, payload) = packet.split_at_mut(number_at + number_len);
    let number = head[number_at..]
        .iter()
        .fold(0, |n, b| n << 8 | u64::from(*b));
    let payload = keys.packet.decrypt_in_place(number, head, payload).unwrap();
    close_code(payload).map_or(Reply::Handshake, Reply::Closed)
}

/// The error code, if what comes before the first unknown frame is a CONNECTION_CLOSE.
fn close_code(payload: &[u8]) -> Option<u64> {
    let mut rest = Rest(payload);
    while !rest.0.is_empty() {
        match rest.varint() {
            0 | 1 => {}
            2 => {
                let [_largest, _delay, ranges, _first] = [(); 4].map(|()| rest.varint());
                for _ in 0..ranges * 2 {
                    rest.varint();
                }
            }
            0x1c | 0x1d => return Some(rest.varint()),
            _ => return None,
        }
    }
    None
}

/// Bytes not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn varint(&mut self) -> u64 {
        let len = 1_usize << (self.0[0] >> 6);
        let bytes = self.take(len);
        let first = u64::from(bytes[0] & 0x3f);
        bytes[1..].iter().fold(first, |n, b| n << 8 | u64::from(*b))
    }
}

/// Appends a variable-length integer (RFC 9000, 16).
pub(crate) fn varint(to: &mut Vec<u8>, value: u64) {
    match value {
        0..0x40 => to.push(u8::try_from(value).unwrap()),
        0x40..0x4000 => to.extend((0x4000 | u16::try_from(value).unwrap()).to_be_bytes()),
        0x4000..0x4000_0000 => {
            to.extend((0x8000_0000 | u32::try_from(value).unwrap()).to_be_bytes());
        }
        _ => to.extend((0xc000_0000_0000_0000 | value).to_be_bytes()),
    }
}

fn keys(id: &[u8]) -> Keys {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    suite
        .quic_suite()
        .unwrap()
        .keys(id, Side::Client, Version::V1)
}
