//! The command of players: beats, up to 500 a call.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::limits::LESSONS_PER_COURSE_MAX;
use crate::progress;
use crate::progress::Allowance;
use crate::progress::Beat;
use crate::progress::Record;
use crate::progress::judge;
use crate::session::CourseFact;
use crate::session::Device;
use crate::session::Effect;
use crate::session::State;

/// A beat and the lesson it is of, which the catalogue knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LessonBeat {
    /// Number of the beat on its device, growing.
    pub seq: u32,
    /// The lesson's course.
    pub course: CourseId,
    /// The lesson.
    pub lesson: LessonId,
    /// Its length.
    pub length_ms: u32,
    /// What the player says.
    pub beat: Beat,
}

/// What became of a call's beats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watching {
    /// Facts for the journal, in order; none for a beat that was known.
    pub effects: Vec<Effect>,
    /// Beats of which something does not count, by number, with the reason.
    pub rejected: Vec<(u32, BeatRefusal)>,
    /// The highest number of this device that was accepted, now or before.
    pub accepted_through: u32,
}

/// Why a beat, or a part of it, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeatRefusal {
    /// Enrol first.
    #[error("the learner is not enrolled in the course")]
    NotEnrolled,
    /// More lessons than a state holds.
    #[error("the course has more lessons than a learner's state holds")]
    TooManyLessons,
    /// The beat itself is at fault.
    #[error(transparent)]
    Beat(#[from] progress::Refusal),
}

impl BeatRefusal {
    /// A word for replies and counters.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::TooManyLessons => "too_many_lessons",
            Self::Beat(refusal) => refusal.reason(),
        }
    }
}

impl State {
    /// Judges the beats of one device and applies what counts. The caller bounds their number.
    /// Beats may come twice, late and in any order: what is known already costs nothing. They are
    /// judged in the order of the lesson, so that few loose edges lie about on the way.
    pub fn watch(
        &mut self,
        device: DeviceId,
        beats: &[LessonBeat],
        config: &progress::Config,
        now_ms: u64,
    ) -> Watching {
        let mut watching = Watching::default();
        let mut beats: Vec<&LessonBeat> = beats.iter().collect();
        beats.sort_by_key(|beat| (beat.course, beat.lesson, beat.beat.from_ms));
        for beat in beats {
            match self.watch_one(device, beat, config, now_ms) {
                Ok((effect, cut)) => {
                    watching.effects.extend(effect);
                    let cut = cut.map(|cut| (beat.seq, cut.into()));
                    watching.rejected.extend(cut);
                }
                Err(refusal) => watching.rejected.push((beat.seq, refusal)),
            }
        }
        watching.accepted_through = self.accepted_of(device);
        watching
    }

    fn watch_one(
        &mut self,
        device: DeviceId,
        beat: &LessonBeat,
        config: &progress::Config,
        now_ms: u64,
    ) -> Result<(Option<Effect>, Option<progress::Refusal>), BeatRefusal> {
        let course = self.courses.get(beat.course);
        let course = course.ok_or(BeatRefusal::NotEnrolled)?;
        let enrolled_s = course.enrolled_s.ok_or(BeatRefusal::NotEnrolled)?;
        let unknown = Record::default();
        let known = course.lessons.get(beat.lesson);
        if known.is_none() && course.lessons.len() >= LESSONS_PER_COURSE_MAX {
            return Err(BeatRefusal::TooManyLessons);
        }
        let record = known.unwrap_or(&unknown);
        let newcomer = || Allowance::new(u64::from(enrolled_s) * 1000, config);
        let allowance = self.allowance.unwrap_or_else(newcomer);
        let allowance = allowance.refilled(now_ms, config);
        let judged = judge(
            &beat.beat,
            (device, record),
            beat.length_ms,
            allowance,
            now_ms,
        )?;
        let accepted = self.accepted_of(device);
        if beat.seq <= accepted {
            let mut after = record.clone();
            after.apply(device, &judged.watched);
            if after == *record {
                return Ok((None, judged.cut));
            }
        }
        let fact = CourseFact::Watched {
            lesson: beat.lesson,
            device,
            heard: Device {
                seen_s: u32::try_from(now_ms / 1000).unwrap_or(u32::MAX),
                accepted: accepted.max(beat.seq),
            },
            watched: judged.watched,
            allowance: judged.allowance,
        };
        let effect = self.done(self.fact_in(beat.course, fact));
        Ok((Some(effect), judged.cut))
    }
}
