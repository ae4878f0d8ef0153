//! What earlier catalogues served: their versions stay fetchable for a while, then they are gone.

use crate::base::digest::Digest;
use crate::base::limits::REPLACED_MAX;
use crate::content::Catalogue;
use crate::content::Path;
use crate::content::disk::OnDisk;
use crate::content::shelf::Found;
use crate::content::shelf::LessonShelf;
use crate::content::shelf::QuizShelf;
use crate::content::shelf::Shelf;
use crate::course::Slug;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Replaced and removed lessons and quizzes of all courses. A player that loaded a playlist before
/// the change goes on with it for as long as caches may hand that playlist out.
#[derive(Debug, Default)]
pub(crate) struct Past {
    courses: BTreeMap<Slug, Replaced>,
    /// Lessons and quizzes in it.
    kept: usize,
    /// Versions that are no more, kept ones among them.
    gone: HashSet<Digest>,
}

#[derive(Debug, Default)]
struct Replaced {
    lessons: BTreeMap<Slug, Vec<Kept<LessonShelf>>>,
    quizzes: BTreeMap<Slug, Vec<Kept<QuizShelf>>>,
}

#[derive(Debug)]
struct Kept<T> {
    shelf: Arc<T>,
    until: Instant,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self {
            shelf: Arc::clone(&self.shelf),
            until: self.until,
        }
    }
}

/// What the content index keeps of the past, one record each; times in milliseconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Relic {
    Lesson(Slug, Slug, u64, Arc<LessonShelf>),
    Quiz(Slug, Slug, u64, Arc<QuizShelf>),
    /// Versions that are no more.
    Gone(Vec<Digest>),
}

/// What became of a version that is not served now.
#[derive(Debug)]
pub(crate) enum Fate<'a> {
    /// It was replaced lately: it may be had as long as its bytes are there.
    Kept(Found<'a>),
    /// It was replaced longer ago.
    Gone,
    /// It never was.
    Unknown,
}

impl Past {
    /// What `earlier`, replaced at `now`, leaves behind beside what `present` serves.
    pub(crate) fn of(
        earlier: &Catalogue,
        present: &Catalogue,
        now: Instant,
        keep: Duration,
    ) -> Self {
        let mut past = Self {
            gone: gone(earlier, present),
            ..Self::default()
        };
        for (course, shelf) in earlier.all() {
            if !present.has_shelf(course, shelf) {
                past.leave(course, shelf, present.shelf(course.as_str()), now + keep);
            }
        }
        for (course, replaced) in &earlier.past.courses {
            past.carry(course, replaced, now);
        }
        past
    }

    /// The past that `relics` tell of, at `now`, which is `unix_ms`; nothing stays for longer than
    /// `keep`.
    pub(crate) fn remembered(
        relics: Vec<Relic>,
        now: Instant,
        unix_ms: u64,
        keep: Duration,
    ) -> Self {
        let mut past = Self::default();
        let left = |until_ms: u64| {
            let left = Duration::from_millis(until_ms.saturating_sub(unix_ms)).min(keep);
            (!left.is_zero()).then(|| now + left)
        };
        for relic in relics {
            match relic {
                Relic::Lesson(course, id, until_ms, mut shelf) => {
                    if let Some(until) = left(until_ms).filter(|_| past.has_room()) {
                        if let Some(shelf) = Arc::get_mut(&mut shelf) {
                            shelf.share();
                        }
                        let lessons = &mut past.courses.entry(course).or_default().lessons;
                        push(lessons, &id, Kept { shelf, until });
                    }
                }
                Relic::Quiz(course, id, until_ms, shelf) => {
                    if let Some(until) = left(until_ms).filter(|_| past.has_room()) {
                        let quizzes = &mut past.courses.entry(course).or_default().quizzes;
                        push(quizzes, &id, Kept { shelf, until });
                    }
                }
                Relic::Gone(versions) => past.gone.extend(versions.iter().take(GONE_MAX)),
            }
        }
        past
    }

    /// What a later process has to know of it.
    pub(crate) fn relics(&self, now: Instant, unix_ms: u64) -> Vec<Relic> {
        let until_ms = |until: Instant| {
            let left = until.saturating_duration_since(now).as_millis();
            unix_ms.saturating_add(u64::try_from(left).unwrap_or(u64::MAX))
        };
        let mut relics = Vec::new();
        for (course, replaced) in &self.courses {
            for (id, kept) in &replaced.lessons {
                relics.extend(kept.iter().map(|kept| {
                    let (course, id) = (course.clone(), id.clone());
                    Relic::Lesson(course, id, until_ms(kept.until), Arc::clone(&kept.shelf))
                }));
            }
            for (id, kept) in &replaced.quizzes {
                relics.extend(kept.iter().map(|kept| {
                    let (course, id) = (course.clone(), id.clone());
                    Relic::Quiz(course, id, until_ms(kept.until), Arc::clone(&kept.shelf))
                }));
            }
        }
        if !self.gone.is_empty() {
            relics.push(Relic::Gone(self.gone.iter().copied().collect()));
        }
        relics
    }

    /// The files behind what is kept.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &OnDisk> {
        let lessons = self.courses.values().flat_map(|r| r.lessons.values());
        lessons.flatten().flat_map(|kept| kept.shelf.sources())
    }

    /// Keeps what of `shelf` is not in `present`.
    fn leave(&mut self, course: &Slug, shelf: &Shelf, present: Option<&Shelf>, until: Instant) {
        for (id, lesson) in &shelf.lessons {
            let same = present.and_then(|present| present.lessons.get(id));
            if same.is_none_or(|same| !same.serves(lesson)) && self.has_room() {
                let shelf = Arc::clone(lesson);
                let lessons = &mut self.courses.entry(course.clone()).or_default().lessons;
                push(lessons, id, Kept { shelf, until });
            }
        }
        for (id, quiz) in &shelf.quizzes {
            let same = present.and_then(|present| present.quizzes.get(id));
            if same.is_none_or(|same| same.version != quiz.version) && self.has_room() {
                let shelf = Arc::clone(quiz);
                let quizzes = &mut self.courses.entry(course.clone()).or_default().quizzes;
                push(quizzes, id, Kept { shelf, until });
            }
        }
    }

    /// Keeps on what was kept and whose time is not over.
    fn carry(&mut self, course: &Slug, replaced: &Replaced, now: Instant) {
        for (id, kept) in &replaced.lessons {
            for kept in kept.iter().filter(|kept| kept.until > now) {
                if self.has_room() {
                    let lessons = &mut self.courses.entry(course.clone()).or_default().lessons;
                    push(lessons, id, kept.clone());
                }
            }
        }
        for (id, kept) in &replaced.quizzes {
            for kept in kept.iter().filter(|kept| kept.until > now) {
                if self.has_room() {
                    let quizzes = &mut self.courses.entry(course.clone()).or_default().quizzes;
                    push(quizzes, id, kept.clone());
                }
            }
        }
    }

    fn has_room(&mut self) -> bool {
        let room = self.kept < REPLACED_MAX;
        self.kept += usize::from(room);
        room
    }

    /// What became of the version that `path` names.
    pub(crate) fn find(&self, path: &Path<'_>, now: Instant) -> Fate<'_> {
        let Some(version) = path.version() else {
            return Fate::Unknown;
        };
        let kept = self.courses.get(path.course()).and_then(|replaced| {
            if let Path::Quiz(_, quiz, _) = path {
                let mut kept = live(&replaced.quizzes, quiz, now);
                return kept.find_map(|quiz| quiz.find(version));
            }
            let place = path.place()?;
            let mut kept = live(&replaced.lessons, place.lesson, now);
            kept.find_map(|lesson| lesson.find(path))
        });
        match kept {
            Some(found) => Fate::Kept(found),
            None if self.gone.contains(&version) => Fate::Gone,
            None => Fate::Unknown,
        }
    }

    /// Whether something is kept whose time is over.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        self.courses.values().any(|replaced| {
            let mut lessons = replaced.lessons.values().flatten();
            let mut quizzes = replaced.quizzes.values().flatten();
            lessons.any(|kept| kept.until <= now) || quizzes.any(|kept| kept.until <= now)
        })
    }

    /// Lessons and quizzes that are kept.
    pub(crate) const fn kept(&self) -> usize {
        self.kept
    }
}

fn push<T>(map: &mut BTreeMap<Slug, Vec<Kept<T>>>, id: &Slug, kept: Kept<T>) {
    map.entry(id.clone()).or_default().push(kept);
}

fn live<'a, T>(
    map: &'a BTreeMap<Slug, Vec<Kept<T>>>,
    id: &str,
    now: Instant,
) -> impl Iterator<Item = &'a Arc<T>> {
    let kept = map.get(id).into_iter().flatten();
    kept.filter(move |kept| kept.until > now)
        .map(|kept| &kept.shelf)
}

/// Versions of `earlier` that `present` does not serve; the newest, as far as they are remembered.
fn gone(earlier: &Catalogue, present: &Catalogue) -> HashSet<Digest> {
    let served: HashSet<Digest> = present
        .all()
        .flat_map(|(_, shelf)| shelf.versions())
        .collect();
    let past = earlier.all().flat_map(|(_, shelf)| shelf.versions());
    let past = past.chain(earlier.past.gone.iter().copied());
    let gone = past.filter(|version| !served.contains(version));
    gone.take(GONE_MAX).collect()
}

/// Versions remembered; 16 bytes each.
const GONE_MAX: usize = 100_000;
