//! Key frames alone: a film of pictures that each stay until the next. It serves as the rendition
//! for links that carry no moving picture, and for what players show while somebody searches.

use crate::media::Fragment;
use crate::media::Plan;
use crate::media::Track;
use crate::media::plan::Cut;
use crate::media::plan::Weights;
use crate::media::samples::Sample;
use serde::Deserialize;
use serde::Serialize;

/// What the key frames of a track alone come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stills {
    /// Pictures.
    pub frames: u32,
    /// Peak bits a second over one segment.
    pub bandwidth: u64,
    /// Bits a second over the whole track.
    pub average_bandwidth: u64,
}

/// One picture: a fragment of its own, so that a player can fetch it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// When it is first shown on the lesson's timeline, in the track's timescale.
    pub time: u64,
    /// Its bytes.
    pub fragment: Fragment,
}

impl Still {
    /// The pictures of segment `n`, one behind the other in one resource; `None` beyond the last.
    /// The first is the key frame that the segment begins with.
    pub fn segment(track: &Track, plan: &Plan, n: u32) -> Option<Vec<Self>> {
        Self::between(track, plan, n, true)
    }

    /// Those of them that the slideshow shows: all where they are cheap, else only the first, for
    /// the whole of the segment.
    pub fn slides(track: &Track, plan: &Plan, n: u32) -> Option<Vec<Self>> {
        Self::between(track, plan, n, plan.shows_every_still())
    }

    fn between(track: &Track, plan: &Plan, n: u32, every: bool) -> Option<Vec<Self>> {
        let (begin, end) = plan.span(n)?;
        let mut samples = track.pictures(begin, end);
        if !every {
            samples.truncate(1);
        }
        track.last(&mut samples, end);
        let still = |sample: &Sample| {
            let begins = sample.index == begin.sample;
            let fragment = Fragment::of(track, &[*sample], sample.index + 1, begins)?;
            let time = u64::try_from(sample.shown() - track.start).unwrap_or(0);
            Some(Self { time, fragment })
        };
        samples.iter().map(still).collect()
    }
}

impl Stills {
    /// Weighs the key frames of a track that is cut already: all, or one a segment.
    pub(crate) fn of(track: &Track, plan: &Plan, every: bool) -> Self {
        let mut frames = 0;
        let mut weights = Weights::default();
        for n in 0..plan.segments() {
            let stills = Still::between(track, plan, n, every).unwrap_or_default();
            frames += u32::try_from(stills.len()).unwrap_or(0);
            let bytes = stills.iter().map(|still| still.fragment.len()).sum();
            weights.push(bytes, plan.ticks(n));
        }
        let (bandwidth, average_bandwidth) = weights.rates(plan);
        Self {
            frames,
            bandwidth,
            average_bandwidth,
        }
    }
}

impl Plan {
    /// Whether the slideshow of the track shows every key frame: where all of them cost at most a
    /// quarter of the moving picture. Pictures of screens and slides are little else than key
    /// frames, of which one a segment suffices: a change is seen a few seconds late, at half the
    /// cost.
    fn shows_every_still(&self) -> bool {
        let all = self.stills.map_or(0, |stills| stills.average_bandwidth);
        all.saturating_mul(4) <= self.average_bandwidth
    }

    /// Weighs the key frames of `track`, whose plan this is.
    pub(crate) fn weigh_stills(&mut self, track: &Track) {
        self.stills = Some(Stills::of(track, self, true));
        self.slides = if self.shows_every_still() {
            self.stills
        } else {
            Some(Stills::of(track, self, false))
        };
    }
}

impl Track {
    /// The key frames between two cuts that stand alone. Whether one shows anything new cannot be
    /// told without decoding: encoders put them exactly where the picture changes.
    fn pictures(&self, begin: Cut, end: Cut) -> Vec<Sample> {
        let count = end.sample.saturating_sub(begin.sample) as usize;
        let mut kept: Vec<Sample> = Vec::new();
        let mut closed = false;
        for sample in self.samples.from(begin.sample).take(count) {
            if sample.sync {
                // The segment's own key frame is closed: it is a cut.
                closed = kept.is_empty();
                kept.push(sample);
            } else if !closed && kept.last().is_some_and(|key| sample.shown() < key.shown()) {
                // An open group of pictures.
                kept.pop();
                closed = true;
            }
        }
        kept
    }

    /// Gives each picture the time until the next, or until the end.
    fn last(&self, pictures: &mut [Sample], end: Cut) {
        let mut until = end.time.cast_signed() + self.start;
        for picture in pictures.iter_mut().rev() {
            // What a recording hides before its cut is not shown here either.
            let at = picture.shown().max(self.start).max(0);
            // Decoded when the moving rendition decodes it: players that place segments by their
            // decode time switch between the two, or begin with this one.
            picture.time = u64::try_from(at - i64::from(picture.offset)).unwrap_or(0);
            let late = at - picture.time.cast_signed();
            picture.offset = i32::try_from(late).unwrap_or(0);
            picture.duration = u32::try_from((until - at).max(0)).unwrap_or(u32::MAX);
            until = at;
        }
    }
}
