//! The demo page's files, embedded in the binary and prepared once.

use crate::base::digest::Digest;
use crate::http::About;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::Fields;
use crate::http::Resource;
use bytes::Bytes;

struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $media_type:expr) => {
        File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("page/", $name)),
        }
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const FILES: &[File] = &[
    file!("index.html", HTML),
    file!("style.css", CSS),
    file!("api.js", JS),
    file!("app.js", JS),
    file!("attempt.js", JS),
    file!("captions.js", JS),
    file!("dom.js", JS),
    file!("i18n.js", JS),
    file!("ladder.js", JS),
    file!("loader.js", JS),
    file!("outbox.js", JS),
    file!("people.js", JS),
    file!("player.js", JS),
    file!("playlist.js", JS),
    file!("quiz.js", JS),
    file!("read.js", JS),
    file!("result.js", JS),
    file!("session.js", JS),
    file!("store.js", JS),
    file!("stream.js", JS),
    file!("views.js", JS),
    file!("watch.js", JS),
    file!("icon.svg", SVG),
];

/// The page, ready to be sent; shared by all workers.
#[derive(Debug)]
pub(crate) struct Page {
    files: Vec<(&'static str, Resource)>,
}

/// Whether the page can sign somebody in; it reads that from its own head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// Everybody is a visitor: courses play, quizzes are practice.
    Off,
    /// Under any name, by the development issuer.
    Dev,
}

/// What index.html says of it, and what it says of [`SignIn::Dev`].
const SIGN_IN: [&str; 2] = [
    r#"name="lamplight-sign-in" content="off""#,
    r#"name="lamplight-sign-in" content="dev""#,
];

impl Page {
    /// Compresses every file once. `media_base` is the host that media come from if not ours.
    pub(crate) fn prepare(media_base: &str, sign_in: SignIn) -> Self {
        let prepared = FILES
            .iter()
            .map(|file| (file.name, prepare(file, media_base, sign_in)));
        Self {
            files: prepared.collect(),
        }
    }

    /// The file of that name.
    pub(crate) fn file(&self, name: &str) -> Option<&Resource> {
        let mut files = self.files.iter();
        files
            .find(|(n, _)| *n == name)
            .map(|(_, resource)| resource)
    }
}

fn prepare(file: &File, media_base: &str, sign_in: SignIn) -> Resource {
    let about = About {
        media_type: file.media_type.into(),
        policy: CachePolicy::Short,
        modified: None,
        text: true,
        fields: security(file, media_base),
    };
    let bytes = match sign_in {
        SignIn::Dev if file.media_type == HTML => {
            let [off, dev] = SIGN_IN;
            Bytes::from(String::from_utf8_lossy(file.bytes).replace(off, dev))
        }
        SignIn::Dev | SignIn::Off => Bytes::from_static(file.bytes),
    };
    let hash = Digest::of(&[&bytes]).to_string();
    Resource::new(about, Content::Memory(bytes), &hash)
}

/// What a page of ours may do: run its own scripts, fetch from here and from the media host, play
/// what it assembled itself. Nothing inline, no frame around it, no referrer to others.
fn security(file: &File, media_base: &str) -> Fields {
    let fields = Fields::new()
        .with("x-content-type-options", "nosniff")
        .with("cross-origin-resource-policy", "same-origin");
    if file.media_type == HTML {
        let space = if media_base.is_empty() { "" } else { " " };
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data:{space}{media_base}; \
             connect-src 'self'{space}{media_base}; media-src 'self' blob:{space}{media_base}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        return fields
            .with("content-security-policy", policy)
            .with("cross-origin-opener-policy", "same-origin")
            .with("referrer-policy", "same-origin")
            .with(
                "permissions-policy",
                "camera=(), geolocation=(), microphone=(), payment=()",
            )
            .with("x-frame-options", "DENY");
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;
    use crate::http::Method;
    use crate::http::Status;

    #[test]
    fn every_file_of_the_page_folder_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/service/page");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(FILES.iter().any(|f| f.name == name), "{name} is not served");
        }
    }

    #[test]
    fn nothing_inline_and_nobody_else_runs_in_the_page() {
        let page = Page::prepare("https://cdn.example", SignIn::Off);
        let index = page.file("index.html").unwrap();
        let reply = index.reply(Method::Get, &Fields::new()).unwrap();
        assert_eq!(reply.status(), Status(200));
        let policy = reply
            .head
            .fields()
            .get_str("content-security-policy")
            .unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        assert!(policy.contains("connect-src 'self' https://cdn.example;"));
        assert!(page.file("missing.js").is_none());
    }

    #[test]
    fn the_page_offers_to_sign_in_only_where_the_server_can() {
        let [off, dev] = SIGN_IN;
        for (sign_in, there, not) in [(SignIn::Off, off, dev), (SignIn::Dev, dev, off)] {
            let page = Page::prepare("", sign_in);
            let index = page.file("index.html").unwrap();
            let reply = index.reply(Method::Get, &Fields::new()).unwrap();
            let Body::Slices(slices) = reply.body else {
                panic!("the page is in memory");
            };
            let text = String::from_utf8(slices.concat()).unwrap();
            assert!(text.contains(there) && !text.contains(not));
        }
    }
}
