//! What is said of a quiz as a whole, in both forms of its file.

use crate::course::Entry;
use crate::course::Gather;
use crate::course::Language;
use crate::course::Moment;
use crate::course::Problem;
use crate::course::Slug;
use crate::course::Table;
use crate::course::Texts;
use crate::quiz::Reveal;

/// The keys of a quiz itself.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: Option<Slug>,
    pub(crate) title: Texts,
    pub(crate) language: Language,
    pub(crate) pass: f64,
    pub(crate) opens_at: Option<Moment>,
    pub(crate) closes_at: Option<Moment>,
    pub(crate) time_limit_ms: Option<u64>,
    /// Attempts a learner has.
    pub(crate) attempts: Option<u16>,
    /// What is told of single items afterwards.
    pub(crate) reveal: Reveal,
    /// Whether front ends may shuffle options.
    pub(crate) shuffle: bool,
    /// Skills of the items that name none.
    pub(crate) skills: Vec<String>,
}

impl Head {
    /// Reads them from `root` in a course whose main language is `main` and that asks for the share
    /// `pass` of each quiz.
    pub(crate) fn read(root: &Table<'_>, main: &Language, pass: f64, gather: &mut Gather) -> Self {
        let language = gather.read(root.get("lang"), |e| e.language());
        let language = language.unwrap_or_else(|| main.clone());
        let title = gather.read(root.get("title"), |e| e.texts(&language));
        let own_pass = gather.read(root.get("pass"), |e| e.number(0.0..=1.0));
        let head = Self {
            id: gather.read(root.get("id"), Entry::slug),
            title: title.unwrap_or_default(),
            pass: own_pass.unwrap_or(pass),
            opens_at: gather.read(root.get("opens_at"), |e| e.moment()),
            closes_at: gather.read(root.get("closes_at"), |e| e.moment()),
            time_limit_ms: gather.read(root.get("time_limit"), |e| e.span().map(|s| s.as_ms())),
            attempts: gather.read(root.get("attempts"), attempts),
            reveal: gather.read(root.get("reveal"), reveal).unwrap_or_default(),
            shuffle: gather
                .read(root.get("shuffle"), Entry::boolean)
                .unwrap_or(true),
            skills: names(&gather.slugs(root.get("skills"))),
            language,
        };
        if let (Some(opens), Some(closes)) = (head.opens_at, head.closes_at)
            && closes <= opens
        {
            gather.push(root.problem("`closes_at` is not after `opens_at`", "correct the times"));
        }
        head
    }
}

fn attempts(entry: &Entry<'_>) -> Result<u16, Problem> {
    let count = entry.integer(1..=1000)?;
    Ok(u16::try_from(count).unwrap_or(u16::MAX))
}

fn reveal(entry: &Entry<'_>) -> Result<Reveal, Problem> {
    match entry.text()? {
        "result" => Ok(Reveal::Result),
        "items" => Ok(Reveal::Items),
        "explanations" => Ok(Reveal::Explanations),
        other => Err(entry.problem(
            format!("`reveal` cannot be `{other}`"),
            "write \"result\", \"items\" or \"explanations\"",
        )),
    }
}

/// Ids as texts.
pub(crate) fn names(slugs: &[Slug]) -> Vec<String> {
    slugs.iter().map(Slug::to_string).collect()
}

/// Keys of a quiz as a whole.
pub(crate) const HEAD_KEYS: [&str; 11] = [
    "id",
    "lang",
    "title",
    "pass",
    "opens_at",
    "closes_at",
    "time_limit",
    "attempts",
    "reveal",
    "shuffle",
    "skills",
];
