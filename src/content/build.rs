//! Making chunks from their sources; runs on the blocking pool.

use crate::base::digest::Digest;
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
use crate::media::Audio;
use crate::media::Caption;
use crate::media::Captions;
use crate::media::Fragment;
use crate::media::Movie;
use crate::media::Offer;
use crate::media::Plan;
use crate::media::Still;
use crate::media::Track;
use crate::media::Video;
use crate::media::dash;
use crate::media::hls;
use crate::media::hls::CAPTION_SEGMENT_MS;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::sync::Arc;

impl Job {
    /// Builds the chunk.
    pub(crate) fn run(&self, indexes: &Indexes) -> Result<Chunk, LoadError> {
        match self {
            Self::Master(lesson) => {
                let text = hls::master(&lesson.offer());
                Ok(playlist(lesson, text, PLAYLIST, &lesson.keys))
            }
            Self::Manifest(lesson) => {
                let text = dash::manifest(&lesson.offer());
                Ok(playlist(lesson, text, MANIFEST, &lesson.keys))
            }
            Self::MediaPlaylist(lesson, at) => lesson.playlist(*at, hls::media),
            Self::Slides(lesson, at) => lesson.playlist(*at, hls::slides),
            Self::Iframes(lesson, at) => lesson.iframes(indexes, *at),
            Self::Init(lesson, at) => {
                let track = lesson.at(*at)?;
                Ok(media(lesson, track, track.plan.init.clone()))
            }
            Self::Segment(lesson, at, n) => lesson.fragments(indexes, *at, |track, plan| {
                Fragment::new(track, plan, *n).map(|fragment| vec![fragment])
            }),
            Self::Slide(lesson, at, n) => lesson.fragments(indexes, *at, |track, plan| {
                Some(fragments(Still::slides(track, plan, *n)?))
            }),
            Self::Stills(lesson, at, n) => lesson.fragments(indexes, *at, |track, plan| {
                Some(fragments(Still::segment(track, plan, *n)?))
            }),
            Self::CaptionPlaylist(lesson, at) => {
                let caption = lesson.captions.get(*at).ok_or(LoadError::Internal)?;
                let keys = versioned(&lesson.keys, caption.version);
                let text = hls::captions(lesson.duration_us, caption.version);
                Ok(playlist(lesson, text, PLAYLIST, &keys))
            }
            Self::CaptionSegment(lesson, at, n) => caption(indexes, lesson, *at, Some(*n)),
            Self::Captions(lesson, at) => caption(indexes, lesson, *at, None),
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
            Self::Text(text) => text.chunk(),
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

    /// A playlist of one track, as `write` writes it.
    fn playlist(
        &self,
        at: usize,
        write: impl FnOnce(&Plan, Digest) -> String,
    ) -> Result<Chunk, LoadError> {
        let track = self.at(at)?;
        let keys = versioned(&self.keys, track.version);
        let text = write(&track.plan, track.version);
        Ok(playlist(self, text, PLAYLIST, &keys))
    }

    /// The I-frame playlist of a track: sizes of key frames are not kept, but read again.
    fn iframes(&self, indexes: &Indexes, at: usize) -> Result<Chunk, LoadError> {
        let track = self.at(at)?;
        let (movie, _) = track.movie(indexes)?;
        let index = track.part.of(&movie).ok_or(LoadError::Internal)?;
        let segments = 0..track.plan.segments();
        let stills = segments.map(|n| Still::segment(index, &track.plan, n).unwrap_or_default());
        let stills: Vec<Vec<Still>> = stills.collect();
        self.playlist(at, |plan, version| hls::iframes(plan, version, &stills))
    }

    /// The fragments of one resource, as `plan` plans them.
    fn fragments(
        &self,
        indexes: &Indexes,
        at: usize,
        plan: impl FnOnce(&Track, &Plan) -> Option<Vec<Fragment>>,
    ) -> Result<Chunk, LoadError> {
        let track = self.at(at)?;
        let (movie, file) = track.movie(indexes)?;
        let index = track.part.of(&movie).ok_or(LoadError::Internal)?;
        let fragments = plan(index, &track.plan).ok_or(LoadError::Internal)?;
        let recording = &track.recording;
        let bytes = recording.bytes(&file, &fragments, &indexes.tally)?;
        Ok(media(self, track, bytes))
    }

    /// What it has for players.
    fn offer(&self) -> Offer<'_> {
        let (mut videos, mut audios) = (Vec::new(), Vec::new());
        for track in &self.tracks {
            let (name, version, plan) = (track.name.as_str(), track.version, &track.plan);
            if plan.codec.is_video() {
                videos.push(Video {
                    track: name,
                    version,
                    plan,
                });
            } else {
                audios.push(Audio {
                    track: name,
                    version,
                    plan,
                    language: &track.language,
                    with_video: track.with_video,
                });
            }
        }
        let captions = self.captions.iter().map(|caption| Caption {
            language: &caption.language,
            version: caption.version,
        });
        Offer {
            videos,
            audios,
            captions: captions.collect(),
            duration_us: self.duration_us,
        }
    }
}

impl TrackShelf {
    /// Its recording's sample tables, and the recording opened.
    fn movie(&self, indexes: &Indexes) -> Result<(Arc<Movie>, Arc<File>), LoadError> {
        let file = indexes.handles.open(&self.recording.disk)?;
        Ok((indexes.get(&self.recording, &file)?, file))
    }
}

fn fragments(stills: Vec<Still>) -> Vec<Fragment> {
    stills.into_iter().map(|still| still.fragment).collect()
}

fn playlist(lesson: &LessonShelf, text: String, media_type: &'static str, keys: &str) -> Chunk {
    let bytes = Bytes::from(text);
    Chunk::new(
        bytes,
        media_type,
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

/// Segment `n` of captions, or all of them.
fn caption(
    indexes: &Indexes,
    lesson: &LessonShelf,
    at: usize,
    n: Option<u32>,
) -> Result<Chunk, LoadError> {
    let caption = lesson.captions.get(at).ok_or(LoadError::Internal)?;
    let disk = &caption.disk;
    let file = indexes.handles.open(disk)?;
    let text = whole(disk, &file).map_err(|error| disk.changed(error))?;
    if caption_version(&text, lesson.duration_us) != caption.version {
        return Err(disk.changed("other captions took their place"));
    }
    let captions = Captions::parse(&text).map_err(|error| disk.changed(error))?;
    let text = match n {
        Some(n) => {
            let begin = u64::from(n) * CAPTION_SEGMENT_MS;
            // The last segment takes what lies behind the end of the picture.
            let last = n + 1 == hls::caption_segments(lesson.duration_us);
            let end = begin + CAPTION_SEGMENT_MS;
            captions.segment(begin, if last { u64::MAX } else { end })
        }
        None => captions.whole(),
    };
    let bytes = Bytes::from(text);
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
pub(crate) fn caption_version(text: &str, duration_us: u64) -> Digest {
    Digest::of(&[
        text.as_bytes(),
        &duration_us.to_be_bytes(),
        &CAPTION_SEGMENT_MS.to_be_bytes(),
        &crate::media::PACKAGING_REVISION.to_be_bytes(),
    ])
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MANIFEST: &str = "application/dash+xml";
const VTT: &str = "text/vtt; charset=utf-8";
