//! Facts about a learner, and how a state takes them in.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::id::QuizId;
use crate::progress::Allowance;
use crate::progress::Record;
use crate::progress::Watched;
use crate::session::Answer;
use crate::session::AttemptKey;
use crate::session::Closing;
use crate::session::Course;
use crate::session::Device;
use crate::session::Profile;
use crate::session::Standing;
use crate::session::State;
use crate::session::state::keep_last;

/// One fact of one generation of a learner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The learner's generation in which it was decided; a state of a higher one ignores it.
    pub generation: u32,
    /// What was decided.
    pub fact: Fact,
}

/// What can be true of a learner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The generation began: what was before is erased.
    Erased,
    /// Sessions of lower epochs are dead.
    Epoch(u32),
    /// The issuer said where the learner belongs.
    Profile(Profile),
    /// A device was used.
    Device(DeviceId, Device),
    /// Sessions that began on a device until then are dead, unix seconds.
    SignedOut(DeviceId, u32),
    /// All that a copy of the state knows, of whichever generation it is.
    Known(Box<State>),
    /// Something in a course.
    Course {
        /// Which.
        course: CourseId,
        /// The course's generation in which it was decided.
        generation: u32,
        /// What was decided.
        fact: CourseFact,
    },
}

/// What can be true of a learner in a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CourseFact {
    /// The generation began: un-enrolled, or reset by a teacher.
    Began,
    /// Enrolled, unix seconds.
    Enrolled(u32),
    /// A beat counted.
    Watched {
        /// Of which lesson.
        lesson: LessonId,
        /// On which device.
        device: DeviceId,
        /// When the beat was accepted, and the highest number of that device's beats then.
        heard: Device,
        /// What counted.
        watched: Watched,
        /// What may still be claimed.
        allowance: Allowance,
    },
    /// An attempt was opened: when, and until when, unix milliseconds.
    Opened(AttemptKey, u64, u64),
    /// An answer to the item at this place of the chunk was accepted.
    Answered(AttemptKey, u16, Answer),
    /// An attempt was closed.
    Closed(AttemptKey, Closing),
    /// A grade, or an attempt graded for good.
    Graded(QuizId, Standing),
}

impl Effect {
    /// Whether sessions end by it, so that other nodes must hear of it soon.
    pub const fn ends_sessions(&self) -> bool {
        matches!(
            self.fact,
            Fact::Epoch(_) | Fact::SignedOut(..) | Fact::Erased
        )
    }
}

impl State {
    /// Adds one fact. The same as joining a state that knows nothing else.
    pub fn apply(&mut self, effect: &Effect) {
        if let Fact::Known(copy) = &effect.fact {
            return self.join(copy);
        }
        if let Fact::Epoch(epoch) = effect.fact {
            self.epoch = self.epoch.max(epoch);
        }
        if effect.generation > self.generation {
            let epoch = self.epoch;
            *self = Self::default();
            (self.epoch, self.generation) = (epoch, effect.generation);
        }
        if effect.generation < self.generation {
            return;
        }
        match &effect.fact {
            Fact::Erased | Fact::Epoch(_) | Fact::Known(_) => {}
            Fact::Profile(profile) => {
                self.profile = self.profile.take().max(Some(profile.clone()));
            }
            Fact::Device(id, device) => keep_last(&mut self.devices, *id, *device),
            Fact::SignedOut(id, at_s) => keep_last(&mut self.signed_out, *id, *at_s),
            Fact::Course {
                course,
                generation,
                fact,
            } => self.apply_in(*course, *generation, fact),
        }
    }

    fn apply_in(&mut self, course: CourseId, generation: u32, fact: &CourseFact) {
        if let CourseFact::Watched {
            device,
            heard,
            allowance,
            ..
        } = fact
        {
            // Of the learner, not of the course: true whatever became of the course meanwhile.
            keep_last(&mut self.devices, *device, *heard);
            self.allowance.get_or_insert(*allowance).join(*allowance);
        }
        let known = self.courses.entry(course, || Course::new(generation));
        if known.generation < generation {
            *known = Course::new(generation);
        }
        if known.generation == generation {
            known.apply(fact);
        }
    }
}

impl Course {
    fn apply(&mut self, fact: &CourseFact) {
        match fact {
            CourseFact::Began => {}
            CourseFact::Enrolled(at_s) => {
                let known = [self.enrolled_s, Some(*at_s)];
                self.enrolled_s = known.into_iter().flatten().min();
            }
            CourseFact::Watched {
                lesson,
                device,
                watched,
                ..
            } => {
                let record = self.lessons.entry(*lesson, Record::default);
                record.apply(*device, watched);
            }
            CourseFact::Opened(key, opened_ms, deadline_ms) => {
                let standing = self.quizzes.entry(key.quiz, Standing::default);
                standing.opened = standing.opened.max(key.ordinal);
                let attempt = self.attempts.entry(*key, Default::default);
                attempt.opened_ms = attempt.opened_ms.min(*opened_ms);
                attempt.deadline_ms = attempt.deadline_ms.min(*deadline_ms);
                self.settle();
            }
            CourseFact::Answered(key, item, answer) => {
                let attempt = self.attempts.entry(*key, Default::default);
                attempt.apply_answer(*item, answer);
                self.settle();
            }
            CourseFact::Closed(key, closing) => {
                let attempt = self.attempts.entry(*key, Default::default);
                attempt.apply_closing(closing);
                self.settle();
            }
            CourseFact::Graded(quiz, standing) => {
                self.quizzes.entry(*quiz, Standing::default).join(*standing);
                self.settle();
            }
        }
    }
}
