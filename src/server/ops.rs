//! The operations listener: plain HTTP/1.1 for probes, scrapes and the people on duty.
//!
//! It has a thread of its own, so that it answers while the workers are busy and until the last
//! of them has ended.

use crate::runtime;
use crate::runtime::Shutdown;
use crate::server::purge::purge;
use crate::server::readiness;
use crate::server::state::State;
use bytes::Bytes;
use http::Method;
use http::StatusCode;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use tokio::io::AsyncRead as _;
use tokio::io::AsyncWrite as _;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Connections at a time: probes, a scraper, a few people.
const CONNECTIONS_MAX: usize = 64;
/// A connection lives this long at most, so that forgotten ones never fill the places.
const CONNECTION_TIME: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until `closed`, which comes after the last worker.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    state: Arc<State>,
    mut closed: Shutdown,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            biased;
            () = closed.closed() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, _peer)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Beyond the places the newcomer is dropped: it asks again.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let state = Arc::clone(&state);
            runtime::spawn("operations connection", async move {
                drop(tokio::time::timeout(CONNECTION_TIME, connection(socket, state)).await);
                drop(place);
            });
        }
    }
}

async fn connection(socket: TcpStream, state: Arc<State>) -> hyper::Result<()> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(&state, request).await) }
    });
    let mut builder = http1::Builder::new();
    // One request a connection: probes and scrapers connect anew, and a drain waits for nobody.
    builder.keep_alive(false).header_read_timeout(None);
    builder.serve_connection(Plain(socket), service).await
}

async fn answer(state: &Arc<State>, request: hyper::Request<Incoming>) -> hyper::Response<Text> {
    let (parts, content) = request.into_parts();
    let (path, method) = (parts.uri.path(), &parts.method);
    let wanted = match path {
        "/healthz" | "/readyz" | "/metrics" | "/admin/status" => &[Method::GET, Method::HEAD][..],
        "/admin/reload" | "/admin/drain" | "/admin/purge" | "/admin/export" => &[Method::POST],
        _ => return reply(StatusCode::NOT_FOUND, TEXT, "no such page\n".to_owned()),
    };
    if !wanted.contains(method) {
        let allow = wanted
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        let mut refusal = reply(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            format!("use {allow}\n"),
        );
        if let Ok(allow) = allow.try_into() {
            refusal.headers_mut().insert(http::header::ALLOW, allow);
        }
        return refusal;
    }
    // A page in the operator's browser must not be able to post here.
    let from_a_page = parts.headers.contains_key(http::header::ORIGIN);
    if from_a_page && *method == Method::POST {
        return reply(
            StatusCode::FORBIDDEN,
            TEXT,
            "not from a web page\n".to_owned(),
        );
    }
    match path {
        "/healthz" => reply(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" => {
            let (ready, document) = readiness::ready(state);
            let status = if ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            reply(status, JSON, document)
        }
        "/metrics" => reply(
            StatusCode::OK,
            OPENMETRICS,
            readiness::openmetrics(&state.samples()),
        ),
        "/admin/reload" => reload(state).await,
        "/admin/purge" => match purge(&state.library, content).await {
            Ok(purged) => reply(StatusCode::OK, JSON, format!("{{\"purged\":{purged}}}")),
            Err(error) => reply(StatusCode::BAD_REQUEST, TEXT, format!("{error}\n")),
        },
        "/admin/export" => match state.export() {
            Ok(file) => {
                let document = serde_json::json!({ "file": file });
                reply(StatusCode::ACCEPTED, JSON, document.to_string())
            }
            Err(error) => reply(StatusCode::CONFLICT, TEXT, format!("{error}\n")),
        },
        "/admin/drain" => {
            tracing::info!("drain asked for by the operations listener");
            state.drain();
            reply(StatusCode::ACCEPTED, TEXT, "draining\n".to_owned())
        }
        _ => reply(StatusCode::OK, JSON, readiness::status(state)),
    }
}

async fn reload(state: &Arc<State>) -> hyper::Response<Text> {
    let reloading = Arc::clone(state);
    let outcome = runtime::blocking("reload", move || reloading.reload()).await;
    match outcome {
        Ok(Ok(())) => reply(StatusCode::OK, TEXT, "reloaded\n".to_owned()),
        Ok(Err(failed)) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            reply(status, TEXT, format!("{}\n", failed.join("\n")))
        }
        Err(panicked) => reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            TEXT,
            format!("{panicked}\n"),
        ),
    }
}

fn reply(status: StatusCode, kind: &'static str, text: String) -> hyper::Response<Text> {
    let mut reply = hyper::Response::new(Text(Some(Bytes::from(text))));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static(kind),
    );
    let no_store = http::HeaderValue::from_static("no-store");
    headers.insert(http::header::CACHE_CONTROL, no_store);
    reply
}

/// A document, sent in one piece.
struct Text(Option<Bytes>);

impl http_body::Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(text))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |text| text.len() as u64))
    }
}

/// A plain socket in hyper's form.
struct Plain(TcpStream);

impl hyper::rt::Read for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1024];
        let fits = buf.remaining().min(scratch.len());
        let mut read = ReadBuf::new(scratch.get_mut(..fits).unwrap_or_default());
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut read))?;
        buf.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
