//! Reading MP4 boxes (ISO/IEC 14496-12, 4.2) without trusting a single length.

use crate::media::Refused;

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

    /// Version of a full box; its flags are passed over.
    pub(crate) fn version(&mut self) -> Result<u8, Refused> {
        self.full().map(|(version, _)| version)
    }

    /// Version and flags of a full box.
    pub(crate) fn full(&mut self) -> Result<(u8, u32), Refused> {
        let word = self.u32()?;
        Ok((word.to_be_bytes()[0], word & 0x00ff_ffff))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        }
    }
}
