//! `POST /v1/session/beats`: what a player watched.

use crate::base::id::DeviceId;
use crate::base::limits::BEATS_PER_CALL_MAX;
use crate::content::Catalogue;
use crate::course::Course;
use crate::progress::Beat;
use crate::service::json::ContentError;
use crate::service::json::Object;
use crate::session::BeatRefusal;
use crate::session::LessonBeat;
use crate::session::Watching;
use serde::Serialize;

/// The beats of a call, sorted out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Beats {
    /// Those that the catalogue knows the lessons of.
    pub(crate) known: Vec<LessonBeat>,
    /// The others.
    pub(crate) rejected: Vec<Rejected>,
}

/// A beat of which something does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rejected {
    seq: u32,
    /// A word for programs.
    pub(crate) reason: &'static str,
    /// A sentence for people.
    detail: String,
}

/// The reply.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    accepted_through: u32,
    durable_through: u32,
    pub(crate) rejected: Vec<Rejected>,
}

/// Reasons that are known before the learner is asked.
const MALFORMED: &str = "malformed";
const UNKNOWN_COURSE: &str = "unknown_course";
const UNKNOWN_LESSON: &str = "unknown_lesson";
const NO_RECORDING: &str = "no_recording";

/// All reasons, for counters; those of the session follow.
pub(crate) const REASONS: [&str; 11] = [
    MALFORMED,
    UNKNOWN_COURSE,
    UNKNOWN_LESSON,
    NO_RECORDING,
    "not_enrolled",
    "too_many_lessons",
    "reversed",
    "beyond_the_end",
    "from_the_future",
    "implausible",
    "scattered",
];

impl Beats {
    /// Reads the content of a call at `now_ms`. A beat that cannot be read is rejected by itself,
    /// so that one mistake of a player does not hold up everything behind it for ever.
    ///
    /// # Errors
    /// If `beats` is no list, too long, or holds a beat without a number.
    pub(crate) fn read(
        content: Object<'_>,
        catalogue: &Catalogue,
        now_ms: u64,
    ) -> Result<Self, ContentError> {
        let mut beats = Self::default();
        for object in content.objects("beats", BEATS_PER_CALL_MAX)? {
            let seq = object.whole::<u32>("seq", "a whole number from 1");
            let seq = seq.and_then(|seq| match seq {
                0 => Err(object.wrong("seq", "a whole number from 1")),
                seq => Ok(seq),
            })?;
            match Self::one(object, seq, catalogue, now_ms) {
                Ok(beat) => beats.known.push(beat),
                Err(rejected) => beats.rejected.push(rejected),
            }
        }
        Ok(beats)
    }

    fn one(
        object: Object<'_>,
        seq: u32,
        catalogue: &Catalogue,
        now_ms: u64,
    ) -> Result<LessonBeat, Rejected> {
        let malformed = |error: ContentError| Rejected::new(seq, MALFORMED, error.to_string());
        let text = |name| object.parsed(name, "a text", Some).map_err(malformed);
        let (course, lesson) = (text("course")?, text("lesson")?);
        let beat = beat(object, now_ms).map_err(malformed)?;
        let unknown = |reason, detail: &str| Rejected::new(seq, reason, detail.to_owned());
        let course = catalogue.course(course);
        let course = course.ok_or_else(|| unknown(UNKNOWN_COURSE, "there is no such course"))?;
        let mut lessons = course.lessons.iter();
        let lesson = lessons.find(|known| known.id.as_str() == lesson);
        let what = "the course has no such lesson";
        let lesson = lesson.ok_or_else(|| unknown(UNKNOWN_LESSON, what))?;
        if lesson.duration_ms == 0 {
            let what = "the lesson has nothing to be watched";
            return Err(unknown(NO_RECORDING, what));
        }
        Ok(LessonBeat {
            seq,
            course: Course::key(course),
            lesson: course.lesson_key(lesson),
            length_ms: u32::try_from(lesson.duration_ms).unwrap_or(u32::MAX),
            beat,
        })
    }

    /// The reply, once what was decided is on the disk.
    pub(crate) fn taken(mut rejected: Vec<Rejected>, watching: &Watching) -> Taken {
        let judged = watching.rejected.iter();
        rejected.extend(judged.map(|(seq, refusal)| Rejected::of(*seq, *refusal)));
        rejected.sort_by_key(|rejected| rejected.seq);
        Taken {
            accepted_through: watching.accepted_through,
            durable_through: watching.accepted_through,
            rejected,
        }
    }
}

impl Rejected {
    const fn new(seq: u32, reason: &'static str, detail: String) -> Self {
        Self {
            seq,
            reason,
            detail,
        }
    }

    fn of(seq: u32, refusal: BeatRefusal) -> Self {
        Self::new(seq, refusal.reason(), refusal.to_string())
    }
}

fn beat(object: Object<'_>, now_ms: u64) -> Result<Beat, ContentError> {
    const MS: &str = "a whole number of milliseconds";
    let total = |name| object.whole_if_any(name, MS);
    let played_total_ms = total("played_total_ms")?.unwrap_or(0);
    let visible_total_ms = total("visible_total_ms")?.unwrap_or(0);
    let at_ms = object.whole_if_any("at_ms", "milliseconds since 1970 UTC")?;
    Ok(Beat {
        from_ms: object.whole("from_ms", MS)?,
        to_ms: object.whole("to_ms", MS)?,
        played_total_ms,
        visible_total_ms,
        at_ms: at_ms.unwrap_or(now_ms),
    })
}

/// The device that a call speaks of: that of its session, unless it names another.
///
/// # Errors
/// If `device` is there and no UUID.
pub(crate) fn device(content: Object<'_>) -> Result<Option<DeviceId>, ContentError> {
    content.parsed_if_any("device", "a UUID", DeviceId::parse)
}
