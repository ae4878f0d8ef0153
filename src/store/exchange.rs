//! All learners as JSON lines: what `lamplight store export` writes and `import` reads.
//!
//! First `{"lamplight_export":1,"next_commit":…,"made_ms":…}`, then a line a learner, last
//! `{"end":true,"learners":…,"complaints":…}`, so that a file that was cut off is noticed. Of a
//! learner's line `learner` and `state` (base64url of `State::encode`) are read back; the rest is
//! for people and programs that look at it. docs/operations.md describes every member.

use crate::base::id::LearnerId;
use crate::base::limits::STATE_BYTES_MAX;
use crate::session::Course;
use crate::session::Profile;
use crate::session::State;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::Write;

/// The version of the lines that is written, and the highest that is read.
const VERSION: u32 = 1;
/// Bytes of a line that are read: the largest state, and what is told about it.
const LINE_BYTES_MAX: u64 = 4 * STATE_BYTES_MAX as u64;

/// Writes lines.
#[derive(Debug)]
pub struct Export<W> {
    out: W,
    learners: u64,
    bytes: Vec<u8>,
}

/// One line that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// The first.
    Head {
        /// The number that the next commit of the journal would have had.
        next_commit: u64,
    },
    /// One learner.
    Learner(LearnerId, Box<State>),
    /// The last.
    End {
        /// How many learners' lines there are.
        learners: u64,
        /// How much could not be read when it was written.
        complaints: u64,
    },
}

/// Why lines cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// One line.
    #[error("line {number}: {what}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The last line is missing.
    #[error("it ends after {learners} learners without its last line: it was cut off")]
    CutOff {
        /// Learners that were read.
        learners: u64,
    },
}

#[derive(Serialize)]
struct Told<'a> {
    learner: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    seen_s: u32,
    courses: BTreeMap<String, ToldCourse>,
}

#[derive(Serialize)]
struct ToldCourse {
    enrolled_s: Option<u32>,
    /// Share of the lesson that was watched, by lesson.
    lessons: BTreeMap<String, f64>,
    quizzes: BTreeMap<String, ToldQuiz>,
}

#[derive(Serialize)]
struct ToldQuiz {
    best: u16,
    opened: u16,
    settled: u16,
}

impl<W: Write> Export<W> {
    /// Begins. `next_commit`: the number that the journal's next commit will have.
    ///
    /// # Errors
    /// Of `out`; here and below.
    pub fn begin(mut out: W, next_commit: u64, made_ms: u64) -> io::Result<Self> {
        writeln!(
            out,
            "{{\"lamplight_export\":{VERSION},\"next_commit\":{next_commit},\"made_ms\":{made_ms}}}"
        )?;
        Ok(Self {
            out,
            learners: 0,
            bytes: Vec::new(),
        })
    }

    /// Writes a learner's line.
    ///
    /// # Errors
    /// Of what is written to.
    pub fn learner(&mut self, learner: LearnerId, state: &State) -> io::Result<()> {
        self.bytes.clear();
        state.encode(&mut self.bytes);
        let profile = state.profile.as_ref();
        let text = |of: fn(&Profile) -> &Option<Box<str>>| profile.and_then(|p| of(p).as_deref());
        let courses = state.courses.iter();
        let told = Told {
            learner: learner.to_string(),
            state: BASE64URL_NOPAD.encode(&self.bytes),
            locality: text(|profile| &profile.locality),
            unit: text(|profile| &profile.unit),
            seen_s: state
                .devices
                .values()
                .map(|device| device.seen_s)
                .max()
                .unwrap_or(0),
            courses: courses
                .map(|(id, course)| (format!("{id:?}"), told(course)))
                .collect(),
        };
        serde_json::to_writer(&mut self.out, &told)?;
        self.out.write_all(b"\n")?;
        self.learners += 1;
        Ok(())
    }

    /// Writes the last line and gives back what was written to. `complaints`: how much could not be
    /// read.
    ///
    /// # Errors
    /// Of what is written to.
    pub fn end(mut self, complaints: u64) -> io::Result<W> {
        let learners = self.learners;
        writeln!(
            self.out,
            "{{\"end\":true,\"learners\":{learners},\"complaints\":{complaints}}}"
        )?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// What is written to.
    pub const fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Learners written so far.
    pub const fn learners(&self) -> u64 {
        self.learners
    }
}

fn told(course: &Course) -> ToldCourse {
    let quizzes = course.quizzes.iter().map(|(id, standing)| {
        let told = ToldQuiz {
            best: standing.best,
            opened: standing.opened,
            settled: standing.settled,
        };
        (format!("{id:?}"), told)
    });
    let lessons = course.lessons.iter();
    ToldCourse {
        enrolled_s: course.enrolled_s,
        lessons: lessons
            .map(|(id, record)| (format!("{id:?}"), record.coverage.fraction()))
            .collect(),
        quizzes: quizzes.collect(),
    }
}

/// Members of all kinds of line; what else there is, is for people.
#[derive(Deserialize)]
struct Raw {
    lamplight_export: Option<u32>,
    next_commit: Option<u64>,
    learner: Option<String>,
    state: Option<String>,
    end: Option<bool>,
    learners: Option<u64>,
    complaints: Option<u64>,
}

/// Reads all lines of `from` and gives each to `take`, which may refuse it with a sentence. Nothing
/// is believed of a file whose first line is not an export's.
///
/// # Errors
/// [`LineError`].
pub(super) fn read(
    mut from: impl BufRead,
    take: &mut dyn FnMut(Line) -> Result<(), String>,
) -> Result<(), LineError> {
    let (mut text, mut learners, mut ended) = (Vec::new(), 0, false);
    for number in 1.. {
        text.clear();
        io::Read::take(&mut from, LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            break;
        }
        let failed = |what| LineError::Line { number, what };
        let line = parse(&text).map_err(failed)?;
        let in_order = match &line {
            Line::Head { .. } => number == 1,
            Line::Learner(..) => number > 1 && !ended,
            Line::End { .. } => number > 1 && !ended,
        };
        if !in_order {
            return Err(failed(
                "it is not in its place; is this an export?".to_owned(),
            ));
        }
        match &line {
            Line::Head { .. } => {}
            Line::Learner(..) => learners += 1,
            Line::End { learners: said, .. } => {
                ended = true;
                if *said != learners {
                    let what = format!("{said} learners were written, {learners} are here");
                    return Err(failed(what));
                }
            }
        }
        take(line).map_err(failed)?;
    }
    if ended {
        Ok(())
    } else {
        Err(LineError::CutOff { learners })
    }
}

fn parse(text: &[u8]) -> Result<Line, String> {
    if text.last() != Some(&b'\n') {
        return Err("it is cut off, or longer than any".to_owned());
    }
    let raw: Raw = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if let (Some(version), Some(next_commit)) = (raw.lamplight_export, raw.next_commit) {
        return if version <= VERSION {
            Ok(Line::Head { next_commit })
        } else {
            Err(format!(
                "version {version} is not known; use a newer lamplight"
            ))
        };
    }
    if let (Some(true), Some(learners)) = (raw.end, raw.learners) {
        let complaints = raw.complaints.unwrap_or(0);
        return Ok(Line::End {
            learners,
            complaints,
        });
    }
    let (Some(learner), Some(state)) = (raw.learner, raw.state) else {
        return Err("it is no line of an export".to_owned());
    };
    let id = LearnerId::parse(&learner).ok_or_else(|| format!("{learner:?} is no learner"))?;
    let bytes = BASE64URL_NOPAD.decode(state.as_bytes());
    let bytes = bytes.map_err(|_position| "`state` is not base64url".to_owned())?;
    let state = State::decode(&bytes).map_err(|error| format!("`state`: {error}"))?;
    Ok(Line::Learner(id, Box::new(state)))
}
