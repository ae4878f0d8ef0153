//! An attempt as its learner sees it.

use crate::base::id::AttemptId;
use crate::base::id::CourseId;
use crate::content::Sheet;
use crate::course::Moment;
use crate::course::Slug;
use crate::quiz::Answer;
use crate::quiz::Key;
use crate::service::attempts::Desk;
use crate::service::attempts::result;
use crate::service::attempts::result::Told;
use crate::session;
use crate::session::Attempt;
use crate::session::attempt_seed;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

/// An attempt, as docs/protocol.md shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct View {
    pub(super) attempt: String,
    course: Slug,
    quiz: Slug,
    pub(super) chunk: String,
    seed: String,
    pub(super) state: &'static str,
    opened_at: String,
    deadline: Option<String>,
    pub(super) time_left_ms: Option<u64>,
    items: usize,
    /// What counts: of each item the answer with the highest number.
    pub(super) answers: Vec<Map<String, Value>>,
    /// Answers that another node took after the attempt was closed; they do not count.
    late: Vec<Map<String, Value>>,
    pub(super) result: Option<Told>,
}

impl Desk {
    /// The attempt of that id, made with this sheet.
    pub(super) fn view(&self, id: AttemptId, sheet: &Sheet, attempt: &Attempt) -> View {
        let now_ms = self.timing.now_ms;
        let key = sheet.key();
        let bounded = attempt.deadline_ms != u64::MAX;
        let left_ms = attempt.deadline_ms.saturating_sub(now_ms);
        let entry = |(place, answer): (u16, &session::Answer)| entry(key, place, answer);
        let result = attempt.closing().map(|closing| {
            let outcome = result::outcome(key, &closing.answers);
            Told::of(&outcome, self.reveals(key))
        });
        View {
            attempt: id.to_string(),
            course: sheet.course().clone(),
            quiz: sheet.quiz().clone(),
            chunk: format!(
                "{}/quiz/{}/{}/{}.json",
                self.media_base,
                sheet.course(),
                sheet.quiz(),
                sheet.version()
            ),
            seed: BASE64URL_NOPAD.encode(&attempt_seed(&self.attempt_key, id)),
            state: match attempt.closing() {
                Some(_) => "submitted",
                None if left_ms == 0 => "over",
                None => "open",
            },
            opened_at: moment(attempt.opened_ms),
            deadline: bounded.then(|| moment(attempt.deadline_ms)),
            time_left_ms: bounded.then_some(left_ms),
            items: key.len(),
            answers: attempt.counted().iter().filter_map(entry).collect(),
            late: attempt.late().filter_map(entry).collect(),
            result,
        }
    }

    /// The attempt of a course whose generation is known.
    pub(super) fn id_of(
        &self,
        course: CourseId,
        generation: u32,
        key: session::AttemptKey,
    ) -> AttemptId {
        session::attempt_id(&self.attempt_key, self.learner, (course, generation), key)
    }
}

/// An answer; `None` of an item that the quiz does not have.
fn entry(key: &Key, place: u16, answer: &session::Answer) -> Option<Map<String, Value>> {
    let id = key.id_at(place)?;
    let mut entry = Map::new();
    entry.insert("item".to_owned(), id.into());
    entry.insert("seq".to_owned(), answer.seq.into());
    entry.insert("device".to_owned(), answer.device.to_string().into());
    // A form of a later version is told without its content.
    let given = Answer::decode(&answer.body).unwrap_or_default();
    let member = given.as_ref().map(Answer::member);
    let (name, value) = member.unwrap_or_else(|| (key.member(id), Value::Null));
    entry.insert(name.to_owned(), value);
    entry.insert("elapsed_ms".to_owned(), answer.elapsed_ms.into());
    entry.insert("at".to_owned(), moment(answer.at_ms).into());
    Some(entry)
}

/// RFC 3339 of unix milliseconds, in whole seconds.
fn moment(unix_ms: u64) -> String {
    let unix_s = i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX / 2);
    Moment { unix_s }.to_string()
}
