//! A quiz as the server keeps it: a public half and a secret one.

use crate::base::digest::Digest;
use crate::base::limits::QUIZ_CHUNK_BYTES_MAX;
use crate::base::limits::QUIZ_KEY_BYTES_MAX;
use crate::course::Language;
use crate::course::Moment;
use crate::course::Problem;
use crate::course::Slug;
use crate::course::Texts;
use crate::quiz::Key;
use crate::quiz::Share;
use crate::quiz::head::Head;
use crate::quiz::key::KeyItem;
use crate::quiz::public::Chunk;
use crate::quiz::public::Item;

/// A quiz: its public chunk and its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiz {
    /// Its id, if the file gives one.
    pub id: Option<Slug>,
    /// Title; empty asks for the id.
    pub title: Texts,
    /// Language of its texts.
    pub language: Language,
    /// When it opens.
    pub opens_at: Option<Moment>,
    /// When it closes.
    pub closes_at: Option<Moment>,
    /// Time for one attempt, milliseconds.
    pub time_limit_ms: Option<u64>,
    /// Attempts a learner has; `None`: as many as wanted.
    pub attempts_max: Option<u16>,
    /// What is right.
    pub key: Key,
    /// What its author should look at; the quiz works without.
    pub notes: Vec<Problem>,
    pass: f64,
    items: Vec<Item>,
}

impl Quiz {
    /// Reads `text`, the content of `file`: Moodle GIFT if its name ends in `.gift`, the native
    /// form otherwise. The main language of the course is `main`, and it asks for the share
    /// `pass` of each quiz.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str, main: &Language, pass: f64) -> Result<Self, Vec<Problem>> {
        if file.ends_with(".gift") {
            Self::parse_gift(file, text, main, pass)
        } else {
            Self::parse_native(file, text, main, pass)
        }
    }

    /// The quiz of these items, whose halves are in the same order.
    pub(crate) fn new(head: Head, items: Vec<(Item, KeyItem)>) -> Self {
        let (items, secrets) = items.into_iter().unzip();
        Self {
            id: head.id,
            title: head.title,
            language: head.language,
            opens_at: head.opens_at,
            closes_at: head.closes_at,
            time_limit_ms: head.time_limit_ms,
            attempts_max: head.attempts,
            key: Key {
                items: secrets,
                pass: Share::nearest(head.pass),
                reveal: head.reveal,
                sat_until_ms: head.closes_at.map(Moment::unix_ms),
            },
            notes: Vec::new(),
            pass: head.pass,
            items,
        }
    }

    /// Number of items.
    pub fn items(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// The public JSON of this quiz under `id`, and its version.
    pub fn chunk(&self, id: &Slug) -> (Vec<u8>, Digest) {
        let mut chunk = Chunk {
            v: 1,
            id: id.to_string(),
            version: String::new(),
            lang: self.language.to_string(),
            title: self.title.get(self.language.as_str()).map(str::to_owned),
            pass: self.pass,
            time_limit_ms: self.time_limit_ms,
            items: self.items.clone(),
        };
        let version = Digest::of(&[&json(&chunk)]);
        chunk.version = version.to_string();
        (json(&chunk), version)
    }

    /// What is too large about it, if anything.
    pub(crate) fn too_large(&self) -> Option<String> {
        let longest = Slug::parse(&"x".repeat(64))?;
        let len = self.chunk(&longest).0.len();
        if len > QUIZ_CHUNK_BYTES_MAX {
            return Some(format!(
                "learners would load {len} bytes, the limit is 16 KiB"
            ));
        }
        let len = self.key.bytes();
        let what = || format!("its explanations have {len} bytes, the limit is 256 KiB");
        (len > QUIZ_KEY_BYTES_MAX).then(what)
    }
}

fn json(chunk: &Chunk) -> Vec<u8> {
    // Strings, numbers and lists of them: nothing that could fail.
    serde_json::to_vec(chunk).unwrap_or_default()
}

/// `texts` in the order of their hashes, which says nothing of the right order, and where each
/// went.
pub(crate) fn shuffled(texts: &[String]) -> (Vec<String>, Vec<u32>) {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|at| texts.get(*at).map(|text| Digest::of(&[text.as_bytes()])));
    let shown = order
        .iter()
        .filter_map(|at| texts.get(*at).cloned())
        .collect();
    let mut moved = vec![0; texts.len()];
    for (place, at) in (0..).zip(&order) {
        if let Some(slot) = moved.get_mut(*at) {
            *slot = place;
        }
    }
    (shown, moved)
}

/// One whole in millionths, cut into `count` parts that differ by one at most and add up to it.
pub(crate) fn evenly(count: usize) -> Vec<i32> {
    let count = i32::try_from(count).unwrap_or(i32::MAX).max(1);
    let (part, rest) = (WHOLE / count, WHOLE % count);
    (0..count).map(|at| part + i32::from(at < rest)).collect()
}

/// One whole in millionths.
pub(crate) const WHOLE: i32 = 1_000_000;
/// Items of one quiz.
pub(crate) const ITEMS_MAX: usize = 100;
/// Options of one item.
pub(crate) const OPTIONS_MAX: usize = 16;
/// Characters of a text that is answered, where the author gives no number.
pub(crate) const ANSWER_CHARS: u64 = 200;
