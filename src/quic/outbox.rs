//! Messages waiting to be sent, with everything `sendmmsg` wants to know about them.

use crate::quic::socket::empty_header;
use quinn_proto::EcnCodepoint;
use quinn_proto::Transmit;
use socket2::SockAddr;
use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;

/// Messages sent in one call.
const MESSAGES_OUT: usize = 64;
/// Bytes after which a batch is sent, so that its packets are still in the cache.
const BATCH_BYTES: usize = 256 * 1024;

/// Messages waiting to be sent through one socket.
pub(in crate::quic) struct Outbox {
    messages: Vec<Message>,
    filled: usize,
    sent: usize,
    bytes: usize,
    pub(in crate::quic) unsent: u64,
    headers: Vec<libc::mmsghdr>,
    slices: Vec<libc::iovec>,
}

struct Message {
    bytes: Vec<u8>,
    to: SocketAddr,
    address: SockAddr,
    from: Option<IpAddr>,
    ecn: Option<EcnCodepoint>,
    segment: Option<u16>,
    control: Control,
}

impl Outbox {
    pub(in crate::quic) fn new() -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let empty = || Message {
            bytes: Vec::new(),
            to: nowhere,
            address: nowhere.into(),
            from: None,
            ecn: None,
            segment: None,
            control: Control::default(),
        };
        Self {
            messages: std::iter::repeat_with(empty).take(MESSAGES_OUT).collect(),
            filled: 0,
            sent: 0,
            bytes: 0,
            unsent: 0,
            headers: Vec::with_capacity(MESSAGES_OUT),
            slices: Vec::with_capacity(MESSAGES_OUT),
        }
    }

    /// The empty buffer of the next message; `None` while the outbox is full.
    pub(in crate::quic) fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        if self.is_full() {
            return None;
        }
        let message = self.messages.get_mut(self.filled)?;
        message.bytes.clear();
        Some(&mut message.bytes)
    }

    /// Puts the message whose packets were written to [`Outbox::buffer`] into the batch.
    pub(in crate::quic) fn push(&mut self, transmit: &Transmit) {
        let Some(message) = self.messages.get_mut(self.filled) else {
            return;
        };
        message.bytes.truncate(transmit.size);
        if message.to != transmit.destination {
            message.to = transmit.destination;
            message.address = transmit.destination.into();
        }
        message.from = transmit.src_ip;
        message.ecn = transmit.ecn;
        message.segment = transmit.segment_size.and_then(|s| u16::try_from(s).ok());
        self.bytes += message.bytes.len();
        self.filled += 1;
    }

    /// Whether it must be sent before there is a buffer again.
    pub(in crate::quic) fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || self.filled == self.messages.len()
    }

    /// Whether there is nothing to send.
    pub(in crate::quic) const fn is_empty(&self) -> bool {
        self.sent == self.filled
    }

    /// Messages that could not be sent since this was last asked.
    pub(in crate::quic) const fn take_unsent(&mut self) -> u64 {
        std::mem::replace(&mut self.unsent, 0)
    }

    /// Forgets the first `count` messages: they are sent.
    pub(in crate::quic) const fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.filled {
            self.filled = 0;
            self.sent = 0;
            self.bytes = 0;
        }
    }

    /// The first message not sent yet, as quinn-udp takes it.
    pub(in crate::quic) fn first(&self) -> Option<quinn_udp::Transmit<'_>> {
        let message = self.messages.get(self.sent).filter(|_| !self.is_empty())?;
        Some(quinn_udp::Transmit {
            destination: message.to,
            ecn: message
                .ecn
                .and_then(|e| quinn_udp::EcnCodepoint::from_bits(e as u8)),
            contents: &message.bytes,
            segment_size: message.segment.map(usize::from),
            src_ip: message.from,
        })
    }

    /// Builds the headers of what is left to send; valid until a message changes.
    pub(in crate::quic) fn prepare(&mut self) -> &mut [libc::mmsghdr] {
        self.headers.clear();
        self.slices.clear();
        let left = self.messages.iter_mut().take(self.filled).skip(self.sent);
        for message in left {
            self.slices.push(libc::iovec {
                iov_base: message.bytes.as_mut_ptr().cast(),
                iov_len: message.bytes.len(),
            });
            let control =
                message
                    .control
                    .write(message.segment, message.ecn, message.to, message.from);
            let mut header = empty_header();
            header.msg_name = message.address.as_ptr().cast_mut().cast();
            header.msg_namelen = message.address.len();
            header.msg_iovlen = 1;
            if !control.is_empty() {
                header.msg_controllen = size_of_val(control);
                header.msg_control = control.as_mut_ptr().cast();
            }
            self.headers.push(libc::mmsghdr {
                msg_hdr: header,
                msg_len: 0,
            });
        }
        for (header, slice) in self.headers.iter_mut().zip(&mut self.slices) {
            header.msg_hdr.msg_iov = slice;
        }
        &mut self.headers
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({} messages)", self.filled - self.sent)
    }
}

/// Control data of one message: segment size, ECN mark, source address.
#[derive(Default)]
struct Control {
    words: [u64; 12],
    bytes: usize,
}

impl Control {
    const HEADER: usize = size_of::<libc::cmsghdr>();

    fn write(
        &mut self,
        segment: Option<u16>,
        ecn: Option<EcnCodepoint>,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> &mut [u64] {
        self.bytes = 0;
        if let Some(segment) = segment {
            self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &segment.to_ne_bytes());
        }
        if let Some(ecn) = ecn {
            let mark = i32::from(ecn as u8).to_ne_bytes();
            match to {
                SocketAddr::V4(_) => self.push(libc::IPPROTO_IP, libc::IP_TOS, &mark),
                SocketAddr::V6(_) => self.push(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &mark),
            }
        }
        match from {
            // struct in_pktinfo: interface, source address, destination address.
            Some(IpAddr::V4(from)) => {
                let [a, b, c, d] = from.octets();
                let info = [0, 0, 0, 0, a, b, c, d, 0, 0, 0, 0];
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            // struct in6_pktinfo: source address, interface.
            Some(IpAddr::V6(from)) => {
                let mut info = [0; 20];
                info[..16].copy_from_slice(&from.octets());
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
            None => {}
        }
        self.words.get_mut(..self.bytes / 8).unwrap_or_default()
    }

    /// Appends one control message: `struct cmsghdr` (length, level, type), data, padding.
    fn push(&mut self, level: libc::c_int, kind: libc::c_int, data: &[u8]) {
        let mut message = [0_u8; 48];
        let length = Self::HEADER + data.len();
        message[..8].copy_from_slice(&(length as u64).to_ne_bytes());
        message[8..12].copy_from_slice(&level.to_ne_bytes());
        message[12..16].copy_from_slice(&kind.to_ne_bytes());
        for (to, from) in message.iter_mut().skip(Self::HEADER).zip(data) {
            *to = *from;
        }
        let words = length.div_ceil(8);
        let free = self.words.iter_mut().skip(self.bytes / 8);
        for (to, from) in free.zip(message.chunks_exact(8)).take(words) {
            *to = from
                .first_chunk()
                .map_or(0, |word| u64::from_ne_bytes(*word));
        }
        self.bytes += words * 8;
    }
}

/// The layout [`Control`] writes is that of 64-bit Linux.
const _: () = assert!(size_of::<libc::cmsghdr>() == 16 && size_of::<usize>() == 8);
