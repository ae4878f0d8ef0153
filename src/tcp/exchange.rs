//! One request and its reply: hyper's form → the service's → hyper's.

use crate::base::limits;
use crate::http::Answer;
use crate::http::Fields;
use crate::http::Method;
use crate::http::Refusal;
use crate::http::Reply;
use crate::http::Request;
use crate::http::RequestHead;
use crate::http::Service;
use crate::http::Version;
use crate::runtime;
use crate::tcp::accept::Common;
use crate::tcp::reply::Outgoing;
use crate::tcp::reply::response;
use bytes::Bytes;
use bytes::BytesMut;
use http::request::Parts;
use http_body::Body as _;
use hyper::body::Incoming;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Instant;

/// What a connection's deadlines depend on; the requests under way keep it true.
#[derive(Debug)]
pub(super) struct Watch {
    begun: Cell<u64>,
    requests: Cell<u32>,
    /// Replies with content that hyper has not taken whole.
    contents: Cell<u32>,
    quiet_since: Cell<Instant>,
    busy_since: Cell<Instant>,
}

/// A request under way; the end of its reply, or of its connection, drops it.
#[derive(Debug)]
pub(super) struct InFlight {
    watch: Rc<Watch>,
    has_content: Cell<bool>,
}

/// hyper's service for one connection.
pub(super) struct Handler<S> {
    pub(super) common: Rc<Common<S>>,
    pub(super) watch: Rc<Watch>,
    pub(super) peer: SocketAddr,
}

/// A reply that is ready, or one that is being made. Dropping it cancels the request.
#[expect(
    clippy::large_enum_variant,
    reason = "a ready reply must not cost an allocation"
)]
pub(super) enum Exchange {
    Ready(Option<hyper::Response<Outgoing>>),
    Later(Pin<Box<dyn Future<Output = hyper::Response<Outgoing>>>>),
}

impl Watch {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            begun: Cell::new(0),
            requests: Cell::new(0),
            contents: Cell::new(0),
            quiet_since: Cell::new(now),
            busy_since: Cell::new(now),
        }
    }

    /// Requests so far.
    pub(super) const fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Whether a request is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.requests.get() > 0
    }

    /// Whether the client has content to take.
    pub(super) const fn is_sending(&self) -> bool {
        self.contents.get() > 0
    }

    /// When the last request ended.
    pub(super) const fn quiet_since(&self) -> Instant {
        self.quiet_since.get()
    }

    /// When the oldest unbroken run of requests began.
    pub(super) const fn busy_since(&self) -> Instant {
        self.busy_since.get()
    }

    fn begin(self: &Rc<Self>) -> InFlight {
        if !self.is_busy() {
            self.busy_since.set(runtime::now());
        }
        self.begun.set(self.begun.get() + 1);
        self.requests.set(self.requests.get() + 1);
        InFlight {
            watch: Rc::clone(self),
            has_content: Cell::new(false),
        }
    }
}

impl InFlight {
    /// The reply has content that the client must take.
    pub(super) fn has_content(&self) {
        if !self.has_content.replace(true) {
            self.watch.contents.set(self.watch.contents.get() + 1);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let watch = &self.watch;
        watch.requests.set(watch.requests.get().saturating_sub(1));
        if self.has_content.get() {
            watch.contents.set(watch.contents.get().saturating_sub(1));
        }
        if !watch.is_busy() {
            watch.quiet_since.set(runtime::now());
        }
    }
}

impl<S: Service> hyper::service::Service<hyper::Request<Incoming>> for Handler<S> {
    type Response = hyper::Response<Outgoing>;
    type Error = Infallible;
    type Future = Exchange;

    fn call(&self, request: hyper::Request<Incoming>) -> Exchange {
        let place = self.watch.begin();
        let (parts, content) = request.into_parts();
        let version = version(&parts);
        match version {
            Version::Http2 => self.common.metrics.http2.add_one(),
            Version::Http1 | Version::Http3 => self.common.metrics.http1.add_one(),
        }
        if content.is_end_stream() {
            let answer = answer(&self.common, &parts, &Bytes::new(), self.peer);
            return exchange(Rc::clone(&self.common), answer, version, place);
        }
        let (common, peer) = (Rc::clone(&self.common), self.peer);
        Exchange::Later(Box::pin(async move {
            let answer = match collect(&common, &parts, content).await {
                Ok(body) => answer(&common, &parts, &body, peer),
                Err(refusal) => Answer::Now(unread(refuse(&common, refusal), version)),
            };
            let reply = match answer {
                Answer::Now(reply) => reply,
                Answer::Later(reply) => reply.await,
            };
            response(reply, version, &common.heads, place)
        }))
    }
}

impl Future for Exchange {
    type Output = Result<hyper::Response<Outgoing>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(response) => response
                .take()
                .map_or(Poll::Pending, |r| Poll::Ready(Ok(r))),
            Self::Later(future) => future.as_mut().poll(cx).map(Ok),
        }
    }
}

fn exchange<S: Service>(
    common: Rc<Common<S>>,
    answer: Answer,
    version: Version,
    place: InFlight,
) -> Exchange {
    let later = match answer {
        Answer::Now(reply) => {
            let made = response(reply, version, &common.heads, place);
            return Exchange::Ready(Some(made));
        }
        Answer::Later(later) => later,
    };
    Exchange::Later(Box::pin(async move {
        let reply = later.await;
        response(reply, version, &common.heads, place)
    }))
}

/// Calls the service; the request borrows from hyper's, only its fields are copied, into memory
/// that the worker keeps.
fn answer<S: Service>(common: &Common<S>, parts: &Parts, body: &Bytes, peer: SocketAddr) -> Answer {
    with_head(common, parts, |head| {
        common.service.call(&Request {
            head,
            body,
            early: false,
            peer,
            now: runtime::now(),
            unix_ms: runtime::unix_ms(),
        })
    })
    .unwrap_or_else(|refusal| Answer::Now(refuse(common, refusal)))
}

/// Reads the content up to the route's limit and within the time allowed.
async fn collect<S: Service>(
    common: &Common<S>,
    parts: &Parts,
    mut content: Incoming,
) -> Result<Bytes, Refusal> {
    let limit = with_head(common, parts, |head| common.service.body_limit(&head))?;
    let limit = limit.min(limits::BODY_BYTES_MAX);
    if content.size_hint().lower() > limit as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    let whole = async {
        let mut body = BytesMut::new();
        loop {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut content).poll_frame(cx)).await;
            let Some(frame) = frame else {
                return Ok(body.freeze());
            };
            // Broken chunked coding or a reset: the reply, if it still can be sent, is 400.
            let frame = frame.map_err(|_broken| Refusal::Malformed)?;
            // Trailers carry nothing that any route reads.
            let data = frame.into_data().unwrap_or_default();
            if body.len() + data.len() > limit {
                return Err(Refusal::BodyTooLarge);
            }
            body.extend_from_slice(&data);
        }
    };
    let whole = tokio::time::timeout(common.config.body_timeout.duration(), whole).await;
    whole.unwrap_or(Err(Refusal::Timeout))
}

fn refuse<S: Service>(common: &Common<S>, refusal: Refusal) -> Reply {
    match refusal {
        Refusal::BodyTooLarge => common.metrics.body_too_large.add_one(),
        Refusal::Timeout => common.metrics.body_timeout.add_one(),
        Refusal::Malformed | Refusal::FieldsTooLarge | Refusal::TooEarly | Refusal::Overloaded => {
            common.metrics.malformed.add_one();
        }
    }
    common.service.refuse(refusal)
}

/// The rest of the content stays unread. Over HTTP/1.1 no request can follow it, and the client is
/// told not to try (RFC 9112, 9.6).
fn unread(mut reply: Reply, version: Version) -> Reply {
    if version == Version::Http1 {
        reply.extra.push(b"connection", b"close");
    }
    reply
}

fn version(parts: &Parts) -> Version {
    if parts.version == http::Version::HTTP_2 {
        Version::Http2
    } else {
        Version::Http1
    }
}

/// Shows `parts` to `use_it` in the service's form.
fn with_head<S, T>(
    common: &Common<S>,
    parts: &Parts,
    use_it: impl FnOnce(RequestHead<'_>) -> T,
) -> Result<T, Refusal> {
    let target = target(parts)?;
    let authority = authority(parts)?;
    // Taken out and put back, so that a service that panics leaves an empty one behind.
    let mut fields: Fields = common.fields.take();
    fields.clear();
    for (name, value) in &parts.headers {
        if name != http::header::HOST {
            fields.push(name.as_str().as_bytes(), value.as_bytes());
        }
    }
    let outcome = use_it(RequestHead {
        version: version(parts),
        method: Method::parse(parts.method.as_str().as_bytes()),
        authority,
        target,
        fields: &fields,
    });
    common.fields.set(fields);
    Ok(outcome)
}

/// Path and query; CONNECT has none and is none of our business (RFC 9110, 9.3.6).
fn target(parts: &Parts) -> Result<&str, Refusal> {
    let target = parts
        .uri
        .path_and_query()
        .map_or("", http::uri::PathAndQuery::as_str);
    if target.starts_with('/') || target == "*" {
        Ok(target)
    } else {
        Err(Refusal::Malformed)
    }
}

/// `:authority` or the URI's own, else `Host`, exactly one on HTTP/1.1 (RFC 9112, 3.2).
fn authority(parts: &Parts) -> Result<&str, Refusal> {
    let mut hosts = parts.headers.get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() || (host.is_none() && parts.version == http::Version::HTTP_11) {
        return Err(Refusal::Malformed);
    }
    if let Some(authority) = parts.uri.authority() {
        return Ok(authority.as_str());
    }
    let host = host.map(|host| host.to_str().map_err(|_binary| Refusal::Malformed));
    host.unwrap_or(Ok(""))
}
