//! Movie fragments (ISO/IEC 14496-12, 8.8): `moof`, `traf`, `tfhd`, `tfdt`, `trun`.

use crate::base::limits::MEDIA_SAMPLES_MAX;
use crate::media::Refused;
use crate::media::boxes::Boxes;
use crate::media::boxes::Fields;
use crate::media::collect::Next;
use crate::media::draft::Part;
use crate::media::draft::Tables;

/// What holds for all fragments of a file.
#[derive(Debug)]
pub(crate) struct Fragmented {
    /// By track.
    defaults: Vec<(u32, Defaults)>,
    /// Samples that may still be described, those of tracks we pass over included: a run of equal
    /// samples takes twenty bytes however many they are.
    budget: u64,
}

/// What a run leaves out (`trex`, `tfhd`).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// One `traf` being read.
#[derive(Debug)]
struct Traf {
    defaults: Defaults,
    /// What the data offsets of its runs count from.
    base: u64,
    /// Where the last run ended.
    end: u64,
}

impl Fragmented {
    /// Reads the payload of `mvex`.
    pub(crate) fn read(mvex: &[u8]) -> Result<Self, Refused> {
        let mut defaults = Vec::new();
        for found in Boxes::of(mvex) {
            let (kind, trex) = found?;
            if kind != *b"trex" {
                continue;
            }
            let mut fields = Fields::new(trex);
            fields.version()?;
            let id = fields.u32()?;
            fields.u32()?;
            let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
            let values = Defaults {
                duration,
                size,
                flags,
            };
            if defaults.len() >= TRACKS_MAX {
                return Err(Refused::Damaged("more tracks than a recording has"));
            }
            defaults.push((id, values));
        }
        let budget = 4 * MEDIA_SAMPLES_MAX as u64;
        Ok(Self { defaults, budget })
    }

    /// Takes the payload of the `moof` that begins at `position` and gives its samples to `parts`.
    pub(crate) fn fragment(
        &mut self,
        position: u64,
        moof: &[u8],
        file_len: u64,
        parts: &mut [&mut Part],
    ) -> Result<(), Refused> {
        let mut end = None;
        for found in Boxes::of(moof) {
            let (kind, payload) = found?;
            if kind != *b"traf" {
                continue;
            }
            let tfhd = Boxes::of(payload).require(b"tfhd", "a fragment without a header")?;
            // Without a base of its own, the first counts from `moof`, others from the end of
            // those before them (8.8.7.1).
            let (id, mut traf) = self.header(tfhd, position, end.unwrap_or(position))?;
            let part = parts.iter_mut().find(|part| part.id == id);
            self.track(payload, &mut traf, part.map(|p| &mut p.tables), file_len)?;
            end = Some(traf.end);
        }
        Ok(())
    }

    fn header(&self, tfhd: &[u8], moof: u64, end: u64) -> Result<(u32, Traf), Refused> {
        let mut fields = Fields::new(tfhd);
        let (_, flags) = fields.full()?;
        let id = fields.u32()?;
        let known = self.defaults.iter().find(|(of, _)| *of == id);
        let mut defaults = known.map(|(_, values)| *values).unwrap_or_default();
        let mut base = if flags & BASE_IS_MOOF != 0 { moof } else { end };
        if flags & BASE_OFFSET != 0 {
            base = fields.u64()?;
        }
        if flags & DESCRIPTION != 0 {
            described(fields.u32()?)?;
        }
        if flags & DURATION != 0 {
            defaults.duration = fields.u32()?;
        }
        if flags & SIZE != 0 {
            defaults.size = fields.u32()?;
        }
        if flags & FLAGS != 0 {
            defaults.flags = fields.u32()?;
        }
        let end = base;
        Ok((
            id,
            Traf {
                defaults,
                base,
                end,
            },
        ))
    }

    fn track(
        &mut self,
        payload: &[u8],
        traf: &mut Traf,
        mut tables: Option<&mut Tables>,
        file_len: u64,
    ) -> Result<(), Refused> {
        for found in Boxes::of(payload) {
            let (kind, inner) = found?;
            match &kind {
                b"tfdt" => {
                    let mut fields = Fields::new(inner);
                    let long = fields.version()? == 1;
                    let time = if long {
                        fields.u64()?
                    } else {
                        fields.u32()?.into()
                    };
                    if let Some(Tables::Growing(collect)) = tables.as_deref_mut() {
                        collect.clock(time)?;
                    }
                }
                b"trun" => self.run(inner, traf, tables.as_deref_mut(), file_len)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        trun: &[u8],
        traf: &mut Traf,
        tables: Option<&mut Tables>,
        file_len: u64,
    ) -> Result<(), Refused> {
        let mut fields = Fields::new(trun);
        let (_, present) = fields.full()?;
        let count = fields.u32()?;
        if present & RUN_DATA_OFFSET != 0 {
            let position = traf.base.checked_add_signed(fields.i32()?.into());
            traf.end = position.ok_or(Refused::Damaged("a run before the file"))?;
        }
        let first = match present & RUN_FIRST_FLAGS {
            0 => None,
            _ => Some(fields.u32()?),
        };
        self.believable(count, present, traf.defaults, fields.rest().len(), file_len)?;
        let mut collect = match tables {
            Some(Tables::Growing(collect)) => Some(collect),
            Some(Tables::Whole(_)) | None => None,
        };
        if let Some(collect) = &mut collect {
            collect.chunk(traf.end, count);
        }
        for index in 0..count {
            let first = first.filter(|_| index == 0);
            let next = sample(&mut fields, present, traf.defaults, first)?;
            traf.end = traf.end.saturating_add(next.size.into());
            if let Some(collect) = &mut collect {
                collect.push(next)?;
            }
        }
        if traf.end > file_len {
            return Err(Refused::CutOff {
                len: file_len,
                needs: traf.end,
            });
        }
        Ok(())
    }

    /// Whether there are bytes, here or in the media, for so many samples.
    fn believable(
        &mut self,
        count: u32,
        present: u32,
        defaults: Defaults,
        rest: usize,
        file_len: u64,
    ) -> Result<(), Refused> {
        let width = (present & RUN_SAMPLE).count_ones() as usize * 4;
        let left = self.budget.checked_sub(count.into());
        self.budget = left.ok_or_else(|| Refused::TooLong(count.into()))?;
        if width > 0 {
            let described = (count as usize).checked_mul(width);
            let described = described.is_some_and(|bytes| bytes <= rest);
            return described
                .then_some(())
                .ok_or(Refused::Damaged("a run describes fewer frames than it has"));
        }
        let needs = u64::from(count) * u64::from(defaults.size);
        if defaults.size == 0 && count > 1 {
            return Err(Refused::Damaged("frames without a size"));
        }
        if needs > file_len {
            return Err(Refused::CutOff {
                len: file_len,
                needs,
            });
        }
        Ok(())
    }
}

fn sample(
    fields: &mut Fields<'_>,
    present: u32,
    defaults: Defaults,
    first: Option<u32>,
) -> Result<Next, Refused> {
    let mut field = |what: u32, default: u32| {
        if present & what != 0 {
            fields.u32()
        } else {
            Ok(default)
        }
    };
    let duration = field(RUN_DURATION, defaults.duration)?;
    let size = field(RUN_SIZE, defaults.size)?;
    let flags = field(RUN_FLAGS, first.unwrap_or(defaults.flags))?;
    // Version 0 is unsigned in the standard and signed in practice.
    let offset = field(RUN_OFFSET, 0)?.cast_signed();
    Ok(Next {
        size,
        duration,
        offset,
        sync: flags & NOT_SYNC == 0,
    })
}

/// Several sample descriptions are refused where the track is read; another number is a mistake.
const fn described(index: u32) -> Result<(), Refused> {
    if index == 1 {
        Ok(())
    } else {
        Err(Refused::Damaged("a fragment of an unknown description"))
    }
}

const TRACKS_MAX: usize = 64;
/// Flags of `tfhd` (8.8.7.1).
const BASE_OFFSET: u32 = 0x1;
const DESCRIPTION: u32 = 0x2;
const DURATION: u32 = 0x8;
const SIZE: u32 = 0x10;
const FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;
/// Flags of `trun` (8.8.8.1).
const RUN_DATA_OFFSET: u32 = 0x1;
const RUN_FIRST_FLAGS: u32 = 0x4;
const RUN_DURATION: u32 = 0x100;
const RUN_SIZE: u32 = 0x200;
const RUN_FLAGS: u32 = 0x400;
const RUN_OFFSET: u32 = 0x800;
const RUN_SAMPLE: u32 = 0xf00;
/// Sample flags (8.8.3.1): cannot be decoded by itself.
const NOT_SYNC: u32 = 0x1_0000;
