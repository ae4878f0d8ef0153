//! The native form of a quiz: a TOML file with one `[[item]]` a question.

use crate::course::Document;
use crate::course::Entry;
use crate::course::Gather;
use crate::course::Language;
use crate::course::Problem;
use crate::course::Table;
use crate::course::nearest;
use crate::quiz::ItemKey;
use crate::quiz::Quiz;
use crate::quiz::Share;
use crate::quiz::compiled::ANSWER_CHARS;
use crate::quiz::compiled::ITEMS_MAX;
use crate::quiz::compiled::OPTIONS_MAX;
use crate::quiz::compiled::evenly;
use crate::quiz::compiled::shuffled;
use crate::quiz::fold::Pattern;
use crate::quiz::head::HEAD_KEYS;
use crate::quiz::head::Head;
use crate::quiz::head::names;
use crate::quiz::key::Accepted;
use crate::quiz::key::KeyItem;
use crate::quiz::key::Range;
use crate::quiz::public::Item;

impl Quiz {
    /// Reads the native form; see [`Quiz::parse`].
    pub(crate) fn parse_native(
        file: &str,
        text: &str,
        main: &Language,
        pass: f64,
    ) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(file, text).map_err(|p| vec![p])?;
        let root = document.root();
        let mut gather = Gather::new();
        let known: Vec<&str> = HEAD_KEYS.into_iter().chain(["item"]).collect();
        root.refuse_unknown(&known, gather.problems());
        let head = Head::read(&root, main, pass, &mut gather);
        let tables = gather.take(root.require("item", "at least one [[item]]"));
        let tables = gather
            .read(tables, |e| e.tables(ITEMS_MAX))
            .unwrap_or_default();
        let mut items = Vec::new();
        for (at, table) in tables.iter().enumerate() {
            item(&mut items, &head, at, table, &mut gather);
        }
        let quiz = Self::new(head, items);
        if let Some(what) = quiz.too_large() {
            gather.push(root.problem(what, "split the quiz or shorten its texts"));
        }
        gather.done(quiz)
    }
}

/// Reads one item into `items`.
fn item(
    items: &mut Vec<(Item, KeyItem)>,
    head: &Head,
    at: usize,
    table: &Table<'_>,
    gather: &mut Gather,
) {
    let id = gather.read(table.get("id"), Entry::slug);
    let id = id.map_or_else(|| format!("q{}", at + 1), |slug| slug.to_string());
    if items.iter().any(|(item, _)| item.id == id) {
        gather.push(table.problem(format!("two items are called `{id}`"), "rename one"));
    }
    let kind = gather.take(table.require("kind", "kind = \"one\""));
    let text = gather.take(table.require("text", "text = \"…\""));
    let text = gather.read(text, |e| e.text().map(str::to_owned));
    let weight = gather.read(table.get("weight"), |e| e.number(0.0..=1000.0));
    let skills = gather.slugs(table.get("skills"));
    let shuffle = gather.read(table.get("shuffle"), Entry::boolean);
    let explain = gather.read(table.get("explain"), |e| e.text().map(str::to_owned));
    let mut item = Item::new(id, text.unwrap_or_default(), weight.unwrap_or(1.0));
    item.skills = match skills.as_slice() {
        [] => head.skills.clone(),
        own => names(own),
    };
    let Some((kind, keys)) = gather.read(kind, kind_of) else {
        return;
    };
    item.kind = kind;
    let known: Vec<&str> = COMMON_KEYS.iter().chain(keys).copied().collect();
    table.refuse_unknown(&known, gather.problems());
    let right = gather.take(answer(&mut item, table));
    let feedback = gather.read(table.get("feedback"), |e| feedback(&item, e));
    item.in_order(shuffle.unwrap_or(head.shuffle));
    if let Some(right) = right {
        let secret = KeyItem {
            id: item.id.clone(),
            weight: item.weight_thousandths(),
            right,
            explain: explain.unwrap_or_default(),
            feedback: feedback.unwrap_or_default(),
        };
        items.push((item, secret));
    }
}

/// What each option is told; for `tf` first `true`, then `false`.
fn feedback(item: &Item, entry: &Entry<'_>) -> Result<Vec<String>, Problem> {
    let texts = entry.each(|e| e.text_or_blank().map(str::to_owned))?;
    let wanted = if item.kind == "tf" {
        2
    } else {
        item.options.len()
    };
    if texts.len() != wanted {
        let what = format!("`feedback` has {} texts for {wanted} answers", texts.len());
        return Err(entry.problem(
            what,
            "give one for each, \"\" where there is nothing to say",
        ));
    }
    Ok(texts)
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
            Ok(shares(item.kind, &right, item.options.len()))
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
            Ok(ItemKey::Numbers(vec![Range {
                low: value - tolerance,
                high: value + tolerance,
                share: Share::ALL,
            }]))
        }
        "text" => {
            let max = match table.get("max_chars") {
                Some(max) => max.integer(1..=4000)?,
                None => ANSWER_CHARS,
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
            Ok(ItemKey::Texts {
                accepted: texts.iter().map(|text| accepted(text)).collect(),
                chars_max: max,
            })
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
    Ok(ItemKey::Pairs {
        right: pairs.iter().map(place).collect(),
        offered: u32::try_from(right.len()).unwrap_or(u32::MAX),
    })
}

fn order(item: &mut Item, table: &Table<'_>, correct: &Entry<'_>) -> Result<ItemKey, Problem> {
    let options = options(table, "options")?;
    let order = permutation(correct, options.len(), options.len())?;
    let (shown, moved) = shuffled(&options);
    item.options = shown;
    let place = |at: &u32| moved.get(*at as usize).copied().unwrap_or(0);
    Ok(ItemKey::Order(order.iter().map(place).collect()))
}

/// What choosing each of `len` options gives. In `one` the right one gives everything. In `many`
/// each right one gives an equal part and each wrong one takes an equal part, so that choosing all
/// of them earns nothing.
fn shares(kind: &str, right: &[u32], len: usize) -> ItemKey {
    let mut gives = evenly(right.len()).into_iter();
    let mut takes = evenly(len.saturating_sub(right.len())).into_iter();
    let mut of = |at: u32| match (right.contains(&at), kind) {
        (true, _) => gives.next().unwrap_or(0),
        (false, "one") => 0,
        (false, _) => -takes.next().unwrap_or(0),
    };
    let shares = (0..).take(len).map(&mut of).collect();
    if kind == "one" {
        ItemKey::One(shares)
    } else {
        ItemKey::Many(shares)
    }
}

fn accepted(text: &str) -> Accepted {
    Accepted {
        pattern: Pattern::exactly(text),
        share: Share::ALL,
    }
}

/// Texts to choose from: 2 to 16, no two alike.
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

const COMMON_KEYS: &[&str] = &[
    "id", "kind", "text", "weight", "skills", "shuffle", "correct", "explain",
];
const KINDS: &[Kind] = &[
    ("one", &["options", "feedback"]),
    ("many", &["options", "feedback"]),
    ("tf", &["feedback"]),
    ("num", &["unit", "tolerance"]),
    ("text", &["max_chars"]),
    ("match", &["left", "right"]),
    ("order", &["options"]),
];
