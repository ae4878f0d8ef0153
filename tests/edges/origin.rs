//! The origin: a whole server over a course folder that the test may change.

use crate::support::Running;
use crate::support::bundled_content;
use crate::support::plain_client;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

/// Bytes of the large attachment: some slices of 1 MiB and a rest.
pub(crate) const LARGE_BYTES: usize = 3 * 1024 * 1024 + 13;
/// Where it is served.
pub(crate) const LARGE: &str = "/files/ky-nang-so/handouts/large.pdf";
const MASTER: &str = "/media/ky-nang-so/mat-khau/master.m3u8";
const LESSON: &str = "ky-nang-so/01-mat-khau";
const OTHER_LESSON: &str = "ky-nang-so/02-lua-dao-truc-tuyen";

pub(crate) struct Origin {
    running: Running,
    pub(crate) plain: SocketAddr,
    client: reqwest::Client,
    content: TempDir,
}

/// What the origin has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) builds: u64,
    /// Replies over HTTP/1.1 with content, and those that say "not modified".
    pub(crate) whole: u64,
    pub(crate) unchanged: u64,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let content = tempfile::tempdir().unwrap();
        copy(&bundled_content(), content.path());
        let handouts = content.path().join("ky-nang-so/handouts");
        fs::create_dir(&handouts).unwrap();
        fs::write(handouts.join("large.pdf"), large()).unwrap();
        let running = Running::with(|config| {
            config.content.dir = content.path().to_owned();
            config.tcp.plain_listen = vec!["127.0.0.1:0".parse().unwrap()];
        });
        running.wait_ready();
        Self {
            plain: *running.server().plain_addresses().first().unwrap(),
            client: running.client(http::Version::HTTP_2),
            running,
            content,
        }
    }

    /// Where it speaks TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.running.address()
    }

    /// PEM file of the certificate to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        let folder = self.running.data.path().join("data/self-signed");
        let files = fs::read_dir(folder).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let is_certificate = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            text.contains("BEGIN CERTIFICATE")
        };
        files.find(is_certificate).unwrap()
    }

    /// What it answers to somebody who asks it without an edge, over HTTP/2.
    pub(crate) async fn direct(&self, path: &str) -> Vec<u8> {
        let reply = self.client.get(self.running.url(path)).send().await;
        let reply = reply.unwrap();
        assert_eq!(reply.status(), 200, "{path}");
        reply.bytes().await.unwrap().into()
    }

    /// The URL of the first media playlist of the lesson.
    pub(crate) async fn playlist(&self) -> String {
        let master = text(self.direct(MASTER).await);
        let uri = master.lines().find(|line| line.ends_with("/playlist.m3u8"));
        beside(MASTER, uri.unwrap())
    }

    pub(crate) async fn work(&self) -> Work {
        let page = plain_client().get(self.running.ops("/metrics"));
        let page = page.send().await.unwrap().text().await.unwrap();
        let value = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name}"))
                .trim()
                .parse()
                .unwrap()
        };
        Work {
            builds: value("lamplight_content_builds_total "),
            whole: value("lamplight_http_replies_total{kind=\"h1_2xx\"} "),
            unchanged: value("lamplight_http_replies_total{kind=\"h1_3xx\"} "),
        }
    }

    /// The author replaces the lesson's recordings, and the operator reloads.
    pub(crate) fn replace_lesson(&self) {
        for name in [
            "video-240p.mp4",
            "video-360p.mp4",
            "video-720p.mp4",
            "audio.m4a",
        ] {
            let from = self.content.path().join(OTHER_LESSON).join(name);
            let to = self.content.path().join(LESSON).join(name);
            // As publishing should be: whole under another name, then in place at once.
            let aside = to.with_extension("new");
            fs::copy(from, &aside).unwrap();
            fs::rename(aside, to).unwrap();
        }
        self.running.server().reload().unwrap();
    }

    /// The node goes away; only what edges have is left.
    pub(crate) fn stop(self) {
        self.running.close();
    }
}

/// The large attachment.
pub(crate) fn large() -> Vec<u8> {
    let byte = |n: usize| u8::try_from((n * 31 + n / 251 * 7 + n / 65_537) % 256).unwrap();
    (0..LARGE_BYTES).map(byte).collect()
}

/// The URLs a media playlist names: initialisation segment and segments.
pub(crate) fn media_urls(playlist: &str, text: &str) -> Vec<String> {
    let map = text
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\""));
    let init = map.map(|map| map.split('"').next().unwrap());
    let segments = text.lines().filter(|line| line.ends_with(".m4s"));
    let all = init.into_iter().chain(segments);
    let all: Vec<_> = all.map(|uri| beside(playlist, uri)).collect();
    assert!(all.len() > 3, "{text}");
    all
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn beside(url: &str, uri: &str) -> String {
    let (folder, _) = url.rsplit_once('/').unwrap();
    format!("{folder}/{uri}")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
