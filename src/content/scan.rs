//! From a course folder to what is served of it, gathering problems on the way.

use crate::base::digest::Digest;
use crate::content::disk::OnDisk;
use crate::content::files;
use crate::content::folder::Item;
use crate::content::lesson::Studio;
use crate::content::paper::Paper;
use crate::content::shelf::LessonShelf;
use crate::content::shelf::QuizShelf;
use crate::content::shelf::Shelf;
use crate::content::shelf::place_id;
use crate::content::stand::Served;
use crate::content::stand::Stand;
use crate::content::survey::Branch;
use crate::content::survey::Survey;
use crate::course::Course;
use crate::course::CourseFile;
use crate::course::Language;
use crate::course::Lesson;
use crate::course::Problem;
use crate::course::Quiz as QuizEntry;
use crate::course::Slug;
use crate::course::Texts;
use crate::quiz::Quiz;
use std::sync::Arc;
use std::sync::OnceLock;

/// Reads the surveyed course. What is broken now and was good in `earlier` stays as it was, as far
/// as its files are still there.
pub(crate) fn course(survey: Survey, earlier: Option<&Stand>, target_ms: u32) -> Stand {
    let Survey {
        branch,
        mut problems,
        fingerprint,
        youngest_ns: _,
    } = survey;
    let earlier = earlier.and_then(|stand| stand.served.as_ref());
    let served = start(&branch, earlier, &mut problems).map(|(course, modified)| {
        let mut reader = Reader {
            course,
            shelf: Shelf::default(),
            modified,
            target_ms,
            problems: &mut problems,
            earlier,
        };
        for folder in branch.folders() {
            reader.folder(folder);
        }
        for item in branch.files().filter(|item| item.name != COURSE_FILE) {
            reader.file(item, &item.name, None);
        }
        Served::new(reader.course, reader.shelf, reader.modified)
    });
    Stand {
        folder: branch.name().to_owned(),
        fingerprint,
        read_by: Digest::of(&[]),
        was_fresh: false,
        served,
        problems,
    }
}

/// What `course.toml` says, and when it was modified; `None` if the course cannot be served at all.
fn start(
    branch: &Branch,
    earlier: Option<&Served>,
    problems: &mut Vec<Problem>,
) -> Option<(Course, u64)> {
    let Some(file) = branch.files().find(|item| item.name == COURSE_FILE) else {
        let shown = branch.folder.shown(COURSE_FILE);
        let remedy = "add a file with title = \"…\" and languages = [\"vi\"]";
        problems.push(Problem::new(shown, "is missing", remedy));
        return None;
    };
    let text = gathered(file.text().map_err(|p| vec![p]), problems);
    let read = text.and_then(|text| gathered(CourseFile::parse(file.shown(), &text), problems));
    let Some(read) = read else {
        // A mistake in one file does not take its lessons from those who learn.
        let former = earlier.map(|served| Course {
            lessons: Vec::new(),
            quizzes: Vec::new(),
            ..Course::clone(&served.course)
        });
        return former.map(|course| (course, file.modified_unix_s()));
    };
    let name = branch.name();
    let id = read.id.clone().or_else(|| Slug::parse(name));
    let Some(id) = id else {
        let what = format!("the folder's name `{name}` cannot be an id");
        let remedy = "rename it with a-z, 0-9 and -, or write id = \"…\" into course.toml";
        problems.push(Problem::new(file.shown(), what, remedy));
        return None;
    };
    Some((model(id, read), file.modified_unix_s()))
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
pub(crate) struct Reader<'p> {
    pub(crate) course: Course,
    pub(crate) shelf: Shelf,
    pub(crate) modified: u64,
    target_ms: u32,
    pub(crate) problems: &'p mut Vec<Problem>,
    earlier: Option<&'p Served>,
}

impl Reader<'_> {
    /// A folder in the course: a lesson, or one that holds only attachments.
    fn folder(&mut self, branch: &Branch) {
        if !branch.files().any(|i| files::belongs_to_lesson(&i.name)) {
            self.attachments(branch, branch.name());
            return;
        }
        let studio = Studio {
            course: &self.course,
            folder: &branch.folder,
            items: &branch.items,
            name: branch.name(),
            target_ms: self.target_ms,
        };
        let read = studio.lesson(self.problems);
        let read = read.map(|(lesson, shelf)| (lesson, Arc::new(shelf)));
        let Some((mut lesson, shelf)) = read.or_else(|| self.former(branch)) else {
            return;
        };
        if self.shelf.lessons.contains_key(lesson.id.as_str()) {
            let what = format!("another lesson of the course has the id `{}`", lesson.id);
            let remedy = "rename the folder or give it another `id`";
            let problem = Problem::new(branch.folder.shown_itself(), what, remedy);
            self.problems.push(problem);
            return;
        }
        let key = self.course.lesson_key(&lesson);
        let twin = |other: &&Lesson| self.course.lesson_key(other) == key;
        if let Some(other) = self.course.lessons.iter().find(twin) {
            let what = same_key("lesson", lesson.id.as_str(), other.id.as_str());
            let folder = branch.folder.shown_itself();
            self.problems.push(Problem::new(folder, what, ANOTHER_ID));
            return;
        }
        let id = lesson.id.clone();
        self.modified = self.modified.max(shelf.modified_unix_s);
        self.shelf.lessons.insert(id.clone(), shelf);
        lesson.attachments.clear();
        for file in branch.files() {
            let path = format!("{}/{}", branch.name(), file.name);
            if self.file(file, &path, Some(&id)) {
                lesson.attachments.push(path);
            }
        }
        for inner in branch.folders() {
            self.attachments(inner, &format!("{}/{}", branch.name(), inner.name()));
        }
        lesson.texts = self.texts(branch, &lesson);
        self.course.lessons.push(lesson);
    }

    /// The lesson of that folder as it was, if every file that it is made of still is there.
    fn former(&self, branch: &Branch) -> Option<(Lesson, Arc<LessonShelf>)> {
        let served = self.earlier?;
        let shown = branch.folder.shown_itself();
        let mut shelves = served.shelf.lessons.iter();
        let (id, shelf) = shelves.find(|(_, shelf)| *shelf.folder == *shown)?;
        let there = |disk: &OnDisk| branch.files().any(|item| *item.disk == *disk);
        let lesson = served.course.lessons.iter().find(|l| l.id == *id)?;
        let whole = shelf.sources().all(there);
        whole.then(|| (lesson.clone(), Arc::clone(shelf)))
    }

    fn attachments(&mut self, branch: &Branch, path: &str) {
        for item in branch.files() {
            if files::media_type(&item.name).is_some() {
                self.file(item, &format!("{path}/{}", item.name), None);
            } else {
                self.unknown(item);
            }
        }
        for inner in branch.folders() {
            self.attachments(inner, &format!("{path}/{}", inner.name()));
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
        let text = gathered(item.text().map_err(|p| vec![p]), self.problems);
        let paper = text.map(|text| Paper::new(item.shown(), &text, &main, self.course.pass));
        let quiz = paper
            .as_ref()
            .and_then(|paper| gathered(paper.read(), self.problems));
        let (Some(paper), Some(mut quiz)) = (paper, quiz) else {
            self.former_quiz(item, lesson);
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
        self.shelve(&quiz, paper, (id, lesson), item.modified_unix_s());
    }

    /// A quiz with a mistake in it is served as it was before.
    fn former_quiz(&mut self, item: &Item, lesson: Option<&Slug>) {
        let Some(served) = self.earlier else {
            return;
        };
        let mut former = served.shelf.quizzes.iter();
        let former = former.find(|(_, quiz)| *quiz.paper.file == *item.shown());
        let listed = |id: &Slug| served.course.quizzes.iter().find(|q| q.id == *id);
        if let Some((id, quiz)) = former
            && let Some(entry) = listed(id)
            && entry.lesson.as_ref() == lesson
            && !self.shelf.quizzes.contains_key(id.as_str())
        {
            self.course.quizzes.push(entry.clone());
            self.shelf.quizzes.insert(id.clone(), Arc::clone(quiz));
        }
    }

    fn shelve(
        &mut self,
        quiz: &Quiz,
        paper: Paper,
        (id, lesson): (Slug, Option<&Slug>),
        modified_unix_s: u64,
    ) {
        let (_json, version) = quiz.chunk(&id);
        let course = &self.course.id;
        let fallback = || Texts::one(quiz.language.clone(), id.as_str());
        let entry = QuizEntry {
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
            attempts_max: quiz.attempts_max,
        };
        let key = self.course.quiz_key(&entry);
        let twin = |other: &&QuizEntry| self.course.quiz_key(other) == key;
        if let Some(other) = self.course.quizzes.iter().find(twin) {
            let what = same_key("quiz", id.as_str(), other.id.as_str());
            let problem = Problem::new(&*paper.file, what, ANOTHER_ID);
            self.problems.push(problem);
            return;
        }
        let shelf = QuizShelf {
            keys: format!("{course} {course}/{id}"),
            version,
            id: place_id(version, course.as_str(), "", id.as_str()),
            name: id.clone(),
            paper,
            modified_unix_s,
            key: OnceLock::new(),
        };
        self.modified = self.modified.max(shelf.modified_unix_s);
        self.shelf.quizzes.insert(id, Arc::new(shelf));
        self.course.quizzes.push(entry);
    }
}

/// Learners' states call lessons and quizzes by 32 bits of a hash: of two with the same, one would
/// count for the other.
fn same_key(kind: &str, id: &str, other: &str) -> String {
    format!("the ids of {kind} `{id}` and {kind} `{other}` have the same short hash")
}

const ANOTHER_ID: &str = "give it another `id`, the hash will differ";

/// The value, or `None` with the problems kept.
pub(crate) fn gathered<T>(
    result: Result<T, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    result.map_err(|more| problems.extend(more)).ok()
}

const COURSE_FILE: &str = "course.toml";
