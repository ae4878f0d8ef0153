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
use crate::session::codec::device_at;
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

pub(super) fn put_answers(
    out: &mut Vec<u8>,
    answers: &Answers,
    devices: &[DeviceId],
    since_ms: u64,
) {
    put(out, answers.len() as u64);
    for (item, answer) in answers.iter() {
        put(out, item.into());
        put(out, place_of(devices, answer.device));
        put_answer(out, answer, since_ms);
    }
}

pub(super) fn answers(
    reader: &mut Reader<'_>,
    devices: &[DeviceId],
    since_ms: u64,
) -> Option<Answers> {
    let mut answers = Answers::default();
    for known in 0..reader.count(ITEMS_PER_QUIZ_MAX.into())? {
        let item = reader
            .number16()
            .filter(|item| *item < ITEMS_PER_QUIZ_MAX)?;
        let device = device_at(reader, devices)?;
        let answer = answer(reader, device, since_ms)?;
        answers.entry(item, || answer);
        (answers.len() > known).then_some(())?;
    }
    Some(answers)
}

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
