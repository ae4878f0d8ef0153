//! What learners do in a run: sign in, watch, sit a quiz; each on a connection of their own.
//!
//! A [`Learner`] knows the next call and checks its reply; nothing here does I/O. Learners are
//! named by the run's seed and their number, so the same seed meets the same learners again.

use crate::cli::Learn;
use crate::plan::hex;
use aws_lc_rs::digest;
use serde::Deserialize;
use std::fmt::Write as _;

/// Beats of one call.
const BATCH: u32 = 5;
/// Milliseconds an answer is said to have taken; less than three seconds would be a rapid guess.
const ELAPSED_MS: u32 = 7_200;

/// What the load consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// A session begins, again and again.
    Login,
    /// Beats of a player, five a call.
    Beats,
    /// Answers to the items of an open attempt in turn.
    Answers,
    /// Every learner opens one attempt.
    ExamStart,
}

/// What all learners of a run have in common.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// What the load is.
    pub(crate) activity: Activity,
    course: String,
    lesson: String,
    quiz: String,
    length_ms: u32,
    beat_ms: u32,
    /// Item and the members that answer it.
    answers: Vec<(String, String)>,
    seed: u64,
}

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The development issuer's token.
    Token,
    /// The session.
    Session,
    /// Into the course.
    Enrol,
    /// An attempt is opened.
    Open,
    /// Beats up to this number.
    Beats(u32),
    /// The answer of this number.
    Answer(u32),
}

impl Step {
    /// The call as documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Token => "POST /v1/dev/token",
            Self::Session => "POST /v1/sessions",
            Self::Enrol => "POST /v1/enrolments",
            Self::Open => "POST /v1/attempts",
            Self::Beats(_) => "POST /v1/session/beats",
            Self::Answer(_) => "PUT answer",
        }
    }
}

/// A call to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// Which one.
    pub(crate) step: Step,
    /// Method token.
    pub(crate) method: &'static str,
    /// Request target.
    pub(crate) path: String,
    /// JSON.
    pub(crate) body: String,
}

/// One learner.
#[derive(Debug)]
pub(crate) struct Learner {
    number: u64,
    /// Of the issuer.
    token: Box<str>,
    /// Of the server; empty before.
    session: Box<str>,
    enrolled: bool,
    attempt: Box<str>,
    seq: u32,
    at_ms: u32,
    played_ms: u32,
}

#[derive(Deserialize)]
struct Signed<'a> {
    #[serde(borrow, alias = "session", alias = "attempt")]
    token: &'a str,
}

#[derive(Deserialize)]
struct Heard<'a> {
    accepted_through: u32,
    durable_through: Option<u32>,
    #[serde(borrow)]
    rejected: Vec<Rejected<'a>>,
}

#[derive(Deserialize)]
struct Rejected<'a> {
    #[serde(borrow)]
    reason: &'a str,
}

#[derive(Deserialize)]
struct Kept<'a> {
    seq: u32,
    #[serde(borrow)]
    receipt: &'a str,
    #[serde(borrow)]
    durable: &'a str,
}

impl Lesson {
    /// What the command line asks for.
    pub(crate) fn of(activity: Activity, learn: &Learn) -> Self {
        let milliseconds = |span: lamplight::base::units::Span| {
            u32::try_from(span.duration().as_millis()).unwrap_or(u32::MAX)
        };
        Self {
            activity,
            course: learn.course.clone(),
            lesson: learn.lesson.clone(),
            quiz: learn.quiz.clone(),
            length_ms: milliseconds(learn.length).max(1),
            beat_ms: milliseconds(learn.beat).max(1),
            answers: learn.answers.iter().map(|a| a.0.clone()).collect(),
            seed: learn.load.common.seed,
        }
    }
}

impl Learner {
    /// The learner of that number, who has done nothing yet.
    pub(crate) fn new(number: u64) -> Self {
        Self {
            number,
            token: Box::default(),
            session: Box::default(),
            enrolled: false,
            attempt: Box::default(),
            seq: 0,
            at_ms: 0,
            played_ms: 0,
        }
    }

    /// What has to be done before the load; `None` when all is.
    pub(crate) fn prepare(&self, lesson: &Lesson) -> Option<Call> {
        let logs_in = lesson.activity == Activity::Login;
        if self.token.is_empty() {
            Some(self.sign(lesson))
        } else if logs_in {
            None
        } else if self.session.is_empty() {
            Some(self.begin(lesson))
        } else if !self.enrolled {
            let body = format!(r#"{{"course":"{}"}}"#, lesson.course);
            Some(post(Step::Enrol, "/v1/enrolments", body))
        } else if lesson.activity == Activity::Answers && self.attempt.is_empty() {
            Some(open(lesson))
        } else {
            None
        }
    }

    /// The next call of the load.
    pub(crate) fn act(&mut self, lesson: &Lesson) -> Call {
        match lesson.activity {
            Activity::Login => self.begin(lesson),
            Activity::Beats => self.watch(lesson),
            Activity::Answers => self.answer(lesson),
            Activity::ExamStart => open(lesson),
        }
    }

    /// What the call shows.
    pub(crate) fn authorization(&self, step: Step) -> Option<String> {
        match step {
            Step::Token => None,
            Step::Session => Some(format!("Bearer {}", self.token)),
            Step::Enrol | Step::Open | Step::Beats(_) | Step::Answer(_) => {
                Some(format!("Bearer {}", self.session))
            }
        }
    }

    /// Reads a reply; the sentence says what is wrong with it.
    pub(crate) fn take(&mut self, step: Step, status: u16, body: &[u8]) -> Result<(), String> {
        if !matches!(status, 200 | 201) {
            let kind = problem(body).unwrap_or_default();
            return Err(format!("status {status}{kind}"));
        }
        match step {
            Step::Token => self.token = word(body)?,
            Step::Session => self.session = word(body)?,
            Step::Enrol => self.enrolled = true,
            Step::Open => self.attempt = word(body)?,
            Step::Beats(seq) => heard(seq, read(body)?)?,
            Step::Answer(seq) => kept(seq, read(body)?)?,
        }
        Ok(())
    }

    fn sign(&self, lesson: &Lesson) -> Call {
        let name = format!("load-{}-{}", lesson.seed, self.number);
        let body = format!(r#"{{"learner":"{name}"}}"#);
        post(Step::Token, "/v1/dev/token", body)
    }

    fn begin(&self, lesson: &Lesson) -> Call {
        let body = format!(r#"{{"device":"{}"}}"#, self.device(lesson));
        post(Step::Session, "/v1/sessions", body)
    }

    /// A device of this learner alone, the same in every run of the seed.
    fn device(&self, lesson: &Lesson) -> String {
        let name = format!("device {} {}", lesson.seed, self.number);
        let hash = digest::digest(&digest::SHA256, name.as_bytes());
        let digits = hex(hash.as_ref().get(..16).unwrap_or_default());
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let (a, b, c) = (part(0, 8), part(8, 12), part(13, 16));
        format!("{a}-{b}-4{c}-8{}-{}", part(17, 20), part(20, 32))
    }

    fn watch(&mut self, lesson: &Lesson) -> Call {
        let mut body = String::from(r#"{"beats":["#);
        for n in 0..BATCH {
            if self.at_ms + lesson.beat_ms > lesson.length_ms {
                self.at_ms = 0;
            }
            let (from, to) = (self.at_ms, self.at_ms + lesson.beat_ms);
            self.seq += 1;
            self.at_ms = to;
            self.played_ms = self.played_ms.saturating_add(lesson.beat_ms);
            let comma = if n == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _written = write!(
                body,
                r#"{comma}{{"seq":{},"course":"{}","lesson":"{}","from_ms":{from},"to_ms":{to},"rate":1,"played_total_ms":{},"visible_total_ms":{}}}"#,
                self.seq, lesson.course, lesson.lesson, self.played_ms, self.played_ms
            );
        }
        body.push_str("]}");
        post(Step::Beats(self.seq), "/v1/session/beats", body)
    }

    fn answer(&mut self, lesson: &Lesson) -> Call {
        let turn = self.seq as usize % lesson.answers.len().max(1);
        let (item, members) = lesson
            .answers
            .get(turn)
            .map_or(("q1", r#""choice":[0]"#), |(item, m)| (item, m));
        self.seq += 1;
        Call {
            step: Step::Answer(self.seq),
            method: "PUT",
            path: format!("/v1/attempts/{}/answers/{item}", self.attempt),
            body: format!(
                r#"{{"seq":{},{members},"elapsed_ms":{ELAPSED_MS}}}"#,
                self.seq
            ),
        }
    }
}

fn post(step: Step, path: &str, body: String) -> Call {
    Call {
        step,
        method: "POST",
        path: path.to_owned(),
        body,
    }
}

fn open(lesson: &Lesson) -> Call {
    let body = format!(
        r#"{{"course":"{}","quiz":"{}"}}"#,
        lesson.course, lesson.quiz
    );
    post(Step::Open, "/v1/attempts", body)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|_error| "not the promised JSON".to_owned())
}

fn word(body: &[u8]) -> Result<Box<str>, String> {
    let signed: Signed<'_> = read(body)?;
    match signed.token {
        "" => Err("an empty token".to_owned()),
        token => Ok(token.into()),
    }
}

fn heard(seq: u32, reply: Heard<'_>) -> Result<(), String> {
    if let Some(Rejected { reason }) = reply.rejected.first() {
        return Err(format!("a beat was rejected: {reason}"));
    }
    if reply.accepted_through < seq {
        return Err("a beat was not accepted".to_owned());
    }
    if reply.durable_through.is_none_or(|durable| durable < seq) {
        return Err("a beat is not durable".to_owned());
    }
    Ok(())
}

fn kept(seq: u32, reply: Kept<'_>) -> Result<(), String> {
    if reply.seq != seq {
        return Err("the acknowledgement of another answer".to_owned());
    }
    if reply.receipt.is_empty() || reply.durable != "disk" {
        return Err("an acknowledgement without receipt".to_owned());
    }
    Ok(())
}

/// The problem's type, for counting.
fn problem(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem<'a> {
        #[serde(borrow, rename = "type")]
        kind: &'a str,
    }
    let problem: Problem<'_> = serde_json::from_slice(body).ok()?;
    let slug = problem.kind.rsplit('/').next()?;
    Some(format!(" {slug}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(activity: Activity) -> Lesson {
        Lesson {
            activity,
            course: "c".into(),
            lesson: "l".into(),
            quiz: "q".into(),
            length_ms: 1_000,
            beat_ms: 300,
            answers: vec![
                ("q1".into(), r#""choice":[1]"#.into()),
                ("q2".into(), r#""truth":true"#.into()),
            ],
            seed: 7,
        }
    }

    fn prepared(activity: Activity) -> (Learner, Lesson, Vec<Step>) {
        let (mut learner, lesson) = (Learner::new(3), lesson(activity));
        let mut steps = Vec::new();
        while let Some(call) = learner.prepare(&lesson) {
            let reply: &[u8] = match call.step {
                Step::Token => br#"{"token":"t"}"#,
                Step::Session => br#"{"session":"s","learner":"x"}"#,
                Step::Open => br#"{"attempt":"a","course":"c"}"#,
                Step::Enrol | Step::Beats(_) | Step::Answer(_) => b"{}",
            };
            steps.push(call.step);
            learner.take(call.step, 201, reply).unwrap();
        }
        (learner, lesson, steps)
    }

    #[test]
    fn each_activity_is_prepared_as_far_as_it_needs() {
        use Step::Enrol;
        use Step::Open;
        use Step::Session;
        use Step::Token;
        let all = [
            (Activity::Login, &[Token][..]),
            (Activity::Beats, &[Token, Session, Enrol]),
            (Activity::ExamStart, &[Token, Session, Enrol]),
            (Activity::Answers, &[Token, Session, Enrol, Open]),
        ];
        for (activity, wanted) in all {
            assert_eq!(prepared(activity).2, wanted, "{activity:?}");
        }
    }

    #[test]
    fn answers_go_through_the_items_and_beats_through_the_lesson() {
        let (mut learner, lesson, _) = prepared(Activity::Answers);
        let paths = [1, 2, 3].map(|_| learner.act(&lesson).path);
        assert!(paths[0].ends_with("/a/answers/q1") && paths[1].ends_with("/q2"));
        assert_eq!(paths[0], paths[2]);
        let (mut learner, lesson, _) = prepared(Activity::Beats);
        let call = learner.act(&lesson);
        assert_eq!(call.step, Step::Beats(5));
        let froms = call.body.matches(r#""from_ms":0,"#).count();
        assert_eq!(
            froms, 2,
            "three beats of 300 ms fit a second: {}",
            call.body
        );
        let value: serde_json::Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(value["beats"][4]["played_total_ms"], 1_500);
    }

    #[test]
    fn a_lie_about_an_answer_or_a_beat_has_a_name() {
        let (mut learner, _, _) = prepared(Activity::Answers);
        let mut says = |step, body: &str| learner.take(step, 200, body.as_bytes());
        let answer = Step::Answer(4);
        assert!(says(answer, r#"{"seq":4,"receipt":"r","durable":"disk"}"#).is_ok());
        for lie in [
            r#"{"seq":5,"receipt":"r","durable":"disk"}"#,
            r#"{"seq":4,"receipt":"","durable":"disk"}"#,
            r#"{"seq":4,"receipt":"r","durable":"memory"}"#,
            r#"{"seq":4}"#,
            "",
        ] {
            assert!(says(answer, lie).is_err(), "{lie}");
        }
        let beats = Step::Beats(10);
        let right = r#"{"accepted_through":10,"durable_through":10,"rejected":[]}"#;
        assert!(says(beats, right).is_ok());
        for lie in [
            r#"{"accepted_through":9,"durable_through":10,"rejected":[]}"#,
            r#"{"accepted_through":10,"durable_through":9,"rejected":[]}"#,
            r#"{"accepted_through":10,"durable_through":null,"rejected":[]}"#,
        ] {
            assert!(says(beats, lie).is_err(), "{lie}");
        }
        let rejected = r#"{"accepted_through":10,"durable_through":10,
            "rejected":[{"seq":9,"reason":"implausible"}]}"#;
        assert_eq!(
            says(beats, rejected).unwrap_err(),
            "a beat was rejected: implausible"
        );
        let problem = br#"{"type":"/problems/storage-full","status":503}"#;
        let said = learner.take(answer, 503, problem).unwrap_err();
        assert_eq!(said, "status 503 storage-full");
    }

    #[test]
    fn devices_are_uuids_and_differ() {
        let lesson = lesson(Activity::Login);
        let of = |number| Learner::new(number).device(&lesson);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).len(), 36);
    }
}
