//! Tests of the desk: what learners could lose or win by a wrong judgement.

use crate::base::id::AttemptId;
use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::content;
use crate::content::Catalogue;
use crate::content::Library;
use crate::content::Papers;
use crate::quiz::Answer;
use crate::service::attempts::Config;
use crate::service::attempts::Desk;
use crate::service::attempts::Refused;
use crate::service::attempts::body::Given;
use crate::service::attempts::view::View;
use crate::session::AnswerRefusal;
use crate::session::Effect;
use crate::session::QuizRules;
use crate::session::State;
use crate::shards::Judged;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const NOW_MS: u64 = 1_800_000_000_000;
const DAY_MS: u64 = 86_400_000;
const DEVICE: DeviceId = DeviceId([1; 16]);
const QUIZ: &str = "time_limit = \"20m\"\nattempts = 3\n[[item]]\nkind = \"one\"\ntext = \"TEXT\"\n\
    options = [\"a\", \"b\"]\ncorrect = [1]\nexplain = \"because\"\n\
    [[item]]\nkind = \"num\"\ntext = \"?\"\ncorrect = 7\nweight = 3\n";

/// A school of one course with one quiz, and a learner who is in it.
struct School {
    content: TempDir,
    data: TempDir,
    papers: Arc<Papers>,
    state: State,
}

impl School {
    fn new() -> Self {
        let (content, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let course = content.path().join("so");
        fs::create_dir_all(course.join("01-mot")).unwrap();
        let toml = "languages = [\"vi\"]\ntitle = \"So\"\n";
        fs::write(course.join("course.toml"), toml).unwrap();
        fs::write(course.join("01-mot/text.vi.md"), "# Mot\n\nBai mot.\n").unwrap();
        let papers = Arc::new(Papers::open(data.path().to_owned()).unwrap());
        let mut state = State::default();
        state.enrol(CourseId::of("so"), 1_800_000_000).unwrap();
        let school = Self {
            content,
            data,
            papers,
            state,
        };
        school.write(&QUIZ.replace("TEXT", "first"));
        school
    }

    fn write(&self, quiz: &str) {
        fs::write(self.content.path().join("so/quiz.toml"), quiz).unwrap();
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        let config = content::Config {
            dir: self.content.path().to_owned(),
            ..content::Config::default()
        };
        let catalogue = Library::open(config).unwrap().catalogue();
        assert_eq!(catalogue.problems(), []);
        catalogue
    }

    /// The desk at a time.
    fn desk(&self, now_ms: u64) -> Desk {
        let config = Config::default();
        Desk {
            learner: LearnerId([7; 16]),
            attempt_key: [9; 32],
            catalogue: self.catalogue(),
            papers: Arc::clone(&self.papers),
            timing: config.timing(now_ms),
            keep_closed_ms: config.keep_closed.as_ms(),
            media_base: "".into(),
        }
    }

    fn rules(&self) -> QuizRules {
        let catalogue = self.catalogue();
        let (_, quiz, sheet) = catalogue.sheet("so", "quiz").unwrap();
        self.papers.keep(&sheet).unwrap();
        QuizRules {
            quiz: sheet.name().quiz,
            version: sheet.name().version,
            opens_ms: 0,
            closes_ms: u64::MAX,
            time_limit_ms: quiz.time_limit_ms,
            attempts_max: quiz.attempts_max,
        }
    }

    fn open(&mut self, now_ms: u64) -> Judged<Result<(View, bool), Refused>> {
        let (desk, rules) = (self.desk(now_ms), self.rules());
        desk.open(&mut self.state, CourseId::of("so"), &rules)
    }

    fn opened(&mut self, now_ms: u64) -> AttemptId {
        let (view, _) = self.open(now_ms).outcome.unwrap();
        AttemptId::parse(&view.attempt).unwrap()
    }

    fn answer(
        &mut self,
        (id, item): (AttemptId, &str),
        (seq, answer): (u32, Answer),
        now_ms: u64,
    ) -> Judged<Result<super::desk::Taken, Refused>> {
        let given = Given {
            seq,
            answer: Some(answer),
            elapsed_ms: 5000,
        };
        let desk = self.desk(now_ms);
        desk.answer(&mut self.state, (id, item), DEVICE, &given)
    }

    fn submit(&mut self, id: AttemptId, now_ms: u64) -> Judged<Result<Value, Refused>> {
        let desk = self.desk(now_ms);
        let judged = desk.submit(&mut self.state, id, DEVICE, &[]);
        Judged {
            outcome: judged.outcome.map(|told| json!(told)),
            effects: judged.effects,
            leaf: judged.leaf,
        }
    }

    fn look(&mut self, id: AttemptId, now_ms: u64) -> Result<Value, Refused> {
        let desk = self.desk(now_ms);
        let judged = desk.look(&mut self.state, id);
        judged.outcome.map(|view| json!(view))
    }

    fn best(&self) -> Option<u16> {
        let course = self.state.courses.get(CourseId::of("so")).unwrap();
        course.quizzes.values().map(|standing| standing.best).next()
    }

    fn kept(&self) -> usize {
        let course = self.state.courses.get(CourseId::of("so")).unwrap();
        course.attempts.len()
    }
}

fn choice(at: u32) -> Answer {
    Answer::Choice(vec![at])
}

/// What a node that has only heard the facts knows.
fn replayed(school: &School, facts: &[Effect]) -> State {
    let mut state = State::default();
    state.enrol(CourseId::of("so"), 1_800_000_000).unwrap();
    facts.iter().for_each(|fact| state.apply(fact));
    assert_eq!(state, school.state);
    state
}

#[test]
fn an_attempt_is_graded_and_its_facts_alone_tell_all_of_it() {
    let mut school = School::new();
    let mut facts = Vec::new();
    let opened = school.open(NOW_MS);
    facts.extend(opened.effects);
    let (view, fresh) = opened.outcome.unwrap();
    assert!(fresh && view.state == "open" && view.time_left_ms == Some(1_200_000));
    let again = school.open(NOW_MS + 5);
    assert!(!again.outcome.as_ref().unwrap().1);
    facts.extend(again.effects);
    let id = AttemptId::parse(&view.attempt).unwrap();
    for (item, seq, answer) in [
        ("q1", 1, choice(0)),
        ("q1", 2, choice(1)),
        ("q2", 3, Answer::Number(8.0)),
    ] {
        let judged = school.answer((id, item), (seq, answer), NOW_MS + u64::from(seq));
        assert!(judged.leaf.is_some());
        facts.extend(judged.effects);
        assert_eq!(judged.outcome.unwrap().latest_seq, seq);
    }
    let submitted = school.submit(id, NOW_MS + 9);
    facts.extend(submitted.effects);
    let told = submitted.outcome.unwrap();
    assert_eq!(
        (&told["score"], &told["max"], &told["passed"]),
        (&json!(1.0), &json!(4.0), &json!(false))
    );
    assert_eq!(told["per_item"][0]["comments"], json!(["because"]));
    assert_eq!(school.best(), Some(2500));
    let again = school.submit(id, NOW_MS + 99);
    assert_eq!(again.outcome.unwrap(), told);
    facts.extend(again.effects);
    replayed(&school, &facts);
    let view = school.look(id, NOW_MS + 100).unwrap();
    assert_eq!(
        (&view["state"], &view["result"]),
        (&json!("submitted"), &told)
    );
}

#[test]
fn nothing_is_taken_that_the_item_cannot_be_asked_or_after_the_time() {
    let mut school = School::new();
    let id = school.opened(NOW_MS);
    let mut refused = |place: (AttemptId, &str), answer: Answer, now_ms| {
        let before = school.state.clone();
        let judged = school.answer(place, (1, answer), now_ms);
        assert!(judged.effects.is_empty() && school.state == before);
        judged.outcome.unwrap_err()
    };
    let other = AttemptId([3; 16]);
    assert_eq!(
        refused((other, "q1"), choice(1), NOW_MS),
        Refused::NoAttempt
    );
    assert!(matches!(
        refused((id, "q9"), choice(1), NOW_MS),
        Refused::NoItem
    ));
    assert!(matches!(
        refused((id, "q2"), choice(1), NOW_MS),
        Refused::Misfit(..)
    ));
    assert!(matches!(
        refused((id, "q1"), choice(2), NOW_MS),
        Refused::Misfit(..)
    ));
    let late = refused((id, "q1"), choice(1), NOW_MS + 1_200_000 + 10_001);
    assert_eq!(late, Refused::Answer(AnswerRefusal::TooLate { late_ms: 1 }));
    let in_grace = school.answer((id, "q1"), (1, choice(1)), NOW_MS + 1_210_000);
    assert!(in_grace.outcome.is_ok());
    let taken = school.answer((id, "q1"), (1, choice(0)), NOW_MS + 1);
    assert_eq!(
        taken.outcome.unwrap_err(),
        Refused::Answer(AnswerRefusal::Conflict(1))
    );
}

#[test]
fn an_attempt_is_graded_with_the_version_it_was_opened_with_after_a_restart_too() {
    let mut school = School::new();
    let id = school.opened(NOW_MS);
    let before = school.look(id, NOW_MS).unwrap();
    let replaced = QUIZ.replace("TEXT", "second").replace("[1]", "[0]");
    school.write(&replaced);
    // A new process knows names only.
    school.papers = Arc::new(Papers::open(school.data.path().to_owned()).unwrap());
    let judged = school.answer((id, "q1"), (1, choice(1)), NOW_MS + 1);
    assert!(judged.effects.is_empty());
    let Err(Refused::Fetch(name)) = judged.outcome else {
        panic!("{:?}", judged.outcome)
    };
    school.papers.read(name).unwrap();
    let judged = school.answer((id, "q1"), (1, choice(1)), NOW_MS + 1);
    judged.outcome.unwrap();
    let same = school.open(NOW_MS + 2).outcome.unwrap();
    assert!(!same.1 && json!(same.0)["chunk"] == before["chunk"]);
    let told = school.submit(id, NOW_MS + 3).outcome.unwrap();
    assert_eq!(told["score"], json!(1.0));
    let next = school.opened(NOW_MS + 4);
    assert_ne!(
        school.look(next, NOW_MS + 5).unwrap()["chunk"],
        before["chunk"]
    );
}

#[test]
fn a_phone_that_died_loses_nothing_that_was_acknowledged() {
    let mut school = School::new();
    let id = school.opened(NOW_MS);
    school
        .answer((id, "q1"), (1, choice(1)), NOW_MS + 1)
        .outcome
        .unwrap();
    let view = school.look(id, NOW_MS + 1_205_000).unwrap();
    assert_eq!(
        (&view["state"], &view["result"]),
        (&json!("over"), &Value::Null)
    );
    let view = school.look(id, NOW_MS + 1_210_001).unwrap();
    assert_eq!(view["state"], "submitted");
    assert_eq!(view["result"]["score"], json!(1.0));
    assert_eq!(school.best(), Some(2500));
    // The same when the next attempt is opened and nobody looked.
    let mut school = School::new();
    let id = school.opened(NOW_MS);
    school
        .answer((id, "q1"), (1, choice(1)), NOW_MS + 1)
        .outcome
        .unwrap();
    let next = school.opened(NOW_MS + DAY_MS / 2);
    assert_ne!(next, id);
    assert_eq!(school.best(), Some(2500));
}

#[test]
fn closed_attempts_are_forgotten_after_a_day_and_their_grade_stays() {
    let mut school = School::new();
    let first = school.opened(NOW_MS);
    school
        .answer((first, "q1"), (1, choice(1)), NOW_MS + 1)
        .outcome
        .unwrap();
    school.submit(first, NOW_MS + 2).outcome.unwrap();
    let second = school.opened(NOW_MS + 3);
    assert_eq!(school.kept(), 2);
    school.submit(second, NOW_MS + DAY_MS).outcome.unwrap();
    assert_eq!(school.kept(), 2);
    let third = school.opened(NOW_MS + DAY_MS + 3);
    assert_eq!((school.kept(), school.best()), (2, Some(2500)));
    assert_eq!(
        school.look(first, NOW_MS + DAY_MS + 4),
        Err(Refused::NoAttempt)
    );
    school.submit(third, NOW_MS + DAY_MS + 5).outcome.unwrap();
    let refused = school.open(NOW_MS + 9 * DAY_MS);
    // What was forgotten still counts against the number of attempts.
    assert!(matches!(refused.outcome, Err(Refused::Open(_))));
    assert_eq!((school.kept(), school.best()), (0, Some(2500)));
}

#[test]
fn what_the_device_answered_and_this_node_has_not_seen_is_asked_for_by_name() {
    let mut school = School::new();
    let id = school.opened(NOW_MS);
    school
        .answer((id, "q1"), (4, choice(1)), NOW_MS + 1)
        .outcome
        .unwrap();
    let desk = school.desk(NOW_MS + 2);
    let answered = |pairs: &[(&str, u32)]| -> Vec<(String, u32)> {
        pairs
            .iter()
            .map(|(item, seq)| ((*item).to_owned(), *seq))
            .collect()
    };
    let missing = answered(&[("q1", 4), ("q2", 5)]);
    let judged = desk.submit(&mut school.state, id, DEVICE, &missing);
    assert!(judged.effects.is_empty());
    assert_eq!(
        judged.outcome.unwrap_err(),
        Refused::Missing(vec!["q2".to_owned()])
    );
    let foreign = answered(&[("q7", 1)]);
    let judged = desk.submit(&mut school.state, id, DEVICE, &foreign);
    assert!(matches!(judged.outcome, Err(Refused::NoItem)));
    let whole = answered(&[("q1", 4)]);
    assert!(
        desk.submit(&mut school.state, id, DEVICE, &whole)
            .outcome
            .is_ok()
    );
}
