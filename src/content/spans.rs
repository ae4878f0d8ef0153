//! The bytes of a segment, read in few reads.
//!
//! Where sound lies between the pictures a segment of four seconds is some eighty pieces with small
//! gaps between them: a read that takes the gaps along costs less than one for each piece.

use crate::base::metrics::Counter;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// What building has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Reads of recordings.
    pub(crate) reads: Counter,
    /// Bytes they brought, those between pieces included.
    pub(crate) read_bytes: Counter,
    /// Bytes copied once more behind the read.
    pub(crate) copied_bytes: Counter,
}

/// Some bytes of a file, and where they go.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    /// Where it lies in the file.
    pub(crate) at: u64,
    pub(crate) place: &'a mut [u8],
}

impl Piece<'_> {
    const fn end(&self) -> u64 {
        self.at.saturating_add(self.place.len() as u64)
    }
}

/// Fills all pieces, in their order.
///
/// # Errors
/// The file ends early or cannot be read.
pub(crate) fn read(file: &File, pieces: &mut [Piece<'_>], tally: &Tally) -> io::Result<()> {
    let (mut rest, mut scratch) = (pieces, Vec::new());
    while !rest.is_empty() {
        let (span, others) = rest.split_at_mut(together(rest));
        rest = others;
        tally.reads.add_one();
        if let [piece] = span {
            file.read_exact_at(piece.place, piece.at)?;
            tally.read_bytes.add(piece.place.len() as u64);
            continue;
        }
        let (Some(begin), Some(end)) = (span.first().map(|p| p.at), span.last().map(Piece::end))
        else {
            break;
        };
        let len = usize::try_from(end - begin).map_err(io::Error::other)?;
        scratch.resize(len, 0);
        file.read_exact_at(&mut scratch, begin)?;
        tally.read_bytes.add(end - begin);
        for piece in span {
            let from = usize::try_from(piece.at - begin).unwrap_or(usize::MAX);
            let bytes = scratch.get(from..).and_then(|b| b.get(..piece.place.len()));
            piece
                .place
                .copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            tally.copied_bytes.add(piece.place.len() as u64);
        }
    }
    Ok(())
}

/// How many of the first pieces are read at once; at least one. Never more than [`SPAN_BYTES_MAX`]
/// in all and [`GAP_BYTES_MAX`] for nothing a piece; large pieces go straight into their place.
fn together(pieces: &[Piece<'_>]) -> usize {
    let Some(first) = pieces.first().filter(|first| is_small(first)) else {
        return 1;
    };
    let mut end = first.end();
    let near = |piece: &&Piece<'_>| {
        let gap = piece.at.checked_sub(end);
        let joins = is_small(piece)
            && gap.is_some_and(|gap| gap <= GAP_BYTES_MAX)
            && piece.end() - first.at <= SPAN_BYTES_MAX;
        end = piece.end();
        joins
    };
    1 + pieces.iter().skip(1).take_while(near).count()
}

const fn is_small(piece: &Piece<'_>) -> bool {
    piece.place.len() < ALONE_BYTES_MIN
}

/// From the kernel's memory a read costs about as much as reading some 4 KiB more; from a disk the
/// kernel reads 128 KiB ahead in any case.
const GAP_BYTES_MAX: u64 = 4 * 1024;
/// From this size on copying costs as much as a read of its own.
const ALONE_BYTES_MIN: usize = 8 * 1024;
/// Bytes read at once into memory of their own.
const SPAN_BYTES_MAX: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|n| (n * 7 % 251).to_le_bytes()[0]).collect()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Reads pieces of those (place, length) and says how many reads and bytes it took.
    fn taken(file: &File, pieces: &[(usize, usize)]) -> io::Result<(Vec<u8>, u64, u64)> {
        let mut out = vec![0; pieces.iter().map(|(_, len)| len).sum()];
        let (mut rest, mut plan) = (&mut out[..], Vec::new());
        for (at, len) in pieces {
            let (place, others) = rest.split_at_mut(*len);
            rest = others;
            let at = *at as u64;
            plan.push(Piece { at, place });
        }
        let tally = Tally::default();
        read(file, &mut plan, &tally)?;
        Ok((out, tally.reads.value(), tally.read_bytes.value()))
    }

    #[test]
    fn small_pieces_near_each_other_are_one_read_and_others_are_not() {
        let bytes = bytes(1_000_000);
        let file = file(&bytes);
        let eighty: Vec<_> = (0..80).map(|n| (n * 700, 500)).collect();
        let (_, reads, read) = taken(&file, &eighty).unwrap();
        assert_eq!((reads, read), (1, 79 * 700 + 500));
        let far: Vec<_> = (0..10).map(|n| (n * 10_000, 500)).collect();
        assert_eq!(taken(&file, &far).unwrap().1, 10);
        let large: Vec<_> = (0..10).map(|n| (n * 20_100, 20_000)).collect();
        let (_, reads, read) = taken(&file, &large).unwrap();
        assert_eq!((reads, read), (10, 200_000));
        let backwards = [(5000, 100), (4000, 100), (4050, 100)];
        assert_eq!(taken(&file, &backwards).unwrap().1, 3);
        let long: Vec<_> = (0..240).map(|n| (n * 4000, 1000)).collect();
        assert_eq!(taken(&file, &long).unwrap().1, 4, "256 KiB at once");
        assert!(taken(&file, &[(999_990, 20)]).is_err());
        assert!(taken(&file, &[(999_000, 500), (999_900, 200)]).is_err());
    }

    proptest! {
        #[test]
        fn every_piece_gets_its_own_bytes_and_little_is_read_for_nothing(
            pieces in prop::collection::vec((0_usize..20_000, 1_usize..12_000), 1..40),
        ) {
            let bytes = bytes(1_500_000);
            let file = file(&bytes);
            let mut at = 0;
            let rising = pieces.iter().map(|(gap, len)| {
                at += gap;
                let piece = (at, *len);
                at += len;
                piece
            });
            let pieces: Vec<_> = rising.collect();
            let (out, reads, read) = taken(&file, &pieces).unwrap();
            let wanted: Vec<u8> = pieces
                .iter()
                .flat_map(|(at, len)| bytes[*at..at + len].iter().copied())
                .collect();
            prop_assert!(out == wanted);
            let saved = pieces.len() as u64 - reads;
            prop_assert!(read <= wanted.len() as u64 + saved * GAP_BYTES_MAX);
        }
    }
}
