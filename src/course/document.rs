//! A TOML text read key by key, so that every mistake carries its line.

use crate::base::units::Span;
use crate::course::Language;
use crate::course::Moment;
use crate::course::Problem;
use crate::course::Slug;
use crate::course::Texts;
use crate::course::nearest;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

/// A parsed file and the words to complain about it.
#[derive(Debug)]
pub struct Document<'a> {
    source: Source<'a>,
    root: DeTable<'a>,
}

#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

/// A table of the document.
#[derive(Debug, Clone, Copy)]
pub struct Table<'d> {
    source: Source<'d>,
    map: &'d DeTable<'d>,
    at: usize,
    /// What it is, as a problem names it: `the file`, `[[item]] 2`.
    name: &'static str,
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'d> {
    source: Source<'d>,
    key: &'d str,
    at: usize,
    value: &'d DeValue<'d>,
}

impl<'a> Document<'a> {
    /// Parses `text`, the content of `file` (a path below the content folder).
    ///
    /// # Errors
    /// The first place where the text is not TOML.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, Problem> {
        let source = Source { file, text };
        match DeTable::parse(text) {
            Ok(root) => Ok(Self {
                source,
                root: root.into_inner(),
            }),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let what = error.message().lines().collect::<Vec<_>>().join(", ");
                Err(source.problem(at, format!("not TOML: {what}"), "correct this line"))
            }
        }
    }

    /// The file's own keys.
    pub const fn root(&self) -> Table<'_> {
        Table {
            source: self.source,
            map: &self.root,
            at: 0,
            name: "the file",
        }
    }
}

impl<'a> Source<'a> {
    fn problem(self, at: usize, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let lines = before.iter().filter(|b| **b == b'\n').count() + 1;
        let line = u32::try_from(lines).unwrap_or(u32::MAX);
        Problem::new(self.file, what, remedy).at(line)
    }

    fn entry(self, key: &'a str, value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        Entry {
            source: self,
            key,
            at: value.span().start,
            value: value.get_ref(),
        }
    }
}

impl<'d> Table<'d> {
    /// The value of `key`, if the author gave one.
    pub fn get(&self, key: &str) -> Option<Entry<'d>> {
        let (name, value) = self.map.get_key_value(key)?;
        Some(self.source.entry(name.get_ref(), value))
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// The author left it out; `example` shows how it is written.
    pub fn require(&self, key: &str, example: &str) -> Result<Entry<'d>, Problem> {
        self.get(key).ok_or_else(|| {
            let what = format!("{} has no `{key}`", self.name);
            self.problem(what, format!("add {example}"))
        })
    }

    /// Complains of every key that is not in `known`.
    pub fn refuse_unknown(&self, known: &[&str], problems: &mut Vec<Problem>) {
        for (name, _) in self.map {
            let key: &str = name.get_ref();
            if !known.contains(&key) {
                let remedy = match nearest(key, known) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("remove it; known here: {}", known.join(", ")),
                };
                let what = format!("unknown key `{key}`");
                problems.push(self.source.problem(name.span().start, what, remedy));
            }
        }
    }

    /// A problem at this table's first line.
    pub fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.source.problem(self.at, what, remedy)
    }

    /// All keys and values.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'d>> {
        let source = self.source;
        let entries = self.map.iter();
        entries.map(move |(name, value)| source.entry(name.get_ref(), value))
    }
}

impl<'d> Entry<'d> {
    /// The key; for a list's values the key of the list.
    pub const fn key(&self) -> &'d str {
        self.key
    }

    /// A problem at this value's line.
    pub fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.source.problem(self.at, what, remedy)
    }

    fn wrong(&self, wanted: &str) -> Problem {
        let found = self.value.type_str();
        let what = format!("`{}` is a {found}, not {wanted}", self.key);
        self.problem(what, format!("write {wanted}"))
    }

    /// A string with something in it, without white space around.
    ///
    /// # Errors
    /// Another type, blank, or longer than 4,000 characters.
    pub fn text(&self) -> Result<&'d str, Problem> {
        let text = self.text_or_blank()?;
        if text.is_empty() {
            return Err(self.problem(format!("`{}` is blank", self.key), "write a text"));
        }
        Ok(text)
    }

    /// A string without white space around, perhaps with nothing in it.
    ///
    /// # Errors
    /// Another type, or longer than 4,000 characters.
    pub fn text_or_blank(&self) -> Result<&'d str, Problem> {
        let text = self
            .value
            .as_str()
            .ok_or_else(|| self.wrong("a text in quotes"))?;
        let text = text.trim();
        if text.chars().count() > TEXT_CHARS_MAX {
            let what = format!("`{}` is longer than {TEXT_CHARS_MAX} characters", self.key);
            return Err(self.problem(what, "shorten it"));
        }
        Ok(text)
    }

    /// An id.
    ///
    /// # Errors
    /// Not a [`Slug`].
    pub fn slug(&self) -> Result<Slug, Problem> {
        let text = self.text()?;
        Slug::parse(text).ok_or_else(|| {
            let what = format!("`{text}` cannot be an id");
            self.problem(
                what,
                "use 1 to 64 of a-z, 0-9 and - (no accents, no spaces)",
            )
        })
    }

    /// A language tag.
    ///
    /// # Errors
    /// Not a [`Language`].
    pub fn language(&self) -> Result<Language, Problem> {
        let text = self.text()?;
        Language::parse(text).ok_or_else(|| {
            let what = format!("`{text}` is not a language tag");
            self.problem(what, "write one like \"vi\", \"en\" or \"pt-BR\"")
        })
    }

    /// One text in `main`'s language, or a table of texts by language.
    ///
    /// # Errors
    /// Neither, or a key that is no language tag.
    pub fn texts(&self, main: &Language) -> Result<Texts, Problem> {
        let Some(map) = self.value.as_table() else {
            return Ok(Texts::one(main.clone(), self.text()?));
        };
        let mut texts = Vec::new();
        for (name, value) in map {
            let tag: &str = name.get_ref();
            let language = Language::parse(tag).ok_or_else(|| {
                let what = format!("`{tag}` is not a language tag");
                let at = name.span().start;
                self.source
                    .problem(at, what, "write one like vi, en or pt-BR")
            })?;
            let text = self.source.entry(name.get_ref(), value).text()?;
            texts.push((language, text.to_owned()));
        }
        texts.sort_by_key(|(language, _)| language != main);
        if texts.is_empty() {
            let what = format!("`{}` has no text", self.key);
            return Err(self.problem(what, format!("add {main} = \"…\" to it")));
        }
        Ok(texts.into_iter().collect())
    }

    /// A whole number within `range`.
    ///
    /// # Errors
    /// Another type or out of range.
    pub fn integer(&self, range: RangeInclusive<u64>) -> Result<u64, Problem> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.value.as_integer().ok_or_else(|| self.wrong(&wanted))?;
        let value = u64::from_str_radix(number.as_str(), number.radix()).ok();
        value.filter(|n| range.contains(n)).ok_or_else(|| {
            let what = format!("`{}` is {}", self.key, number.as_str());
            self.problem(what, format!("write {wanted}"))
        })
    }

    /// A number within `range`; never infinite, never NaN.
    ///
    /// # Errors
    /// Another type or out of range.
    pub fn number(&self, range: RangeInclusive<f64>) -> Result<f64, Problem> {
        let float = self.value.as_float().map(|f| f.as_str());
        let whole = self.value.as_integer().map(|i| i.as_str());
        let text = float.or(whole).ok_or_else(|| self.wrong("a number"))?;
        let value = text.parse::<f64>().ok();
        value.filter(|n| range.contains(n)).ok_or_else(|| {
            let what = format!("`{}` is {text}", self.key);
            let wanted = format!("write a number from {} to {}", range.start(), range.end());
            self.problem(what, wanted)
        })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Another type.
    pub fn boolean(&self) -> Result<bool, Problem> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    /// A span of time, `"20m"`.
    ///
    /// # Errors
    /// Not a time, or longer than a year.
    pub fn span(&self) -> Result<Span, Problem> {
        let text = self.text()?;
        let span = text.parse::<Span>().ok();
        let good = span.filter(|s| (1..=YEAR_MS).contains(&s.as_ms()));
        good.ok_or_else(|| {
            let what = format!("`{}` is not a time: `{text}`", self.key);
            self.problem(what, "write one like \"20m\" or \"1h\", at most 365d")
        })
    }

    /// A moment with its offset from UTC, `2027-03-01T08:00:00+07:00`.
    ///
    /// # Errors
    /// Another type or a local time.
    pub fn moment(&self) -> Result<Moment, Problem> {
        let wanted = "a moment with its offset, like 2027-03-01T08:00:00+07:00";
        let value = self.value.as_datetime().ok_or_else(|| self.wrong(wanted))?;
        Moment::of(value).ok_or_else(|| {
            let what = format!("`{}` is `{value}`", self.key);
            self.problem(what, format!("write {wanted}"))
        })
    }

    /// The values of a list; a single value counts as a list of one.
    ///
    /// # Errors
    /// More values than `max`.
    pub fn list(&self, max: usize) -> Result<Vec<Self>, Problem> {
        let Some(values) = self.value.as_array() else {
            return Ok(vec![*self]);
        };
        if values.len() > max {
            let what = format!("`{}` has {} values", self.key, values.len());
            return Err(self.problem(what, format!("give at most {max}")));
        }
        let items = values.iter().map(|v| self.source.entry(self.key, v));
        Ok(items.collect())
    }

    /// Every value of a list, read by `read`.
    ///
    /// # Errors
    /// More than 256 values, or the first that `read` refuses.
    pub fn each<T>(&self, read: impl Fn(&Self) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
        self.list(LIST_MAX)?.iter().map(read).collect()
    }

    /// The tables of `[[key]]`.
    ///
    /// # Errors
    /// Something else, or more than `max`.
    pub fn tables(&self, max: usize) -> Result<Vec<Table<'d>>, Problem> {
        let items = self.list(max)?;
        let tables = items.iter().map(|item| {
            let wanted = || item.wrong("a table with a heading in double brackets");
            let map = item.value.as_table().ok_or_else(wanted)?;
            Ok(Table {
                source: self.source,
                map,
                at: item.at,
                name: "the item",
            })
        });
        tables.collect()
    }
}

/// Values in one list.
const LIST_MAX: usize = 256;
/// Characters of one text in a course file.
const TEXT_CHARS_MAX: usize = 4000;
const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_found_on_their_line() {
        let text = "a = 1\n\nb = \"x\"\ntitel = 2\n[t]\nvi = \"Một\"\nen = \"One\"\n";
        let document = Document::parse("c/course.toml", text).unwrap();
        let root = document.root();
        let problem = root.get("b").unwrap().integer(1..=5).unwrap_err();
        assert_eq!(problem.line, Some(3));
        assert!(problem.what.contains("`b` is a string"), "{problem}");
        let problem = root.get("a").unwrap().integer(2..=5).unwrap_err();
        assert!(problem.remedy.contains("from 2 to 5"), "{problem}");
        let mut problems = Vec::new();
        root.refuse_unknown(&["a", "b", "title"], &mut problems);
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().any(|p| p.remedy == "did you mean `title`?"));
        let english = Language::parse("en").unwrap();
        let texts = root.get("t").unwrap().texts(&english).unwrap();
        assert_eq!((texts.main(), texts.get("vi")), ("One", Some("Một")));
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let problem = Document::parse("x.toml", "a = 1\nb = = 2\n").unwrap_err();
        assert_eq!((problem.line, problem.file.as_str()), (Some(2), "x.toml"));
    }
}
