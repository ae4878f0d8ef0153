//! `GET /v1/receipts/keys`: what anyone needs to check a receipt without us.

use crate::base::digest::Digest;
use crate::http::About;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::Fields;
use crate::http::Problem;
use crate::http::Reply;
use crate::http::RequestHead;
use crate::http::Resource;
use crate::service::app::Core;
use crate::service::read::answer;
use crate::store::ReceiptKeys;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

#[derive(Serialize)]
struct Document {
    keys: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    id: u32,
    algorithm: &'static str,
    public_key: String,
    current: bool,
}

impl Core {
    /// The public keys of receipts.
    pub(crate) fn receipt_keys(&self, head: &RequestHead<'_>) -> Result<Reply, Problem> {
        let learning = self.learning()?;
        answer(&resource(&learning.receipts), head.method, head.fields)
    }
}

fn resource(keys: &ReceiptKeys) -> Resource {
    let keys = keys.public();
    let entries = keys.iter().enumerate().map(|(at, (id, key))| Entry {
        id: *id,
        algorithm: "Ed25519",
        public_key: BASE64URL_NOPAD.encode(key),
        current: at == 0,
    });
    let document = Document {
        keys: entries.collect(),
    };
    // Strings and numbers always serialise.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let about = About {
        media_type: "application/json".into(),
        policy: CachePolicy::Manifest,
        modified: None,
        text: false,
        fields: Fields::new().with("x-content-type-options", "nosniff"),
    };
    let hash = Digest::of(&[&body]).to_string();
    Resource::quickly(about, Content::Memory(Bytes::from(body)), &hash)
}
