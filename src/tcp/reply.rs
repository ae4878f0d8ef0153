//! Our replies in hyper's form.

use crate::http::Body;
use crate::http::Reply;
use crate::http::SourceError;
use crate::http::Version;
use crate::runtime;
use crate::tcp::exchange::InFlight;
use crate::tcp::heads::Heads;
use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use http_body::SizeHint;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

/// Bytes of one HTTP/2 DATA frame's content: with its 9 bytes of header it fills one TLS record.
const FRAME_BYTES: usize = 16 * 1024 - 9;

/// A reply's content on its way to hyper; holds its request's place until it is dropped.
pub(super) struct Outgoing {
    body: Body,
    /// Slices already taken.
    taken: usize,
    frame_max: usize,
    _place: InFlight,
}

/// hyper's response for `reply`, with `date` and, if there is one, `alt-svc`.
pub(super) fn response(
    reply: Reply,
    version: Version,
    heads: &Heads,
    place: InFlight,
) -> hyper::Response<Outgoing> {
    let Reply { head, extra, body } = reply;
    if !body.is_empty() {
        place.has_content();
    }
    let frame_max = if version == Version::Http2 {
        FRAME_BYTES
    } else {
        usize::MAX
    };
    let body = Outgoing {
        body,
        taken: 0,
        frame_max,
        _place: place,
    };
    let mut response = hyper::Response::new(body);
    // The service gives 200 to 599 only; anything else would be a fault of ours, so 500.
    let status = StatusCode::from_u16(head.status().0);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = heads.fields(&head, &extra, runtime::unix_ms());
    response
}

impl Outgoing {
    /// The next part of the slices, `None` after the last.
    fn next_slice(&mut self) -> Option<Bytes> {
        let Body::Slices(slices) = &mut self.body else {
            return None;
        };
        while let Some(slice) = slices.get_mut(self.taken) {
            if slice.len() > self.frame_max {
                return Some(slice.split_to(self.frame_max));
            }
            self.taken += 1;
            if !slice.is_empty() {
                return Some(std::mem::take(slice));
            }
        }
        None
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = SourceError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceError>>> {
        match &mut self.body {
            Body::Empty => Poll::Ready(None),
            Body::Slices(_) => Poll::Ready(self.next_slice().map(|slice| Ok(Frame::data(slice)))),
            Body::Pull(source) => source
                .poll_chunk(cx)
                .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Body::Empty => true,
            Body::Slices(slices) => slices
                .get(self.taken..)
                .is_none_or(|left| left.iter().all(Bytes::is_empty)),
            Body::Pull(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .len()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
