//! `POST /v1/session/beats`: what a player watched.

use crate::base::id::CourseId;
use crate::base::id::DeviceId;
use crate::base::id::LessonId;
use crate::base::limits::BEATS_PER_CALL_MAX;
use crate::content::Catalogue;
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
        let mut finder = Finder {
            catalogue,
            last: None,
        };
        for object in content.objects("beats", BEATS_PER_CALL_MAX)? {
            let seq = object.whole::<u32>("seq", "a whole number from 1");
            let seq = seq.and_then(|seq| match seq {
                0 => Err(object.wrong("seq", "a whole number from 1")),
                seq => Ok(seq),
            })?;
            match finder.beat(object, seq, now_ms) {
                Ok(beat) => beats.known.push(beat),
                Err(rejected) => beats.rejected.push(rejected),
            }
        }
        Ok(beats)
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

/// Finds the lessons of a call's beats, which are mostly of one lesson.
struct Finder<'a> {
    catalogue: &'a Catalogue,
    last: Option<((&'a str, &'a str), Found)>,
}

/// A lesson, as learners' states call it.
#[derive(Debug, Clone, Copy)]
struct Found {
    course: CourseId,
    lesson: LessonId,
    length_ms: u32,
}

impl<'a> Finder<'a> {
    fn beat(&mut self, object: Object<'a>, seq: u32, now_ms: u64) -> Result<LessonBeat, Rejected> {
        let malformed = |error: ContentError| Rejected::new(seq, MALFORMED, error.to_string());
        let text = |name| object.parsed(name, "a text", Some).map_err(malformed);
        let names = (text("course")?, text("lesson")?);
        let beat = beat(object, now_ms).map_err(malformed)?;
        let found = self.find(names);
        let found =
            found.map_err(|(reason, detail)| Rejected::new(seq, reason, detail.to_owned()))?;
        Ok(LessonBeat {
            seq,
            course: found.course,
            lesson: found.lesson,
            length_ms: found.length_ms,
            beat,
        })
    }

    /// The lesson of that course and name, or a reason and a sentence.
    fn find(&mut self, names: (&'a str, &'a str)) -> Result<Found, (&'static str, &'static str)> {
        if let Some((_, found)) = self.last.filter(|(last, _)| *last == names) {
            return Ok(found);
        }
        let course = self.catalogue.course(names.0);
        let course = course.ok_or((UNKNOWN_COURSE, "there is no such course"))?;
        let mut lessons = course.lessons.iter();
        let lesson = lessons.find(|known| known.id.as_str() == names.1);
        let lesson = lesson.ok_or((UNKNOWN_LESSON, "the course has no such lesson"))?;
        if lesson.duration_ms == 0 {
            return Err((NO_RECORDING, "the lesson has nothing to be watched"));
        }
        let found = Found {
            course: course.key(),
            lesson: course.lesson_key(lesson),
            length_ms: u32::try_from(lesson.duration_ms).unwrap_or(u32::MAX),
        };
        self.last = Some((names, found));
        Ok(found)
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
