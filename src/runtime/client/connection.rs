//! One connection and the exchanges on it.

use crate::runtime;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Limits;
use crate::runtime::client::Origin;
use crate::runtime::client::io::Local;
use crate::runtime::client::io::Nothing;
use crate::runtime::client::io::Socket;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::client::conn::http2;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A version of HTTP over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A request without content.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Method.
    pub method: &'a str,
    /// Path with query.
    pub path: &'a str,
    /// Fields beside `host`.
    pub fields: &'a [(&'a str, &'a str)],
}

/// A whole reply.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Fields as they came.
    pub fields: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    origin: Origin,
    limits: Limits,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Nothing>),
    Http2(http2::SendRequest<Nothing>),
}

impl Client {
    /// Connects to `origin` and agrees on `protocol`.
    ///
    /// # Errors
    /// [`ClientError`]: unreachable, late, not trusted, or without that protocol.
    pub async fn connect(
        &self,
        origin: &Origin,
        protocol: Protocol,
    ) -> Result<Connection, ClientError> {
        let sender = within(self.limits.time, self.open(origin, protocol)).await?;
        Ok(Connection {
            sender,
            origin: origin.clone(),
            limits: self.limits,
        })
    }

    async fn open(&self, origin: &Origin, protocol: Protocol) -> Result<Sender, ClientError> {
        let place = format!("{} port {}", origin.host, origin.port);
        let socket = TcpStream::connect((origin.host.as_str(), origin.port)).await;
        let socket = socket.map_err(|e| ClientError::Connect(place.clone(), e))?;
        // Small requests; without it they may wait for acknowledgements. Not needed to work.
        let _small_at_once = socket.set_nodelay(true);
        let socket = if origin.secure {
            let mut tls = self.tls.clone();
            tls.alpn_protocols = match protocol {
                Protocol::Http1 => vec![b"http/1.1".to_vec()],
                Protocol::Http2 => vec![b"h2".to_vec()],
            };
            let name = ServerName::try_from(origin.host.clone());
            let name = name.map_err(|_no_name| ClientError::Url(origin.base()))?;
            let session = TlsConnector::from(Arc::new(tls)).connect(name, socket);
            let session = Box::pin(session).await;
            let session = session.map_err(|e| ClientError::Tls(place.clone(), e))?;
            let agreed = session.get_ref().1.alpn_protocol();
            if protocol == Protocol::Http2 && agreed != Some(b"h2") {
                let why = io::Error::other("the server does not choose h2 by ALPN");
                return Err(ClientError::Tls(place, why));
            }
            Socket::Tls(Box::new(session))
        } else {
            Socket::Plain(socket)
        };
        // What goes wrong on the connection is told by the exchange that it ends.
        Ok(match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(socket).await?;
                runtime::spawn("client's http/1.1", async move { drop(connection.await) });
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(Local, socket).await?;
                runtime::spawn("client's http/2", async move { drop(connection.await) });
                Sender::Http2(sender)
            }
        })
    }
}

impl Connection {
    /// Sends `ask` and waits for the whole answer.
    ///
    /// # Errors
    /// [`ClientError`]: cut, late or too large. The connection may be unusable then.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, ClientError> {
        let time = self.limits.time;
        within(time, self.exchange(ask)).await
    }

    /// Whether another request may be sent; over HTTP/1.1, whether the server keeps it open.
    pub async fn is_open(&mut self) -> bool {
        let time = self.limits.time;
        match &mut self.sender {
            Sender::Http1(sender) => within(time, async { Ok(sender.ready().await?) })
                .await
                .is_ok(),
            Sender::Http2(sender) => !sender.is_closed(),
        }
    }

    async fn exchange(&mut self, ask: Ask<'_>) -> Result<Answer, ClientError> {
        let uri = match &self.sender {
            Sender::Http1(_) => ask.path.to_owned(),
            Sender::Http2(_) => format!("{}{}", self.origin.base(), ask.path),
        };
        let mut request = Request::builder().method(ask.method).uri(uri);
        if matches!(self.sender, Sender::Http1(_)) {
            request = request.header("host", &self.origin.authority);
        }
        for (name, value) in ask.fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Nothing)?;
        let reply = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let (head, body) = reply.into_parts();
        Ok(Answer {
            status: head.status.as_u16(),
            fields: head.headers,
            body: collected(body, self.limits.body_bytes).await?,
        })
    }
}

async fn collected(body: Incoming, max: usize) -> Result<Bytes, ClientError> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > max {
                return Err(ClientError::Large(max));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.into())
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let done = tokio::time::timeout(time, Box::pin(work)).await;
    done.unwrap_or_else(|_elapsed| Err(ClientError::Late(time)))
}
