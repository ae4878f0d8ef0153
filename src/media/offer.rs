//! What a lesson offers to players: the same for manifests of both kinds.

use crate::base::digest::Digest;
use crate::course::Language;
use crate::media::Codec;
use crate::media::Plan;
use crate::media::Stills;

/// Everything that is to be had of one lesson.
#[derive(Debug, Clone, Default)]
pub struct Offer<'a> {
    /// Pictures, the smallest first.
    pub videos: Vec<Video<'a>>,
    /// Sounds, the main one first.
    pub audios: Vec<Audio<'a>>,
    /// Captions.
    pub captions: Vec<Caption<'a>>,
    /// Playing time in microseconds.
    pub duration_us: u64,
}

/// Picture of one lesson.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// Track name.
    pub track: &'a str,
    /// Version in its URLs.
    pub version: Digest,
    /// Its plan.
    pub plan: &'a Plan,
}

/// Sound of one lesson.
#[derive(Debug, Clone, Copy)]
pub struct Audio<'a> {
    /// Track name.
    pub track: &'a str,
    /// Version in its URLs.
    pub version: Digest,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its language.
    pub language: &'a Language,
    /// Whether it belongs to the group that plays with the pictures; others are offered alone.
    pub with_video: bool,
}

/// Captions of one lesson.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// Their language.
    pub language: &'a Language,
    /// Version in their URLs.
    pub version: Digest,
}

impl<'a> Offer<'a> {
    /// The picture whose slideshow is offered to links that carry no moving one: the largest, so
    /// that writing stays legible, of those that cost at most half of what the smallest moving
    /// picture does. `None` if none is so cheap: a slideshow would win nothing.
    pub fn slides(&self) -> Option<(&Video<'a>, Stills)> {
        let rates = self.videos.iter().map(|video| video.plan.average_bandwidth);
        let smallest = rates.min()?;
        let mut largest = self.videos.iter().rev();
        largest.find_map(|video| {
            let slides = video.plan.slides?;
            (slides.average_bandwidth.saturating_mul(2) <= smallest).then_some((video, slides))
        })
    }

    /// Whether it is the sound that plays where nobody chose another.
    pub fn is_main(&self, audio: &Audio<'_>) -> bool {
        let main = self.audios.iter().find(|a| a.with_video);
        main.is_some_and(|main| main.track == audio.track)
    }
}

impl Plan {
    /// Pixels across and down as shown; 0 for sound.
    pub const fn resolution(&self) -> (u32, u32) {
        match self.codec {
            Codec::Video { width, height, .. } if self.turned => (height, width),
            Codec::Video { width, height, .. } => (width, height),
            Codec::Audio { .. } => (0, 0),
        }
    }

    /// So many of something, in a thousand seconds of it.
    pub fn per_1000_s(&self, count: u32) -> u64 {
        let thousand = u128::from(count) * 1000 * u128::from(self.timescale);
        u64::try_from(thousand / u128::from(self.end.time.max(1))).unwrap_or(u64::MAX)
    }

    /// Frames in a thousand seconds.
    pub fn frames_per_1000_s(&self) -> u64 {
        self.per_1000_s(self.end.sample)
    }
}
