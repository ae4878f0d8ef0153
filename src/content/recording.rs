//! An MP4 file on disk: its index, and the bytes of its segments.

use crate::base::digest::Digest;
use crate::base::limits::CHUNK_BYTES_MAX;
use crate::content::Attachment;
use crate::content::LoadError;
use crate::content::disk::OnDisk;
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
use std::sync::Arc;

/// A recording as it was when the catalogue was made.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) disk: Arc<OnDisk>,
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
            let file = item.disk.open()?;
            let len = item.disk.stamp.len;
            let mut recording = Self {
                disk: Arc::clone(&item.disk),
                index: 0..0,
                identity: Digest::of(&[]),
            };
            let mut scan = Scan::new(len);
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
            let head = read_range(&file, 0..len.min(END_BYTES))?;
            let tail = read_range(&file, len.saturating_sub(END_BYTES)..len)?;
            item.disk.verify(&file)?;
            recording.identity = Digest::of(&[&len.to_be_bytes(), &index, &head, &tail]);
            Ok(Movie::parse(&index, len).map(|movie| (recording, movie)))
        };
        match read() {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(refused)) => Err(Problem::new(
                item.shown(),
                refused.to_string(),
                refused.remedy(),
            )),
            Err(error) => {
                let what = format!("cannot be read: {error}");
                Err(Problem::new(
                    item.shown(),
                    what,
                    "make it readable, copy it again",
                ))
            }
        }
    }

    /// Reads the index again, as it was.
    pub(crate) fn movie(&self, file: &File) -> Result<Movie, LoadError> {
        let index = read_range(file, self.index.clone()).map_err(|e| self.disk.changed(e))?;
        self.disk.verify(file).map_err(|e| self.disk.changed(e))?;
        Movie::parse(&index, self.disk.stamp.len).map_err(|e| self.disk.changed(e))
    }

    /// The bytes of segment `n` of a track of this recording; `None` beyond the last.
    pub(crate) fn segment(
        &self,
        file: &File,
        track: &Track,
        plan: &Plan,
        n: u32,
    ) -> Result<Option<Bytes>, LoadError> {
        let Some(fragment) = Fragment::new(track, plan, n) else {
            return Ok(None);
        };
        let len = usize::try_from(fragment.len()).unwrap_or(usize::MAX);
        if len > CHUNK_BYTES_MAX {
            return Err(self.disk.changed("a segment outgrew its plan"));
        }
        let mut bytes = vec![0; len];
        let Some((header, mut rest)) = bytes.split_at_mut_checked(fragment.header.len()) else {
            return Err(self.disk.changed("a segment outgrew its plan"));
        };
        header.copy_from_slice(&fragment.header);
        for range in &fragment.ranges {
            let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let Some((piece, behind)) = rest.split_at_mut_checked(len) else {
                return Err(self.disk.changed("a segment outgrew its plan"));
            };
            file.read_exact_at(piece, range.start)
                .map_err(|e| self.disk.changed(e))?;
            rest = behind;
        }
        self.disk.verify(file).map_err(|e| self.disk.changed(e))?;
        Ok(Some(Bytes::from(bytes)))
    }

    /// The recording as its author made it, for download.
    pub(crate) fn attachment(&self, movie: &Movie, keys: &str) -> Attachment {
        Attachment {
            len: self.disk.stamp.len,
            hash: self.identity,
            media_type: if movie.video.is_some() {
                "video/mp4"
            } else {
                "audio/mp4"
            },
            keys: keys.into(),
            disk: Arc::clone(&self.disk),
        }
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
