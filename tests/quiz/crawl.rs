//! Everything that can be reached from the catalogue and the page, and the errors beside it.

use crate::client::Client;
use crate::client::Reply;
use std::collections::BTreeMap;

/// Replies by path.
pub(crate) struct Crawl {
    pub(crate) replies: BTreeMap<String, Reply>,
    origin: String,
}

impl Crawl {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            replies: BTreeMap::new(),
            origin: format!("https://localhost:{port}"),
        }
    }

    /// Follows every link of JSON, playlists and HTML.
    pub(crate) async fn whole(&mut self, client: &mut Client) {
        let mut todo: Vec<String> = [
            "/",
            "/v1/courses",
            "/v1/openapi.json",
            "/v1/health",
            "/favicon.ico",
        ]
        .map(str::to_owned)
        .into();
        while let Some(path) = todo.pop() {
            if self.replies.contains_key(&path) {
                continue;
            }
            assert!(self.replies.len() < 1000, "the crawl does not end");
            let reply = client.get(&path).await;
            todo.extend(self.links(&path, &reply));
            self.replies.insert(path, reply);
        }
    }

    /// What people try who look for a key.
    pub(crate) async fn errors(&mut self, client: &mut Client) {
        let quiz = self.replies.keys().find(|path| path.starts_with("/quiz/"));
        let quiz = quiz.unwrap().clone();
        let segment = self.replies.keys().find(|path| path.ends_with(".m4s"));
        let segment = segment.unwrap().clone();
        for path in [
            "/quiz/truong/luyen-tap/00000000000000000000000000000000.json",
            "/quiz/truong/quiz.json",
            "/quiz/truong/hong/00000000000000000000000000000000.json",
            "/files/truong/01-mot/quiz.toml",
            "/files/truong/01-mot/luyen-tap.gift",
            "/files/truong/01-mot/hong.toml",
            "/files/truong/01-mot/../01-mot/luyen-tap.gift",
            "/files/truong/01-mot/%2e%2e/01-mot/quiz.toml",
            "/media/truong/mot/quiz.toml",
            "/media/truong/luyen-tap/master.m3u8",
            "/v1/courses?q=bimat",
            "/v1/courses?limit=x",
            "/v1/courses/hong",
            "/problems/not-found",
        ] {
            let reply = client.get(path).await;
            self.replies.insert(path.to_owned(), reply);
        }
        for (method, path, fields) in [
            ("POST", quiz.as_str(), [("accept", "*/*")]),
            ("GET", &quiz, [("range", "bytes=0-0,1-1,2-2")]),
            ("GET", &quiz, [("range", "bytes=999999-")]),
            ("GET", &quiz, [("if-match", "\"x\"")]),
            ("OPTIONS", &quiz, [("origin", "https://a.example")]),
            ("GET", &segment, [("range", "bytes=999999999-")]),
            ("DELETE", "/v1/courses", [("accept", "*/*")]),
        ] {
            let reply = client.ask(method, path, &fields).await;
            self.replies
                .insert(format!("{method} {path} {fields:?}"), reply);
        }
    }

    fn links(&self, path: &str, reply: &Reply) -> Vec<String> {
        let kind = reply.field("content-type").unwrap_or_default();
        let found: Vec<&str> = match kind.split(';').next().unwrap_or_default() {
            "application/json" => quoted(reply.text()),
            "application/vnd.apple.mpegurl" => {
                let uris = reply
                    .text()
                    .lines()
                    .filter(|l| !l.is_empty() && !l.starts_with('#'));
                uris.chain(quoted(reply.text())).collect()
            }
            "text/html" | "text/javascript" | "text/css" | "application/dash+xml" => {
                quoted(reply.text())
            }
            _ => Vec::new(),
        };
        let paths = found
            .into_iter()
            .filter_map(|link| self.resolved(path, link));
        paths.collect()
    }

    /// The path of a link on this host.
    fn resolved(&self, base: &str, link: &str) -> Option<String> {
        let link = link.strip_prefix(self.origin.as_str()).unwrap_or(link);
        let spread = link.contains(['{', '$', ' ', '`', '<', '\\']) || link.contains("//");
        if spread || link.is_empty() {
            return None;
        }
        if link.starts_with('/') {
            return Some(link.to_owned());
        }
        let (folder, _) = base.rsplit_once('/')?;
        let named = [
            ".m3u8", ".mp4", ".m4s", ".vtt", ".js", ".css", ".svg", ".mpd",
        ];
        let link = link.strip_prefix("./").unwrap_or(link);
        let known = named.iter().any(|end| link.ends_with(end)) && !link.starts_with('.');
        known.then(|| format!("{folder}/{link}"))
    }
}

/// Everything between double quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}
