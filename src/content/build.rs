//! Making chunks from their sources; runs on the blocking pool.

use crate::base::limits::ATTACHMENT_WHOLE_BYTES_MAX;
use crate::base::limits::COURSE_FILE_BYTES_MAX;
use crate::content::Chunk;
use crate::content::LoadError;
use crate::content::cache::Indexes;
use crate::content::chunk::versioned;
use crate::content::disk::OnDisk;
use crate::content::shelf::Job;
use crate::content::shelf::LessonShelf;
use crate::content::shelf::TrackShelf;
use crate::http::CachePolicy;
use crate::media::Captions;
use crate::media::hls;
use crate::media::hls::Audio;
use crate::media::hls::CAPTION_SEGMENT_MS;
use crate::media::hls::Video;
use bytes::Bytes;
use std::fs::File;
use std::io;

impl Job {
    /// Builds the chunk.
    pub(crate) fn run(&self, indexes: &Indexes) -> Result<Chunk, LoadError> {
        match self {
            Self::Master(lesson) => Ok(playlist(lesson, master(lesson), &lesson.keys)),
            Self::MediaPlaylist(lesson, at) => {
                let track = lesson.at(*at)?;
                let keys = versioned(&lesson.keys, track.version);
                let text = hls::media(&track.plan, track.version);
                Ok(playlist(lesson, text, &keys))
            }
            Self::Init(lesson, at) => {
                let track = lesson.at(*at)?;
                Ok(media(lesson, track, track.plan.init.clone()))
            }
            Self::Segment(lesson, at, n) => {
                let track = lesson.at(*at)?;
                let file = indexes.handles.open(&track.recording.disk)?;
                let movie = indexes.get(&track.recording, &file)?;
                let index = track.part.of(&movie).ok_or(LoadError::Internal)?;
                let bytes = track.recording.segment(&file, index, &track.plan, *n)?;
                Ok(media(lesson, track, bytes.ok_or(LoadError::Internal)?))
            }
            Self::CaptionPlaylist(lesson, at) => {
                let caption = lesson.captions.get(*at).ok_or(LoadError::Internal)?;
                let keys = versioned(&lesson.keys, caption.version);
                let text = hls::captions(lesson.duration_us, caption.version);
                Ok(playlist(lesson, text, &keys))
            }
            Self::CaptionSegment(lesson, at, n) => caption(indexes, lesson, *at, *n),
            Self::Quiz(quiz) => {
                let read = quiz.paper.read().map_err(|_problems| LoadError::Internal)?;
                let (json, version) = read.chunk(&quiz.name);
                if version != quiz.version {
                    return Err(LoadError::Internal);
                }
                Ok(Chunk::new(
                    Bytes::from(json),
                    "application/json",
                    quiz.modified_unix_s,
                    CachePolicy::Immutable,
                    &versioned(&quiz.keys, quiz.version),
                ))
            }
            Self::File(file) => {
                let bytes = file.disk.bytes(ATTACHMENT_WHOLE_BYTES_MAX);
                let bytes = bytes.map_err(|error| file.disk.changed(error))?;
                let modified = file.disk.modified_unix_s();
                let bytes = Bytes::from(bytes);
                Ok(Chunk::new(
                    bytes,
                    file.media_type.0,
                    modified,
                    CachePolicy::Day,
                    &file.keys,
                ))
            }
        }
    }
}

impl LessonShelf {
    fn at(&self, at: usize) -> Result<&TrackShelf, LoadError> {
        self.tracks.get(at).ok_or(LoadError::Internal)
    }
}

fn playlist(lesson: &LessonShelf, text: String, keys: &str) -> Chunk {
    let bytes = Bytes::from(text);
    Chunk::new(
        bytes,
        PLAYLIST,
        lesson.modified_unix_s,
        CachePolicy::Manifest,
        keys,
    )
}

fn media(lesson: &LessonShelf, track: &TrackShelf, bytes: Bytes) -> Chunk {
    let video = track.plan.codec.is_video();
    let media_type = if video { "video/mp4" } else { "audio/mp4" };
    let modified = track.recording.disk.modified_unix_s();
    Chunk::new(
        bytes,
        media_type,
        modified,
        CachePolicy::Immutable,
        &versioned(&lesson.keys, track.version),
    )
}

fn master(lesson: &LessonShelf) -> String {
    let video = lesson.tracks.iter().filter(|t| t.plan.codec.is_video());
    let videos: Vec<Video<'_>> = video
        .map(|t| Video {
            track: t.name.as_str(),
            plan: &t.plan,
        })
        .collect();
    let audio = lesson.tracks.iter().filter(|t| !t.plan.codec.is_video());
    let audios: Vec<Audio<'_>> = audio
        .map(|t| Audio {
            track: t.name.as_str(),
            plan: &t.plan,
            language: &t.language,
            with_video: t.with_video,
        })
        .collect();
    let captions: Vec<_> = lesson.captions.iter().map(|c| c.language.clone()).collect();
    hls::master(&videos, &audios, &captions)
}

fn caption(indexes: &Indexes, lesson: &LessonShelf, at: usize, n: u32) -> Result<Chunk, LoadError> {
    let caption = lesson.captions.get(at).ok_or(LoadError::Internal)?;
    let disk = &caption.disk;
    let file = indexes.handles.open(disk)?;
    let text = whole(disk, &file).map_err(|error| disk.changed(error))?;
    if caption_version(&text, lesson.duration_us) != caption.version {
        return Err(disk.changed("other captions took their place"));
    }
    let captions = Captions::parse(&text).map_err(|error| disk.changed(error))?;
    let begin = u64::from(n) * CAPTION_SEGMENT_MS;
    // The last segment takes what lies behind the end of the picture.
    let last = n + 1 == hls::caption_segments(lesson.duration_us);
    let end = if last {
        u64::MAX
    } else {
        begin + CAPTION_SEGMENT_MS
    };
    let bytes = Bytes::from(captions.segment(begin, end));
    let modified = disk.modified_unix_s();
    Ok(Chunk::new(
        bytes,
        VTT,
        modified,
        CachePolicy::Immutable,
        &versioned(&lesson.keys, caption.version),
    ))
}

/// The text of a small file that is open.
fn whole(disk: &OnDisk, file: &File) -> io::Result<String> {
    let len = disk.stamp.len.min(COURSE_FILE_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    disk.read(file, &mut bytes, 0)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// The version of captions: their text, and where they are cut.
pub(crate) fn caption_version(text: &str, duration_us: u64) -> crate::base::digest::Digest {
    crate::base::digest::Digest::of(&[
        text.as_bytes(),
        &duration_us.to_be_bytes(),
        &CAPTION_SEGMENT_MS.to_be_bytes(),
        &crate::media::PACKAGING_REVISION.to_be_bytes(),
    ])
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const VTT: &str = "text/vtt; charset=utf-8";
