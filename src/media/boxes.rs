//! Reading MP4 boxes (ISO/IEC 14496-12, 4.2) without trusting a single length.

use crate::base::limits::MEDIA_INDEX_BYTES_MAX;
use crate::media::Refused;
use std::ops::Range;

/// A box type, four ASCII characters.
pub(crate) type Kind = [u8; 4];

/// Reads big-endian fields from a slice; running out is [`Refused::Damaged`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Refused> {
        let split = self.rest.split_at_checked(len);
        let (taken, rest) = split.ok_or(Refused::Damaged("a box ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let split = self.rest.split_first_chunk::<N>();
        let (taken, rest) = split.ok_or(Refused::Damaged("a box ends early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Refused> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Refused> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Refused> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Refused> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Refused> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Refused> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, Refused> {
        self.array()
    }

    /// Version and flags of a full box.
    pub(crate) fn version(&mut self) -> Result<u8, Refused> {
        self.u32().map(|word| word.to_be_bytes()[0])
    }

    /// A count of entries of `width` bytes that really follow.
    pub(crate) fn entries(
        &mut self,
        width: usize,
    ) -> Result<std::slice::ChunksExact<'a, u8>, Refused> {
        let count = self.u32()? as usize;
        let bytes = count
            .checked_mul(width)
            .ok_or(Refused::Damaged("a table is too long"))?;
        Ok(self.take(bytes)?.chunks_exact(width))
    }
}

/// The boxes inside a box, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boxes<'a> {
    fields: Fields<'a>,
}

impl<'a> Boxes<'a> {
    pub(crate) const fn of(payload: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(payload),
        }
    }

    /// The payload of the first box of `kind`.
    pub(crate) fn find(self, kind: &Kind) -> Result<Option<&'a [u8]>, Refused> {
        for found in self {
            let (name, payload) = found?;
            if name == *kind {
                return Ok(Some(payload));
            }
        }
        Ok(None)
    }

    /// The same, where the box must be.
    pub(crate) fn require(self, kind: &Kind, missing: &'static str) -> Result<&'a [u8], Refused> {
        self.find(kind)?.ok_or(Refused::Damaged(missing))
    }

    fn step(&mut self) -> Result<(Kind, &'a [u8]), Refused> {
        let size = self.fields.u32()?;
        let kind = self.fields.kind()?;
        let len = match size {
            0 => self.fields.rest().len(),
            1 => {
                let long = usize::try_from(self.fields.u64()?).unwrap_or(usize::MAX);
                long.checked_sub(16)
                    .ok_or(Refused::Damaged("a box is shorter than its head"))?
            }
            _ => {
                let len = (size as usize).checked_sub(8);
                len.ok_or(Refused::Damaged("a box is shorter than its head"))?
            }
        };
        Ok((kind, self.fields.take(len)?))
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<(Kind, &'a [u8]), Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        // A few files end a container with up to seven bytes of padding.
        if self.fields.rest().len() < 8 {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.fields = Fields::new(&[]);
        }
        Some(step)
    }
}

/// Finds the index of a file from the heads of its outermost boxes, asking for a few bytes at a
/// time: loop { read what [`Scan::wants`] says; [`Scan::feed`] it }, then [`Scan::index`].
#[derive(Debug)]
pub struct Scan {
    len: u64,
    at: u64,
    boxes: u32,
    index: Option<Range<u64>>,
}

impl Scan {
    /// A scan of a file of `len` bytes.
    pub const fn new(len: u64) -> Self {
        Self {
            len,
            at: 0,
            boxes: 0,
            index: None,
        }
    }

    /// The bytes of the file to feed next, `None` once the scan is over.
    pub const fn wants(&self) -> Option<Range<u64>> {
        if self.at >= self.len || (self.index.is_some()) {
            return None;
        }
        let end = self.at.saturating_add(16);
        Some(self.at..if end < self.len { end } else { self.len })
    }

    /// Takes the bytes that were wanted.
    ///
    /// # Errors
    /// Not an MP4 file, or one that is cut off, fragmented or damaged.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.boxes == 0 {
            foreign(bytes)?;
        }
        self.boxes += 1;
        if self.boxes > OUTER_BOXES_MAX {
            return Err(Refused::Damaged("too many outer boxes"));
        }
        let mut head = Fields::new(bytes);
        if bytes.len() < 8 {
            let needs = self.at + 8;
            return Err(Refused::CutOff {
                len: self.len,
                needs,
            });
        }
        let (size, kind) = (head.u32()?, head.kind()?);
        let (head_len, total) = match size {
            0 => (8, self.len - self.at),
            1 => (16, head.u64()?),
            _ => (8, u64::from(size)),
        };
        let end = self.at.checked_add(total).filter(|_| total >= head_len);
        let end = end.ok_or(Refused::Damaged("an outer box has an impossible length"))?;
        if kind == *b"moof" || kind == *b"styp" || kind == *b"sidx" {
            return Err(Refused::Fragmented);
        }
        if end > self.len {
            return Err(Refused::CutOff {
                len: self.len,
                needs: end,
            });
        }
        if kind == *b"moov" {
            if end - self.at > MEDIA_INDEX_BYTES_MAX as u64 {
                return Err(Refused::IndexTooLarge(end - self.at));
            }
            self.index = Some(self.at + head_len..end);
        }
        self.at = end;
        Ok(())
    }

    /// Where the payload of the index (`moov`) lies.
    ///
    /// # Errors
    /// There is none.
    pub fn index(self) -> Result<Range<u64>, Refused> {
        match self.index {
            Some(range) => Ok(range),
            None if self.len == 0 => Err(Refused::Empty),
            None => Err(Refused::NoIndex),
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

const OUTER_BOXES_MAX: u32 = 1024;
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

    fn scan(file: &[u8]) -> Result<Range<u64>, Refused> {
        let mut scan = Scan::new(file.len() as u64);
        while let Some(range) = scan.wants() {
            let place = |at| usize::try_from(at).unwrap();
            scan.feed(&file[place(range.start)..place(range.end)])?;
        }
        scan.index()
    }

    fn boxed(kind: &Kind, len: u32) -> Vec<u8> {
        let mut bytes = (8 + len).to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.resize(8 + len as usize, 0);
        bytes
    }

    #[test]
    fn the_index_is_found_before_and_behind_the_media() {
        let (ftyp, moov) = (boxed(b"ftyp", 8), boxed(b"moov", 20));
        let mdat = boxed(b"mdat", 100);
        assert_eq!(scan(&[&ftyp[..], &moov, &mdat].concat()), Ok(24..44));
        assert_eq!(scan(&[&ftyp[..], &mdat, &moov].concat()), Ok(132..152));
    }

    #[test]
    fn files_that_cannot_be_served_are_named_for_what_they_are() {
        assert_eq!(scan(b""), Err(Refused::Empty));
        assert_eq!(scan(&[0; 64]), Err(Refused::Foreign("a file of zeros")));
        let webm = scan(&[0x1a, 0x45, 0xdf, 0xa3, 1, 2, 3, 4, 5]);
        assert_eq!(webm, Err(Refused::Foreign("a WebM or Matroska file")));
        let ftyp = boxed(b"ftyp", 8);
        assert_eq!(scan(&ftyp), Err(Refused::NoIndex));
        let fragmented = [&ftyp[..], &boxed(b"moof", 8)].concat();
        assert_eq!(scan(&fragmented), Err(Refused::Fragmented));
        let mut cut = [&ftyp[..], &boxed(b"mdat", 100)].concat();
        cut.truncate(50);
        assert_eq!(
            scan(&cut),
            Err(Refused::CutOff {
                len: 50,
                needs: 124
            })
        );
        let tiny = [&ftyp[..], &[0, 0, 0, 4, b'm', b'd', b'a', b't', 0, 0]].concat();
        assert!(matches!(scan(&tiny), Err(Refused::Damaged(_))));
        let large = [&ftyp[..], &[0, 0, 0, 1], b"free", &u64::MAX.to_be_bytes()].concat();
        assert!(matches!(scan(&large), Err(Refused::Damaged(_))));
    }

    #[test]
    fn a_table_that_claims_four_billion_entries_allocates_nothing() {
        let bytes = [0xff; 12];
        let mut fields = Fields::new(&bytes);
        assert!(matches!(fields.entries(8), Err(Refused::Damaged(_))));
    }

    proptest! {
        #[test]
        fn walking_random_boxes_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Boxes::of(&bytes).count() <= bytes.len() / 8 + 1);
            drop(scan(&bytes));
        }
    }
}
