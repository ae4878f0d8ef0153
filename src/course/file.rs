//! `course.toml` and `lesson.toml`.

use crate::course::Document;
use crate::course::Entry;
use crate::course::Gather;
use crate::course::Language;
use crate::course::Problem;
use crate::course::Slug;
use crate::course::Texts;

/// What `course.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseFile {
    /// Its id; the folder's name unless the file gives one.
    pub id: Option<Slug>,
    /// Revision, 1 by default.
    pub revision: u32,
    /// Title; `None` asks for the folder's name.
    pub title: Texts,
    /// Summary, may be empty.
    pub summary: Texts,
    /// Languages, main one first, `vi` by default.
    pub languages: Vec<Language>,
    /// Audience groups, empty for everyone.
    pub audience: Vec<Slug>,
    /// Courses to be passed before.
    pub prerequisites: Vec<Slug>,
    /// Licence of the content.
    pub license: Option<String>,
    /// Share of each quiz to reach, 0 to 1; 0.7 by default.
    pub pass: f64,
}

/// What `lesson.toml` says. Every field may be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct LessonFile {
    /// Its id; the folder's name without its number unless the file gives one.
    pub id: Option<Slug>,
    /// Revision, 1 by default.
    pub revision: u32,
    /// Title; empty asks for the id.
    pub title: Texts,
    /// Summary, may be empty.
    pub summary: Texts,
    /// Language of the sound; the course's main language by default.
    pub language: Language,
    /// What it teaches.
    pub skills: Vec<Slug>,
}

impl CourseFile {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the keys asked for.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(file, text).map_err(|p| vec![p])?;
        let root = document.root();
        let mut gather = Gather::new();
        root.refuse_unknown(COURSE_KEYS, gather.problems());
        let languages = gather.read(root.get("languages"), |e| e.each(Entry::language));
        let languages = languages.unwrap_or_else(|| Language::parse("vi").into_iter().collect());
        let Some(main) = languages.first().cloned() else {
            let what = "`languages` is empty";
            gather.push(root.problem(what, "write languages = [\"vi\"]"));
            return Err(gather.done(()).err().unwrap_or_default());
        };
        let title = gather.take(root.require("title", "title = \"…\""));
        let title = gather.read(title, |e| e.texts(&main));
        let course = Self {
            id: gather.read(root.get("id"), |e| e.slug()),
            revision: gather.read(root.get("revision"), revision).unwrap_or(1),
            title: title.unwrap_or_default(),
            summary: gather
                .read(root.get("summary"), |e| e.texts(&main))
                .unwrap_or_default(),
            audience: gather.slugs(root.get("audience")),
            prerequisites: gather.slugs(root.get("prerequisites")),
            license: gather.read(root.get("license"), |e| e.text().map(str::to_owned)),
            pass: gather
                .read(root.get("pass"), |e| e.number(0.0..=1.0))
                .unwrap_or(0.7),
            languages,
        };
        gather.done(course)
    }
}

impl LessonFile {
    /// Reads the text of `file` in a course whose main language is `main`; an absent file is the
    /// same as an empty one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str, main: &Language) -> Result<Self, Vec<Problem>> {
        let document = Document::parse(file, text).map_err(|p| vec![p])?;
        let root = document.root();
        let mut gather = Gather::new();
        root.refuse_unknown(LESSON_KEYS, gather.problems());
        let language = gather.read(root.get("language"), |e| e.language());
        let lesson = Self {
            id: gather.read(root.get("id"), |e| e.slug()),
            revision: gather.read(root.get("revision"), revision).unwrap_or(1),
            title: gather
                .read(root.get("title"), |e| e.texts(main))
                .unwrap_or_default(),
            summary: gather
                .read(root.get("summary"), |e| e.texts(main))
                .unwrap_or_default(),
            skills: gather.slugs(root.get("skills")),
            language: language.unwrap_or_else(|| main.clone()),
        };
        gather.done(lesson)
    }
}

fn revision(entry: &Entry<'_>) -> Result<u32, Problem> {
    let number = entry.integer(1..=1_000_000)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

const COURSE_KEYS: &[&str] = &[
    "id",
    "revision",
    "title",
    "summary",
    "languages",
    "audience",
    "prerequisites",
    "license",
    "pass",
];
const LESSON_KEYS: &[&str] = &["id", "revision", "title", "summary", "language", "skills"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_course_file_is_understood() {
        let text = "id = \"so\"\nlanguages = [\"vi\", \"en\"]\naudience = [\"everyone\"]\n\
                    license = \"CC-BY-4.0\"\n[title]\nen = \"Skills\"\nvi = \"Kỹ năng\"\n";
        let course = CourseFile::parse("so/course.toml", text).unwrap();
        assert_eq!(course.title.main(), "Kỹ năng");
        assert_eq!(course.id.unwrap().as_str(), "so");
        assert_eq!((course.revision, course.languages.len()), (1, 2));
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_line_and_remedy() {
        let text = "titel = \"x\"\nrevision = 0\npass = 70\nlicense = \" \"\n";
        let problems = CourseFile::parse("so/course.toml", text).unwrap_err();
        let lines: Vec<_> = problems.iter().filter_map(|p| p.line).collect();
        assert_eq!(lines.len(), problems.len(), "{problems:?}");
        for line in 1..=4 {
            assert!(lines.contains(&line), "line {line}: {problems:?}");
        }
        assert!(problems.iter().any(|p| p.remedy == "did you mean `title`?"));
        assert!(problems.iter().any(|p| p.what == "the file has no `title`"));
    }

    #[test]
    fn a_lesson_needs_no_file() {
        let main = Language::parse("vi").unwrap();
        let lesson = LessonFile::parse("so/01-a/lesson.toml", "", &main).unwrap();
        assert_eq!((lesson.revision, lesson.language), (1, main));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?s).{0,200}") {
            drop(CourseFile::parse("c.toml", &text));
        }

        #[test]
        fn no_toml_makes_the_parser_panic(
            key in prop::sample::select(COURSE_KEYS),
            value in prop::sample::select(&["1", "-1", "\"\"", "\"x\"", "[]", "{}", "[[1]]",
                "{vi=1}", "{v=\"\"}", "nan", "inf", "1979-05-27", "true", "[\"a\", 1]"][..]),
        ) {
            drop(CourseFile::parse("c.toml", &format!("{key} = {value}\n")));
        }
    }
}
