//! From folders to a catalogue: one pass over the content folder, gathering problems on the way.

use crate::base::limits::COURSES_MAX;
use crate::content::Catalogue;
use crate::content::files;
use crate::content::folder::Folder;
use crate::content::folder::Item;
use crate::content::lesson::Studio;
use crate::content::shelf::QuizShelf;
use crate::content::shelf::Shelf;
use crate::content::shelf::place_id;
use crate::course::Course;
use crate::course::CourseFile;
use crate::course::Language;
use crate::course::Problem;
use crate::course::Quiz as QuizEntry;
use crate::course::Slug;
use crate::course::Texts;
use crate::quiz::Quiz;
use std::sync::Arc;

/// Reads every course of the content folder.
pub(crate) fn library(root: &Folder, target_ms: u32) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let mut problems = Vec::new();
    let items = root.items(&mut problems);
    for item in items.iter().filter(|item| item.is_folder()) {
        if catalogue.courses.len() >= COURSES_MAX {
            let what = format!("more than {COURSES_MAX} courses");
            problems.push(Problem::new(
                item.shown(),
                what,
                "serve the rest from another node",
            ));
            break;
        }
        let Some((course, shelf, modified)) = course(root, item, target_ms, &mut problems) else {
            continue;
        };
        let place = catalogue.courses.binary_search_by(|c| c.id.cmp(&course.id));
        match place {
            Ok(_) => problems.push(Problem::new(
                item.shown(),
                format!("another course has the id `{}`", course.id),
                "rename the folder or give it another `id`",
            )),
            Err(at) => {
                catalogue.courses.insert(at, course);
                catalogue.shelves.insert(at, shelf);
                catalogue.modified_unix_s = catalogue.modified_unix_s.max(modified);
            }
        }
    }
    problems.sort();
    catalogue.problems = problems;
    catalogue
}

/// Reads one course; `None` if it cannot be served at all.
pub(crate) fn course(
    parent: &Folder,
    item: &Item,
    target_ms: u32,
    problems: &mut Vec<Problem>,
) -> Option<(Course, Shelf, u64)> {
    let folder = parent.enter(item);
    let items = folder.items(problems);
    let Some(file) = items.iter().find(|i| i.name == "course.toml") else {
        let remedy = "add a file with title = \"…\" and languages = [\"vi\"]";
        problems.push(Problem::new(
            folder.shown("course.toml"),
            "is missing",
            remedy,
        ));
        return None;
    };
    let text = gathered(file.text().map_err(|p| vec![p]), problems)?;
    let read = gathered(CourseFile::parse(file.shown(), &text), problems)?;
    let id = read.id.clone().or_else(|| Slug::parse(&item.name));
    let Some(id) = id else {
        let what = format!("the folder's name `{}` cannot be an id", item.name);
        let remedy = "rename it with a-z, 0-9 and -, or write id = \"…\" into course.toml";
        problems.push(Problem::new(file.shown(), what, remedy));
        return None;
    };
    let mut reader = Reader {
        course: model(id, read),
        shelf: Shelf::default(),
        modified: file.modified_unix_s(),
        target_ms,
        problems,
    };
    for item in items.iter().filter(|i| i.is_folder()) {
        reader.folder(&folder, item);
    }
    for item in items
        .iter()
        .filter(|i| i.is_file() && i.name != "course.toml")
    {
        reader.file(item, &item.name, None);
    }
    Some((reader.course, reader.shelf, reader.modified))
}

fn model(id: Slug, file: CourseFile) -> Course {
    Course {
        id,
        revision: file.revision,
        title: file.title,
        summary: file.summary,
        languages: file.languages,
        audience: file.audience,
        prerequisites: file.prerequisites,
        license: file.license,
        pass: file.pass,
        lessons: Vec::new(),
        quizzes: Vec::new(),
    }
}

/// A course being read.
struct Reader<'p> {
    course: Course,
    shelf: Shelf,
    modified: u64,
    target_ms: u32,
    problems: &'p mut Vec<Problem>,
}

impl Reader<'_> {
    /// A folder in the course: a lesson, or one that holds only attachments.
    fn folder(&mut self, parent: &Folder, item: &Item) {
        let folder = parent.enter(item);
        let items = folder.items(self.problems);
        let lesson = items
            .iter()
            .any(|i| i.is_file() && files::belongs_to_lesson(&i.name));
        if !lesson {
            self.attachments(&folder, &items, &item.name, 1);
            return;
        }
        let studio = Studio {
            course: &self.course,
            folder: &folder,
            items: &items,
            name: &item.name,
            target_ms: self.target_ms,
        };
        let Some((mut lesson, shelf)) = studio.lesson(self.problems) else {
            return;
        };
        if self.shelf.lessons.contains_key(lesson.id.as_str()) {
            let what = format!("another lesson of the course has the id `{}`", lesson.id);
            let remedy = "rename the folder or give it another `id`";
            self.problems.push(Problem::new(item.shown(), what, remedy));
            return;
        }
        let id = lesson.id.clone();
        self.modified = self.modified.max(shelf.modified_unix_s);
        self.shelf.lessons.insert(id.clone(), Arc::new(shelf));
        for file in items.iter().filter(|i| i.is_file()) {
            let path = format!("{}/{}", item.name, file.name);
            if self.file(file, &path, Some(&id)) {
                lesson.attachments.push(path);
            }
        }
        for inner in items.iter().filter(|i| i.is_folder()) {
            let path = format!("{}/{}", item.name, inner.name);
            let inner = folder.enter(inner);
            let below = inner.items(self.problems);
            self.attachments(&inner, &below, &path, 2);
        }
        self.course.lessons.push(lesson);
    }

    fn attachments(&mut self, folder: &Folder, items: &[Item], path: &str, depth: u32) {
        for item in items {
            let path = format!("{path}/{}", item.name);
            if item.is_file() {
                if files::media_type(&item.name).is_some() {
                    self.file(item, &path, None);
                } else {
                    self.unknown(item);
                }
            } else if depth < DEPTH_MAX {
                let inner = folder.enter(item);
                let below = inner.items(self.problems);
                self.attachments(&inner, &below, &path, depth + 1);
            } else {
                let what = format!("lies more than {DEPTH_MAX} folders deep");
                self.problems
                    .push(Problem::new(item.shown(), what, "move it up"));
            }
        }
    }

    /// A file that is neither recording nor captions: a quiz, an attachment (`true`), or a mistake.
    fn file(&mut self, item: &Item, path: &str, lesson: Option<&Slug>) -> bool {
        let extension = item.name.rsplit_once('.').map_or("", |(_, e)| e);
        if lesson.is_some() && files::is_handled_by_lesson(&item.name) {
            return false;
        }
        match extension {
            "toml" | "gift" => self.quiz(item, lesson),
            "md" => {}
            _ => match files::held(item, &self.course.id) {
                Some(held) => {
                    self.modified = self.modified.max(item.modified_unix_s());
                    self.shelf.files.insert(path.to_owned(), held);
                    return true;
                }
                None => self.unknown(item),
            },
        }
        false
    }

    fn unknown(&mut self, item: &Item) {
        let what = "is no kind of file that a course is made of";
        let remedy = "remove it, rename it, or pack it into a .zip";
        self.problems.push(Problem::new(item.shown(), what, remedy));
    }

    fn quiz(&mut self, item: &Item, lesson: Option<&Slug>) {
        let main = self.course.languages.first().cloned();
        let Some(main) = main.or_else(|| Language::parse("vi")) else {
            return;
        };
        let read = item.text().map_err(|p| vec![p]);
        let pass = self.course.pass;
        let read = read.and_then(|text| Quiz::parse(item.shown(), &text, &main, pass));
        let Some(mut quiz) = gathered(read, self.problems) else {
            return;
        };
        self.problems.append(&mut quiz.notes);
        let stem = item.name.rsplit_once('.').map_or("", |(stem, _)| stem);
        let named = match lesson {
            Some(lesson) if stem == "quiz" => Slug::parse(&format!("{lesson}-quiz")),
            _ => Slug::parse(stem),
        };
        let Some(id) = quiz.id.clone().or(named) else {
            let what = format!("the file's name `{stem}` cannot be an id");
            let remedy = "rename it with a-z, 0-9 and -, or write id = \"…\" into it";
            self.problems.push(Problem::new(item.shown(), what, remedy));
            return;
        };
        if self.shelf.quizzes.contains_key(id.as_str()) {
            let what = format!("another quiz of the course has the id `{id}`");
            self.problems
                .push(Problem::new(item.shown(), what, "give it another `id`"));
            return;
        }
        self.shelve(quiz, id, item, lesson);
    }

    fn shelve(&mut self, quiz: Quiz, id: Slug, item: &Item, lesson: Option<&Slug>) {
        let (json, version) = quiz.chunk(&id);
        let course = &self.course.id;
        let fallback = || Texts::one(quiz.language.clone(), id.as_str());
        self.course.quizzes.push(QuizEntry {
            id: id.clone(),
            lesson: lesson.cloned(),
            title: if quiz.title.is_empty() {
                fallback()
            } else {
                quiz.title.clone()
            },
            items: quiz.items(),
            version,
            opens_at: quiz.opens_at,
            closes_at: quiz.closes_at,
            time_limit_ms: quiz.time_limit_ms,
        });
        let shelf = QuizShelf {
            keys: format!("{course} {course}/{id}"),
            version,
            id: place_id(version, course.as_str(), "", id.as_str()),
            json,
            modified_unix_s: item.modified_unix_s(),
            key: quiz.key,
        };
        self.modified = self.modified.max(shelf.modified_unix_s);
        self.shelf.quizzes.insert(id, Arc::new(shelf));
    }
}

/// The value, or `None` with the problems kept.
pub(crate) fn gathered<T>(
    result: Result<T, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    result.map_err(|more| problems.extend(more)).ok()
}

/// Folders below a course that may hold attachments.
const DEPTH_MAX: u32 = 4;
