//! What lies behind the model: sources, plans and versions, and the way from a path to one of them.

use crate::base::digest::Digest;
use crate::content::Attachment;
use crate::content::Path;
use crate::content::disk::OnDisk;
use crate::content::files::MediaType;
use crate::content::paper::Paper;
use crate::content::recording::Part;
use crate::content::recording::Recording;
use crate::course::Language;
use crate::course::Slug;
use crate::media::Plan;
use crate::quiz::Key as QuizKey;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;

/// The sources of one course.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shelf {
    pub(crate) lessons: BTreeMap<Slug, Arc<LessonShelf>>,
    pub(crate) quizzes: BTreeMap<Slug, Arc<QuizShelf>>,
    /// Reading pages by lesson.
    pub(crate) texts: BTreeMap<Slug, Vec<Arc<TextShelf>>>,
    pub(crate) files: BTreeMap<String, Held>,
}

/// The sources of one lesson.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LessonShelf {
    /// The folder it was read from, as problems show it.
    pub(crate) folder: Box<str>,
    /// Surrogate keys of everything below it.
    pub(crate) keys: String,
    /// Pictures by rising size, then sounds.
    pub(crate) tracks: Vec<TrackShelf>,
    pub(crate) captions: Vec<CaptionShelf>,
    pub(crate) duration_us: u64,
    /// A hash of all versions below, names the multivariant playlist in the cache.
    pub(crate) id: Digest,
    pub(crate) modified_unix_s: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TrackShelf {
    pub(crate) name: Slug,
    pub(crate) version: Digest,
    /// Names its chunks in the cache: version and place.
    pub(crate) id: Digest,
    pub(crate) plan: Plan,
    pub(crate) recording: Arc<Recording>,
    pub(crate) part: Part,
    /// Sound only.
    pub(crate) language: Language,
    /// Sound that plays with the pictures.
    pub(crate) with_video: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CaptionShelf {
    pub(crate) language: Language,
    pub(crate) version: Digest,
    pub(crate) id: Digest,
    pub(crate) disk: Arc<OnDisk>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QuizShelf {
    pub(crate) keys: String,
    pub(crate) version: Digest,
    pub(crate) id: Digest,
    pub(crate) name: Slug,
    pub(crate) paper: Paper,
    pub(crate) modified_unix_s: u64,
    /// What is right, once grading asked for it.
    #[serde(skip)]
    pub(crate) key: OnceLock<QuizKey>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TextShelf {
    pub(crate) keys: String,
    pub(crate) course: Slug,
    pub(crate) language: Language,
    /// Of its lesson.
    pub(crate) title: String,
    /// Changes with the page.
    pub(crate) id: Digest,
    pub(crate) disk: Arc<OnDisk>,
    /// Where its lesson's attachments lie below the course.
    pub(crate) folder: String,
    /// The attachments it names: paths below the course, and whether it is a picture.
    pub(crate) files: Vec<(String, bool)>,
}

/// An attachment: small ones go through the cache, large ones are read as they are sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Held {
    Small(Arc<SmallFile>),
    Large(Arc<Attachment>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SmallFile {
    pub(crate) disk: Arc<OnDisk>,
    pub(crate) id: Digest,
    pub(crate) media_type: MediaType,
    pub(crate) keys: String,
}

/// Names a chunk in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChunkId {
    pub(crate) of: Digest,
    pub(crate) kind: Kind,
    pub(crate) n: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Playlist,
    Manifest,
    Slides,
    Iframes,
    Init,
    Segment,
    Slide,
    Stills,
    Whole,
}

/// What a path names, found.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A chunk that can be built.
    Chunk(ChunkId, Sketch<'a>),
    /// A file read as it is sent.
    File(Arc<Attachment>),
}

/// What is needed to build a chunk, apart from the catalogue.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job<
    L = Arc<LessonShelf>,
    Q = Arc<QuizShelf>,
    T = Arc<TextShelf>,
    F = Arc<SmallFile>,
> {
    Master(L),
    Manifest(L),
    MediaPlaylist(L, usize),
    Slides(L, usize),
    Iframes(L, usize),
    Init(L, usize),
    Segment(L, usize, u32),
    Slide(L, usize, u32),
    Stills(L, usize, u32),
    CaptionPlaylist(L, usize),
    CaptionSegment(L, usize, u32),
    Captions(L, usize),
    Quiz(Q),
    Text(T),
    File(F),
}

/// A job that borrows from the catalogue: a hit costs no reference count.
pub(crate) type Sketch<'a> =
    Job<&'a Arc<LessonShelf>, &'a Arc<QuizShelf>, &'a Arc<TextShelf>, &'a Arc<SmallFile>>;

impl Sketch<'_> {
    /// The job as a builder takes it along.
    pub(crate) fn owned(self) -> Job {
        match self {
            Self::Master(lesson) => Job::Master(Arc::clone(lesson)),
            Self::Manifest(lesson) => Job::Manifest(Arc::clone(lesson)),
            Self::MediaPlaylist(lesson, at) => Job::MediaPlaylist(Arc::clone(lesson), at),
            Self::Slides(lesson, at) => Job::Slides(Arc::clone(lesson), at),
            Self::Iframes(lesson, at) => Job::Iframes(Arc::clone(lesson), at),
            Self::Init(lesson, at) => Job::Init(Arc::clone(lesson), at),
            Self::Segment(lesson, at, n) => Job::Segment(Arc::clone(lesson), at, n),
            Self::Slide(lesson, at, n) => Job::Slide(Arc::clone(lesson), at, n),
            Self::Stills(lesson, at, n) => Job::Stills(Arc::clone(lesson), at, n),
            Self::CaptionPlaylist(lesson, at) => Job::CaptionPlaylist(Arc::clone(lesson), at),
            Self::CaptionSegment(lesson, at, n) => Job::CaptionSegment(Arc::clone(lesson), at, n),
            Self::Captions(lesson, at) => Job::Captions(Arc::clone(lesson), at),
            Self::Quiz(quiz) => Job::Quiz(Arc::clone(quiz)),
            Self::Text(text) => Job::Text(Arc::clone(text)),
            Self::File(file) => Job::File(Arc::clone(file)),
        }
    }
}

impl ChunkId {
    pub(crate) const fn new(of: Digest, kind: Kind, n: u32) -> Self {
        Self { of, kind, n }
    }
}

/// The cache's name for what has `version` at a place: two lessons with copies of one recording
/// keep their own chunks, which name their own lesson.
pub(crate) fn place_id(version: Digest, course: &str, lesson: &str, name: &str) -> Digest {
    let parts = [
        &version.bytes()[..],
        course.as_bytes(),
        lesson.as_bytes(),
        name.as_bytes(),
    ];
    Digest::of(&parts)
}

impl Shelf {
    /// What `path` names in this course.
    pub(crate) fn find(&self, path: &Path<'_>) -> Option<Found<'_>> {
        if let Path::Text(place, language) = path {
            let mut texts = self.texts.get(place.lesson)?.iter();
            let text = texts.find(|text| text.language.as_str() == *language)?;
            let id = ChunkId::new(text.id, Kind::Whole, 0);
            return Some(Found::Chunk(id, Job::Text(text)));
        }
        if let Some(place) = path.place() {
            return self.lessons.get(place.lesson)?.find(path);
        }
        if let Path::Quiz(_, name, version) = path {
            return self.quizzes.get(*name)?.find(*version);
        }
        let Path::File(_, name) = path else {
            return None;
        };
        Some(match self.files.get(*name)? {
            Held::Small(file) => {
                let id = ChunkId::new(file.id, Kind::Whole, 0);
                Found::Chunk(id, Job::File(file))
            }
            Held::Large(file) => Found::File(Arc::clone(file)),
        })
    }

    /// All versions in its URLs.
    pub(crate) fn versions(&self) -> impl Iterator<Item = Digest> {
        let lessons = self.lessons.values().flat_map(|lesson| lesson.versions());
        lessons.chain(self.quizzes.values().map(|quiz| quiz.version))
    }
}

impl QuizShelf {
    /// What is right.
    pub(crate) fn key(&self) -> &QuizKey {
        // The paper was read without a mistake when it was shelved.
        let read = || self.paper.read().map(|quiz| quiz.key).unwrap_or_default();
        self.key.get_or_init(read)
    }

    /// Its chunk, if that is the version.
    pub(crate) fn find(self: &Arc<Self>, version: Digest) -> Option<Found<'_>> {
        let id = ChunkId::new(self.id, Kind::Whole, 0);
        (self.version == version).then_some(Found::Chunk(id, Job::Quiz(self)))
    }
}

impl LessonShelf {
    /// What `path` names in this lesson, if it is of that version.
    pub(crate) fn find(self: &Arc<Self>, path: &Path<'_>) -> Option<Found<'_>> {
        let whole = |kind| ChunkId::new(self.id, kind, 0);
        let track = |name, kind, n| self.track_chunk(path, name, kind, n);
        let caption = |language, kind, n| self.caption_chunk(path, language, kind, n);
        let (id, job) = match *path {
            Path::Master(_) if self.is_played() => (whole(Kind::Playlist), Job::Master(self)),
            Path::Manifest(_) if self.is_played() => (whole(Kind::Manifest), Job::Manifest(self)),
            Path::MediaPlaylist(_, name) => {
                let (id, at) = track(name, Kind::Playlist, 0)?;
                (id, Job::MediaPlaylist(self, at))
            }
            Path::Slides(_, name) => {
                let (id, at) = track(name, Kind::Slides, 0)?;
                (id, Job::Slides(self, at))
            }
            Path::Iframes(_, name) => {
                let (id, at) = track(name, Kind::Iframes, 0)?;
                (id, Job::Iframes(self, at))
            }
            Path::Init(_, name, _) => {
                let (id, at) = track(name, Kind::Init, 0)?;
                (id, Job::Init(self, at))
            }
            Path::Segment(_, name, _, n) => {
                let (id, at) = track(name, Kind::Segment, n)?;
                (id, Job::Segment(self, at, n))
            }
            Path::Slide(_, name, _, n) => {
                let (id, at) = track(name, Kind::Slide, n)?;
                (id, Job::Slide(self, at, n))
            }
            Path::Stills(_, name, _, n) => {
                let (id, at) = track(name, Kind::Stills, n)?;
                (id, Job::Stills(self, at, n))
            }
            Path::SubtitlePlaylist(_, language) => {
                let (id, at) = caption(language, Kind::Playlist, 0)?;
                (id, Job::CaptionPlaylist(self, at))
            }
            Path::SubtitleSegment(_, language, _, n) => {
                let (id, at) = caption(language, Kind::Segment, n)?;
                (id, Job::CaptionSegment(self, at, n))
            }
            Path::Subtitles(_, language, _) => {
                let (id, at) = caption(language, Kind::Whole, 0)?;
                (id, Job::Captions(self, at))
            }
            Path::Source(_, name) => {
                let (_, track) = self.track(name)?;
                let source = track.recording.attachment(&self.keys);
                return Some(Found::File(Arc::new(source)));
            }
            Path::Master(_)
            | Path::Manifest(_)
            | Path::Text(..)
            | Path::Quiz(..)
            | Path::File(..) => return None,
        };
        Some(Found::Chunk(id, job))
    }

    /// Whether there is anything to play.
    const fn is_played(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// The chunk of a track that `path` names, if it is there and of that version.
    fn track_chunk(
        &self,
        path: &Path<'_>,
        name: &str,
        kind: Kind,
        n: u32,
    ) -> Option<(ChunkId, usize)> {
        let (at, track) = self.track(name)?;
        let current = path.version().is_none_or(|v| v == track.version);
        let made = match kind {
            Kind::Slides | Kind::Slide => track.plan.slides.is_some(),
            Kind::Iframes | Kind::Stills => track.plan.stills.is_some(),
            Kind::Playlist | Kind::Manifest | Kind::Init | Kind::Segment | Kind::Whole => true,
        };
        let there = current && made && n < track.plan.segments();
        there.then(|| (ChunkId::new(track.id, kind, n), at))
    }

    /// The same of captions.
    fn caption_chunk(
        &self,
        path: &Path<'_>,
        language: &str,
        kind: Kind,
        n: u32,
    ) -> Option<(ChunkId, usize)> {
        let (at, caption) = self.caption(language)?;
        let current = path.version().is_none_or(|v| v == caption.version);
        let there = current && n < crate::media::hls::caption_segments(self.duration_us);
        there.then(|| (ChunkId::new(caption.id, kind, n), at))
    }

    /// All versions in its URLs.
    pub(crate) fn versions(&self) -> impl Iterator<Item = Digest> {
        let tracks = self.tracks.iter().map(|track| track.version);
        tracks.chain(self.captions.iter().map(|caption| caption.version))
    }

    /// Lets tracks of one recording hold it once.
    pub(crate) fn share(&mut self) {
        let mut known: Vec<Arc<Recording>> = Vec::new();
        for track in &mut self.tracks {
            match known.iter().find(|known| **known == track.recording) {
                Some(known) => track.recording = Arc::clone(known),
                None => known.push(Arc::clone(&track.recording)),
            }
        }
    }

    /// The files it is made of.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &OnDisk> {
        let tracks = self.tracks.iter().map(|track| &*track.recording.disk);
        tracks.chain(self.captions.iter().map(|caption| &*caption.disk))
    }

    /// Whether it serves every version that `other` does.
    pub(crate) fn serves(&self, other: &Self) -> bool {
        other
            .versions()
            .all(|version| self.versions().any(|own| own == version))
    }

    fn track(&self, name: &str) -> Option<(usize, &TrackShelf)> {
        let mut tracks = self.tracks.iter().enumerate();
        tracks.find(|(_, track)| track.name.as_str() == name)
    }

    fn caption(&self, language: &str) -> Option<(usize, &CaptionShelf)> {
        let mut captions = self.captions.iter().enumerate();
        captions.find(|(_, caption)| caption.language.as_str() == language)
    }
}
