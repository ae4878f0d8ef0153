//! Header fields of a GET, one a line as `name: value`, against a text with a brotli twin.
//!
//! Promises: no panic; the reply is one of 200, 206, 304 or a refusal; its length is told exactly.

use bytes::Bytes;
use lamplight::http::About;
use lamplight::http::Body;
use lamplight::http::CachePolicy;
use lamplight::http::Content;
use lamplight::http::Fields;
use lamplight::http::HttpDate;
use lamplight::http::Method;
use lamplight::http::Resource;
use std::sync::LazyLock;

static TEXT: LazyLock<Resource> = LazyLock::new(|| {
    let about = About {
        media_type: "text/plain".into(),
        policy: CachePolicy::Manifest,
        modified: Some(HttpDate(784_111_777)),
        text: true,
        fields: Fields::new(),
    };
    let text = "a line that is repeated\n".repeat(40);
    Resource::new(about, Content::Memory(Bytes::from(text)), "3f9a")
});

pub(crate) fn run(bytes: &[u8]) {
    let mut fields = Fields::new();
    for line in bytes.split(|b| *b == b'\n') {
        let clean = !line.contains(&b'\r') && !line.contains(&0);
        let Some(at) = line.iter().position(|b| *b == b':').filter(|_| clean) else {
            continue;
        };
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        fields.push(&name.to_ascii_lowercase(), value);
    }
    let Ok(reply) = TEXT.reply(Method::Get, &fields) else {
        return;
    };
    let own = reply.extra.get_str("content-length");
    let told = own.or_else(|| reply.head.fields().get_str("content-length"));
    let sent = match &reply.body {
        Body::Pull(_) => None,
        held @ (Body::Empty | Body::Slices(_)) => held.len(),
    };
    match reply.status().0 {
        200 | 206 => assert_eq!(told, sent.map(|n| n.to_string()).as_deref()),
        304 => assert_eq!((told, sent), (None, Some(0))),
        other => panic!("status {other}"),
    }
    if let Ok(head) = TEXT.reply(Method::Head, &fields) {
        assert!(head.body.is_empty());
    }
}
