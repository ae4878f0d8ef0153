//! Block after block to a quiz.

use crate::course::Document;
use crate::course::Gather;
use crate::course::Language;
use crate::course::Problem;
use crate::course::Slug;
use crate::quiz::Quiz;
use crate::quiz::compiled::ITEMS_MAX;
use crate::quiz::gift::answers;
use crate::quiz::gift::block::Block;
use crate::quiz::gift::block::blocks;
use crate::quiz::gift::choices::Choice;
use crate::quiz::gift::glyph;
use crate::quiz::gift::glyph::Glyph;
use crate::quiz::gift::header::header;
use crate::quiz::gift::markup::Markup;
use crate::quiz::gift::markup::plain;
use crate::quiz::gift::question;
use crate::quiz::gift::question::Mistake;
use crate::quiz::gift::question::Parsed;
use crate::quiz::gift::question::Question;
use crate::quiz::gift::question::mistake;
use crate::quiz::head::Head;
use crate::quiz::key::KeyItem;
use crate::quiz::public::Item;

impl Quiz {
    /// Reads GIFT; see [`Quiz::parse`].
    pub(crate) fn parse_gift(
        file: &str,
        text: &str,
        main: &Language,
        pass: f64,
    ) -> Result<Self, Vec<Problem>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Line ends of all systems.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let (toml, mistyped) = header(&text);
        let document = Document::parse(file, &toml).map_err(|p| vec![p])?;
        let mut gather = Gather::new();
        let head = Head::read(&document.root(), main, pass, &mut gather);
        let mut reader = Reader {
            file,
            gather,
            notes: Vec::new(),
            intro: None,
            skill: None,
            items: Vec::new(),
        };
        for (line, key, meant) in mistyped {
            let what = format!("the comment `{key} = …` is no key of a quiz");
            reader.note(line, what, &format!("did you mean `{meant}`?"));
        }
        for block in blocks(&text) {
            if let Err((line, what, remedy)) = reader.block(&block, &head) {
                reader
                    .gather
                    .push(Problem::new(file, what, remedy).at(line));
            }
            if reader.gather.problems().len() >= PROBLEMS_MAX {
                let what = "has more mistakes than are told at once";
                let problem = Problem::new(file, what, "correct those before");
                reader.gather.push(problem.at(block.line()));
                break;
            }
        }
        reader.finish(head)
    }
}

struct Reader<'f> {
    file: &'f str,
    gather: Gather,
    notes: Vec<Problem>,
    /// A description that waits for its question, and its line.
    intro: Option<(u32, String)>,
    /// Skill of the current category.
    skill: Option<String>,
    items: Vec<(Item, KeyItem)>,
}

impl Reader<'_> {
    fn note(&mut self, line: u32, what: impl Into<String>, remedy: &str) {
        if self.notes.len() < NOTES_MAX {
            let note = Problem::new(self.file, what, remedy).at(line);
            self.notes.push(note);
        }
    }

    fn block(&mut self, block: &Block<'_>, head: &Head) -> Result<(), Mistake> {
        if block.len() > QUESTION_BYTES_MAX {
            let what = "a question has more than 64 KiB";
            return Err(mistake(
                block.line(),
                what,
                "leave blank lines between questions",
            ));
        }
        let (glyphs, needless) = glyph::glyphs(&block.lines);
        for (line, c) in needless {
            let what = format!("`\\{c}` is no escape: learners see the backslash");
            self.note(line, what, "remove the backslash");
        }
        let mut words = Words::default();
        match question::parse(block, &glyphs)? {
            Parsed::Category(path) => {
                let name = path.rsplit('/').next().unwrap_or_default().trim();
                self.skill = Slug::parse(name).map(|slug| slug.to_string());
            }
            Parsed::Description(text) => {
                let (text, _) = words.question(&text, block.line())?;
                let before = self.intro.take();
                let intro = before.map(|(_, before)| format!("{before}\n\n{text}"));
                self.intro = Some((block.line(), intro.unwrap_or(text)));
            }
            Parsed::Question(question) => self.question(block, &question, head, &mut words)?,
        }
        for (line, what, remedy) in words.notes {
            self.note(line, what, remedy);
        }
        Ok(())
    }

    fn question(
        &mut self,
        block: &Block<'_>,
        question: &Question,
        head: &Head,
        words: &mut Words,
    ) -> Result<(), Mistake> {
        let line = block.line();
        if self.items.len() >= ITEMS_MAX {
            return Err(mistake(
                line,
                "the quiz has more than 100 questions",
                "split it",
            ));
        }
        let intro = self.intro.take();
        let (text, markup) = words.question(&question.text, line)?;
        if text.is_empty() {
            return Err(mistake(
                line,
                "a question has no text",
                "write it before the braces",
            ));
        }
        words.markup = markup;
        let text = intro.map_or_else(|| text.clone(), |(_, intro)| format!("{intro}\n\n{text}"));
        if text.chars().count() > TEXT_CHARS_MAX {
            let what = "a question and its description are longer than 4000 characters";
            return Err(mistake(line, what, "shorten them"));
        }
        let (id, tags) = self.marks(block)?;
        let mut item = Item::new(id, text, 1.0);
        item.skills = match (tags.is_empty(), &self.skill) {
            (false, _) => tags,
            (true, Some(skill)) => vec![skill.clone()],
            (true, None) => head.skills.clone(),
        };
        let (right, feedback) = answers::read(&mut item, question, head.shuffle, words)?;
        item.in_order(head.shuffle);
        let secret = KeyItem {
            id: item.id.clone(),
            weight: item.weight_thousandths(),
            right,
            explain: words.feedback(&question.explain),
            feedback,
        };
        self.items.push((item, secret));
        Ok(())
    }

    /// Id and tags that Moodle writes as `[id:…] [tag:…]` into a comment above the question.
    fn marks(&mut self, block: &Block<'_>) -> Result<(String, Vec<String>), Mistake> {
        let (mut id, mut tags) = (None, Vec::new());
        for (line, comment) in &block.comments {
            for mark in comment.split('[').skip(1) {
                let mark = mark.split(']').next().unwrap_or_default();
                let slug = |text: &str| Slug::parse(text.trim()).map(|slug| slug.to_string());
                if let Some(name) = mark.strip_prefix("id:") {
                    id = slug(name).or(id);
                    if slug(name).is_none() {
                        let what = format!("`{name}` cannot be an id, the question is numbered");
                        self.note(*line, what, "use 1 to 64 of a-z, 0-9 and -");
                    }
                } else if let Some(tag) = mark.strip_prefix("tag:").and_then(slug) {
                    tags.push(tag);
                }
            }
        }
        let id = id.unwrap_or_else(|| format!("q{}", self.items.len() + 1));
        if self.items.iter().any(|(item, _)| item.id == id) {
            let what = format!("two questions are called `{id}`");
            return Err((block.line(), what, "rename one"));
        }
        Ok((id, tags))
    }

    fn finish(mut self, head: Head) -> Result<Quiz, Vec<Problem>> {
        if let Some((line, _)) = self.intro.take() {
            let what = "a description behind the last question is shown nowhere";
            self.note(
                line,
                what,
                "move it before a question, or add answers in braces",
            );
        }
        if self.items.is_empty() && self.gather.problems().is_empty() {
            let what = "holds no question";
            let remedy = "write a text and its answers in braces";
            self.gather.push(Problem::new(self.file, what, remedy));
        }
        let mut quiz = Quiz::new(head, self.items);
        if let Some(what) = quiz.too_large() {
            let remedy = "split the quiz or shorten its texts";
            self.gather.push(Problem::new(self.file, what, remedy));
        }
        quiz.notes = self.notes;
        self.gather.done(quiz)
    }
}

/// Texts of one question.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// How the question is written, and so what stands in its braces.
    markup: Markup,
    notes: Vec<Mistake>,
}

impl Words {
    /// Something for the author to look at.
    pub(crate) fn note(&mut self, line: u32, what: &str, remedy: &'static str) {
        self.notes.push(mistake(line, what, remedy));
    }

    /// The text of an answer.
    pub(crate) fn text(&mut self, glyphs: &[Glyph], line: u32) -> Result<String, Mistake> {
        self.read(glyphs, line).map(|(text, _)| text)
    }

    fn question(&mut self, glyphs: &[Glyph], line: u32) -> Result<(String, Markup), Mistake> {
        self.read(glyphs, line)
    }

    fn read(&mut self, glyphs: &[Glyph], line: u32) -> Result<(String, Markup), Mistake> {
        let plain = plain(glyphs, self.markup);
        if plain.lost_media {
            let what = "pictures, sounds and films in questions are not shown";
            self.note(line, what, "describe it, or put it into the lesson");
        }
        if plain.text.chars().count() > TEXT_CHARS_MAX {
            let what = "a text is longer than 4000 characters";
            return Err(mistake(line, what, "shorten it"));
        }
        Ok((plain.text, plain.markup))
    }

    /// Feedback, which has no limit but that of the whole key.
    pub(crate) fn feedback(&mut self, glyphs: &[Glyph]) -> String {
        plain(glyphs, self.markup).text
    }

    /// Feedback of every answer.
    pub(crate) fn all(&mut self, choices: &[Choice<'_>]) -> Vec<String> {
        let told = choices.iter().map(|c| self.feedback(c.feedback));
        told.collect()
    }
}

/// Mistakes and notes that are told of one file.
const PROBLEMS_MAX: usize = 50;
const NOTES_MAX: usize = 50;
/// Characters of one text.
const TEXT_CHARS_MAX: usize = 4000;
/// Bytes of one block.
const QUESTION_BYTES_MAX: usize = 64 * 1024;
