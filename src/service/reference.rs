//! What describes the interface itself: the OpenAPI file and the pages behind problem types.

use crate::base::digest::Digest;
use crate::http::About;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::Fields;
use crate::http::ProblemEntry;
use crate::http::Resource;
use bytes::Bytes;
use std::sync::LazyLock;

const OPENAPI_JSON: &[u8] = include_bytes!("../../docs/openapi.json");

/// `/v1/openapi.json`.
pub(crate) static OPENAPI: LazyLock<Resource> = LazyLock::new(|| {
    let bytes = Bytes::from_static(OPENAPI_JSON);
    resource("application/json", bytes, true)
});

/// `/problems/{slug}`: the line of the table, for the developer who follows a `type`.
pub(crate) fn problem(entry: &ProblemEntry) -> Resource {
    let retry = if entry.retry { "yes" } else { "no" };
    let text = format!(
        "{} ({})\n\nRetry the same request: {retry}\nWhat a client does: {}\n",
        entry.title, entry.status.0, entry.client
    );
    resource("text/plain; charset=utf-8", Bytes::from(text), false)
}

fn resource(media_type: &'static str, bytes: Bytes, text: bool) -> Resource {
    let about = About {
        media_type: media_type.into(),
        policy: CachePolicy::Short,
        modified: None,
        text,
        fields: Fields::new().with("x-content-type-options", "nosniff"),
    };
    let hash = Digest::of(&[&bytes]).to_string();
    Resource::new(about, Content::Memory(bytes), &hash)
}
