//! TLS over a socket, or the bare socket, with the flush put off to the end of a connection's turn.
//!
//! hyper flushes after every HTTP/2 frame. Here a flush only marks that there is output; the
//! connection's task sends it once per turn, many records in one `writev`. When the socket is
//! full, writes wait: what is collected beforehand stays within the configured buffer.

use crate::tcp::frames::Frames;
use crate::tcp::plain::Output;
use hyper::rt::ReadBufCursor;
use rustls::ServerConfig;
use rustls::ServerConnection;
use std::cell::RefCell;
use std::io;
use std::io::BufRead as _;
use std::io::IoSlice;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::io::AsyncRead as _;
use tokio::io::AsyncWrite as _;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

/// Bytes taken from a bare socket at a time: requests are small.
const PLAIN_READ_BYTES: usize = 4096;

/// One connection's socket and what lies on it.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    channel: Channel,
    /// The socket took less than there was.
    blocked: bool,
    closing: bool,
    received: u64,
    sent: u64,
    /// What has come, if it is HTTP/2.
    frames: Frames,
}

#[derive(Debug)]
enum Channel {
    Tls(Box<ServerConnection>),
    Plain(Output),
}

/// A stream with two holders: hyper, and the connection's task, which flushes at its turn's end.
#[derive(Debug, Clone)]
pub(super) struct Shared(pub(super) Rc<RefCell<Stream>>);

impl Stream {
    /// A stream under TLS; `buffer` bounds the output collected.
    pub(super) fn tls(
        socket: TcpStream,
        config: Arc<ServerConfig>,
        buffer: usize,
    ) -> Result<Self, rustls::Error> {
        let mut tls = ServerConnection::new(config)?;
        tls.set_buffer_limit(Some(buffer));
        Ok(Self::over(socket, Channel::Tls(Box::new(tls))))
    }

    /// The bare socket, for edges on a private network.
    pub(super) fn plain(socket: TcpStream, buffer: usize) -> Self {
        Self::over(socket, Channel::Plain(Output::new(buffer)))
    }

    const fn over(socket: TcpStream, channel: Channel) -> Self {
        Self {
            socket,
            channel,
            blocked: false,
            closing: false,
            received: 0,
            sent: 0,
            frames: Frames::new(),
        }
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.is_handshaking() {
            ready!(self.poll_send(cx))?;
            if self.is_handshaking() && ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        self.poll_send(cx)
    }

    fn is_handshaking(&self) -> bool {
        self.session().is_some_and(|tls| tls.is_handshaking())
    }

    fn session(&self) -> Option<&ServerConnection> {
        match &self.channel {
            Channel::Tls(tls) => Some(tls),
            Channel::Plain(_) => None,
        }
    }

    /// Whether the client chose HTTP/2 (RFC 7301); without TLS it cannot.
    pub(super) fn is_http2(&self) -> bool {
        self.session()
            .is_some_and(|tls| tls.alpn_protocol() == Some(b"h2"))
    }

    /// Whether the client came back with a ticket of ours.
    pub(super) fn is_resumed(&self) -> bool {
        let kind = self.session().and_then(|tls| tls.handshake_kind());
        kind == Some(rustls::HandshakeKind::Resumed)
    }

    /// Whether output waits for the client to take what was sent before.
    pub(super) const fn is_blocked(&self) -> bool {
        let held = matches!(&self.channel, Channel::Plain(output) if output.is_held());
        self.blocked || held
    }

    /// Bytes of HTTP handed upwards so far.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// Whether a head of HTTP/2 has begun and its end has not come.
    pub(super) const fn head_is_open(&self) -> bool {
        self.frames.head_is_open()
    }

    /// Bytes of TLS records taken by the socket so far.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends all collected output; `Pending` when the socket is full.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = Wire {
            socket: &mut self.socket,
            cx,
        };
        loop {
            let taken = match &mut self.channel {
                Channel::Tls(tls) if tls.wants_write() => tls.write_tls(&mut wire),
                Channel::Plain(output) if output.wants_write() => output.write_to(&mut wire),
                Channel::Tls(_) | Channel::Plain(_) => break,
            };
            match taken {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(n) => self.sent += n as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.blocked = false;
        Poll::Ready(Ok(()))
    }

    /// Takes one read of the socket through TLS; 0 at its end.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Channel::Tls(tls) = &mut self.channel else {
            return Poll::Ready(Ok(0));
        };
        let mut wire = Wire {
            socket: &mut self.socket,
            cx,
        };
        match tls.read_tls(&mut wire) {
            Ok(n) => {
                if let Err(error) = tls.process_new_packets() {
                    // The alert that says what was wrong; if the socket is full it is lost.
                    let _sent = self.poll_send(cx);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                Poll::Ready(Ok(n))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        while let Channel::Tls(tls) = &mut self.channel {
            let is_http2 = tls.alpn_protocol() == Some(b"h2");
            let mut reader = tls.reader();
            match reader.fill_buf() {
                Ok(chunk) => {
                    let n = chunk.len().min(buf.remaining());
                    let taken = chunk.get(..n).unwrap_or_default();
                    if is_http2 {
                        self.frames.pass(taken);
                    }
                    buf.put_slice(taken);
                    reader.consume(n);
                    self.received += n as u64;
                    return Poll::Ready(Ok(()));
                }
                // Many clients close the socket without a close_notify; HTTP's own framing tells
                // a whole message from a cut one.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                Err(_would_block) => {}
            }
            ready!(self.poll_receive(cx))?;
        }
        let mut scratch = [0; PLAIN_READ_BYTES];
        let room = buf.remaining().min(scratch.len());
        let mut read = ReadBuf::new(scratch.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        buf.put_slice(read.filled());
        self.received += read.filled().len() as u64;
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.blocked {
                ready!(self.poll_send(cx))?;
            }
            let n = match &mut self.channel {
                Channel::Tls(tls) => tls.writer().write_vectored(bufs)?,
                Channel::Plain(output) if output.takes(bufs) => output.take(bufs),
                Channel::Plain(output) => {
                    let socket = Pin::new(&mut self.socket);
                    let outcome = socket.poll_write_vectored(cx, bufs);
                    output.hold(outcome.is_pending());
                    return outcome.map_ok(|n| {
                        self.sent += n as u64;
                        n
                    });
                }
            };
            if n > 0 || bufs.iter().all(|buf| buf.is_empty()) {
                return Poll::Ready(Ok(n));
            }
            // The buffer is full: make room now instead of at the end of the turn.
            ready!(self.poll_send(cx))?;
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            self.closing = true;
            if let Channel::Tls(tls) = &mut self.channel {
                tls.send_close_notify();
            }
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    /// Reads and forgets one buffer of what the client still sends; 0 at its end.
    fn poll_forget(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = [0; 1024];
        let mut buf = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl Shared {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Rc::new(RefCell::new(stream)))
    }

    /// Brings the handshake to its end. Dropping the future between polls loses nothing.
    pub(super) async fn handshake(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.0.borrow_mut().poll_handshake(cx)).await
    }

    /// Sends what hyper left behind, closes our side, then reads and forgets what the client still
    /// sends, up to `max` bytes: closing a socket with unread input resets it, and the client
    /// would lose a reply it has not read yet.
    pub(super) async fn finish(&self, max: usize) {
        let closed = std::future::poll_fn(|cx| self.0.borrow_mut().poll_shutdown(cx)).await;
        if closed.is_err() {
            return;
        }
        let mut left = max;
        while left > 0 {
            match std::future::poll_fn(|cx| self.0.borrow_mut().poll_forget(cx)).await {
                Ok(0) | Err(_) => return,
                Ok(n) => left = left.saturating_sub(n),
            }
        }
    }
}

impl hyper::rt::Read for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(cx, &[IoSlice::new(buf)])
    }

    /// Nothing: the connection's task flushes at the end of its turn.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(cx, bufs)
    }
}

/// The socket in the blocking form that rustls wants; `Pending` becomes `WouldBlock`.
struct Wire<'a, 'b> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

impl io::Read for Wire<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        match Pin::new(&mut *self.socket).poll_read(self.cx, &mut buf) {
            Poll::Ready(Ok(())) => Ok(buf.filled().len()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl io::Write for Wire<'_, '_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match Pin::new(&mut *self.socket).poll_write_vectored(self.cx, bufs) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
