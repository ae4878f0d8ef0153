//! The native form of a quiz: a TOML file with one `[[item]]` a question.

use crate::base::digest::Digest;
use crate::base::limits::QUIZ_CHUNK_BYTES_MAX;
use crate::course::Document;
use crate::course::Entry;
use crate::course::Gather;
use crate::course::Language;
use crate::course::Moment;
use crate::course::Problem;
use crate::course::Slug;
use crate::course::Table;
use crate::course::Texts;
use crate::course::nearest;
use crate::quiz::ItemKey;
use crate::quiz::Key;
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
    /// What is right.
    pub key: Key,
    pass: f64,
    items: Vec<Item>,
}

impl Quiz {
    /// Reads the text of `file` in a course whose main language is `main` and that asks for the
    /// share `pass` of each quiz.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str, main: &Language, pass: f64) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(file, text).map_err(|p| vec![p])?;
        let root = document.root();
        let mut gather = Gather::new();
        root.refuse_unknown(QUIZ_KEYS, gather.problems());
        let language = gather.read(root.get("lang"), |e| e.language());
        let language = language.unwrap_or_else(|| main.clone());
        let title = gather.read(root.get("title"), |e| e.texts(&language));
        let own_pass = gather.read(root.get("pass"), |e| e.number(0.0..=1.0));
        let mut quiz = Self {
            id: gather.read(root.get("id"), Entry::slug),
            title: title.unwrap_or_default(),
            opens_at: gather.read(root.get("opens_at"), |e| e.moment()),
            closes_at: gather.read(root.get("closes_at"), |e| e.moment()),
            time_limit_ms: gather.read(root.get("time_limit"), |e| e.span().map(|s| s.as_ms())),
            key: Key::default(),
            pass: own_pass.unwrap_or(pass),
            items: Vec::new(),
            language,
        };
        if let (Some(opens), Some(closes)) = (quiz.opens_at, quiz.closes_at)
            && closes <= opens
        {
            gather.push(root.problem("`closes_at` is not after `opens_at`", "correct the times"));
        }
        let tables = gather.take(root.require("item", "at least one [[item]]"));
        let tables = gather
            .read(tables, |e| e.tables(ITEMS_MAX))
            .unwrap_or_default();
        for (at, table) in tables.iter().enumerate() {
            quiz.item(at, table, &mut gather);
        }
        if let Some(len) = quiz.too_large() {
            let what = format!("learners would load {len} bytes, the limit is 16 KiB");
            gather.push(root.problem(what, "split the quiz or shorten its texts"));
        }
        gather.done(quiz)
    }

    fn item(&mut self, at: usize, table: &Table<'_>, gather: &mut Gather) {
        let id = gather.read(table.get("id"), Entry::slug);
        let id = id.map_or_else(|| format!("q{}", at + 1), |slug| slug.to_string());
        if self.items.iter().any(|item| item.id == id) {
            gather.push(table.problem(format!("two items are called `{id}`"), "rename one"));
        }
        let kind = gather.take(table.require("kind", "kind = \"one\""));
        let text = gather.take(table.require("text", "text = \"…\""));
        let weight = gather.read(table.get("weight"), |e| e.number(0.0..=1000.0));
        let mut item = Item {
            id: id.clone(),
            kind: "",
            text: gather
                .read(text, |e| e.text().map(str::to_owned))
                .unwrap_or_default(),
            options: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            unit: None,
            max_chars: None,
            weight: weight.unwrap_or(1.0),
            skills: gather
                .slugs(table.get("skills"))
                .iter()
                .map(Slug::to_string)
                .collect(),
        };
        // Read for its mistakes; it is shown after grading, never before.
        let _explained = gather.read(table.get("explain"), |e| e.text().map(str::to_owned));
        let kind = gather.read(kind, kind_of);
        let Some((kind, keys)) = kind else {
            return;
        };
        item.kind = kind;
        let known: Vec<&str> = COMMON_KEYS.iter().chain(keys).copied().collect();
        table.refuse_unknown(&known, gather.problems());
        if let Some(key) = gather.take(answer(&mut item, table)) {
            self.items.push(item);
            self.key.items.push((id, key));
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

    fn too_large(&self) -> Option<usize> {
        let longest = Slug::parse(&"x".repeat(64))?;
        let len = self.chunk(&longest).0.len();
        (len > QUIZ_CHUNK_BYTES_MAX).then_some(len)
    }
}

fn json(chunk: &Chunk) -> Vec<u8> {
    // Strings, numbers and lists of them: nothing that could fail.
    serde_json::to_vec(chunk).unwrap_or_default()
}

type Kind = (&'static str, &'static [&'static str]);

fn kind_of(entry: &Entry<'_>) -> Result<Kind, Problem> {
    let name = entry.text()?;
    let found = KINDS.iter().find(|(kind, _)| *kind == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let remedy = match nearest(name, &names) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write one of {}", names.join(", ")),
        };
        entry.problem(format!("there is no kind `{name}`"), remedy)
    })
}

/// Reads the members of the item's kind and what is right.
fn answer(item: &mut Item, table: &Table<'_>) -> Result<ItemKey, Problem> {
    let correct = table.require("correct", "correct = …, the right answer")?;
    match item.kind {
        "one" | "many" => {
            item.options = options(table, "options")?;
            let right = positions(&correct, item.options.len())?;
            if item.kind == "one" && right.len() != 1 {
                let what = format!("`correct` names {} options", right.len());
                return Err(correct.problem(what, "name one, or write kind = \"many\""));
            }
            Ok(ItemKey::Options(right))
        }
        "tf" => correct.boolean().map(ItemKey::Truth),
        "num" => {
            item.unit = match table.get("unit") {
                Some(unit) => Some(unit.text()?.to_owned()),
                None => None,
            };
            let tolerance = match table.get("tolerance") {
                Some(tolerance) => tolerance.number(0.0..=1e15)?,
                None => 0.0,
            };
            let value = correct.number(-1e15..=1e15)?;
            Ok(ItemKey::Number { value, tolerance })
        }
        "text" => {
            let max = match table.get("max_chars") {
                Some(max) => max.integer(1..=4000)?,
                None => 200,
            };
            item.max_chars = Some(max);
            let texts = correct.each(|e| e.text().map(str::to_owned))?;
            if let Some(long) = texts.iter().find(|t| t.chars().count() as u64 > max) {
                let what = format!("the right answer `{long}` is longer than `max_chars`");
                return Err(correct.problem(what, "raise `max_chars`"));
            }
            if texts.is_empty() {
                return Err(correct.problem("`correct` is empty", "add an accepted answer"));
            }
            Ok(ItemKey::Texts(texts))
        }
        "match" => pairs(item, table, &correct),
        _ => order(item, table, &correct),
    }
}

fn pairs(item: &mut Item, table: &Table<'_>, correct: &Entry<'_>) -> Result<ItemKey, Problem> {
    item.left = options(table, "left")?;
    let right = options(table, "right")?;
    let pairs = permutation(correct, item.left.len(), right.len())?;
    let (shown, moved) = shuffled(&right);
    item.right = shown;
    let place = |at: &u32| moved.get(*at as usize).copied().unwrap_or(0);
    Ok(ItemKey::Pairs(pairs.iter().map(place).collect()))
}

fn order(item: &mut Item, table: &Table<'_>, correct: &Entry<'_>) -> Result<ItemKey, Problem> {
    let options = options(table, "options")?;
    let order = permutation(correct, options.len(), options.len())?;
    let (shown, moved) = shuffled(&options);
    item.options = shown;
    let place = |at: &u32| moved.get(*at as usize).copied().unwrap_or(0);
    Ok(ItemKey::Order(order.iter().map(place).collect()))
}

/// Texts to choose from: 2 to 20, no two alike.
fn options(table: &Table<'_>, key: &str) -> Result<Vec<String>, Problem> {
    let entry = table.require(key, &format!("{key} = [\"…\", \"…\"]"))?;
    let texts = entry.each(|e| e.text().map(str::to_owned))?;
    if !(2..=OPTIONS_MAX).contains(&texts.len()) {
        let what = format!("`{key}` has {} entries", texts.len());
        return Err(entry.problem(what, format!("give 2 to {OPTIONS_MAX}")));
    }
    for (at, text) in texts.iter().enumerate() {
        if texts.iter().take(at).any(|other| other == text) {
            let what = format!("`{text}` stands twice in `{key}`");
            return Err(entry.problem(what, "make the entries different"));
        }
    }
    Ok(texts)
}

/// Positions from 0 among `len` entries, rising, none twice, at least one.
fn positions(correct: &Entry<'_>, len: usize) -> Result<Vec<u32>, Problem> {
    let mut places = places(correct, len)?;
    places.sort_unstable();
    if places.is_empty() {
        return Err(correct.problem("`correct` is empty", "name at least one option, from 0"));
    }
    Ok(places)
}

/// `count` different positions among `len` entries, in the author's order.
fn permutation(correct: &Entry<'_>, count: usize, len: usize) -> Result<Vec<u32>, Problem> {
    let places = places(correct, len)?;
    if places.len() != count {
        let what = format!(
            "`correct` has {} positions for {count} entries",
            places.len()
        );
        return Err(correct.problem(what, "give one for each entry, from 0"));
    }
    Ok(places)
}

fn places(correct: &Entry<'_>, len: usize) -> Result<Vec<u32>, Problem> {
    let last = (len as u64).saturating_sub(1);
    let places = correct.each(|e| e.integer(0..=last))?;
    let places: Vec<u32> = places
        .iter()
        .map(|p| u32::try_from(*p).unwrap_or(u32::MAX))
        .collect();
    for (at, place) in places.iter().enumerate() {
        if places.iter().take(at).any(|other| other == place) {
            let what = format!("`correct` names position {place} twice");
            return Err(correct.problem(what, "name each position once, counting from 0"));
        }
    }
    Ok(places)
}

/// The texts in the order of their hashes, which says nothing of the right order, and where each
/// went.
fn shuffled(texts: &[String]) -> (Vec<String>, Vec<u32>) {
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

const ITEMS_MAX: usize = 100;
const OPTIONS_MAX: usize = 20;
const QUIZ_KEYS: &[&str] = &[
    "id",
    "lang",
    "title",
    "pass",
    "opens_at",
    "closes_at",
    "time_limit",
    "item",
];
const COMMON_KEYS: &[&str] = &[
    "id", "kind", "text", "weight", "skills", "correct", "explain",
];
const KINDS: &[Kind] = &[
    ("one", &["options"]),
    ("many", &["options"]),
    ("tf", &[]),
    ("num", &["unit", "tolerance"]),
    ("text", &["max_chars"]),
    ("match", &["left", "right"]),
    ("order", &["options"]),
];
