//! One lesson folder: renditions, sounds and captions.

use crate::base::digest::Digest;
use crate::content::build::caption_version;
use crate::content::files;
use crate::content::folder::Folder;
use crate::content::folder::Item;
use crate::content::recording::Part;
use crate::content::recording::Recording;
use crate::content::reels::Take;
use crate::content::reels::is_recording;
use crate::content::scan::gathered;
use crate::content::shelf::CaptionShelf;
use crate::content::shelf::LessonShelf;
use crate::content::shelf::TrackShelf;
use crate::content::shelf::place_id;
use crate::course::Course;
use crate::course::Language;
use crate::course::Lesson;
use crate::course::LessonFile;
use crate::course::Problem;
use crate::course::Rendition;
use crate::course::Shape;
use crate::course::Slug;
use crate::course::Texts;
use crate::media::Captions;
use crate::media::Codec;
use crate::media::PACKAGING_REVISION;
use crate::media::Plan;
use crate::media::Refused;
use crate::media::Start;
use crate::media::Track;
use crate::media::follow;
use std::sync::Arc;

/// A lesson folder being read.
pub(crate) struct Studio<'a> {
    pub(crate) course: &'a Course,
    pub(crate) folder: &'a Folder,
    pub(crate) items: &'a [Item],
    /// The folder's name.
    pub(crate) name: &'a str,
    pub(crate) target_ms: u32,
}

impl Studio<'_> {
    /// Reads the lesson; `None` if nothing of it can be served.
    pub(crate) fn lesson(&self, problems: &mut Vec<Problem>) -> Option<(Lesson, LessonShelf)> {
        let main = self.course.languages.first()?;
        let file = self.items.iter().find(|item| item.name == "lesson.toml");
        let shown = self.folder.shown("lesson.toml");
        let text = match file {
            Some(file) => gathered(file.text().map_err(|p| vec![p]), problems)?,
            None => String::new(),
        };
        let read = gathered(LessonFile::parse(&shown, &text, main), problems)?;
        let id = read.id.clone().or_else(|| Slug::of_folder(self.name));
        let Some(id) = id else {
            let what = format!("the folder's name `{}` cannot be an id", self.name);
            let remedy = "rename it like 01-mat-khau, or write id = \"…\" into lesson.toml";
            problems.push(Problem::new(shown, what, remedy));
            return None;
        };
        let recordings = self.items.iter().any(is_recording);
        let tracks = self.tracks(&id, &read.language, problems);
        if recordings && tracks.is_empty() {
            // The reasons are listed already; a lesson without its recording is no lesson.
            return None;
        }
        let ends = tracks.iter().map(|track| track.plan.duration_us());
        let picture = tracks.iter().filter(|track| track.part == Part::Video);
        let picture = picture.map(|track| track.plan.duration_us()).max();
        let duration_us = picture.or_else(|| ends.max()).unwrap_or(0);
        let captions = self.captions(&id, duration_us, problems);
        let shelf = self.shelf(&id, tracks, captions, duration_us);
        let lesson = Lesson {
            title: if read.title.is_empty() {
                Texts::one(main.clone(), id.as_str())
            } else {
                read.title
            },
            id,
            revision: read.revision,
            summary: read.summary,
            skills: read.skills,
            duration_ms: duration_us.div_ceil(1000),
            renditions: shelf.tracks.iter().map(rendition).collect(),
            captions: shelf.captions.iter().map(|c| c.language.clone()).collect(),
            texts: Vec::new(),
            attachments: Vec::new(),
        };
        Some((lesson, shelf))
    }

    fn shelf(
        &self,
        id: &Slug,
        tracks: Vec<TrackShelf>,
        captions: Vec<CaptionShelf>,
        duration_us: u64,
    ) -> LessonShelf {
        let course = &self.course.id;
        let versions = tracks.iter().map(|t| t.id.bytes());
        let versions = versions.chain(captions.iter().map(|c| c.id.bytes()));
        let names: Vec<u8> = versions.flatten().collect();
        let modified = self.items.iter().map(Item::modified_unix_s);
        LessonShelf {
            keys: format!("{course} {course}/{id}"),
            folder: self.folder.shown_itself().into(),
            id: Digest::of(&[&names, course.as_str().as_bytes(), id.as_str().as_bytes()]),
            modified_unix_s: modified.max().unwrap_or(0),
            tracks,
            captions,
            duration_us,
        }
    }

    fn tracks(&self, id: &Slug, main: &Language, problems: &mut Vec<Problem>) -> Vec<TrackShelf> {
        let mut videos = self.reels("video", files::is_video, problems);
        let audios = self.reels("audio", files::is_audio, problems);
        self.refuse_foreign(problems);
        videos.sort_by_key(|reel| {
            let codec = Part::Video.of(&reel.movie).map(Track::codec);
            match codec {
                Some(Codec::Video { width, height, .. }) => width * height,
                _ => 0,
            }
        });
        let pictures = self.pictures(&videos, main, problems);
        let mut tracks = Vec::new();
        let mut times = Vec::new();
        for (take, starts) in pictures {
            if let Some(track) = self.plan(id, &take, &starts, problems) {
                if times.is_empty() {
                    let cuts = track.plan.cuts.iter();
                    times = cuts.map(|cut| track.plan.micros(cut.time)).collect();
                }
                tracks.push(track);
            }
        }
        for take in self.sounds(&videos, &audios, main, problems) {
            let Some(sound) = take.part.of(&take.reel.movie) else {
                continue;
            };
            let starts = follow(sound, &times, self.target_ms);
            let starts = starts.map_err(|refused| vec![problem(take.reel.item, &refused)]);
            if let Some(starts) = gathered(starts, problems) {
                tracks.extend(self.plan(id, &take, &starts, problems));
            }
        }
        tracks
    }

    fn plan(
        &self,
        lesson: &Slug,
        take: &Take<'_, '_>,
        starts: &[Start],
        problems: &mut Vec<Problem>,
    ) -> Option<TrackShelf> {
        let track = take.part.of(&take.reel.movie)?;
        let plan = Plan::new(track, starts);
        let plan = plan.map_err(|refused| vec![problem(take.reel.item, &refused)]);
        let plan = gathered(plan, problems)?;
        let recording = Arc::clone(&take.reel.recording);
        let version = self.version(&recording, take.part, &plan);
        let course = self.course.id.as_str();
        Some(TrackShelf {
            id: place_id(version, course, lesson.as_str(), take.name.as_str()),
            name: take.name.clone(),
            version,
            plan,
            recording,
            part: take.part,
            language: take.language.clone(),
            with_video: take.with_video,
        })
    }

    /// The version in URLs: source, packaging revision, target, and the cuts that followed.
    fn version(&self, recording: &Recording, part: Part, plan: &Plan) -> Digest {
        let cuts: Vec<u8> = plan
            .cuts
            .iter()
            .flat_map(|cut| cut.sample.to_be_bytes())
            .collect();
        Digest::of(&[
            &recording.identity.bytes(),
            &PACKAGING_REVISION.to_be_bytes(),
            &self.target_ms.to_be_bytes(),
            &[part.number()],
            &cuts,
        ])
    }

    fn captions(
        &self,
        id: &Slug,
        duration_us: u64,
        problems: &mut Vec<Problem>,
    ) -> Vec<CaptionShelf> {
        let mut captions = Vec::new();
        let files = self.items.iter().filter(|item| item.is_file());
        for item in files.filter(|item| item.name.ends_with(".vtt")) {
            let language = files::caption_language(&item.name).and_then(Language::parse);
            let Some(language) = language else {
                let what = "its name does not tell the language";
                let remedy = "name it like captions.vi.vtt";
                problems.push(Problem::new(item.shown(), what, remedy));
                continue;
            };
            let read = item.text().and_then(|text| match Captions::parse(&text) {
                Ok(_) => Ok(caption_version(&text, duration_us)),
                Err(error) => {
                    Err(Problem::new(item.shown(), error.what, error.remedy).at(error.line))
                }
            });
            let Some(version) = gathered(read.map_err(|p| vec![p]), problems) else {
                continue;
            };
            captions.push(CaptionShelf {
                id: place_id(
                    version,
                    self.course.id.as_str(),
                    id.as_str(),
                    language.as_str(),
                ),
                language,
                version,
                disk: Arc::clone(&item.disk),
            });
        }
        let order = &self.course.languages;
        captions.sort_by_key(|caption| {
            let place = order
                .iter()
                .position(|language| *language == caption.language);
            (place.unwrap_or(order.len()), caption.language.clone())
        });
        captions
    }
}

/// A refusal as a problem of that file.
pub(crate) fn problem(item: &Item, refused: &Refused) -> Problem {
    Problem::new(item.shown(), refused.to_string(), refused.remedy())
}

fn rendition(track: &TrackShelf) -> Rendition {
    let shape = match track.plan.codec {
        Codec::Video { .. } => {
            let (width, height) = track.plan.resolution();
            Shape::Video {
                width,
                height,
                frames_per_1000_s: track.plan.frames_per_1000_s(),
            }
        }
        Codec::Audio {
            channels,
            sample_rate,
            ..
        } => Shape::Audio {
            channels,
            sample_rate,
            language: track.language.clone(),
        },
    };
    Rendition {
        track: track.name.clone(),
        version: track.version,
        codec: track.plan.codec.name().to_owned(),
        bandwidth: track.plan.bandwidth,
        average_bandwidth: track.plan.average_bandwidth,
        shape,
    }
}
