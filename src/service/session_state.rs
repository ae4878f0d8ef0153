//! `GET /v1/session`: everything the platform knows about a learner, for the learner.

use crate::base::digest::Digest;
use crate::base::id::LearnerId;
use crate::content::Catalogue;
use crate::course::Course;
use crate::course::Moment;
use crate::course::Slug;
use crate::progress::Record;
use crate::service::resume::Resume;
use crate::service::resume::resume;
use crate::service::resume::resume_ms;
use crate::session;
use crate::session::AttemptKey;
use crate::session::Standing;
use crate::session::State;
use crate::session::attempt_id;
use serde::Serialize;

/// Whose state is shown, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) learner: LearnerId,
    pub(crate) state: &'a State,
    pub(crate) catalogue: &'a Catalogue,
    /// Makes attempts' ids.
    pub(crate) attempt_key: &'a [u8; 32],
    /// Whether all of the state is on the disk.
    pub(crate) saved: bool,
    /// Unix milliseconds.
    pub(crate) now_ms: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    learner: String,
    generation: u32,
    locality: Option<&'a str>,
    unit: Option<&'a str>,
    resume: Option<Resume>,
    courses: Vec<CourseEntry<'a>>,
    attempts: Vec<AttemptEntry<'a>>,
    devices: Vec<DeviceEntry>,
}

#[derive(Serialize)]
struct CourseEntry<'a> {
    id: &'a Slug,
    enrolled_at: String,
    lessons: Vec<LessonEntry<'a>>,
    quizzes: Vec<QuizEntry<'a>>,
}

#[derive(Serialize)]
struct LessonEntry<'a> {
    id: &'a Slug,
    coverage: f64,
    position_ms: u32,
    position_at: String,
    played_ms: u64,
    visible_ms: u64,
}

#[derive(Serialize)]
struct QuizEntry<'a> {
    id: &'a Slug,
    best: Option<f64>,
    attempts: u16,
}

#[derive(Serialize)]
struct AttemptEntry<'a> {
    attempt: String,
    course: &'a Slug,
    quiz: &'a Slug,
    state: &'static str,
    opened_at: String,
    deadline: Option<String>,
}

#[derive(Serialize)]
struct DeviceEntry {
    device: String,
    accepted_through: u32,
    durable_through: Option<u32>,
}

impl View<'_> {
    /// The JSON, and the hash that names it.
    pub(crate) fn json(&self) -> (Vec<u8>, Digest) {
        let profile = self.state.profile.as_ref();
        let enrolled = self.enrolled();
        let document = Document {
            learner: self.learner.to_string(),
            generation: self.state.generation,
            locality: profile.and_then(|profile| profile.locality.as_deref()),
            unit: profile.and_then(|profile| profile.unit.as_deref()),
            resume: resume(self.state, self.catalogue),
            courses: enrolled
                .clone()
                .map(|(known, course)| entry(known, course))
                .collect(),
            attempts: enrolled
                .flat_map(|(known, course)| self.attempts(known, course))
                .collect(),
            devices: self.devices(),
        };
        // Strings, numbers and lists of them: nothing that could fail.
        let json = serde_json::to_vec(&document).unwrap_or_default();
        let digest = Digest::of(&[&json]);
        (json, digest)
    }

    /// Courses that the learner is in and the catalogue has.
    fn enrolled(&self) -> impl Iterator<Item = (&session::Course, &Course)> + Clone {
        let courses = self.state.courses.iter();
        courses.filter_map(|(key, known)| {
            known.enrolled_s?;
            Some((known, self.catalogue.course_of(key)?))
        })
    }

    fn attempts<'a>(
        &'a self,
        known: &'a session::Course,
        course: &'a Course,
    ) -> impl Iterator<Item = AttemptEntry<'a>> {
        let place = (course.key(), known.generation);
        let opened = known
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.is_opened());
        opened.filter_map(move |(key, attempt)| {
            let state = match attempt.closing() {
                Some(_) => "submitted",
                None if self.now_ms > attempt.deadline_ms => "over",
                None => "open",
            };
            Some(AttemptEntry {
                attempt: attempt_id(self.attempt_key, self.learner, place, key).to_string(),
                course: &course.id,
                quiz: quiz_of(course, key)?,
                state,
                opened_at: moment(attempt.opened_ms / 1000),
                deadline: (attempt.deadline_ms < u64::MAX)
                    .then(|| moment(attempt.deadline_ms / 1000)),
            })
        })
    }

    fn devices(&self) -> Vec<DeviceEntry> {
        let devices = self.state.devices.iter();
        let entry = |(id, device): (crate::base::id::DeviceId, &session::Device)| DeviceEntry {
            device: id.to_string(),
            accepted_through: device.accepted,
            durable_through: self.saved.then_some(device.accepted),
        };
        devices.map(entry).collect()
    }
}

fn quiz_of(course: &Course, key: AttemptKey) -> Option<&Slug> {
    let mut quizzes = course.quizzes.iter();
    let found = quizzes.find(|quiz| course.quiz_key(quiz) == key.quiz);
    found.map(|quiz| &quiz.id)
}

/// Lessons and quizzes in the order of the course, those that were begun.
fn entry<'a>(known: &session::Course, course: &'a Course) -> CourseEntry<'a> {
    let lessons = course.lessons.iter().filter_map(|lesson| {
        let record = known.lessons.get(course.lesson_key(lesson))?;
        Some(lesson_entry(&lesson.id, record))
    });
    let quizzes = course.quizzes.iter().filter_map(|quiz| {
        let standing = known.quizzes.get(course.quiz_key(quiz))?;
        let mut sat = known.attempts_at(course.quiz_key(quiz));
        let graded = standing.settled > 0 || sat.any(|(_, attempt)| attempt.closing().is_some());
        Some(quiz_entry(&quiz.id, *standing, graded))
    });
    CourseEntry {
        id: &course.id,
        enrolled_at: moment(known.enrolled_s.unwrap_or(0).into()),
        lessons: lessons.collect(),
        quizzes: quizzes.collect(),
    }
}

fn lesson_entry<'a>(id: &'a Slug, record: &Record) -> LessonEntry<'a> {
    let sum = record.sum();
    LessonEntry {
        id,
        // Rounded down, so that only the whole is 1.
        coverage: (record.coverage.fraction() * 10_000.0).floor() / 10_000.0,
        position_ms: resume_ms(record),
        position_at: moment(record.position.at_s.into()),
        played_ms: u64::from(sum.played_ds) * 100,
        visible_ms: u64::from(sum.visible_ds) * 100,
    }
}

fn quiz_entry(id: &Slug, standing: Standing, graded: bool) -> QuizEntry<'_> {
    QuizEntry {
        id,
        best: graded.then(|| f64::from(standing.best) / 10_000.0),
        attempts: standing.opened,
    }
}

/// RFC 3339 of unix seconds.
pub(crate) fn moment(unix_s: u64) -> String {
    let unix_s = i64::try_from(unix_s).unwrap_or(i64::MAX / 2);
    Moment { unix_s }.to_string()
}
