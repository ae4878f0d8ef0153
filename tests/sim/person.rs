//! A learner at one device, who does one thing after the other and repeats what was not answered.

use crate::random::Random;
use lamplight::base::id::CourseId;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LearnerId;
use lamplight::base::id::QuizId;
use lamplight::session::Answer;
use lamplight::session::AttemptKey;
use lamplight::session::Body;
use lamplight::session::Effect;
use lamplight::session::Fact;
use lamplight::session::Profile;
use lamplight::session::QuizRules;
use lamplight::session::State;
use lamplight::session::Timing;

pub(crate) const COURSE: CourseId = CourseId(7);
pub(crate) const ITEMS: u16 = 4;
const RULES: QuizRules = QuizRules {
    quiz: QuizId(3),
    version: 1,
    opens_ms: 0,
    closes_ms: u64::MAX,
    time_limit_ms: None,
    attempts_max: Some(2),
};

/// What a person asks of a node.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    SignIn(DeviceId),
    Enrol,
    Open,
    Answer(AttemptKey, u16, Answer),
    Submit(AttemptKey, DeviceId),
    SignOutEverywhere,
    Erase,
    /// Nothing is changed.
    Look,
}

/// What the person hears.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Done,
    Opened(AttemptKey),
    Refused,
}

pub(crate) struct Person {
    pub(crate) learner: LearnerId,
    device: DeviceId,
    /// Number of the request that is waited for; replies to others are late.
    pub(crate) ticket: u64,
    pub(crate) node: usize,
    step: usize,
    refusals: u32,
    attempt: Option<AttemptKey>,
    erases: bool,
}

/// Refusals after which a person goes on with the evening.
const PATIENCE: u32 = 16;
/// Steps of the day: sign in, enrol, open, answers (each item twice), submit, one more sign-in.
const LAST_STEP: usize = 5 + 2 * ITEMS as usize;

impl Person {
    pub(crate) fn new(number: u8, learner: u8, node: usize, random: &mut Random) -> Self {
        Self {
            learner: LearnerId([learner; 16]),
            device: DeviceId([number + 1; 16]),
            ticket: 0,
            node,
            step: 0,
            refusals: 0,
            attempt: None,
            erases: random.one_in(12),
        }
    }

    /// What to ask next; `None`: the day is over.
    pub(crate) fn command(&self) -> Option<Command> {
        let first = 3;
        let last = first + 2 * usize::from(ITEMS);
        Some(match self.step {
            0 => Command::SignIn(self.device),
            1 => Command::Enrol,
            2 => Command::Open,
            step if step < last => {
                let number = (step - first) as u16;
                let body = [self.device.0[0], number as u8];
                let answer = Answer {
                    seq: u32::from(number) + 1,
                    device: self.device,
                    body: Body::from_slice(&body),
                    at_ms: 0,
                    elapsed_ms: 5,
                };
                Command::Answer(self.attempt?, number % ITEMS, answer)
            }
            step if step == last => Command::Submit(self.attempt?, self.device),
            step if step == last + 1 && self.erases => Command::Erase,
            step if step == last + 1 => Command::SignIn(self.device),
            _ => return None,
        })
    }

    /// Hears what became of it.
    pub(crate) fn hear(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done => self.step += 1,
            Outcome::Opened(key) => {
                self.attempt = Some(*key);
                self.step += 1;
            }
            Outcome::Refused => {
                self.refusals += 1;
                // The node may not know what happened elsewhere: say it all again. What is
                // refused for good is left after a while, and in the end the whole attempt: the
                // other device may have used up all there were.
                self.step = match self.refusals {
                    PATIENCE.. => LAST_STEP - 1,
                    refusals if refusals.is_multiple_of(4) => self.step + 1,
                    _ => self.step.min(1),
                };
            }
        }
        self.step = self.step.min(LAST_STEP);
    }
}

/// Judges a command: what is decided, and what to say once the disk has it.
pub(crate) fn judge(state: &mut State, command: &Command, now_ms: u64) -> (Vec<Effect>, Outcome) {
    let now_s = (now_ms / 1000) as u32;
    let timing = Timing {
        now_ms,
        grace_ms: 0,
    };
    let done = |effects| (effects, Outcome::Done);
    let refused = || (Vec::new(), Outcome::Refused);
    match command {
        Command::SignIn(device) => {
            let profile = Profile {
                at_s: now_s,
                locality: None,
                unit: None,
            };
            done(state.sign_in(*device, profile, now_s).0)
        }
        Command::Enrol => match state.enrol(COURSE, now_s) {
            // Known already, but what says so may not be on the disk yet: it is said again, whole.
            Ok(None) => {
                let fact = Fact::Known(Box::new(state.clone()));
                let generation = state.generation;
                done(vec![Effect { generation, fact }])
            }
            Ok(Some(effect)) => done(vec![effect]),
            Err(_full) => refused(),
        },
        Command::Open => match state.open(COURSE, &RULES, timing) {
            Ok(opening) => (opening.effects, Outcome::Opened(opening.key)),
            Err(_why) => refused(),
        },
        Command::Answer(key, item, answer) => {
            let at_ms = now_ms;
            let answer = Answer {
                at_ms,
                ..answer.clone()
            };
            match state.answer((COURSE, *key), *item, answer, 0) {
                Ok((_, effect)) => done(vec![effect]),
                Err(_why) => refused(),
            }
        }
        Command::Submit(key, device) => {
            let given = |item| (item, u32::from(item + ITEMS) + 1);
            let given: Vec<_> = (0..ITEMS).map(given).collect();
            match state.submit((COURSE, *key), *device, &given, timing) {
                Ok(effect) => done(vec![effect]),
                Err(_why) => refused(),
            }
        }
        Command::SignOutEverywhere => done(vec![state.sign_out_everywhere()]),
        Command::Erase => done(state.erase().to_vec()),
        Command::Look => done(Vec::new()),
    }
}
