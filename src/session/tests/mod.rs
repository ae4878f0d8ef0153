mod commands;
mod encoding;
mod laws;

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::progress::Allowance;
use crate::progress::Grain;
use crate::progress::Position;
use crate::progress::Span;
use crate::progress::Totals;
use crate::progress::Watched;
use crate::session::Answer;
use crate::session::Answers;
use crate::session::AttemptKey;
use crate::session::Closing;
use crate::session::CourseFact;
use crate::session::Device;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::Profile;
use crate::session::Standing;
use crate::session::State;
use proptest::collection::vec;
use proptest::prelude::*;

const DEVICE: DeviceId = DeviceId([1; 16]);
const COURSE: CourseId = CourseId(7);
const NOW_MS: u64 = 1_800_000_000_000;
const NOW_S: u32 = 1_800_000_000;

/// A state that knows these facts.
fn knowing(effects: &[Effect]) -> State {
    let mut state = State::default();
    effects.iter().for_each(|effect| state.apply(effect));
    state
}

fn encoded(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    bytes
}

/// Few of everything, so that facts meet.
fn effects() -> impl Strategy<Value = Effect> {
    let generation = prop_oneof![4 => Just(0_u32), 1 => Just(1)];
    (generation, facts()).prop_map(|(generation, fact)| Effect { generation, fact })
}

fn histories() -> impl Strategy<Value = Vec<Effect>> {
    vec(effects(), 0..24)
}

fn facts() -> impl Strategy<Value = Fact> {
    let text = prop_oneof![Just(None), "[a-c]{1,2}".prop_map(|text| Some(text.into()))];
    let profile = (0..3_u32, text.clone(), text).prop_map(|(at_s, locality, unit)| {
        Fact::Profile(Profile {
            at_s,
            locality,
            unit,
        })
    });
    let generation = prop_oneof![6 => Just(0_u32), 1 => Just(1)];
    let in_course = (0..2_u64, generation, course_facts());
    let in_course = in_course.prop_map(|(course, generation, fact)| Fact::Course {
        course: CourseId(course),
        generation,
        fact,
    });
    prop_oneof![
        1 => Just(Fact::Erased),
        1 => (0..3_u32).prop_map(Fact::Epoch),
        2 => profile,
        3 => devices(),
        20 => in_course,
    ]
}

/// More devices than are remembered.
fn devices() -> impl Strategy<Value = Fact> {
    let id = || (0..40_u8).prop_map(|id| DeviceId([id; 16]));
    let used = (id(), 0..5_u32, 0..5_u32);
    let signed_out = (id(), 0..5_u32);
    prop_oneof![
        used.prop_map(|(id, seen_s, accepted)| Fact::Device(id, Device { seen_s, accepted })),
        signed_out.prop_map(|(id, at_s)| Fact::SignedOut(id, at_s)),
    ]
}

fn course_facts() -> impl Strategy<Value = CourseFact> {
    let opened = (keys(), 10..14_u64, 20..24_u64);
    let answered = (keys(), 0..3_u16, answers());
    let closed = (keys(), 10..30_u64, vec((0..3_u16, answers()), 0..4));
    let graded = (0..2_u32, 0..3_u16, 0..3_u16, 0..2_u16);
    prop_oneof![
        1 => Just(CourseFact::Began),
        1 => (1..4_u32).prop_map(CourseFact::Enrolled),
        5 => watched(),
        2 => opened.prop_map(|(key, at, end)| CourseFact::Opened(key, at, end)),
        5 => answered.prop_map(|(key, item, answer)| CourseFact::Answered(key, item, answer)),
        2 => closed.prop_map(|(key, at_ms, answers)| {
            let answers: Answers = answers.into_iter().collect();
            CourseFact::Closed(key, Closing { at_ms, answers })
        }),
        1 => graded.prop_map(|(quiz, best, opened, settled)| {
            CourseFact::Graded(QuizId(quiz), Standing { best, opened, settled })
        }),
    ]
}

fn keys() -> impl Strategy<Value = AttemptKey> {
    (0..2_u32, 1..3_u16, 0..2_u64).prop_map(|(quiz, ordinal, version)| {
        let quiz = QuizId(quiz);
        AttemptKey {
            quiz,
            ordinal,
            version,
        }
    })
}

fn answers() -> impl Strategy<Value = Answer> {
    (0..3_u32, 0..3_u8, vec(0..3_u8, 0..3), 12..16_u64, 0..2_u32).prop_map(
        |(seq, device, body, at_ms, elapsed_ms)| Answer {
            seq,
            device: DeviceId([device; 16]),
            body: body.into(),
            at_ms,
            elapsed_ms,
        },
    )
}

fn watched() -> impl Strategy<Value = CourseFact> {
    let span = (0..100_u32, 1..50_u32).prop_map(|(from, len)| Span::of_ms(from, from + len, 100));
    let grain = prop_oneof![Just(Grain::Coarse), Just(Grain::Fine)];
    let totals = (0..3_u32, 0..3_u32);
    let ms = prop_oneof![0..3_u32, Just(Position::END)];
    let allowance = (0..3_u64, 0..3_u64);
    let ids = (0..2_u32, 0..9_u8, 0..5_u32, 0..5_u32);
    (ids, span, grain, totals, (0..3_u32, ms), allowance).prop_map(
        |((lesson, device, seq, at_s), span, grain, totals, (position_s, ms), allowance)| {
            let (played_ds, visible_ds) = totals;
            let config = crate::progress::Config::default();
            CourseFact::Watched {
                lesson: LessonId(lesson),
                device: DeviceId([device; 16]),
                heard: Device {
                    seen_s: at_s,
                    accepted: seq,
                },
                watched: Watched {
                    grain,
                    span,
                    totals: Totals {
                        played_ds,
                        visible_ds,
                    },
                    position: Position {
                        at_s: position_s,
                        ms,
                    },
                },
                allowance: Allowance::new(allowance.0, &config).spent(allowance.1),
            }
        },
    )
}
