//! Reading a recording's index from its file, a few bytes at a time.

use crate::base::digest::Digest;
use crate::base::limits::MEDIA_FRAGMENTS_MAX;
use crate::base::limits::MEDIA_INDEX_BYTES_MAX;
use crate::media::Movie;
use crate::media::Refused;
use crate::media::boxes::Fields;
use crate::media::boxes::Kind;
use crate::media::draft::Draft;
use std::ops::Range;

/// Reads the index of a progressive or fragmented MP4 wherever it lies in the file: loop { read
/// what [`Scan::wants`] says; [`Scan::feed`] it }, then [`Scan::finish`]. A progressive file costs
/// one read a box up to its `moov`, a fragmented one two reads a fragment.
#[derive(Debug)]
pub struct Scan {
    len: u64,
    at: u64,
    boxes: u32,
    fragments: u32,
    /// Bytes of index asked for so far.
    index_bytes: u64,
    wanted: Wanted,
    draft: Option<Draft>,
    /// Over all index boxes so far, in order.
    digest: Digest,
}

/// What is read next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// The head of the box at `at`.
    Head,
    /// The payload of a box of the index; the box begins at `from`.
    Payload {
        kind: Kind,
        from: u64,
        payload: Range<u64>,
    },
    /// Nothing more.
    Done,
}

impl Scan {
    /// A scan of a file of `len` bytes.
    pub fn new(len: u64) -> Self {
        Self {
            len,
            at: 0,
            boxes: 0,
            fragments: 0,
            index_bytes: 0,
            wanted: Wanted::Head,
            draft: None,
            digest: Digest::of(&[]),
        }
    }

    /// The bytes of the file to feed next, `None` once the scan is over. Never more than
    /// `MEDIA_INDEX_BYTES_MAX`, over all calls together.
    pub fn wants(&self) -> Option<Range<u64>> {
        match &self.wanted {
            Wanted::Head if self.at < self.len => {
                Some(self.at..self.at.saturating_add(HEAD_BYTES).min(self.len))
            }
            Wanted::Payload { payload, .. } => Some(payload.clone()),
            Wanted::Head | Wanted::Done => None,
        }
    }

    /// Takes the bytes that were wanted.
    ///
    /// # Errors
    /// Not an MP4 file, or one that is cut off or damaged.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        match std::mem::replace(&mut self.wanted, Wanted::Head) {
            Wanted::Head => self.head(bytes),
            Wanted::Payload { kind, from, .. } => self.payload(kind, from, bytes),
            Wanted::Done => Ok(()),
        }
    }

    /// The movie, and a hash of its index.
    ///
    /// # Errors
    /// No index, or one without a track that is whole.
    pub fn finish(self) -> Result<(Movie, Digest), Refused> {
        match self.draft {
            Some(draft) => Ok((draft.finish(self.len)?, self.digest)),
            None if self.len == 0 => Err(Refused::Empty),
            None => Err(Refused::NoIndex),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.boxes == 0 {
            foreign(bytes)?;
        }
        self.boxes += 1;
        if self.boxes > OUTER_BOXES_MAX {
            return Err(Refused::Damaged("too many outer boxes"));
        }
        if bytes.len() < 8 {
            return Err(self.cut_off(self.at + 8));
        }
        let mut head = Fields::new(bytes);
        let (size, kind) = (head.u32()?, head.kind()?);
        let (head_len, total) = match size {
            0 => (8, self.len - self.at),
            1 if bytes.len() < 16 => return Err(self.cut_off(self.at + 16)),
            1 => (16, head.u64()?),
            _ => (8, u64::from(size)),
        };
        let end = self.at.checked_add(total).filter(|_| total >= head_len);
        let end = end.ok_or(Refused::Damaged("an outer box has an impossible length"))?;
        if end > self.len {
            return Err(self.cut_off(end));
        }
        if INDEX_KINDS.contains(&&kind) {
            self.index_bytes += total;
            if self.index_bytes > MEDIA_INDEX_BYTES_MAX as u64 {
                return Err(Refused::IndexTooLarge(self.index_bytes));
            }
            self.wanted = Wanted::Payload {
                kind,
                from: self.at,
                payload: self.at + head_len..end,
            };
        }
        self.at = end;
        Ok(())
    }

    fn payload(&mut self, kind: Kind, from: u64, bytes: &[u8]) -> Result<(), Refused> {
        match (&kind, &mut self.draft) {
            (b"moov", None) => {
                let draft = Draft::read(bytes, self.len)?;
                if !draft.is_fragmented() {
                    self.wanted = Wanted::Done;
                }
                self.draft = Some(draft);
            }
            (b"moov", Some(_)) => return Err(Refused::Damaged("a second index")),
            (b"sidx", _) => return self.promised(bytes),
            (_, Some(draft)) => {
                self.fragments += 1;
                if self.fragments > MEDIA_FRAGMENTS_MAX {
                    return Err(Refused::TooLong(self.fragments.into()));
                }
                draft.fragment(from, bytes, self.len)?;
            }
            (_, None) => return Err(Refused::NoIndex),
        }
        // Where the index lies is part of it: positions in fragments count from there.
        let parts = [&self.digest.bytes()[..], &from.to_be_bytes(), bytes];
        self.digest = Digest::of(&parts);
        Ok(())
    }

    /// `sidx` (ISO/IEC 14496-12, 8.16.3) is of no use to us but for one thing: it tells how long
    /// the file should be, which nothing else does in a file cut between two fragments.
    fn promised(&self, sidx: &[u8]) -> Result<(), Refused> {
        let mut fields = Fields::new(sidx);
        let long = fields.version()? == 1;
        fields.take(if long { 16 } else { 12 })?;
        let first = if long {
            fields.u64()?
        } else {
            fields.u32()?.into()
        };
        fields.u16()?;
        let count = usize::from(fields.u16()?);
        let table = fields.take(count * 12)?;
        let sizes = table.chunks_exact(12).map(|entry| {
            let word = entry
                .first_chunk::<4>()
                .map_or(0, |b| u32::from_be_bytes(*b));
            u64::from(word & 0x7fff_ffff)
        });
        let end = self.at.saturating_add(first).saturating_add(sizes.sum());
        if end > self.len {
            return Err(self.cut_off(end));
        }
        Ok(())
    }

    const fn cut_off(&self, needs: u64) -> Refused {
        Refused::CutOff {
            len: self.len,
            needs,
        }
    }
}

/// Recognises what is certainly not an MP4 file by its first bytes.
fn foreign(bytes: &[u8]) -> Result<(), Refused> {
    let known = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, name)) = known {
        return Err(Refused::Foreign(name));
    }
    match bytes.get(4..8) {
        Some(kind) if OUTER_KINDS.iter().any(|known| known.as_slice() == kind) => Ok(()),
        _ if bytes.iter().all(|b| *b == 0) => Err(Refused::Foreign("a file of zeros")),
        _ => Err(Refused::Foreign("something unknown")),
    }
}

const HEAD_BYTES: u64 = 16;
/// A fragment may have four companions (`styp`, `prft`, `emsg`, `mdat`) and more at its ends.
const OUTER_BOXES_MAX: u32 = 5 * MEDIA_FRAGMENTS_MAX + 1024;
/// Boxes that are read whole.
const INDEX_KINDS: [&Kind; 3] = [b"moov", b"moof", b"sidx"];
const OUTER_KINDS: &[&Kind] = &[
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"styp", b"sidx",
    b"moof", b"meta", b"pdin", b"junk",
];
const FOREIGN: &[(&[u8], &str)] = &[
    (&[0x1a, 0x45, 0xdf, 0xa3], "a WebM or Matroska file"),
    (b"RIFF", "an AVI or WAV file"),
    (b"OggS", "an Ogg file"),
    (b"FLV", "a Flash video"),
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"\xff\xf1", "a bare AAC stream"),
    (b"\x00\x00\x00\x01", "a bare H.264 stream"),
    (b"\x47\x40", "an MPEG transport stream"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"<", "a web page"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(file: &[u8]) -> Result<(), Refused> {
        let mut scan = Scan::new(file.len() as u64);
        while let Some(range) = scan.wants() {
            let place = |at| usize::try_from(at).unwrap();
            scan.feed(&file[place(range.start)..place(range.end)])?;
        }
        scan.finish().map(drop)
    }

    fn boxed(kind: &Kind, len: u32) -> Vec<u8> {
        let mut bytes = (8 + len).to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.resize(8 + len as usize, 0);
        bytes
    }

    #[test]
    fn files_that_cannot_be_served_are_named_for_what_they_are() {
        assert_eq!(scan(b""), Err(Refused::Empty));
        assert_eq!(scan(&[0; 64]), Err(Refused::Foreign("a file of zeros")));
        let webm = scan(&[0x1a, 0x45, 0xdf, 0xa3, 1, 2, 3, 4, 5]);
        assert_eq!(webm, Err(Refused::Foreign("a WebM or Matroska file")));
        let ftyp = boxed(b"ftyp", 8);
        assert_eq!(scan(&ftyp), Err(Refused::NoIndex));
        let segment = [&ftyp[..], &boxed(b"moof", 8)].concat();
        assert_eq!(scan(&segment), Err(Refused::NoIndex));
        let mut cut = [&ftyp[..], &boxed(b"mdat", 100)].concat();
        cut.truncate(50);
        let (len, needs) = (50, 124);
        assert_eq!(scan(&cut), Err(Refused::CutOff { len, needs }));
        let tiny = [&ftyp[..], &[0, 0, 0, 4, b'm', b'd', b'a', b't', 0, 0]].concat();
        assert!(matches!(scan(&tiny), Err(Refused::Damaged(_))));
        let large = [&ftyp[..], &[0, 0, 0, 1], b"free", &u64::MAX.to_be_bytes()].concat();
        assert!(matches!(scan(&large), Err(Refused::Damaged(_))));
    }

    #[test]
    fn a_file_shorter_than_its_segment_index_says_is_cut_off() {
        let ftyp = boxed(b"ftyp", 8);
        let mut sidx = boxed(b"sidx", 36);
        sidx[30..32].copy_from_slice(&1_u16.to_be_bytes());
        sidx[32..36].copy_from_slice(&500_u32.to_be_bytes());
        let file = [&ftyp[..], &sidx, &boxed(b"free", 392)].concat();
        let (len, needs) = (460, 560);
        assert_eq!(scan(&file), Err(Refused::CutOff { len, needs }));
    }

    proptest! {
        #[test]
        fn scanning_random_boxes_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(scan(&bytes));
        }
    }
}
