//! An effect as bytes: what the journal keeps.
//!
//! Format (1) ‖ generation ‖ kind ‖ fields. A kind that this version does not know is an error: a
//! journal is read by the version that wrote it, or a newer one.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::base::limits::EFFECT_BYTES_MAX;
use crate::base::wire::Reader;
use crate::base::wire::put;
use crate::progress::Allowance;
use crate::progress::Grain;
use crate::progress::Position;
use crate::progress::Span;
use crate::progress::Watched;
use crate::session::Closing;
use crate::session::CourseFact;
use crate::session::DecodeError;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::State;
use crate::session::codec;
use crate::session::codec_quiz;

const FORMAT: u8 = 1;
/// The kind of [`Fact::Known`].
const KNOWN: u8 = 5;

impl Effect {
    /// Appends the effect.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        put(out, self.generation.into());
        match &self.fact {
            Fact::Erased => out.push(0),
            Fact::Epoch(epoch) => {
                out.push(1);
                put(out, (*epoch).into());
            }
            Fact::Profile(profile) => {
                out.push(2);
                codec::put_profile(out, profile);
            }
            Fact::Device(id, device) => {
                out.push(3);
                out.extend_from_slice(&id.0);
                codec::put_device(out, *device);
            }
            Fact::SignedOut(id, at_s) => {
                out.push(4);
                out.extend_from_slice(&id.0);
                out.extend_from_slice(&at_s.to_le_bytes());
            }
            Fact::Known(copy) => {
                out.push(KNOWN);
                copy.encode(out);
            }
            Fact::Course {
                course,
                generation,
                fact,
            } => {
                out.push(kind(fact));
                out.extend_from_slice(&course.0.to_le_bytes());
                put(out, (*generation).into());
                encode_in(fact, out);
            }
        }
    }

    /// Appends the effect [`Fact::Known`] of a state that is encoded already.
    pub fn encode_known(state: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&[FORMAT, 0, KNOWN]);
        out.extend_from_slice(state);
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`DecodeError`]; the section it names is the kind of the effect.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = codec::open(bytes, FORMAT, EFFECT_BYTES_MAX)?;
        let head = reader.number32().zip(reader.byte());
        let (generation, kind) = head.ok_or(DecodeError::Damaged(0))?;
        if kind == KNOWN {
            let fact = Fact::Known(Box::new(State::decode(reader.rest())?));
            return Ok(Self { generation, fact });
        }
        let fact = fact(kind, &mut reader).filter(|_| reader.is_empty());
        let fact = fact.ok_or_else(|| DecodeError::Damaged(kind.into()))?;
        Ok(Self { generation, fact })
    }
}

const fn kind(fact: &CourseFact) -> u8 {
    match fact {
        CourseFact::Began => 16,
        CourseFact::Enrolled(_) => 17,
        CourseFact::Watched { .. } => 18,
        CourseFact::Opened(..) => 19,
        CourseFact::Answered(..) => 20,
        CourseFact::Closed(..) => 21,
        CourseFact::Graded(..) => 22,
    }
}

fn encode_in(fact: &CourseFact, out: &mut Vec<u8>) {
    match fact {
        CourseFact::Began => {}
        CourseFact::Enrolled(at_s) => out.extend_from_slice(&at_s.to_le_bytes()),
        CourseFact::Watched {
            lesson,
            device,
            heard,
            watched,
            allowance,
        } => {
            out.extend_from_slice(&lesson.0.to_le_bytes());
            out.extend_from_slice(&device.0);
            codec::put_device(out, *heard);
            put_watched(out, watched);
            allowance.encode(out);
        }
        CourseFact::Opened(key, opened_ms, deadline_ms) => {
            codec_quiz::put_key(out, *key);
            put(out, *opened_ms);
            put(out, deadline_ms.wrapping_sub(*opened_ms));
        }
        CourseFact::Answered(key, item, answer) => {
            codec_quiz::put_key(out, *key);
            put(out, (*item).into());
            out.extend_from_slice(&answer.device.0);
            codec_quiz::put_answer(out, answer, 0);
        }
        CourseFact::Closed(key, closing) => {
            codec_quiz::put_key(out, *key);
            put(out, closing.at_ms);
            let mut devices: Vec<DeviceId> = closing
                .answers
                .values()
                .map(|answer| answer.device)
                .collect();
            devices.sort_unstable();
            devices.dedup();
            put(out, devices.len() as u64);
            devices
                .iter()
                .for_each(|device| out.extend_from_slice(&device.0));
            codec_quiz::put_answers(out, &closing.answers, &devices, closing.at_ms);
        }
        CourseFact::Graded(quiz, standing) => {
            out.extend_from_slice(&quiz.0.to_le_bytes());
            codec::put_standing(out, *standing);
        }
    }
}

fn fact(kind: u8, reader: &mut Reader<'_>) -> Option<Fact> {
    Some(match kind {
        0 => Fact::Erased,
        1 => Fact::Epoch(reader.number32()?),
        2 => Fact::Profile(codec::profile(reader)?),
        3 => Fact::Device(DeviceId(reader.array()?), codec::device(reader)?),
        4 => {
            let device = DeviceId(reader.array()?);
            Fact::SignedOut(device, u32::from_le_bytes(reader.array()?))
        }
        _ => Fact::Course {
            course: CourseId(u64::from_le_bytes(reader.array()?)),
            generation: reader.number32()?,
            fact: fact_in(kind, reader)?,
        },
    })
}

fn fact_in(kind: u8, reader: &mut Reader<'_>) -> Option<CourseFact> {
    Some(match kind {
        16 => CourseFact::Began,
        17 => CourseFact::Enrolled(u32::from_le_bytes(reader.array()?)),
        18 => CourseFact::Watched {
            lesson: LessonId(u32::from_le_bytes(reader.array()?)),
            device: DeviceId(reader.array()?),
            heard: codec::device(reader)?,
            watched: watched(reader)?,
            allowance: Allowance::decode(reader)?,
        },
        19 => {
            let key = codec_quiz::key(reader)?;
            let opened_ms = reader.number()?;
            CourseFact::Opened(key, opened_ms, opened_ms.wrapping_add(reader.number()?))
        }
        20 => {
            let key = codec_quiz::key(reader)?;
            let item = reader.number16()?;
            let device = DeviceId(reader.array()?);
            CourseFact::Answered(key, item, codec_quiz::answer(reader, device, 0)?)
        }
        21 => CourseFact::Closed(codec_quiz::key(reader)?, closing(reader)?),
        22 => {
            let quiz = QuizId(u32::from_le_bytes(reader.array()?));
            CourseFact::Graded(quiz, codec::standing(reader)?)
        }
        _ => return None,
    })
}

fn closing(reader: &mut Reader<'_>) -> Option<Closing> {
    let at_ms = reader.number()?;
    let mut devices = Vec::new();
    for _ in 0..reader.count(EFFECT_BYTES_MAX / 16)? {
        devices.push(DeviceId(reader.array()?));
    }
    let answers = codec_quiz::answers(reader, &devices, at_ms)?;
    Some(Closing { at_ms, answers })
}

fn put_watched(out: &mut Vec<u8>, watched: &Watched) {
    let fine = u8::from(watched.grain == Grain::Fine);
    out.push(fine | u8::from(watched.span.is_some()) << 1);
    if let Some(span) = watched.span {
        span.encode(out);
    }
    codec::put_totals(out, watched.totals);
    out.extend_from_slice(&watched.position.at_s.to_le_bytes());
    put(out, watched.position.ms.wrapping_add(1).into());
}

fn watched(reader: &mut Reader<'_>) -> Option<Watched> {
    let flags = reader.byte().filter(|flags| *flags < 4)?;
    let grain = if flags & 1 != 0 {
        Grain::Fine
    } else {
        Grain::Coarse
    };
    let span = match flags & 2 {
        0 => None,
        _ => Some(Span::decode(reader)?),
    };
    Some(Watched {
        grain,
        span,
        totals: codec::totals(reader)?,
        position: Position {
            at_s: u32::from_le_bytes(reader.array()?),
            ms: reader.number32()?.wrapping_sub(1),
        },
    })
}
