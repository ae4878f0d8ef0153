//! What must hold behind every edge.

use crate::edge::Edge;
use crate::edge::LOOK;
use crate::edge::PATIENCE;
use crate::origin::LARGE;
use crate::origin::LARGE_BYTES;
use crate::origin::Origin;
use crate::origin::large;
use crate::origin::media_urls;
use crate::origin::text;
use std::time::Instant;

/// Learners of one class press play at once.
const CROWD: usize = 20;
/// A playlist is fresh for 60 seconds.
const EXPIRED_S: i64 = 61;
/// And may be given for 600 more when the origin fails, but not for this long merely because it is
/// being fetched.
const FAILED_S: i64 = 240;

/// Whether an edge asks once for many who want the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowds {
    AskedOnce,
    /// Some may come through; the origin then builds once for all of them.
    MayComeThrough,
}

/// A cold segment that many want at once is built once, and all get the same bytes.
pub(crate) async fn a_crowd_costs_one_build(origin: &Origin, edge: &Edge, crowds: Crowds) {
    let playlist = origin.playlist().await;
    let urls = media_urls(&playlist, &text(origin.direct(&playlist).await));
    let before = origin.work().await;
    let all = (0..CROWD).map(|_| {
        let request = edge.get(&urls[1]);
        tokio::spawn(async move {
            let reply = request.send().await.unwrap();
            (reply.status().as_u16(), reply.bytes().await.unwrap())
        })
    });
    let all: Vec<_> = all.collect();
    let mut got = Vec::new();
    for one in all {
        got.push(one.await.unwrap());
    }
    let after = origin.work().await;
    assert_eq!(after.builds - before.builds, 1, "{before:?} {after:?}");
    let asked = after.whole - before.whole;
    match crowds {
        Crowds::AskedOnce => assert_eq!(asked, 1),
        Crowds::MayComeThrough => assert!((1..=CROWD as u64).contains(&asked), "{asked}"),
    }
    let whole = origin.direct(&urls[1]).await;
    for (status, body) in got {
        assert!(
            status == 200 && body == whole,
            "{status}, {} bytes",
            body.len()
        );
    }
    // The next class is served without the origin.
    assert!(edge.whole(&urls[1]).await == whole);
    assert_eq!(origin.work().await.whole, after.whole);
}

/// What has expired is asked for again with its tag and costs no content; so does a learner's own
/// copy at the edge.
pub(crate) async fn revalidation_costs_no_content(origin: &Origin, edge: &Edge) {
    let playlist = origin.playlist().await;
    let whole = origin.direct(&playlist).await;
    let reply = edge.get(&playlist).send().await.unwrap();
    let tag = reply.headers().get("etag").unwrap().clone();
    assert!(reply.bytes().await.unwrap() == whole);
    let before = origin.work().await;
    edge.pass(EXPIRED_S);
    let until = Instant::now() + PATIENCE;
    while origin.work().await.unchanged == before.unchanged {
        assert!(
            Instant::now() < until,
            "it never asks again\n{}",
            edge.log()
        );
        assert!(edge.whole(&playlist).await == whole);
        tokio::time::sleep(LOOK).await;
    }
    let after = origin.work().await;
    assert_eq!((after.whole, after.builds), (before.whole, before.builds));
    let again = edge.get(&playlist).header("if-none-match", tag);
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.bytes().await.unwrap().len(), 0);
}

/// Parts of a large file are the source's bytes at those places, cold and warm.
pub(crate) async fn parts_are_the_sources(edge: &Edge) {
    let source = large();
    let mib = 1024 * 1024;
    let parts = [
        (mib - 5, mib + 5),
        (0, 1),
        (2 * mib, 3 * mib),
        (LARGE_BYTES - 7, LARGE_BYTES),
        (17, 2 * mib + 17),
    ];
    for round in ["cold", "warm"] {
        for (from, to) in parts {
            let range = format!("bytes={from}-{}", to - 1);
            let reply = edge.get(LARGE).header("range", &range);
            let reply = reply.send().await.unwrap();
            assert_eq!(reply.status(), 206, "{round} {range}\n{}", edge.log());
            let told = reply.headers().get("content-range").unwrap();
            assert_eq!(*told, format!("bytes {from}-{}/{LARGE_BYTES}", to - 1));
            let same = reply.bytes().await.unwrap() == source[from..to];
            assert!(same, "{round} {range}");
        }
        let last = edge.get(LARGE).header("range", "bytes=-9");
        let last = last.send().await.unwrap().bytes().await.unwrap();
        assert!(last == source[LARGE_BYTES - 9..], "{round}");
        assert!(edge.whole(LARGE).await == source, "{round}");
    }
}

/// With the origin gone, learners keep what the edge has.
pub(crate) async fn what_is_kept_outlives_the_origin(origin: Origin, edge: &Edge) {
    let playlist = origin.playlist().await;
    let whole = edge.whole(&playlist).await;
    let urls = media_urls(&playlist, &text(whole.clone()));
    let mut segments = Vec::new();
    for url in &urls {
        segments.push(edge.whole(url).await);
    }
    origin.stop();
    for seconds in [EXPIRED_S, FAILED_S] {
        edge.pass(seconds);
        let reply = edge.get(&playlist).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{}", edge.log());
        let fields = reply.headers().clone();
        assert!((edge.is_stale)(&fields), "{fields:?}");
        assert!(reply.bytes().await.unwrap() == whole);
    }
    for (url, segment) in urls.iter().zip(segments) {
        assert!(edge.whole(url).await == segment, "{url}");
    }
}

/// A lesson that is replaced while it is watched: every URL keeps its bytes, and the new playlist
/// names new ones.
pub(crate) async fn a_replaced_lesson_is_never_mixed(origin: &Origin, edge: &Edge) {
    let playlist = origin.playlist().await;
    let old = text(edge.whole(&playlist).await);
    let old_urls = media_urls(&playlist, &old);
    let mut old_bytes = Vec::new();
    for url in &old_urls {
        old_bytes.push(origin.direct(url).await);
    }
    // Half of it is at the edge already.
    for (url, bytes) in old_urls.iter().zip(&old_bytes).step_by(2) {
        assert!(edge.whole(url).await == *bytes, "{url}");
    }
    origin.replace_lesson();
    old_or_gone(edge, &old_urls, &old_bytes).await;
    edge.pass(EXPIRED_S);
    let new = next_playlist(edge, &playlist, &old).await;
    assert_eq!(new, text(origin.direct(&playlist).await));
    for url in media_urls(&playlist, &new) {
        assert!(!old_urls.contains(&url), "{url} has two meanings");
        assert!(edge.whole(&url).await == origin.direct(&url).await, "{url}");
    }
}

/// A URL of a version that was replaced gives that version or nothing.
async fn old_or_gone(edge: &Edge, urls: &[String], old: &[Vec<u8>]) {
    for (url, bytes) in urls.iter().zip(old) {
        let reply = edge.get(url).send().await.unwrap();
        match reply.status().as_u16() {
            200 => assert!(reply.bytes().await.unwrap() == *bytes, "{url}"),
            status => assert!(matches!(status, 404 | 410), "{url}: {status}"),
        }
    }
}

/// The playlist once the edge has another than `old`.
async fn next_playlist(edge: &Edge, playlist: &str, old: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let new = text(edge.whole(playlist).await);
        if new != old {
            return new;
        }
        assert!(
            Instant::now() < until,
            "the old playlist stays\n{}",
            edge.log()
        );
        tokio::time::sleep(LOOK).await;
    }
}
