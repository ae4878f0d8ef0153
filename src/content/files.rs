//! What a file in a course folder is, by its name.

use crate::base::digest::Digest;
use crate::base::limits::ATTACHMENT_WHOLE_BYTES_MAX;
use crate::content::Attachment;
use crate::content::disk::OnDisk;
use crate::content::disk::Stamp;
use crate::content::folder::Item;
use crate::content::shelf::Held;
use crate::content::shelf::SmallFile;
use crate::course::Slug;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use std::io;
use std::sync::Arc;

/// A recording of the picture: `video*.mp4`.
pub(crate) fn is_video(name: &str) -> bool {
    name.starts_with("video") && has_extension(name, &["mp4", "m4v", "mov"])
}

/// A recording of sound alone: `audio*.m4a`.
pub(crate) fn is_audio(name: &str) -> bool {
    name.starts_with("audio") && has_extension(name, &["m4a", "mp4"])
}

/// The language of `captions.<lang>.vtt`.
pub(crate) fn caption_language(name: &str) -> Option<&str> {
    name.strip_prefix("captions.")?.strip_suffix(".vtt")
}

/// The language of the reading page `text.<lang>.md`; empty if the name of one does not tell it.
pub(crate) fn text_language(name: &str) -> Option<&str> {
    if name == "text.md" {
        return Some("");
    }
    name.strip_prefix("text.")?.strip_suffix(".md")
}

/// Whether the lesson itself reads the file.
pub(crate) fn is_handled_by_lesson(name: &str) -> bool {
    let stems = ["video", "audio"].iter().any(|stem| name.starts_with(stem));
    let foreign = stems && has_extension(name, RECORDINGS);
    foreign || name.ends_with(".vtt") || name == "lesson.toml"
}

/// Whether a file makes the folder it lies in a lesson.
pub(crate) fn belongs_to_lesson(name: &str) -> bool {
    is_handled_by_lesson(name)
        || has_extension(name, &["toml", "gift"])
        || text_language(name).is_some()
}

/// What a track is called after its file: `video-480p.mp4` is `480p`, `video.mp4` is `video`.
pub(crate) fn track_name(name: &str, prefix: &str) -> Option<Slug> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let rest = stem
        .strip_prefix(prefix)?
        .trim_start_matches(['-', '_', '.', ' ']);
    let rest = rest.to_lowercase();
    Slug::parse(if rest.is_empty() { prefix } else { &rest })
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|e| extensions.contains(&e))
}

/// Media type of an attachment; `None` for kinds that are not served, sources of a course above
/// all: a quiz file holds its answers.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == extension);
    known.map(|(_, media_type)| *media_type)
}

/// The attachment `item` of that course; `None` if its kind is not served or it cannot be read.
pub(crate) fn held(item: &Item, course: &Slug) -> Option<Held> {
    let media_type = media_type(&item.name).map(MediaType)?;
    let keys = course.to_string();
    let identity = identity(&item.disk).ok()?;
    if item.disk.stamp.len <= ATTACHMENT_WHOLE_BYTES_MAX {
        let place = format!("{course}/{}", item.shown());
        return Some(Held::Small(Arc::new(SmallFile {
            disk: Arc::clone(&item.disk),
            id: Digest::of(&[&identity.bytes(), place.as_bytes()]),
            media_type,
            keys,
        })));
    }
    Some(Held::Large(Arc::new(Attachment {
        len: item.disk.stamp.len,
        hash: identity,
        media_type,
        keys: keys.into(),
        disk: Arc::clone(&item.disk),
        pins: None,
    })))
}

/// Length, modification time and both ends.
fn identity(disk: &OnDisk) -> io::Result<Digest> {
    let file = disk.open()?;
    let Stamp {
        len, modified_ns, ..
    } = disk.stamp;
    let size = usize::try_from(len.min(END_BYTES)).unwrap_or(0);
    let (mut head, mut tail) = (vec![0; size], vec![0; size]);
    disk.read(&file, &mut head, 0)?;
    disk.read(&file, &mut tail, len - size as u64)?;
    let modified = modified_ns.to_be_bytes();
    Ok(Digest::of(&[&len.to_be_bytes(), &modified, &head, &tail]))
}

/// A media type that is served; in the content index by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaType(pub(crate) &'static str);

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let mut known = MEDIA_TYPES.iter().map(|(_, media_type)| *media_type);
        let known = known.find(|known| *known == name).map(Self);
        known.ok_or_else(|| D::Error::custom("no media type that is served"))
    }
}

const END_BYTES: u64 = 64 * 1024;
/// Extensions of recordings, those that are refused included.
const RECORDINGS: &[&str] = &[
    "mp4", "m4v", "mov", "m4a", "webm", "mkv", "avi", "wmv", "flv", "ts", "mpg", "mpeg", "ogv",
    "3gp", "mp3", "wav", "aac", "ogg", "opus", "flac", "wma",
];
const MEDIA_TYPES: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("zip", "application/zip"),
    ("epub", "application/epub+zip"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("mp4", "video/mp4"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiz_files_are_never_served_as_attachments() {
        for name in [
            "quiz.toml",
            "q.gift",
            "lesson.toml",
            "text.vi.md",
            "x.html",
            "x",
            ".env",
        ] {
            assert_eq!(media_type(name), None, "{name}");
        }
        assert_eq!(media_type("Tài liệu.PDF"), Some("application/pdf"));
    }

    #[test]
    fn tracks_are_named_after_their_files() {
        let name = |file, prefix| track_name(file, prefix).map(|s| s.to_string());
        assert_eq!(name("video-480p.mp4", "video").as_deref(), Some("480p"));
        assert_eq!(name("video.mp4", "video").as_deref(), Some("video"));
        assert_eq!(name("video_720P.mp4", "video").as_deref(), Some("720p"));
        assert_eq!(name("video-tiếng.mp4", "video"), None);
    }
}
