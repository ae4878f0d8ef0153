//! The learner of every memory figure: 40 lessons complete, 5 partial, 5 untouched, one open
//! attempt with 20 answers; two devices, three courses, locality and unit known. Made by the same
//! commands that make a real one.

#![expect(
    clippy::unwrap_used,
    reason = "a learner that cannot be made fails test and bench"
)]

use lamplight::base::id::CourseId;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LessonId;
use lamplight::base::id::QuizId;
use lamplight::progress::Beat;
use lamplight::progress::Config;
use lamplight::session::Answer;
use lamplight::session::AttemptKey;
use lamplight::session::LessonBeat;
use lamplight::session::Profile;
use lamplight::session::QuizRules;
use lamplight::session::State;
use lamplight::session::Timing;

/// Enrolment of the learner, unix seconds.
pub(crate) const START_S: u32 = 1_800_000_000;
/// Two weeks later.
pub(crate) const NOW_MS: u64 = (START_S as u64 + 14 * 86_400) * 1000;
/// Length of each lesson.
pub(crate) const LENGTH_MS: u32 = 412_000;

/// The learner.
pub(crate) fn learner() -> State {
    let mut state = State::default();
    let profile = Profile {
        at_s: START_S,
        locality: Some("Phường Bến Nghé".into()),
        unit: Some("THPT Lê Quý Đôn".into()),
    };
    state.sign_in(device(0), profile.clone(), START_S);
    state.sign_in(device(1), profile, START_S + 3600);
    for at in 0..3 {
        state.enrol(course(at), START_S).unwrap();
    }
    for lesson in 0..40 {
        watch(&mut state, lesson, LENGTH_MS);
    }
    for lesson in 40..45 {
        watch(&mut state, lesson, LENGTH_MS / 3 + lesson * 1000);
    }
    let (course, key) = open(&mut state);
    for item in 0..20 {
        let answer = answer(item, u32::from(item) + 1);
        state.answer((course, key), item, answer, 5000).unwrap();
    }
    state
}

/// A course of the learner.
pub(crate) fn course(at: u32) -> CourseId {
    CourseId::of(&format!("course-{}", at % 3))
}

/// A device of the learner.
pub(crate) fn device(at: u8) -> DeviceId {
    DeviceId([
        0x9b, 0x2f, at, 4, 5, 6, 0x47, 8, 0x99, 10, 11, 12, 13, 14, 15, 16,
    ])
}

/// Opens an attempt at a quiz of 20 items.
pub(crate) fn open(state: &mut State) -> (CourseId, AttemptKey) {
    let rules = QuizRules {
        quiz: QuizId::of("final"),
        version: 0x0123_4567_89ab_cdef,
        opens_ms: 0,
        closes_ms: u64::MAX,
        time_limit_ms: Some(1_800_000),
        attempts_max: None,
    };
    let timing = Timing {
        now_ms: NOW_MS,
        grace_ms: 5000,
    };
    (
        course(0),
        state.open(course(0), &rules, timing).unwrap().key,
    )
}

/// An answer to an item: a choice of one.
pub(crate) fn answer(item: u16, seq: u32) -> Answer {
    Answer {
        seq,
        device: device(0),
        body: [1, 1 << (item % 4)].into_iter().collect(),
        at_ms: NOW_MS + u64::from(seq) * 31_000,
        elapsed_ms: 20_000 + seq * 531,
    }
}

/// A beat of a lesson in the middle of being watched.
pub(crate) fn beat(lesson: u32, seq: u32, from_ms: u32, to_ms: u32) -> LessonBeat {
    let played_total_ms = to_ms;
    LessonBeat {
        seq,
        course: course(lesson),
        lesson: LessonId::of(&format!("lesson-{lesson}")),
        length_ms: LENGTH_MS,
        beat: Beat {
            from_ms,
            to_ms,
            played_total_ms,
            visible_total_ms: played_total_ms - played_total_ms / 50,
            at_ms: NOW_MS - u64::from(100 - lesson) * 9_000_000,
        },
    }
}

/// Watches a lesson up to `end_ms` in beats of 20 seconds.
fn watch(state: &mut State, lesson: u32, end_ms: u32) {
    let cuts = (0..end_ms).step_by(20_000);
    let beats: Vec<LessonBeat> = cuts
        .map(|from_ms| (from_ms, (from_ms + 20_000).min(end_ms)))
        .map(|(from_ms, to_ms)| beat(lesson, lesson * 30 + from_ms / 20_000 + 1, from_ms, to_ms))
        .collect();
    let on = device(u8::from(lesson.is_multiple_of(5)));
    let watching = state.watch(on, &beats, &Config::default(), NOW_MS - 1000);
    assert!(watching.rejected.is_empty(), "{:?}", watching.rejected);
}
