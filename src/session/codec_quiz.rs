//! Attempts and answers as bytes.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::QuizId;
use crate::base::limits::ANSWER_BYTES_MAX;
use crate::base::limits::ITEMS_PER_QUIZ_MAX;
use crate::base::wire::Reader;
use crate::base::wire::put;
use crate::base::wire::put_bytes;
use crate::session::Answer;
use crate::session::Answers;
use crate::session::Attempt;
use crate::session::AttemptKey;
use crate::session::Closing;
use crate::session::Course;
use crate::session::Sorted;
use crate::session::codec::place_of;

pub(super) fn devices_of(attempt: &Attempt) -> impl Iterator<Item = DeviceId> {
    let closing = attempt.closing().into_iter();
    let closed = closing.flat_map(|closing| closing.answers.values());
    let all = attempt.kept().values().chain(closed);
    all.map(|answer| answer.device)
}

/// Place of the course, then the attempt; for each.
pub(super) fn encode_attempts(
    courses: &Sorted<CourseId, Course>,
    devices: &[DeviceId],
    out: &mut Vec<u8>,
) {
    for (place, course) in courses.values().enumerate() {
        for (key, attempt) in course.attempts.iter() {
            put(out, place as u64);
            put_key(out, key);
            // An opening that is not known is all ones; one more makes it a single byte.
            put(out, attempt.opened_ms.wrapping_add(1));
            put(out, attempt.deadline_ms.wrapping_sub(attempt.opened_ms));
            let kept = attempt.kept();
            put_answers(out, kept, devices, attempt.opened_ms);
            out.push(u8::from(attempt.closing().is_some()));
            if let Some(closing) = attempt.closing() {
                put(out, closing.at_ms.wrapping_sub(attempt.opened_ms));
                put_answers(out, &closing.answers, devices, attempt.opened_ms);
            }
        }
    }
}

pub(super) fn decode_attempts(
    courses: &mut Sorted<CourseId, Course>,
    devices: &[DeviceId],
    reader: &mut Reader<'_>,
) -> Option<()> {
    let ids: Vec<CourseId> = courses.iter().map(|(id, _)| id).collect();
    while !reader.is_empty() {
        let place = usize::try_from(reader.number()?).ok()?;
        let course = courses.get_mut(*ids.get(place)?)?;
        let key = key(reader)?;
        let opened_ms = reader.number()?.wrapping_sub(1);
        let deadline_ms = opened_ms.wrapping_add(reader.number()?);
        let mut attempt = Attempt::new(opened_ms, deadline_ms);
        for (item, answer) in answers(reader, devices, opened_ms)?.iter() {
            attempt.apply_answer(item, answer);
        }
        if reader.byte().filter(|closed| *closed < 2)? == 1 {
            let at_ms = opened_ms.wrapping_add(reader.number()?);
            let answers = answers(reader, devices, opened_ms)?;
            attempt.apply_closing(&Closing { at_ms, answers });
        }
        course.attempts.entry(key, || attempt);
        course.settle();
    }
    Some(())
}

pub(super) fn put_key(out: &mut Vec<u8>, key: AttemptKey) {
    out.extend_from_slice(&key.quiz.0.to_le_bytes());
    put(out, key.ordinal.into());
    out.extend_from_slice(&key.version.to_le_bytes());
}

pub(super) fn key(reader: &mut Reader<'_>) -> Option<AttemptKey> {
    Some(AttemptKey {
        quiz: QuizId(u32::from_le_bytes(reader.array()?)),
        ordinal: reader.number16()?,
        version: u64::from_le_bytes(reader.array()?),
    })
}

/// An answer whose item, device and number follow from the one before it, which is usual, takes one
/// byte for the three and for the length of its body.
pub(super) fn put_answers(
    out: &mut Vec<u8>,
    answers: &Answers,
    devices: &[DeviceId],
    since_ms: u64,
) {
    put(out, answers.len() as u64);
    let mut before = Before::default();
    for (item, answer) in answers.iter() {
        let this = Before {
            item: Some(item),
            device: place_of(devices, answer.device),
            seq: answer.seq,
        };
        let next = before.next();
        let len = u8::try_from(answer.body.len()).unwrap_or(LEN_FOLLOWS);
        let mut head = len.min(LEN_FOLLOWS) << LEN_SHIFT;
        let place = out.len();
        out.push(head);
        for (same, flag, value) in [
            (this.item == next.item, SAME_ITEM, u64::from(item)),
            (this.device == next.device, SAME_DEVICE, this.device),
            (this.seq == next.seq, SAME_SEQ, u64::from(this.seq)),
        ] {
            if same {
                head |= flag;
            } else {
                put(out, value);
            }
        }
        if let Some(place) = out.get_mut(place) {
            *place = head;
        }
        put(out, answer.at_ms.wrapping_sub(since_ms));
        put(out, answer.elapsed_ms.into());
        if len >= LEN_FOLLOWS {
            put(out, answer.body.len() as u64);
        }
        out.extend_from_slice(&answer.body);
        before = this;
    }
}

pub(super) fn answers(
    reader: &mut Reader<'_>,
    devices: &[DeviceId],
    since_ms: u64,
) -> Option<Answers> {
    let mut answers = Answers::default();
    let mut before = Before::default();
    for known in 0..reader.count(ITEMS_PER_QUIZ_MAX.into())? {
        let head = reader.byte()?;
        let next = before.next();
        let item = match head & SAME_ITEM {
            0 => reader.number16()?,
            _ => next.item?,
        };
        let device = match head & SAME_DEVICE {
            0 => reader.number()?,
            _ => next.device,
        };
        let seq = match head & SAME_SEQ {
            0 => reader.number32()?,
            _ => next.seq,
        };
        before = Before {
            item: Some(item).filter(|item| *item < ITEMS_PER_QUIZ_MAX),
            device,
            seq,
        };
        before.item?;
        let device = *devices.get(usize::try_from(device).ok()?)?;
        let at_ms = since_ms.wrapping_add(reader.number()?);
        let elapsed_ms = reader.number32()?;
        let body = match head >> LEN_SHIFT {
            LEN_FOLLOWS => reader.bytes(ANSWER_BYTES_MAX)?,
            len => reader.take(len.into())?,
        };
        let answer = Answer {
            seq,
            device,
            at_ms,
            elapsed_ms,
            body: body.into(),
        };
        answers.entry(item, || answer);
        (answers.len() > known).then_some(())?;
    }
    Some(answers)
}

/// What an answer's item, device and number are told by.
#[derive(Default)]
struct Before {
    item: Option<u16>,
    device: u64,
    seq: u32,
}

impl Before {
    /// The usual next: the next item, on the same device, with the next number.
    fn next(&self) -> Self {
        Self {
            item: Some(self.item.map_or(0, |item| item.wrapping_add(1))),
            device: self.device,
            seq: self.seq.wrapping_add(1),
        }
    }
}

const SAME_ITEM: u8 = 1;
const SAME_DEVICE: u8 = 2;
const SAME_SEQ: u8 = 4;
const LEN_SHIFT: u32 = 3;
/// Instead of a length that does not fit five bits: it follows.
const LEN_FOLLOWS: u8 = 31;

/// All of an answer but the device.
pub(super) fn put_answer(out: &mut Vec<u8>, answer: &Answer, since_ms: u64) {
    put(out, answer.seq.into());
    put(out, answer.at_ms.wrapping_sub(since_ms));
    put(out, answer.elapsed_ms.into());
    put_bytes(out, &answer.body);
}

pub(super) fn answer(reader: &mut Reader<'_>, device: DeviceId, since_ms: u64) -> Option<Answer> {
    Some(Answer {
        seq: reader.number32()?,
        device,
        at_ms: since_ms.wrapping_add(reader.number()?),
        elapsed_ms: reader.number32()?,
        body: reader.bytes(ANSWER_BYTES_MAX)?.into(),
    })
}
