//! `POST /admin/purge`: forgetting chunks by their keys.

use crate::base::limits::BODY_BYTES_MAX;
use crate::base::limits::PURGE_KEYS_MAX;
use crate::content::Library;
use bytes::BytesMut;
use http_body::Body as _;
use hyper::body::Incoming;
use serde::Deserialize;
use std::collections::HashSet;
use std::pin::Pin;

/// Why nothing was purged.
#[derive(Debug, thiserror::Error)]
pub(super) enum PurgeError {
    /// More than we read.
    #[error("the content is larger than {BODY_BYTES_MAX} bytes; purge in several requests")]
    TooLarge,
    /// The connection broke while it was read.
    #[error("the content did not arrive whole")]
    Broken,
    /// Not what is asked for.
    #[error("send {{\"keys\":[\"course\",\"course/lesson\",\"version\"]}}: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Nobody means so many.
    #[error("{0} keys; send 1 to {PURGE_KEYS_MAX}")]
    Count(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    keys: Vec<String>,
}

/// Chunks of `library` that were forgotten; `content` names the keys.
pub(super) async fn purge(library: &Library, content: Incoming) -> Result<usize, PurgeError> {
    let asked: Asked = serde_json::from_slice(&whole(content).await?)?;
    if asked.keys.is_empty() || asked.keys.len() > PURGE_KEYS_MAX {
        return Err(PurgeError::Count(asked.keys.len()));
    }
    let keys: HashSet<_> = asked.keys.iter().map(String::as_str).collect();
    let purged = library.purge(&keys);
    tracing::info!(keys = keys.len(), chunks = purged, "purged");
    Ok(purged)
}

async fn whole(mut content: Incoming) -> Result<BytesMut, PurgeError> {
    let mut body = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut content).poll_frame(cx)).await;
        let Some(frame) = frame else {
            return Ok(body);
        };
        let frame = frame.map_err(|_broken| PurgeError::Broken)?;
        let data = frame.into_data().unwrap_or_default();
        if body.len() + data.len() > BODY_BYTES_MAX {
            return Err(PurgeError::TooLarge);
        }
        body.extend_from_slice(&data);
    }
}
