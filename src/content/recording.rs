//! An MP4 file on disk: its index, and the bytes of its segments.

use crate::base::digest::Digest;
use crate::base::limits::CHUNK_BYTES_MAX;
use crate::content::Attachment;
use crate::content::LoadError;
use crate::content::attachment::modified_ns;
use crate::content::folder::Item;
use crate::course::Problem;
use crate::media::Fragment;
use crate::media::Movie;
use crate::media::Plan;
use crate::media::Refused;
use crate::media::Scan;
use crate::media::Track;
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// A recording as it was when the catalogue was made.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    shown: String,
    len: u64,
    modified_ns: u128,
    index: Range<u64>,
    /// A hash of length, index and both ends of the file. Sample sizes and positions are part of
    /// the index, so that no re-encoding keeps it; the modification time is left out, so that nodes
    /// with copies of one file agree.
    pub(crate) identity: Digest,
}

/// Picture or sound of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Video,
    Audio,
}

impl Recording {
    /// Opens `item` and reads its index.
    pub(crate) fn open(item: &Item) -> Result<(Self, Movie), Problem> {
        let read = || -> io::Result<Result<(Self, Movie), Refused>> {
            let file = File::open(&item.path)?;
            let metadata = file.metadata()?;
            let mut recording = Self {
                path: item.path.clone(),
                shown: item.shown.clone(),
                len: metadata.len(),
                modified_ns: modified_ns(&metadata),
                index: 0..0,
                identity: Digest::of(&[]),
            };
            let mut scan = Scan::new(recording.len);
            while let Some(range) = scan.wants() {
                if let Err(refused) = scan.feed(&read_range(&file, range)?) {
                    return Ok(Err(refused));
                }
            }
            recording.index = match scan.index() {
                Ok(index) => index,
                Err(refused) => return Ok(Err(refused)),
            };
            let index = read_range(&file, recording.index.clone())?;
            let len = recording.len;
            let head = read_range(&file, 0..len.min(END_BYTES))?;
            let tail = read_range(&file, len.saturating_sub(END_BYTES)..len)?;
            recording.identity = Digest::of(&[&len.to_be_bytes(), &index, &head, &tail]);
            Ok(Movie::parse(&index, len).map(|movie| (recording, movie)))
        };
        match read() {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(refused)) => Err(Problem::new(
                &item.shown,
                refused.to_string(),
                refused.remedy(),
            )),
            Err(error) => {
                let what = format!("cannot be read: {error}");
                Err(Problem::new(
                    &item.shown,
                    what,
                    "make it readable, copy it again",
                ))
            }
        }
    }

    /// Reads the index again, as it was.
    pub(crate) fn movie(&self) -> Result<Movie, LoadError> {
        let file = self.reopen()?;
        let index = read_range(&file, self.index.clone()).map_err(|e| self.changed(&e))?;
        Movie::parse(&index, self.len).map_err(|e| self.changed(&e))
    }

    /// The bytes of segment `n` of a track of this recording; `None` beyond the last.
    pub(crate) fn segment(
        &self,
        track: &Track,
        plan: &Plan,
        n: u32,
    ) -> Result<Option<Bytes>, LoadError> {
        let Some(fragment) = Fragment::new(track, plan, n) else {
            return Ok(None);
        };
        let file = self.reopen()?;
        let len = usize::try_from(fragment.len()).unwrap_or(usize::MAX);
        if len > CHUNK_BYTES_MAX {
            return Err(self.changed(&"a segment outgrew its plan"));
        }
        let mut bytes = vec![0; len];
        let Some((header, mut rest)) = bytes.split_at_mut_checked(fragment.header.len()) else {
            return Err(self.changed(&"a segment outgrew its plan"));
        };
        header.copy_from_slice(&fragment.header);
        for range in &fragment.ranges {
            let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let Some((piece, behind)) = rest.split_at_mut_checked(len) else {
                return Err(self.changed(&"a segment outgrew its plan"));
            };
            file.read_exact_at(piece, range.start)
                .map_err(|e| self.changed(&e))?;
            rest = behind;
        }
        Ok(Some(Bytes::from(bytes)))
    }

    /// The file, if it still is what the catalogue says.
    fn reopen(&self) -> Result<File, LoadError> {
        let file = File::open(&self.path).map_err(|e| self.changed(&e))?;
        let metadata = file.metadata().map_err(|e| self.changed(&e))?;
        if metadata.len() != self.len || modified_ns(&metadata) != self.modified_ns {
            return Err(self.changed(&"another file took its place"));
        }
        Ok(file)
    }

    fn changed(&self, reason: &dyn std::fmt::Display) -> LoadError {
        LoadError::Changed {
            file: self.shown.clone(),
            reason: reason.to_string(),
        }
    }

    /// The recording as its author made it, for download.
    pub(crate) fn attachment(&self, movie: &Movie, keys: &str) -> Attachment {
        Attachment {
            len: self.len,
            hash: self.identity,
            media_type: if movie.video.is_some() {
                "video/mp4"
            } else {
                "audio/mp4"
            },
            modified_unix_s: u64::try_from(self.modified_ns / 1_000_000_000).unwrap_or(0),
            keys: keys.into(),
            path: self.path.clone(),
            modified_ns: self.modified_ns,
        }
    }

    /// When it was last modified, seconds since 1970 UTC.
    pub(crate) fn modified_unix_s(&self) -> u64 {
        u64::try_from(self.modified_ns / 1_000_000_000).unwrap_or(0)
    }
}

impl Part {
    /// That track of `movie`.
    pub(crate) fn of(self, movie: &Movie) -> Option<&Track> {
        let track = match self {
            Self::Video => movie.video.as_ref(),
            Self::Audio => movie.audio.as_ref(),
        };
        track.and_then(|t| t.as_ref().ok())
    }
}

/// Bytes held by an index, for the cache's budget.
pub(crate) fn weight(movie: &Arc<Movie>) -> u64 {
    let parts = [Part::Video, Part::Audio];
    let tracks = parts.iter().filter_map(|part| part.of(movie));
    tracks.map(Track::weight).sum::<usize>() as u64 + 512
}

/// Reads a range whose length is bounded by the caller.
fn read_range(file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}

const END_BYTES: u64 = 64 * 1024;
