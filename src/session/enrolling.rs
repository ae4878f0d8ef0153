//! Commands about the learner and the courses: each gives the effects it had on the state.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::limits::COURSES_PER_LEARNER_MAX;
use crate::session::Course;
use crate::session::CourseFact;
use crate::session::Device;
use crate::session::Effect;
use crate::session::Fact;
use crate::session::Profile;
use crate::session::State;

/// Seconds after which it is news that a device is in use.
const NEWS_S: u32 = 60;

/// A learner has been in as many courses as a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a learner can be in at most {COURSES_PER_LEARNER_MAX} courses, left ones included")]
pub struct TooManyCourses;

impl State {
    /// A session begins: the device is known, and where the learner belongs. Gives the facts that
    /// are new, and the second from which the session counts as begun. That a device was used twice
    /// within [`NEWS_S`] is no news, so that signing in again and again writes nothing.
    pub fn sign_in(
        &mut self,
        device: DeviceId,
        profile: Profile,
        now_s: u32,
    ) -> (Vec<Effect>, u32) {
        let signed_out_s = self.signed_out.get(device).copied().unwrap_or(0);
        let mut effects = Vec::new();
        let same =
            |known: &Profile| known.locality == profile.locality && known.unit == profile.unit;
        if !self.profile.as_ref().is_some_and(same) {
            effects.push(self.effect(Fact::Profile(profile)));
        }
        let seen = Device {
            seen_s: now_s,
            accepted: self.accepted_of(device),
        };
        let known = self.devices.get(device);
        if known.is_none_or(|known| known.seen_s.saturating_add(NEWS_S) <= now_s) {
            effects.push(self.effect(Fact::Device(device, seen)));
        }
        effects.iter().for_each(|effect| self.apply(effect));
        // Signing in again in the second of a sign-out must not begin a dead session.
        (effects, now_s.max(signed_out_s.saturating_add(1)))
    }

    /// Sessions that began on this device until now are dead.
    pub fn sign_out(&mut self, device: DeviceId, now_s: u32) -> Effect {
        self.done(Fact::SignedOut(device, now_s))
    }

    /// All sessions are dead.
    pub fn sign_out_everywhere(&mut self) -> Effect {
        self.done(Fact::Epoch(self.epoch.saturating_add(1)))
    }

    /// Forgets the learner and ends all sessions. The journal forgets when its segments go.
    pub fn erase(&mut self) -> [Effect; 2] {
        let epoch = self.sign_out_everywhere();
        let erased = Effect {
            generation: self.generation.saturating_add(1),
            fact: Fact::Erased,
        };
        self.apply(&erased);
        [epoch, erased]
    }

    /// Enrols the learner; no effect if that is so already.
    ///
    /// # Errors
    /// [`TooManyCourses`] if the learner has been in as many as a state holds.
    pub fn enrol(
        &mut self,
        course: CourseId,
        now_s: u32,
    ) -> Result<Option<Effect>, TooManyCourses> {
        let known = self.courses.get(course);
        if known.is_some_and(|known| known.enrolled_s.is_some()) {
            return Ok(None);
        }
        if known.is_none() && self.courses.len() >= COURSES_PER_LEARNER_MAX {
            return Err(TooManyCourses);
        }
        let fact = CourseFact::Enrolled(now_s);
        Ok(Some(self.done(self.fact_in(course, fact))))
    }

    /// Un-enrols the learner and forgets the course; no effect if there is nothing to forget.
    pub fn leave(&mut self, course: CourseId) -> Option<Effect> {
        let known = self.courses.get(course)?;
        if *known == Course::new(known.generation) {
            return None;
        }
        let generation = known.generation.saturating_add(1);
        let fact = CourseFact::Began;
        Some(self.done(Fact::Course {
            course,
            generation,
            fact,
        }))
    }

    /// A teacher's reset: the course begins anew, the learner stays enrolled.
    pub fn reset(&mut self, course: CourseId) -> Option<[Effect; 2]> {
        let enrolled_s = self.courses.get(course)?.enrolled_s?;
        let began = self.leave(course)?;
        let fact = CourseFact::Enrolled(enrolled_s);
        Some([began, self.done(self.fact_in(course, fact))])
    }

    /// The highest number of a device's beats that was accepted here.
    pub(super) fn accepted_of(&self, device: DeviceId) -> u32 {
        self.devices.get(device).map_or(0, |known| known.accepted)
    }

    /// The present generation's fact.
    pub(super) const fn effect(&self, fact: Fact) -> Effect {
        Effect {
            generation: self.generation,
            fact,
        }
    }

    /// A fact of a course in its present generation.
    pub(super) fn fact_in(&self, course: CourseId, fact: CourseFact) -> Fact {
        let generation = self.courses.get(course).map_or(0, |known| known.generation);
        Fact::Course {
            course,
            generation,
            fact,
        }
    }

    /// Applies a fact and gives its effect.
    pub(super) fn done(&mut self, fact: Fact) -> Effect {
        let effect = self.effect(fact);
        self.apply(&effect);
        effect
    }
}
