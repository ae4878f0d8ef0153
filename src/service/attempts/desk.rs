//! Judging what learners want of attempts, under the learner's lock: pure, and quick.

use crate::base::id::AttemptId;
use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::content::Catalogue;
use crate::content::Papers;
use crate::content::Sheet;
use crate::content::SheetName;
use crate::quiz;
use crate::quiz::Key;
use crate::quiz::Reveal;
use crate::service::attempts::Refused;
use crate::service::attempts::body::Given;
use crate::service::attempts::result;
use crate::service::attempts::result::Told;
use crate::service::attempts::tidy::closing_of;
use crate::service::attempts::view::View;
use crate::session::Answer;
use crate::session::Answering;
use crate::session::AttemptKey;
use crate::session::CourseFact;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::QuizRules;
use crate::session::State;
use crate::session::SubmitRefusal;
use crate::session::Timing;
use crate::shards::Judged;
use crate::store::Answered;
use aws_lc_rs::digest;
use std::sync::Arc;

/// What one request is judged with.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    /// Whose attempts.
    pub(crate) learner: LearnerId,
    /// Makes ids and seeds.
    pub(crate) attempt_key: [u8; 32],
    /// The versions that are served.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Those that were.
    pub(crate) papers: Arc<Papers>,
    /// The server's time.
    pub(crate) timing: Timing,
    /// How long closed attempts stay, milliseconds.
    pub(crate) keep_closed_ms: u64,
    /// What URLs of chunks begin with; empty: the host that was asked.
    pub(crate) media_base: Arc<str>,
}

/// What becomes of a wish: facts and what is told, or a refusal.
pub(crate) type Verdict<T> = Judged<Result<T, Refused>>;

/// An answer that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Its number.
    pub(crate) seq: u32,
    /// When it was accepted, unix milliseconds; of a repeated one, the first time.
    pub(crate) at_ms: u64,
    /// What became of it.
    pub(crate) answering: Answering,
    /// The number of the answer that counts now.
    pub(crate) latest_seq: u32,
}

impl Desk {
    /// Opens an attempt at the quiz of these rules, or gives the one that is open; and whether it
    /// is a new one.
    pub(crate) fn open(
        &self,
        state: &mut State,
        course: CourseId,
        rules: &QuizRules,
    ) -> Verdict<(View, bool)> {
        let mut effects = Vec::new();
        let outcome = self.opened(state, (course, rules), &mut effects);
        Judged::changed(outcome, effects)
    }

    fn opened(
        &self,
        state: &mut State,
        (course, rules): (CourseId, &QuizRules),
        effects: &mut Vec<Effect>,
    ) -> Result<(View, bool), Refused> {
        self.ready(state)?;
        if let Some(known) = state.courses.get(course) {
            for (key, attempt) in known.attempts_at(rules.quiz) {
                if attempt.closing().is_none() {
                    self.is_here(course, key)?;
                }
            }
        }
        self.close(state, effects);
        self.settle(state, effects);
        let opening = state.open(course, rules, self.timing)?;
        effects.extend(opening.effects);
        let sheet = self.sheet(course, opening.key)?;
        let known = state.courses.get(course).ok_or(Refused::NoAttempt)?;
        let attempt = known.attempts.get(opening.key).ok_or(Refused::NoAttempt)?;
        let id = self.id_of(course, known.generation, opening.key);
        Ok((self.view(id, &sheet, attempt), opening.fresh))
    }

    /// Takes an answer to the item of that id.
    pub(crate) fn answer(
        &self,
        state: &mut State,
        (id, item): (AttemptId, &str),
        device: DeviceId,
        given: &Given,
    ) -> Verdict<Taken> {
        match self.answered(state, (id, item), device, given) {
            Ok((taken, effect, leaf)) => Judged {
                outcome: Ok(taken),
                effects: vec![effect],
                leaf: Some(leaf),
            },
            Err(refused) => Judged::unchanged(Err(refused)),
        }
    }

    fn answered(
        &self,
        state: &mut State,
        (id, item): (AttemptId, &str),
        device: DeviceId,
        given: &Given,
    ) -> Result<(Taken, Effect, [u8; 32]), Refused> {
        let (course, key, sheet) = self.find(state, id)?;
        let place = sheet.key().place(item).ok_or(Refused::NoItem)?;
        let right = sheet.key().item(item).ok_or(Refused::NoItem)?;
        if let Some(answer) = &given.answer {
            let misfit = |misfit| Refused::Misfit(answer.member().0, misfit);
            right.fits(answer).map_err(misfit)?;
        }
        let answer = Answer {
            seq: given.seq,
            device,
            body: quiz::Answer::encode(given.answer.as_ref()).into(),
            at_ms: self.timing.now_ms,
            elapsed_ms: given.elapsed_ms,
        };
        let grace_ms = self.timing.grace_ms;
        let (answering, effect) = state.answer((course, key), place, answer, grace_ms)?;
        let accepted = answer_of(&effect).ok_or(Refused::NoAttempt)?;
        let leaf = Answered {
            learner: self.learner,
            attempt: id,
            item,
            seq: accepted.seq,
            device: accepted.device,
            body_sha256: sha256(&accepted.body),
            at_ms: accepted.at_ms,
        };
        let known = state.courses.get(course);
        let attempt = known.and_then(|known| known.attempts.get(key));
        let latest = attempt.and_then(|attempt| attempt.counted().get(place));
        let taken = Taken {
            seq: accepted.seq,
            at_ms: accepted.at_ms,
            answering,
            latest_seq: latest.map_or(accepted.seq, |latest| latest.seq),
        };
        let leaf = leaf.leaf();
        Ok((taken, effect, leaf))
    }

    /// Closes an attempt; `answered` lists the items that the device says it answered, with the
    /// number of the last answer to each.
    pub(crate) fn submit(
        &self,
        state: &mut State,
        id: AttemptId,
        device: DeviceId,
        answered: &[(String, u32)],
    ) -> Verdict<Told> {
        let mut effects = Vec::new();
        let outcome = self.submitted(state, (id, device), answered, &mut effects);
        Judged::changed(outcome, effects)
    }

    fn submitted(
        &self,
        state: &mut State,
        (id, device): (AttemptId, DeviceId),
        answered: &[(String, u32)],
        effects: &mut Vec<Effect>,
    ) -> Result<Told, Refused> {
        let (course, key, sheet) = self.find(state, id)?;
        self.ready(state)?;
        let places = answered.iter().map(|(item, seq)| {
            let place = sheet.key().place(item);
            Ok((place.ok_or(Refused::NoItem)?, *seq))
        });
        let places = places.collect::<Result<Vec<_>, Refused>>()?;
        let closed = state.submit((course, key), device, &places, self.timing);
        let closed = closed.map_err(|refusal| match refusal {
            SubmitRefusal::NoAttempt => Refused::NoAttempt,
            SubmitRefusal::Missing(places) => {
                let ids = places.iter().filter_map(|place| sheet.key().id_at(*place));
                Refused::Missing(ids.map(str::to_owned).collect())
            }
        })?;
        let (_, _, closing) = closing_of(&closed).ok_or(Refused::NoAttempt)?;
        let outcome = result::outcome(sheet.key(), &closing.answers);
        let told = Told::of(&outcome, self.reveals(sheet.key()));
        let graded = state.grade(course, key.quiz, outcome.mark.parts(), 0);
        effects.extend([closed, graded]);
        self.close(state, effects);
        self.settle(state, effects);
        Ok(told)
    }

    /// An attempt as it stands. One whose time is over closes by being looked at.
    pub(crate) fn look(&self, state: &mut State, id: AttemptId) -> Verdict<View> {
        let mut effects = Vec::new();
        let outcome = self.looked(state, id, &mut effects);
        Judged::changed(outcome, effects)
    }

    fn looked(
        &self,
        state: &mut State,
        id: AttemptId,
        effects: &mut Vec<Effect>,
    ) -> Result<View, Refused> {
        let (course, key, sheet) = self.find(state, id)?;
        self.ready(state)?;
        self.close(state, effects);
        let known = state.courses.get(course);
        let attempt = known.and_then(|known| known.attempts.get(key));
        let attempt = attempt.filter(|attempt| attempt.is_opened());
        Ok(self.view(id, &sheet, attempt.ok_or(Refused::NoAttempt)?))
    }

    fn find(&self, state: &State, id: AttemptId) -> Result<(CourseId, AttemptKey, Sheet), Refused> {
        let found = state.find(&self.attempt_key, self.learner, id);
        let (course, key) = found.ok_or(Refused::NoAttempt)?;
        Ok((course, key, self.sheet(course, key)?))
    }

    /// The version of the quiz that an attempt was opened with.
    pub(super) fn sheet(&self, course: CourseId, key: AttemptKey) -> Result<Sheet, Refused> {
        let name = SheetName {
            course,
            quiz: key.quiz,
            version: key.version,
        };
        if let Some(served) = self.catalogue.sheet_of(name) {
            return Ok(served);
        }
        let kept = self.papers.find(name).ok_or(Refused::NoPaper)?;
        kept.ok_or(Refused::Fetch(name))
    }

    /// Whether that version need not be read from the disk first.
    ///
    /// # Errors
    /// [`Refused::Fetch`].
    pub(super) fn is_here(&self, course: CourseId, key: AttemptKey) -> Result<(), Refused> {
        match self.sheet(course, key) {
            Err(fetch @ Refused::Fetch(_)) => Err(fetch),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// What is told of single items now; until the last who may sit the quiz has handed in, no more
    /// than the result.
    pub(super) fn reveals(&self, key: &Key) -> Reveal {
        let Timing { now_ms, grace_ms } = self.timing;
        key.reveals(now_ms.saturating_sub(grace_ms))
    }
}

/// The answer that a fact is about.
const fn answer_of(effect: &Effect) -> Option<&Answer> {
    let Fact::Course {
        fact: CourseFact::Answered(_, _, answer),
        ..
    } = &effect.fact
    else {
        return None;
    };
    Some(answer)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
