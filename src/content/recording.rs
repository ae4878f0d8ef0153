//! An MP4 file on disk: its index, and the bytes of its segments.

use crate::base::digest::Digest;
use crate::base::limits::CHUNK_BYTES_MAX;
use crate::content::Attachment;
use crate::content::LoadError;
use crate::content::disk::OnDisk;
use crate::content::files::MediaType;
use crate::content::folder::Item;
use crate::content::spans;
use crate::content::spans::Piece;
use crate::content::spans::Tally;
use crate::course::Problem;
use crate::media::Fragment;
use crate::media::Movie;
use crate::media::Refused;
use crate::media::Scan;
use crate::media::Track;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// A recording as it was when the catalogue was made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recording {
    /// Whether it has a picture.
    picture: bool,
    pub(crate) disk: Arc<OnDisk>,
    /// A hash of length, index and both ends of the file. Sample sizes and positions are part of
    /// the index, so that no re-encoding keeps it; the modification time is left out, so that nodes
    /// with copies of one file agree.
    pub(crate) identity: Digest,
}

/// Picture or sound of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    Video,
    /// The sound of that place among the sounds of the recording.
    Audio(u8),
}

impl Recording {
    /// Opens `item` and reads its index.
    pub(crate) fn open(item: &Item) -> Result<(Self, Movie), Problem> {
        let read = || -> Result<(Self, Movie), Unread> {
            let file = item.disk.open()?;
            let len = item.disk.stamp.len;
            let (movie, index) = scanned(&file, len)?;
            let head = read_range(&file, 0..len.min(END_BYTES))?;
            let tail = read_range(&file, len.saturating_sub(END_BYTES)..len)?;
            item.disk.verify(&file)?;
            let parts = [&len.to_be_bytes()[..], &index.bytes(), &head, &tail];
            let recording = Self {
                picture: movie.video.is_some(),
                disk: Arc::clone(&item.disk),
                identity: Digest::of(&parts),
            };
            Ok((recording, movie))
        };
        read().map_err(|unread| match unread {
            Unread::Refused(refused) => {
                Problem::new(item.shown(), refused.to_string(), refused.remedy())
            }
            Unread::Io(error) => {
                let what = format!("cannot be read: {error}");
                Problem::new(item.shown(), what, "make it readable, copy it again")
            }
        })
    }

    /// Reads the index again, as it was.
    pub(crate) fn movie(&self, file: &File) -> Result<Movie, LoadError> {
        let scanned = scanned(file, self.disk.stamp.len);
        self.disk.verify(file).map_err(|e| self.disk.changed(e))?;
        let (movie, _) = scanned.map_err(|e| self.disk.changed(e))?;
        Ok(movie)
    }

    /// The bytes of `fragments`, one behind the other.
    pub(crate) fn bytes(
        &self,
        file: &File,
        fragments: &[Fragment],
        tally: &Tally,
    ) -> Result<Bytes, LoadError> {
        let len = fragments.iter().map(Fragment::len).sum::<u64>();
        let outgrown = || self.disk.changed("a segment outgrew its plan");
        let len = usize::try_from(len).ok().filter(|l| *l <= CHUNK_BYTES_MAX);
        let mut bytes = vec![0; len.ok_or_else(outgrown)?];
        let (mut rest, mut pieces) = (&mut bytes[..], Vec::new());
        for fragment in fragments {
            let header = rest.split_off_mut(..fragment.header.len());
            header
                .ok_or_else(outgrown)?
                .copy_from_slice(&fragment.header);
            tally.copied_bytes.add(fragment.header.len() as u64);
            for range in &fragment.ranges {
                let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let place = rest.split_off_mut(..len).ok_or_else(outgrown)?;
                let at = range.start;
                pieces.push(Piece { at, place });
            }
        }
        spans::read(file, &mut pieces, tally).map_err(|e| self.disk.changed(e))?;
        self.disk.verify(file).map_err(|e| self.disk.changed(e))?;
        Ok(Bytes::from(bytes))
    }

    /// The recording as its author made it, for download.
    pub(crate) fn attachment(&self, keys: &str) -> Attachment {
        Attachment {
            len: self.disk.stamp.len,
            hash: self.identity,
            media_type: MediaType(if self.picture {
                "video/mp4"
            } else {
                "audio/mp4"
            }),
            keys: keys.into(),
            disk: Arc::clone(&self.disk),
            pins: None,
        }
    }
}

/// Why a recording could not be opened.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The movie in `file`, and a hash of its index.
fn scanned(file: &File, len: u64) -> Result<(Movie, Digest), Unread> {
    let mut scan = Scan::new(len);
    while let Some(range) = scan.wants() {
        scan.feed(&read_range(file, range)?)?;
    }
    Ok(scan.finish()?)
}

impl Part {
    /// That track of `movie`.
    pub(crate) fn of(self, movie: &Movie) -> Option<&Track> {
        let track = match self {
            Self::Video => movie.video.as_ref(),
            Self::Audio(n) => movie.audio.get(usize::from(n)),
        };
        track.and_then(|t| t.as_ref().ok())
    }

    /// The sounds of `movie` that can be served.
    pub(crate) fn sounds(movie: &Movie) -> impl Iterator<Item = (Self, &Track)> {
        let sounds = (0_u8..).zip(&movie.audio);
        sounds.filter_map(|(n, track)| Some((Self::Audio(n), track.as_ref().ok()?)))
    }

    /// Tells it from the other parts of its recording.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Video => 0,
            Self::Audio(n) => n.saturating_add(1),
        }
    }
}

/// Bytes held by an index, for the cache's budget.
pub(crate) fn weight(movie: &Arc<Movie>) -> u64 {
    let tracks = movie.video.iter().chain(&movie.audio).flatten();
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
