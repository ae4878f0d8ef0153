//! The receiving half of one request stream.

use crate::http::Method;

/// Where the peer's half of one request stream stands. Owned by the driver; dropping it forgets
/// the request.
#[derive(Debug)]
pub struct Stream {
    id: u64,
    bodiless: bool,
}

impl Stream {
    /// A request that the peer, a client, sends on stream `id`.
    pub const fn request(id: u64) -> Self {
        Self {
            id,
            bodiless: false,
        }
    }

    /// The reply to a request with `method` that we sent on stream `id`.
    pub fn response(id: u64, method: Method) -> Self {
        Self {
            id,
            bodiless: method == Method::Head,
        }
    }

    /// The stream's id.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Whether the reply has no content whatever its `content-length` says.
    pub const fn is_bodiless(&self) -> bool {
        self.bodiless
    }
}
