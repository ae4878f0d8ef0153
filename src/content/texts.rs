//! A lesson's reading pages: found, checked, and made when they are asked for.

use crate::base::digest::Digest;
use crate::base::limits::COURSE_FILE_BYTES_MAX;
use crate::content::Chunk;
use crate::content::LoadError;
use crate::content::files;
use crate::content::reading::Page;
use crate::content::reading::Sheet;
use crate::content::scan::Reader;
use crate::content::scan::gathered;
use crate::content::shelf::TextShelf;
use crate::content::survey::Branch;
use crate::course::Language;
use crate::course::Lesson;
use crate::course::Problem;
use crate::http::CachePolicy;
use bytes::Bytes;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

impl Reader<'_> {
    /// Reads the reading pages of `lesson`, whose attachments are shelved already; returns their
    /// languages, those of the course first.
    pub(crate) fn texts(&mut self, branch: &Branch, lesson: &Lesson) -> Vec<Language> {
        let mut texts = Vec::new();
        for item in branch.files() {
            let Some(tag) = files::text_language(&item.name) else {
                continue;
            };
            let Some(language) = Language::parse(tag) else {
                let what = "its name does not tell the language";
                let problem = Problem::new(item.shown(), what, "name it like text.vi.md");
                self.problems.push(problem);
                continue;
            };
            let Some(text) = gathered(item.text().map_err(|p| vec![p]), self.problems) else {
                continue;
            };
            let title = lesson.title.get(language.as_str());
            let mut shelf = TextShelf {
                keys: format!("{} {}/{}", self.course.id, self.course.id, lesson.id),
                course: self.course.id.clone(),
                title: title.unwrap_or_else(|| lesson.title.main()).to_owned(),
                id: Digest::of(&[]),
                disk: Arc::clone(&item.disk),
                folder: branch.name().to_owned(),
                files: Vec::new(),
                language,
            };
            let below = format!("{}/", shelf.folder);
            let files = self.shelf.files.keys().filter_map(|path| {
                let name = path.strip_prefix(&below)?;
                Some((name, path.as_str()))
            });
            let files: Vec<_> = files.collect();
            let page = shelf.page(&text, |name| {
                let mut files = files.iter();
                let (_, path) = files.find(|(file, _)| file.nfc().eq(name.nfc()))?;
                Some(((*path).to_owned(), is_picture(path)))
            });
            shelf.id = Digest::of(&[page.html.as_bytes(), shelf.keys.as_bytes()]);
            let named = page.files.into_iter();
            shelf.files = named
                .map(|path| (path.clone(), is_picture(&path)))
                .collect();
            self.problems.extend(page.problems);
            self.modified = self.modified.max(item.modified_unix_s());
            texts.push(Arc::new(shelf));
        }
        let order = &self.course.languages;
        let place = |text: &TextShelf| order.iter().position(|l| *l == text.language);
        texts.sort_by_key(|text| (place(text).unwrap_or(order.len()), text.language.clone()));
        let languages = texts.iter().map(|text| text.language.clone()).collect();
        if !texts.is_empty() {
            self.shelf.texts.insert(lesson.id.clone(), texts);
        }
        languages
    }
}

impl TextShelf {
    fn page(&self, text: &str, attachment: impl Fn(&str) -> Option<(String, bool)>) -> Page {
        let sheet = Sheet {
            file: &self.disk.shown,
            text,
            language: &self.language,
            title: &self.title,
            course: self.course.as_str(),
            attachment: &attachment,
        };
        sheet.page()
    }

    /// The page; blocks.
    pub(crate) fn chunk(&self) -> Result<Chunk, LoadError> {
        let changed = |reason: &dyn std::fmt::Display| self.disk.changed(reason);
        let bytes = self.disk.bytes(COURSE_FILE_BYTES_MAX);
        let text = String::from_utf8(bytes.map_err(|e| changed(&e))?);
        let text = text.map_err(|error| changed(&error))?;
        let page = self.page(&text, |name| {
            let wanted = format!("{}/{name}", self.folder);
            let mut files = self.files.iter();
            files.find(|(path, _)| path.nfc().eq(wanted.nfc())).cloned()
        });
        Ok(Chunk::new(
            Bytes::from(page.html),
            "text/html; charset=utf-8",
            self.disk.modified_unix_s(),
            CachePolicy::Manifest,
            &self.keys,
        ))
    }
}

fn is_picture(path: &str) -> bool {
    files::media_type(path).is_some_and(|media_type| media_type.starts_with("image/"))
}
