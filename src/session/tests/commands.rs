//! Commands by their harms: what a learner loses, or gains without right, if one is judged wrongly.

use super::COURSE;
use super::DEVICE;
use super::NOW_MS;
use super::NOW_S;
use super::knowing;
use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::base::limits::ANSWER_BYTES_MAX;
use crate::base::limits::ATTEMPT_BYTES_MAX;
use crate::progress::Beat;
use crate::progress::Config;
use crate::session::Answer;
use crate::session::AnswerRefusal;
use crate::session::Answering;
use crate::session::AttemptKey;
use crate::session::OpenRefusal;
use crate::session::Profile;
use crate::session::QuizRules;
use crate::session::State;
use crate::session::SubmitRefusal;
use crate::session::Timing;
use crate::session::attempt_id;
use crate::session::watching::LessonBeat;

const QUIZ: QuizId = QuizId(3);
const PHONE: DeviceId = DeviceId([2; 16]);
const GRACE_MS: u64 = 5_000;
const RULES: QuizRules = QuizRules {
    quiz: QUIZ,
    version: 11,
    opens_ms: 0,
    closes_ms: u64::MAX,
    time_limit_ms: Some(60_000),
    attempts_max: Some(2),
};

fn enrolled() -> State {
    let mut state = State::default();
    state.enrol(COURSE, NOW_S).unwrap();
    state
}

/// Whether the first lesson is covered whole.
fn is_watched(state: &State) -> bool {
    let course = state.courses.get(COURSE).unwrap();
    let record = course.lessons.get(LessonId(1)).unwrap();
    record.coverage.is_complete()
}

fn at(now_ms: u64) -> Timing {
    Timing {
        now_ms,
        grace_ms: GRACE_MS,
    }
}

fn answer(seq: u32, body: u8, at_ms: u64) -> Answer {
    Answer {
        seq,
        device: DEVICE,
        body: [body].into_iter().collect(),
        at_ms,
        elapsed_ms: 900,
    }
}

fn opened() -> (State, AttemptKey) {
    let mut state = enrolled();
    let opening = state.open(COURSE, &RULES, at(NOW_MS)).unwrap();
    (state, opening.key)
}

fn beats(seqs: &[u32]) -> Vec<LessonBeat> {
    let beat = |seq: &u32| LessonBeat {
        seq: *seq,
        course: COURSE,
        lesson: LessonId(1),
        length_ms: 100_000,
        beat: Beat {
            from_ms: (seq - 1) * 10_000,
            to_ms: seq * 10_000,
            played_total_ms: seq * 10_000,
            visible_total_ms: seq * 10_000,
            at_ms: NOW_MS + u64::from(*seq) * 10_000,
        },
    };
    seqs.iter().map(beat).collect()
}

#[test]
fn beats_that_come_twice_and_out_of_order_count_once() {
    let (config, later_ms) = (Config::default(), NOW_MS + 200_000);
    let mut state = enrolled();
    let first = state.watch(DEVICE, &beats(&[7, 8, 9, 10]), &config, later_ms);
    assert_eq!((first.accepted_through, first.rejected.len()), (10, 0));
    let late = state.watch(DEVICE, &beats(&[1, 2, 3, 4, 5, 6]), &config, later_ms);
    assert_eq!((late.accepted_through, late.effects.len()), (10, 6));
    assert!(is_watched(&state));
    let before = state.clone();
    let again = state.watch(DEVICE, &beats(&[1, 5, 10]), &config, later_ms);
    assert_eq!((again.effects.len(), again.rejected.len()), (0, 0));
    assert_eq!(state, before);
}

#[test]
fn a_phone_that_uploads_a_week_of_tiny_beats_backwards_ends_at_one() {
    let tiny = |from_ms: u32| LessonBeat {
        seq: from_ms / 7_000 + 1,
        length_ms: 3_500_000,
        beat: Beat {
            from_ms,
            to_ms: from_ms + 7_000,
            ..beats(&[1])[0].beat
        },
        ..beats(&[1])[0]
    };
    let mut beats: Vec<LessonBeat> = (0..500).map(|n| tiny(n * 7_000)).collect();
    beats.reverse();
    let mut state = enrolled();
    let week_ms = 7 * 24 * 3600 * 1000;
    let watching = state.watch(PHONE, &beats, &Config::default(), NOW_MS + week_ms);
    assert_eq!(
        (watching.rejected.len(), watching.accepted_through),
        (0, 500)
    );
    assert!(is_watched(&state));
}

#[test]
fn watching_without_being_enrolled_is_refused_and_leaves_nothing() {
    let mut state = State::default();
    let watching = state.watch(DEVICE, &beats(&[1]), &Config::default(), NOW_MS);
    assert_eq!(watching.rejected[0].1.reason(), "not_enrolled");
    assert_eq!(state, State::default());
}

#[test]
fn one_bad_beat_costs_its_neighbours_nothing() {
    let mut state = enrolled();
    let mut beats = beats(&[1, 2, 3]);
    beats[1].beat.to_ms = 0;
    let watching = state.watch(DEVICE, &beats, &Config::default(), NOW_MS + 30_000);
    assert_eq!((watching.effects.len(), watching.accepted_through), (2, 3));
    assert_eq!(watching.rejected[0].0, 2);
}

#[test]
fn two_nodes_that_open_at_once_open_the_same_attempt_until_the_earlier_deadline() {
    let (mut a, mut b) = (enrolled(), enrolled());
    let first = a.open(COURSE, &RULES, at(NOW_MS)).unwrap();
    let second = b.open(COURSE, &RULES, at(NOW_MS + 700)).unwrap();
    assert_eq!(first.key, second.key);
    a.join(&b);
    let attempt = a
        .courses
        .get(COURSE)
        .unwrap()
        .attempts
        .get(first.key)
        .unwrap();
    assert_eq!(
        (attempt.opened_ms, attempt.deadline_ms),
        (NOW_MS, NOW_MS + 60_000)
    );
}

#[test]
fn opening_again_resumes_and_an_overdue_attempt_is_closed_with_its_answers() {
    let (mut state, key) = opened();
    state
        .answer((COURSE, key), 0, answer(1, 5, NOW_MS + 1), GRACE_MS)
        .unwrap();
    let again = state.open(COURSE, &RULES, at(NOW_MS + 64_000)).unwrap();
    assert!(!again.fresh && again.key == key);
    let next = state.open(COURSE, &RULES, at(NOW_MS + 66_000)).unwrap();
    assert!(next.fresh && next.key.ordinal == 2);
    let closed = state
        .courses
        .get(COURSE)
        .unwrap()
        .attempts
        .get(key)
        .unwrap();
    assert_eq!(closed.closing().unwrap().at_ms, NOW_MS + 60_000);
    assert_eq!(closed.counted().len(), 1);
    let third = state.open(COURSE, &RULES, at(NOW_MS + 200_000));
    assert_eq!(third, Err(OpenRefusal::UsedUp(2)));
}

#[test]
fn an_exam_opens_and_closes_by_the_servers_clock() {
    let rules = QuizRules {
        opens_ms: NOW_MS,
        closes_ms: NOW_MS + 10_000,
        ..RULES
    };
    let mut state = enrolled();
    let early = state.open(COURSE, &rules, at(NOW_MS - 1));
    assert_eq!(early, Err(OpenRefusal::NotYet { wait_ms: 1 }));
    let late = state.open(COURSE, &rules, at(NOW_MS + 10_000));
    assert_eq!(late, Err(OpenRefusal::Over));
    let key = state.open(COURSE, &rules, at(NOW_MS + 9_000)).unwrap().key;
    let attempt = state
        .courses
        .get(COURSE)
        .unwrap()
        .attempts
        .get(key)
        .unwrap();
    assert_eq!(attempt.deadline_ms, NOW_MS + 10_000);
    assert_eq!(
        State::default().open(COURSE, &rules, at(NOW_MS)),
        Err(OpenRefusal::NotEnrolled)
    );
}

#[test]
fn nobody_opens_attempts_without_end() {
    let mut state = enrolled();
    for quiz in 0..4 {
        let rules = QuizRules {
            quiz: QuizId(quiz),
            ..RULES
        };
        state.open(COURSE, &rules, at(NOW_MS)).unwrap();
    }
    let fifth = state.open(
        COURSE,
        &QuizRules {
            quiz: QuizId(4),
            ..RULES
        },
        at(NOW_MS),
    );
    assert_eq!(fifth, Err(OpenRefusal::TooManyOpen));
}

#[test]
fn an_answer_is_taken_until_deadline_and_grace_and_not_a_moment_longer() {
    let (mut state, key) = opened();
    let end_ms = NOW_MS + 60_000 + GRACE_MS;
    let in_time = state.answer((COURSE, key), 0, answer(1, 5, end_ms), GRACE_MS);
    assert_eq!(in_time.unwrap().0, Answering::Accepted);
    let before = state.clone();
    let late = state.answer((COURSE, key), 1, answer(2, 5, end_ms + 1), GRACE_MS);
    assert_eq!(late, Err(AnswerRefusal::TooLate { late_ms: 1 }));
    assert_eq!(state, before);
    // What was acknowledged is acknowledged again, also after the end.
    let again = state.answer((COURSE, key), 0, answer(1, 5, end_ms + 9_000), GRACE_MS);
    assert_eq!(again.unwrap().0, Answering::Known);
    assert_eq!(state, before);
}

#[test]
fn one_number_means_one_answer_and_the_newest_counts() {
    let (mut state, key) = opened();
    let mut put = |seq, body| {
        let put = state.answer((COURSE, key), 0, answer(seq, body, NOW_MS + 1), GRACE_MS);
        put.map(|(outcome, _)| outcome)
    };
    assert_eq!(put(2, 5), Ok(Answering::Accepted));
    assert_eq!(put(2, 5), Ok(Answering::Known));
    assert_eq!(put(2, 6), Err(AnswerRefusal::Conflict(2)));
    assert_eq!(put(1, 7), Ok(Answering::Superseded));
    assert_eq!(put(3, 8), Ok(Answering::Accepted));
    let attempt = state
        .courses
        .get(COURSE)
        .unwrap()
        .attempts
        .get(key)
        .unwrap();
    assert_eq!(attempt.counted().get(0).unwrap().body[..], [8]);
}

#[test]
fn what_arrives_after_the_submission_is_refused_here_and_listed_after_a_merge() {
    let (mut here, key) = opened();
    let mut there = here.clone();
    here.answer((COURSE, key), 0, answer(1, 5, NOW_MS + 1), GRACE_MS)
        .unwrap();
    here.submit((COURSE, key), DEVICE, &[(0, 1)], at(NOW_MS + 2))
        .unwrap();
    let refused = here.answer((COURSE, key), 0, answer(2, 6, NOW_MS + 3), GRACE_MS);
    assert_eq!(refused, Err(AnswerRefusal::Closed));
    // Another node has not heard of it yet.
    there
        .answer((COURSE, key), 0, answer(2, 6, NOW_MS + 3), GRACE_MS)
        .unwrap();
    here.join(&there);
    let attempt = here.courses.get(COURSE).unwrap().attempts.get(key).unwrap();
    assert_eq!(attempt.counted().get(0).unwrap().body[..], [5]);
    assert_eq!(
        attempt
            .late()
            .map(|(_, answer)| answer.seq)
            .collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn a_submission_waits_for_answers_that_another_node_took() {
    let (mut state, key) = opened();
    state
        .answer((COURSE, key), 0, answer(3, 5, NOW_MS + 1), GRACE_MS)
        .unwrap();
    let given = [(0, 3), (1, 4), (2, 5)];
    let missing = state.submit((COURSE, key), DEVICE, &given, at(NOW_MS + 2));
    assert_eq!(missing, Err(SubmitRefusal::Missing(vec![1, 2])));
    // After the time is over nothing is missing any more: what was acknowledged in time counts.
    let closed = state
        .submit((COURSE, key), DEVICE, &given, at(NOW_MS + 99_000))
        .unwrap();
    let again = state
        .submit((COURSE, key), PHONE, &[], at(NOW_MS + 999_000))
        .unwrap();
    assert_eq!(closed, again);
}

#[test]
fn an_answer_that_another_device_replaced_is_not_missing() {
    let (mut state, key) = opened();
    state
        .answer((COURSE, key), 0, answer(3, 5, NOW_MS + 1), GRACE_MS)
        .unwrap();
    let newer = Answer {
        device: PHONE,
        ..answer(4, 6, NOW_MS + 2)
    };
    state.answer((COURSE, key), 0, newer, GRACE_MS).unwrap();
    let closed = state.submit((COURSE, key), DEVICE, &[(0, 3)], at(NOW_MS + 3));
    assert!(closed.is_ok(), "{closed:?}");
}

#[test]
fn an_attempt_that_nobody_submits_closes_with_what_came_in_time() {
    let (mut state, key) = opened();
    state
        .answer((COURSE, key), 0, answer(3, 5, NOW_MS + 1), GRACE_MS)
        .unwrap();
    let attempt = |state: &State| {
        let course = state.courses.get(COURSE).unwrap();
        course.attempts.get(key).unwrap().clone()
    };
    let deadline_ms = attempt(&state).deadline_ms;
    let last = at(deadline_ms + GRACE_MS);
    assert_eq!(state.close_overdue(last), []);
    let effects = state.close_overdue(at(deadline_ms + GRACE_MS + 1));
    assert_eq!(effects.len(), 1);
    let closed = attempt(&state);
    assert_eq!(closed.closing().unwrap().at_ms, deadline_ms);
    assert_eq!(closed.counted().len(), 1);
    assert_eq!(state.close_overdue(at(u64::MAX)), []);
    let keys = |before_ms| state.closed_before(before_ms).map(|closed| closed.1);
    assert_eq!(keys(deadline_ms).count(), 0);
    assert_eq!(keys(deadline_ms + 1).collect::<Vec<_>>(), [key]);
}

#[test]
fn foreign_attempts_unknown_items_and_huge_answers_change_nothing() {
    let (mut state, key) = opened();
    let before = state.clone();
    let put = |state: &mut State, course, key, item, answer| {
        state
            .answer((course, key), item, answer, GRACE_MS)
            .unwrap_err()
    };
    let good = answer(1, 5, NOW_MS);
    let foreign = AttemptKey { ordinal: 9, ..key };
    assert_eq!(
        put(&mut state, COURSE, foreign, 0, good.clone()),
        AnswerRefusal::NoAttempt
    );
    assert_eq!(
        put(&mut state, CourseId(8), key, 0, good.clone()),
        AnswerRefusal::NoAttempt
    );
    assert_eq!(
        put(&mut state, COURSE, key, 512, good.clone()),
        AnswerRefusal::NoItem
    );
    let huge = Answer {
        body: vec![0; ANSWER_BYTES_MAX + 1].into(),
        ..good
    };
    assert_eq!(
        put(&mut state, COURSE, key, 0, huge.clone()),
        AnswerRefusal::TooLarge
    );
    assert_eq!(state, before);
    let large = Answer {
        body: vec![0; ANSWER_BYTES_MAX].into(),
        ..huge
    };
    let room = u16::try_from(ATTEMPT_BYTES_MAX / ANSWER_BYTES_MAX).unwrap();
    for item in 0..room {
        state
            .answer((COURSE, key), item, large.clone(), GRACE_MS)
            .unwrap();
    }
    assert_eq!(
        put(&mut state, COURSE, key, room, large),
        AnswerRefusal::TooLarge
    );
}

#[test]
fn an_attempts_id_is_found_by_its_learner_only() {
    let (state, key) = opened();
    let (secret, learner) = ([3; 32], LearnerId([1; 16]));
    let id = attempt_id(&secret, learner, (COURSE, 0), key);
    assert_eq!(state.find(&secret, learner, id), Some((COURSE, key)));
    assert_eq!(state.find(&secret, LearnerId([2; 16]), id), None);
    assert_eq!(State::default().find(&secret, learner, id), None);
    let second = AttemptKey { ordinal: 2, ..key };
    assert_ne!(attempt_id(&secret, learner, (COURSE, 0), second), id);
    assert_ne!(attempt_id(&secret, learner, (COURSE, 1), key), id);
}

#[test]
fn signing_out_ends_sessions_on_that_device_or_everywhere_and_on_every_node() {
    let mut state = State::default();
    let profile = Profile {
        at_s: NOW_S,
        locality: Some("Huế".into()),
        unit: None,
    };
    let (effects, started_s) = state.sign_in(DEVICE, profile.clone(), NOW_S);
    assert_eq!((effects.len(), started_s), (2, NOW_S));
    assert_eq!(state.sign_in(PHONE, profile.clone(), NOW_S).0.len(), 1);
    let out = state.sign_out(DEVICE, NOW_S);
    assert!(!state.admits(0, DEVICE, started_s) && state.admits(0, PHONE, NOW_S));
    assert!(!knowing(&[out]).admits(0, DEVICE, started_s));
    let (_, again_s) = state.sign_in(DEVICE, profile, NOW_S);
    assert!(state.admits(0, DEVICE, again_s));
    let everywhere = state.sign_out_everywhere();
    assert!(!state.admits(0, PHONE, NOW_S) && state.admits(1, PHONE, NOW_S));
    assert!(!knowing(&[everywhere]).admits(0, PHONE, NOW_S));
}

#[test]
fn an_erased_learner_stays_erased_when_an_old_copy_turns_up() {
    let (mut state, _) = opened();
    let old = state.clone();
    let effects = state.erase();
    state.join(&old);
    assert!(state.courses.is_empty() && state.devices.is_empty());
    assert_eq!((state.generation, state.epoch), (1, 1));
    assert_eq!(knowing(&effects), state);
}

#[test]
fn leaving_forgets_one_course_and_a_reset_keeps_the_enrolment() {
    let (mut state, _) = opened();
    let other = CourseId(8);
    state.enrol(other, NOW_S).unwrap();
    let old = state.clone();
    state.reset(COURSE).unwrap();
    let course = state.courses.get(COURSE).unwrap();
    assert_eq!((course.enrolled_s, course.attempts.len()), (Some(NOW_S), 0));
    state.leave(COURSE).unwrap();
    assert_eq!(state.leave(COURSE), None);
    state.join(&old);
    assert_eq!(state.courses.get(COURSE).unwrap().enrolled_s, None);
    assert_eq!(state.courses.get(other).unwrap().enrolled_s, Some(NOW_S));
}

#[test]
fn nobody_enrols_without_end() {
    let mut state = State::default();
    for course in 0..256 {
        assert!(state.enrol(CourseId(course), NOW_S).unwrap().is_some());
    }
    assert!(state.enrol(CourseId(256), NOW_S).is_err());
    assert_eq!(state.enrol(CourseId(0), NOW_S), Ok(None));
}

#[test]
fn a_settled_attempt_is_forgotten_and_never_comes_back() {
    let (mut state, key) = opened();
    let old = state.clone();
    state
        .submit((COURSE, key), DEVICE, &[], at(NOW_MS + 2))
        .unwrap();
    state.grade(COURSE, QUIZ, 8_000, 1);
    state.join(&old);
    let course = state.courses.get(COURSE).unwrap();
    assert!(course.attempts.is_empty());
    let standing = course.quizzes.get(QUIZ).unwrap();
    assert_eq!((standing.best, standing.opened), (8_000, 1));
}
