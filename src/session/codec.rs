//! A state as bytes: what rests in memory, in snapshots and in Redis.
//!
//! Format (1) ‖ sections, each tag ‖ length ‖ content, tags ascending. Devices are written once and
//! named by their place in that list. Times of lessons count from enrolment, times of answers from
//! the opening. Numbers are as `base::wire` writes them, ids and absolute times fixed.
//!
//! Rules for later versions: a new fact goes into a section with a new tag, never into one that
//! older nodes know. Older nodes keep such sections, and may hand over several of one tag that
//! they met; the node that knows the tag joins them.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::base::limits::CLAIM_BYTES_MAX;
use crate::base::limits::COURSES_PER_LEARNER_MAX;
use crate::base::limits::DEVICES_PER_LESSON_MAX;
use crate::base::limits::LESSONS_PER_COURSE_MAX;
use crate::base::limits::QUIZZES_PER_COURSE_MAX;
use crate::base::limits::STATE_BYTES_MAX;
use crate::base::wire::Reader;
use crate::base::wire::put;
use crate::base::wire::put_bytes;
use crate::progress::Allowance;
use crate::progress::Coverage;
use crate::progress::Grain;
use crate::progress::Position;
use crate::progress::Record;
use crate::progress::Totals;
use crate::session::Course;
use crate::session::Device;
use crate::session::Profile;
use crate::session::Section;
use crate::session::Standing;
use crate::session::State;
use crate::session::codec_quiz;
use crate::session::state::keep_last;

const FORMAT: u8 = 1;
const LEARNER: u64 = 1;
const DEVICES: u64 = 2;
const COURSES: u64 = 3;
const ATTEMPTS: u64 = 4;
/// Devices a state can name: those remembered and those of totals and answers.
const DEVICES_NAMED_MAX: usize = 1 << 16;

/// What follows the format's number in bytes of at most `max`.
pub(super) fn open(bytes: &[u8], format: u8, max: usize) -> Result<Reader<'_>, DecodeError> {
    let len = bytes.len();
    if len > max {
        return Err(DecodeError::TooLarge { bytes: len, max });
    }
    let mut reader = Reader::new(bytes);
    match reader.byte() {
        Some(byte) if byte == format => Ok(reader),
        Some(other) => Err(DecodeError::Format(other)),
        None => Err(DecodeError::Damaged(0)),
    }
}

/// Why bytes are no state or effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Larger than any.
    #[error("{bytes} bytes are more than the {max} that are read")]
    TooLarge {
        /// How many.
        bytes: usize,
        /// How many are read.
        max: usize,
    },
    /// Written by a version that does not promise that older ones can read it.
    #[error("format {0} is not known to this version; upgrade this node first")]
    Format(u8),
    /// Damaged.
    #[error("damaged in section {0}")]
    Damaged(u64),
}

impl State {
    /// Appends the state.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let devices = self.named_devices();
        out.push(FORMAT);
        let mut section = Vec::with_capacity(1024);
        let mut write = |tag: u64, fill: &mut dyn FnMut(&mut Vec<u8>)| {
            section.clear();
            fill(&mut section);
            if !section.is_empty() {
                put(out, tag);
                put_bytes(out, &section);
            }
        };
        write(LEARNER, &mut |out| self.encode_learner(out));
        write(DEVICES, &mut |out| self.encode_devices(&devices, out));
        write(COURSES, &mut |out| self.encode_courses(&devices, out));
        write(ATTEMPTS, &mut |out| {
            codec_quiz::encode_attempts(&self.courses, &devices, out);
        });
        for unknown in &self.unknown {
            put(out, unknown.tag);
            put_bytes(out, &unknown.bytes);
        }
    }

    /// Reads what [`encode`](Self::encode) wrote, here or on a newer node.
    ///
    /// # Errors
    /// [`DecodeError`]; nothing is believed of damaged bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = open(bytes, FORMAT, STATE_BYTES_MAX)?;
        let mut state = Self::default();
        let mut devices = Vec::new();
        let mut last = 0;
        while !reader.is_empty() {
            let tag = reader.number().ok_or(DecodeError::Damaged(last))?;
            let damaged = DecodeError::Damaged(tag);
            let content = reader.bytes(STATE_BYTES_MAX).ok_or(damaged)?;
            if tag < last || (tag == last && tag <= ATTEMPTS) || tag == 0 {
                return Err(damaged);
            }
            last = tag;
            let read = state.decode_section(tag, content, &mut devices);
            read.ok_or(damaged)?;
        }
        Ok(state)
    }

    fn decode_section(
        &mut self,
        tag: u64,
        content: &[u8],
        devices: &mut Vec<DeviceId>,
    ) -> Option<()> {
        let mut reader = Reader::new(content);
        match tag {
            LEARNER => self.decode_learner(&mut reader)?,
            DEVICES => *devices = self.decode_devices(&mut reader)?,
            COURSES => self.decode_courses(devices, &mut reader)?,
            ATTEMPTS => codec_quiz::decode_attempts(&mut self.courses, devices, &mut reader)?,
            _ => {
                let bytes = content.into();
                self.keep(&Section { tag, bytes });
                return Some(());
            }
        }
        reader.is_empty().then_some(())
    }

    /// All devices that anything refers to, sorted.
    fn named_devices(&self) -> Vec<DeviceId> {
        let mut all: Vec<DeviceId> = self.devices.iter().map(|(id, _)| id).collect();
        all.extend(self.signed_out.iter().map(|(id, _)| id));
        for course in self.courses.values() {
            let totals = course.lessons.values().flat_map(Record::totals);
            all.extend(totals.map(|(device, _)| *device));
            all.extend(course.attempts.values().flat_map(codec_quiz::devices_of));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn encode_learner(&self, out: &mut Vec<u8>) {
        put(out, self.epoch.into());
        put(out, self.generation.into());
        let present = u8::from(self.allowance.is_some()) | u8::from(self.profile.is_some()) << 1;
        out.push(present);
        if let Some(allowance) = self.allowance {
            allowance.encode(out);
        }
        if let Some(profile) = &self.profile {
            put_profile(out, profile);
        }
    }

    fn decode_learner(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.epoch = reader.number32()?;
        self.generation = reader.number32()?;
        let present = reader.byte().filter(|present| *present < 4)?;
        if present & 1 != 0 {
            self.allowance = Some(Allowance::decode(reader)?);
        }
        if present & 2 != 0 {
            self.profile = Some(profile(reader)?);
        }
        Some(())
    }

    fn encode_devices(&self, devices: &[DeviceId], out: &mut Vec<u8>) {
        for id in devices {
            out.extend_from_slice(&id.0);
            let (known, signed_out) = (self.devices.get(*id), self.signed_out.get(*id));
            out.push(u8::from(known.is_some()) | u8::from(signed_out.is_some()) << 1);
            if let Some(known) = known {
                put_device(out, *known);
            }
            if let Some(at_s) = signed_out {
                out.extend_from_slice(&at_s.to_le_bytes());
            }
        }
    }

    fn decode_devices(&mut self, reader: &mut Reader<'_>) -> Option<Vec<DeviceId>> {
        let mut devices = Vec::new();
        while !reader.is_empty() {
            let id = DeviceId(reader.array()?);
            if devices.last().is_some_and(|last| *last >= id) || devices.len() >= DEVICES_NAMED_MAX
            {
                return None;
            }
            devices.push(id);
            let present = reader.byte().filter(|present| *present < 4)?;
            if present & 1 != 0 {
                keep_last(&mut self.devices, id, device(reader)?);
            }
            if present & 2 != 0 {
                let at_s = u32::from_le_bytes(reader.array()?);
                keep_last(&mut self.signed_out, id, at_s);
            }
        }
        Some(devices)
    }

    fn encode_courses(&self, devices: &[DeviceId], out: &mut Vec<u8>) {
        for (id, course) in self.courses.iter() {
            out.extend_from_slice(&id.0.to_le_bytes());
            put(out, course.generation.into());
            // Seconds since 1970 are never 0 for anybody who is enrolled.
            let enrolled_s = course.enrolled_s.map_or(0, |at_s| at_s.max(1));
            out.extend_from_slice(&enrolled_s.to_le_bytes());
            put(out, course.lessons.len() as u64);
            for (lesson, record) in course.lessons.iter() {
                out.extend_from_slice(&lesson.0.to_le_bytes());
                put_record(out, record, enrolled_s, devices);
            }
            put(out, course.quizzes.len() as u64);
            for (quiz, standing) in course.quizzes.iter() {
                out.extend_from_slice(&quiz.0.to_le_bytes());
                put_standing(out, *standing);
            }
        }
    }

    fn decode_courses(&mut self, devices: &[DeviceId], reader: &mut Reader<'_>) -> Option<()> {
        let mut last = None;
        while !reader.is_empty() {
            let id = CourseId(u64::from_le_bytes(reader.array()?));
            if last.replace(id) >= Some(id) || self.courses.len() >= COURSES_READ_MAX {
                return None;
            }
            let mut course = Course::new(reader.number32()?);
            let enrolled_s = u32::from_le_bytes(reader.array()?);
            course.enrolled_s = (enrolled_s != 0).then_some(enrolled_s);
            for _ in 0..reader.count(LESSONS_PER_COURSE_MAX)? {
                let lesson = LessonId(u32::from_le_bytes(reader.array()?));
                let known = course.lessons.len();
                let record = record(reader, enrolled_s, devices)?;
                course.lessons.entry(lesson, || record);
                (course.lessons.len() > known).then_some(())?;
            }
            for _ in 0..reader.count(QUIZZES_PER_COURSE_MAX)? {
                let quiz = QuizId(u32::from_le_bytes(reader.array()?));
                let standing = standing(reader)?;
                course.quizzes.entry(quiz, || standing);
            }
            self.courses.entry(id, || course);
        }
        Some(())
    }
}

/// Courses that are read back: what many nodes admitted, joined.
const COURSES_READ_MAX: usize = 8 * COURSES_PER_LEARNER_MAX;

const AT_END: u8 = 1;
const COMPLETE: u8 = 2;
/// Where the number of devices with totals stands; three bits.
const TOTALS_SHIFT: u32 = 2;
/// Where the place of the first of them stands; three bits.
const FIRST_SHIFT: u32 = 5;
/// Instead of a place that does not fit three bits: it follows.
const FIRST_FOLLOWS: u8 = 7;
const _: () = assert!(DEVICES_PER_LESSON_MAX < 8);

fn put_record(out: &mut Vec<u8>, record: &Record, since_s: u32, devices: &[DeviceId]) {
    let position = record.position;
    let (at_end, totals) = (position.ms == Position::END, record.totals());
    let complete = record.coverage.is_complete() && record.coverage.grain() == Grain::Coarse;
    let flags = (u8::from(at_end) * AT_END) | (u8::from(complete) * COMPLETE);
    let first = totals
        .first()
        .map_or(0, |(device, _)| place_of(devices, *device));
    let first = u8::try_from(first).unwrap_or(u8::MAX).min(FIRST_FOLLOWS);
    let count = u8::try_from(totals.len()).unwrap_or(FIRST_FOLLOWS);
    out.push(flags | count << TOTALS_SHIFT | first << FIRST_SHIFT);
    put(out, position.at_s.wrapping_sub(since_s).into());
    if !at_end {
        put(out, position.ms.into());
    }
    if !complete {
        record.coverage.encode(out);
    }
    for (at, (device, totals)) in totals.iter().enumerate() {
        if at > 0 || first == FIRST_FOLLOWS {
            put(out, place_of(devices, *device));
        }
        put_totals(out, *totals);
    }
}

fn record(reader: &mut Reader<'_>, since_s: u32, devices: &[DeviceId]) -> Option<Record> {
    let flags = reader.byte()?;
    let at_s = since_s.wrapping_add(reader.number32()?);
    let ms = if flags & AT_END != 0 {
        Position::END
    } else {
        reader.number32()?
    };
    let mut record = Record::default();
    record.position = Position { at_s, ms };
    record.coverage = if flags & COMPLETE != 0 {
        Coverage::complete(Grain::Coarse)
    } else {
        Coverage::decode(reader)?
    };
    let first = flags >> FIRST_SHIFT;
    for at in 0..flags >> TOTALS_SHIFT & 7 {
        let device = if at > 0 || first == FIRST_FOLLOWS {
            device_at(reader, devices)?
        } else {
            *devices.get(usize::from(first))?
        };
        record.join_totals(device, totals(reader)?);
    }
    Some(record)
}

pub(super) fn place_of(devices: &[DeviceId], device: DeviceId) -> u64 {
    devices.binary_search(&device).unwrap_or_default() as u64
}

fn device_at(reader: &mut Reader<'_>, devices: &[DeviceId]) -> Option<DeviceId> {
    let at = usize::try_from(reader.number()?).ok()?;
    devices.get(at).copied()
}

pub(super) fn put_totals(out: &mut Vec<u8>, totals: Totals) {
    put(out, totals.played_ds.into());
    put(out, totals.played_ds.wrapping_sub(totals.visible_ds).into());
}

pub(super) fn totals(reader: &mut Reader<'_>) -> Option<Totals> {
    let played_ds = reader.number32()?;
    let visible_ds = played_ds.wrapping_sub(reader.number32()?);
    Some(Totals {
        played_ds,
        visible_ds,
    })
}

pub(super) fn put_standing(out: &mut Vec<u8>, standing: Standing) {
    for number in [standing.best, standing.opened, standing.settled] {
        put(out, number.into());
    }
}

pub(super) fn standing(reader: &mut Reader<'_>) -> Option<Standing> {
    Some(Standing {
        best: reader.number16()?,
        opened: reader.number16()?,
        settled: reader.number16()?,
    })
}

pub(super) fn put_device(out: &mut Vec<u8>, device: Device) {
    out.extend_from_slice(&device.seen_s.to_le_bytes());
    put(out, device.accepted.into());
}

pub(super) fn device(reader: &mut Reader<'_>) -> Option<Device> {
    Some(Device {
        seen_s: u32::from_le_bytes(reader.array()?),
        accepted: reader.number32()?,
    })
}

pub(super) fn put_profile(out: &mut Vec<u8>, profile: &Profile) {
    out.extend_from_slice(&profile.at_s.to_le_bytes());
    for text in [&profile.locality, &profile.unit] {
        put_bytes(out, text.as_deref().unwrap_or_default().as_bytes());
    }
}

pub(super) fn profile(reader: &mut Reader<'_>) -> Option<Profile> {
    let at_s = u32::from_le_bytes(reader.array()?);
    let mut text = || {
        let text = std::str::from_utf8(reader.bytes(CLAIM_BYTES_MAX)?).ok()?;
        Some((!text.is_empty()).then(|| text.into()))
    };
    let (locality, unit) = (text()?, text()?);
    Some(Profile {
        at_s,
        locality,
        unit,
    })
}
