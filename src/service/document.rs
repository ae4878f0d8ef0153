//! The catalogue as JSON: the shapes of docs/protocol.md.

use crate::course::Course;
use crate::course::Language;
use crate::course::Lesson;
use crate::course::Quiz;
use crate::course::Texts;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap as _;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct List<'a> {
    courses: Vec<Entry<'a>>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    title: Words<'a>,
    languages: Vec<&'a str>,
    audience: Vec<&'a str>,
    lessons: usize,
    duration_ms: u64,
    url: String,
}

#[derive(Serialize)]
struct Whole<'a> {
    id: &'a str,
    revision: u32,
    title: Words<'a>,
    summary: Words<'a>,
    languages: Vec<&'a str>,
    audience: Vec<&'a str>,
    prerequisites: Vec<&'a str>,
    license: Option<&'a str>,
    pass: f64,
    duration_ms: u64,
    lessons: Vec<LessonEntry<'a>>,
    quizzes: Vec<QuizEntry<'a>>,
}

#[derive(Serialize)]
struct LessonEntry<'a> {
    id: &'a str,
    title: Words<'a>,
    summary: Words<'a>,
    skills: Vec<&'a str>,
    duration_ms: u64,
    hls: Option<String>,
    dash: Option<String>,
    captions: Vec<&'a str>,
    text: BTreeMap<&'a str, String>,
    attachments: Vec<Attached<'a>>,
}

#[derive(Serialize)]
struct Attached<'a> {
    path: &'a str,
    url: String,
}

#[derive(Serialize)]
struct QuizEntry<'a> {
    id: &'a str,
    lesson: Option<&'a str>,
    title: Words<'a>,
    items: u32,
    url: String,
    opens_at: Option<String>,
    closes_at: Option<String>,
    time_limit_ms: Option<u64>,
    attempts_max: Option<u16>,
}

/// `{"vi": "…", "en": "…"}`
struct Words<'a>(&'a Texts);

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (language, text) in self.0.iter() {
            map.serialize_entry(language.as_str(), text)?;
        }
        map.end()
    }
}

/// A page of the catalogue.
pub(crate) fn list(courses: &[&Course], next: Option<String>) -> Vec<u8> {
    let courses = courses.iter().map(|course| entry(course)).collect();
    json(&List { courses, next })
}

/// A course with its lessons and quizzes; URLs of content begin with `base`.
pub(crate) fn course(course: &Course, base: &str) -> Vec<u8> {
    let id = course.id.as_str();
    json(&Whole {
        id,
        revision: course.revision,
        title: Words(&course.title),
        summary: Words(&course.summary),
        languages: course.languages.iter().map(|l| l.as_str()).collect(),
        audience: course.audience.iter().map(|a| a.as_str()).collect(),
        prerequisites: course.prerequisites.iter().map(|p| p.as_str()).collect(),
        license: course.license.as_deref(),
        pass: course.pass,
        duration_ms: course.duration_ms(),
        lessons: course.lessons.iter().map(|l| lesson(l, id, base)).collect(),
        quizzes: course.quizzes.iter().map(|q| quiz(q, id, base)).collect(),
    })
}

fn entry(course: &Course) -> Entry<'_> {
    Entry {
        id: course.id.as_str(),
        title: Words(&course.title),
        languages: course.languages.iter().map(|l| l.as_str()).collect(),
        audience: course.audience.iter().map(|a| a.as_str()).collect(),
        lessons: course.lessons.len(),
        duration_ms: course.duration_ms(),
        url: format!("/v1/courses/{}", course.id),
    }
}

fn lesson<'a>(lesson: &'a Lesson, course: &str, base: &str) -> LessonEntry<'a> {
    let recorded = !lesson.renditions.is_empty();
    let attached = |path: &'a String| Attached {
        path,
        url: format!("{base}/files/{course}/{}", escape_path(path)),
    };
    let read = |l: &'a Language| {
        let url = format!("{base}/text/{course}/{}/{l}", lesson.id);
        (l.as_str(), url)
    };
    LessonEntry {
        id: lesson.id.as_str(),
        title: Words(&lesson.title),
        summary: Words(&lesson.summary),
        skills: lesson.skills.iter().map(|s| s.as_str()).collect(),
        duration_ms: lesson.duration_ms,
        hls: recorded.then(|| format!("{base}/media/{course}/{}/master.m3u8", lesson.id)),
        dash: recorded.then(|| format!("{base}/media/{course}/{}/manifest.mpd", lesson.id)),
        captions: lesson.captions.iter().map(|l| l.as_str()).collect(),
        text: lesson.texts.iter().map(read).collect(),
        attachments: lesson.attachments.iter().map(attached).collect(),
    }
}

fn quiz<'a>(quiz: &'a Quiz, course: &str, base: &str) -> QuizEntry<'a> {
    QuizEntry {
        id: quiz.id.as_str(),
        lesson: quiz.lesson.as_ref().map(|l| l.as_str()),
        title: Words(&quiz.title),
        items: quiz.items,
        url: format!("{base}/quiz/{course}/{}/{}.json", quiz.id, quiz.version),
        opens_at: quiz.opens_at.map(|m| m.to_string()),
        closes_at: quiz.closes_at.map(|m| m.to_string()),
        time_limit_ms: quiz.time_limit_ms,
        attempts_max: quiz.attempts_max,
    }
}

/// A struct of strings, numbers and maps with string keys always serialises.
fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}

/// A query value, percent-encoded but for unreserved characters (RFC 3986, 2.3).
pub(crate) fn escape(text: &str) -> String {
    escape_but(text, b"-._~")
}

fn escape_path(text: &str) -> String {
    escape_but(text, b"-._~/")
}

fn escape_but(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Target;

    #[test]
    fn a_file_name_in_vietnamese_survives_the_way_through_a_url() {
        let name = "tài liệu/bài 1 & 2?.pdf";
        let url = format!("/files/{}", escape_path(name));
        assert_eq!(Target::parse(&url).unwrap().path, format!("/files/{name}"));
        let url = format!("/v1/courses?q={}", escape("kỹ năng & +"));
        let target = Target::parse(&url).unwrap();
        assert_eq!(target.parameter("q").as_deref(), Some("kỹ năng & +"));
    }
}
