//! The recordings of a lesson folder: which are read, which play together.

use crate::base::limits::TRACKS_PER_LESSON_MAX;
use crate::content::files;
use crate::content::folder::Item;
use crate::content::lesson::Studio;
use crate::content::lesson::problem;
use crate::content::recording::Part;
use crate::content::recording::Recording;
use crate::content::scan::gathered;
use crate::course::Language;
use crate::course::Problem;
use crate::course::Slug;
use crate::media::Movie;
use crate::media::Refused;
use crate::media::Start;
use crate::media::Track;
use crate::media::align;
use std::sync::Arc;

/// A recording with its sample tables, which are dropped once the tracks are planned.
pub(crate) struct Reel<'a> {
    pub(crate) item: &'a Item,
    pub(crate) name: Slug,
    pub(crate) recording: Arc<Recording>,
    pub(crate) movie: Movie,
}

/// Where a track comes from and what is known of it before it is planned.
pub(crate) struct Take<'r, 'a> {
    pub(crate) reel: &'r Reel<'a>,
    pub(crate) name: Slug,
    pub(crate) part: Part,
    pub(crate) language: Language,
    pub(crate) with_video: bool,
}

impl<'a> Studio<'a> {
    /// Opens the recordings of one kind that can be opened.
    pub(crate) fn reels(
        &self,
        prefix: &str,
        is: impl Fn(&str) -> bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Reel<'a>> {
        let mut reels: Vec<Reel<'a>> = Vec::new();
        for item in self.items.iter().filter(|i| i.is_file() && is(&i.name)) {
            let name = files::track_name(&item.name, prefix);
            let taken = |name: &Slug| reels.iter().any(|reel| reel.name == *name);
            let reserved = |name: &Slug| RESERVED.contains(&name.as_str());
            let Some(name) = name.filter(|n| !taken(n) && (prefix == "audio" || !reserved(n)))
            else {
                let what = "its name gives no track name of its own";
                let remedy = "name it like video-480p.mp4 or audio-low.m4a, with a-z, 0-9 and -";
                problems.push(Problem::new(item.shown(), what, remedy));
                continue;
            };
            if reels.len() >= TRACKS_PER_LESSON_MAX / 2 {
                let what = "more renditions than a lesson may have";
                problems.push(Problem::new(
                    item.shown(),
                    what,
                    "remove some, 4 or 5 suffice",
                ));
                break;
            }
            let opened = Recording::open(item).map_err(|p| vec![p]);
            if let Some((recording, movie)) = gathered(opened, problems) {
                let recording = Arc::new(recording);
                reels.push(Reel {
                    item,
                    name,
                    recording,
                    movie,
                });
            }
        }
        reels
    }

    /// Recordings in containers we do not read.
    pub(crate) fn refuse_foreign(&self, problems: &mut Vec<Problem>) {
        let files = self.items.iter().filter(|item| item.is_file());
        for item in files.filter(|item| files::is_handled_by_lesson(&item.name)) {
            let name = item.name.as_str();
            let read = is_recording(item) || name == "lesson.toml" || name.ends_with(".vtt");
            if !read {
                let opened = Recording::open(item).err();
                let what =
                    opened.map_or_else(|| "is not named .mp4 or .m4a".to_owned(), |p| p.what);
                let remedy = "convert it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -g 48 \
                              -c:a aac -movflags +faststart video.mp4";
                problems.push(Problem::new(item.shown(), what, remedy));
            }
        }
    }

    /// The pictures that players can switch between, and where they are cut.
    pub(crate) fn pictures<'r>(
        &self,
        videos: &'r [Reel<'a>],
        main: &Language,
        problems: &mut Vec<Problem>,
    ) -> Vec<(Take<'r, 'a>, Vec<Start>)> {
        let mut good: Vec<(&Reel<'a>, &Track)> = Vec::new();
        for reel in videos {
            match &reel.movie.video {
                Some(Ok(track)) => good.push((reel, track)),
                Some(Err(refused)) => problems.push(problem(reel.item, refused)),
                None => {
                    let what = "the file has no video track";
                    let remedy = "call it audio.m4a if it is meant as sound";
                    problems.push(Problem::new(reel.item.shown(), what, remedy));
                }
            }
        }
        // A rendition that cannot lead does not keep the others from being served.
        loop {
            let tracks: Vec<&Track> = good.iter().map(|(_, track)| *track).collect();
            let Some((first, _)) = good.first() else {
                return Vec::new();
            };
            match align(&tracks, self.target_ms) {
                Ok(starts) => return takes(&good, starts, main, problems),
                Err(refused) => {
                    problems.push(problem(first.item, &refused));
                    good.remove(0);
                }
            }
        }
    }

    /// The sounds: `audio.m4a`, or the sound of the largest picture; other languages; other rates.
    pub(crate) fn sounds<'r>(
        &self,
        videos: &'r [Reel<'a>],
        audios: &'r [Reel<'a>],
        main: &Language,
        problems: &mut Vec<Problem>,
    ) -> Vec<Take<'r, 'a>> {
        let mut takes = Vec::new();
        for reel in audios {
            match (main_sound(reel, main), reel.movie.audio.first()) {
                (Some(part), _) => takes.push(self.sound(reel, part, main)),
                (None, Some(Err(refused))) => problems.push(problem(reel.item, refused)),
                (None, _) => {
                    let what = "the file has no sound";
                    problems.push(Problem::new(reel.item.shown(), what, "remove it"));
                }
            }
        }
        let has_main = takes.iter().any(|take| take.name.as_str() == "audio");
        let mut heard = videos.iter().rev();
        let heard = heard.find_map(|reel| Some((reel, main_sound(reel, main)?)));
        if let (false, Some((reel, part))) = (has_main, heard) {
            takes.extend(Slug::parse("audio").map(|name| Take {
                reel,
                name,
                part,
                language: main.clone(),
                with_video: true,
            }));
        } else if !has_main && heard.is_none() {
            for reel in videos {
                if let Some(Err(refused)) = reel.movie.audio.first() {
                    problems.push(problem(reel.item, refused));
                }
            }
        }
        let mains = audios.iter().filter(|reel| reel.name.as_str() == "audio");
        for reel in mains.chain(heard.map(|(reel, _)| reel)) {
            self.translations(reel, main, &mut takes);
        }
        // The main sound is the default of its group: it comes first.
        takes.sort_by_key(|take| take.name.as_str() != "audio");
        takes
    }

    /// The other languages of a recording, where the course has them and no file of their own
    /// does.
    fn translations<'r>(&self, reel: &'r Reel<'a>, main: &Language, takes: &mut Vec<Take<'r, 'a>>) {
        for (part, track) in Part::sounds(&reel.movie) {
            let Some(letters) = track.language() else {
                continue;
            };
            let mut spoken = self.course.languages.iter();
            let spoken = spoken.find(|l| *l != main && l.is_iso_639_2(letters));
            let name = spoken.map(|l| format!("audio-{}", l.as_str().to_lowercase()));
            let (Some(language), Some(name)) = (spoken, name.and_then(|n| Slug::parse(&n))) else {
                continue;
            };
            let taken = |take: &Take<'_, '_>| {
                let same_sound = std::ptr::eq(take.reel, reel) && take.part == part;
                same_sound || take.name == name || take.language == *language
            };
            if !takes.iter().any(taken) {
                takes.push(Take {
                    reel,
                    name,
                    part,
                    language: language.clone(),
                    with_video: true,
                });
            }
        }
    }

    fn sound<'r>(&self, reel: &'r Reel<'a>, part: Part, main: &Language) -> Take<'r, 'a> {
        let label = reel.name.as_str();
        let mut spoken = self.course.languages.iter();
        let spoken = spoken.find(|l| *l != main && l.as_str().eq_ignore_ascii_case(label));
        let name = if label == "audio" {
            "audio".to_owned()
        } else {
            format!("audio-{label}")
        };
        Take {
            reel,
            name: Slug::parse(&name).unwrap_or_else(|| reel.name.clone()),
            part,
            language: spoken.unwrap_or(main).clone(),
            with_video: label == "audio" || spoken.is_some(),
        }
    }
}

/// The sound of a recording in the main language, else its first.
fn main_sound(reel: &Reel<'_>, main: &Language) -> Option<Part> {
    let spoken = |track: &Track| track.language().is_some_and(|l| main.is_iso_639_2(l));
    let mut sounds = Part::sounds(&reel.movie);
    let found = sounds.find(|(_, track)| spoken(track));
    found
        .or_else(|| Part::sounds(&reel.movie).next())
        .map(|(part, _)| part)
}

/// The recordings whose key frames agree, as takes; the others are reported.
fn takes<'r, 'a>(
    good: &[(&'r Reel<'a>, &Track)],
    starts: Vec<Option<Vec<Start>>>,
    main: &Language,
    problems: &mut Vec<Problem>,
) -> Vec<(Take<'r, 'a>, Vec<Start>)> {
    let mut takes = Vec::new();
    for ((reel, _), starts) in good.iter().zip(starts) {
        let Some(starts) = starts else {
            let leader = good
                .first()
                .map_or("", |(first, _)| first.item.name.as_str());
            problems.push(problem(reel.item, &Refused::Unaligned(leader.to_owned())));
            continue;
        };
        let take = Take {
            reel,
            name: reel.name.clone(),
            part: Part::Video,
            language: main.clone(),
            with_video: true,
        };
        takes.push((take, starts));
    }
    takes
}

/// Whether it is a recording we read.
pub(crate) fn is_recording(item: &Item) -> bool {
    item.is_file() && (files::is_video(&item.name) || files::is_audio(&item.name))
}

/// Track names that URLs use for something else.
const RESERVED: &[&str] = &["subs", "source", "thumbs", "audio"];
