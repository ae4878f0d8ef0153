//! One resource of each kind, found from the catalogue as a player finds them.

use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::command::doctor::visit::Visit;
use crate::runtime::client::Answer;
use crate::runtime::client::ClientError;
use serde_json::Value;

/// What kind of thing a resource is, as far as caches care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that changes: catalogue, playlists, the page.
    Fresh,
    /// Text under a versioned URL.
    Text,
    /// Media under a versioned URL, or a whole recording.
    Media,
}

/// A resource to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) path: String,
    pub(super) kind: Kind,
}

impl Resource {
    fn of(path: &str) -> Self {
        let ends = |ends: &[&str]| {
            let path = path.split('?').next().unwrap_or_default();
            ends.iter().any(|end| path.ends_with(end))
        };
        let kind = if ends(&[".m4s", ".mp4", ".m4a", ".ts", ".webm"]) {
            Kind::Media
        } else if ends(&[".vtt"]) || path.starts_with("/quiz/") {
            Kind::Text
        } else {
            Kind::Fresh
        };
        let path = path.to_owned();
        Self { path, kind }
    }
}

/// The resource at `path`; for `/` one of each kind of a Lamplight, where its first course is.
pub(super) async fn find(
    visit: &mut Visit,
    path: &str,
    report: &mut Report,
) -> Result<Vec<Resource>, ClientError> {
    if path != "/" {
        return Ok(vec![Resource::of(path)]);
    }
    let mut found = vec!["/v1/courses?limit=50".to_owned()];
    let catalogue = visit.get("/v1/courses?limit=50", &[]).await?;
    let courses = json(&catalogue);
    let courses = courses.get("courses").and_then(Value::as_array);
    for course in courses.into_iter().flatten() {
        let Some(url) = course.get("url").and_then(Value::as_str) else {
            continue;
        };
        let course = json(&visit.get(url, &[]).await?);
        let lessons = course.get("lessons").and_then(Value::as_array);
        let lessons = lessons.into_iter().flatten();
        let hls = |lesson: &Value| Some(lesson.get("hls")?.as_str()?.to_owned());
        let Some((lesson, hls)) = lessons.filter_map(|l| Some((l, hls(l)?))).next() else {
            continue;
        };
        found.push(url.to_owned());
        let quiz = course.pointer("/quizzes/0/url").and_then(Value::as_str);
        let text = lesson.get("text").and_then(Value::as_object);
        let text = text.and_then(|text| text.values().next()?.as_str());
        let dash = lesson.get("dash").and_then(Value::as_str);
        let file = lesson.pointer("/attachments/0/url").and_then(Value::as_str);
        found.extend([quiz, dash, text, file].into_iter().flatten().map(path_of));
        playlists(visit, &path_of(&hls), &mut found).await?;
        break;
    }
    let none = (!found.iter().any(|path| path.starts_with("/media/")))
        .then(|| "no course with a recording: media was not asked for".to_owned());
    report.advise(Rule::Status, "/v1/courses", none);
    found.push("/".to_owned());
    found.dedup();
    Ok(found.iter().map(|path| Resource::of(path)).collect())
}

/// The playlists of a lesson, its first segments, captions and recording.
async fn playlists(
    visit: &mut Visit,
    master: &str,
    found: &mut Vec<String>,
) -> Result<(), ClientError> {
    found.push(master.to_owned());
    let answer = visit.get(master, &[]).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let video = text.lines().find(|l| !l.is_empty() && !l.starts_with('#'));
    let subtitles = text.lines().find(|l| l.contains("TYPE=SUBTITLES"));
    let subtitles = subtitles.and_then(uri);
    for playlist in video.into_iter().chain(subtitles) {
        let playlist = joined(master, playlist);
        let answer = visit.get(&playlist, &[]).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let map = text
            .lines()
            .find(|l| l.starts_with("#EXT-X-MAP"))
            .and_then(uri);
        let first = text.lines().find(|l| !l.is_empty() && !l.starts_with('#'));
        found.extend(
            map.into_iter()
                .chain(first)
                .map(|uri| joined(&playlist, uri)),
        );
        found.push(playlist);
    }
    if let Some((track, _)) = video.and_then(|v| v.split_once('/')) {
        let recording = joined(master, &format!("source/{track}.mp4"));
        let head = visit.ask("HEAD", &recording, &[]).await?;
        found.extend((head.status == 200).then_some(recording));
    }
    Ok(())
}

/// The value of `URI="…"` in a playlist's line.
fn uri(line: &str) -> Option<&str> {
    line.split_once("URI=\"")?.1.split('"').next()
}

/// A playlist's link against its own path.
fn joined(base: &str, link: &str) -> String {
    if link.contains("://") || link.starts_with('/') {
        return path_of(link);
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{link}")
}

/// The path of an absolute URL; media may be named under another host, this origin has them too.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let path = rest.map(|rest| rest.split_once('/').map_or("", |(_, path)| path));
    path.map_or_else(|| url.to_owned(), |path| format!("/{path}"))
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}
