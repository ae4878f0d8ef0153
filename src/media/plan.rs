//! Where tracks are cut into segments.

use crate::base::limits::CHUNK_BYTES_MAX;
use crate::base::limits::SEGMENT_S_MAX;
use crate::media::Codec;
use crate::media::Fragment;
use crate::media::Refused;
use crate::media::Stills;
use crate::media::Track;
use crate::media::init;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

/// Everything about a packaged track but its sample tables: small enough to be kept for every
/// lesson. 16 bytes a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Codec and shape.
    pub codec: Codec,
    /// The initialisation segment.
    pub init: Bytes,
    /// Units a second of [`Cut::time`].
    pub timescale: u32,
    /// Beginnings of the segments; never empty.
    pub cuts: Box<[Cut]>,
    /// End of the last segment: one past the last sample, and when the last frame ends.
    pub end: Cut,
    /// Whether the picture is turned by a quarter when shown.
    pub turned: bool,
    /// Peak bits a second over one segment.
    pub bandwidth: u64,
    /// Bits a second over the whole track.
    pub average_bandwidth: u64,
    /// Its key frames alone; `None` for sound.
    pub stills: Option<Stills>,
    /// Those of them that a slideshow shows; `None` for sound.
    pub slides: Option<Stills>,
}

/// The beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Index of its first sample.
    pub sample: u32,
    /// Bytes of the whole segment, 0 for the end.
    pub bytes: u32,
    /// When it begins on the lesson's timeline, in the track's timescale; from 0.
    pub time: u64,
}

impl Plan {
    /// Cuts `track` at `starts`: (sample, time shown) of each segment, first sample 0.
    ///
    /// # Errors
    /// A segment longer or larger than one may be.
    pub fn new(track: &Track, starts: &[(u32, i64)]) -> Result<Self, Refused> {
        let time = |shown: i64| u64::try_from(shown).unwrap_or(0);
        let cut = |(sample, shown): &(u32, i64)| Cut {
            sample: *sample,
            bytes: 0,
            time: time(*shown),
        };
        let mut plan = Self {
            codec: track.codec.clone(),
            init: init::segment(track),
            timescale: track.timescale,
            cuts: starts.iter().map(cut).collect(),
            end: Cut {
                sample: track.samples.count(),
                bytes: 0,
                time: time(track.end()),
            },
            turned: track.is_turned(),
            bandwidth: 0,
            average_bandwidth: 0,
            stills: None,
            slides: None,
        };
        // A picture that starts late leaves the timeline's beginning to the first segment.
        if let Some(first) = plan.cuts.first_mut() {
            first.time = 0;
        }
        plan.weigh(track)?;
        if plan.codec.is_video() {
            plan.weigh_stills(track);
        }
        Ok(plan)
    }

    /// Fills in sizes and rates.
    fn weigh(&mut self, track: &Track) -> Result<(), Refused> {
        let mut weights = Weights::default();
        for n in 0..self.segments() {
            let bytes = Fragment::new(track, self, n).map_or(0, |f| f.len());
            let ticks = self.ticks(n);
            let seconds = ticks / u64::from(self.timescale);
            if bytes > CHUNK_BYTES_MAX as u64 || seconds > SEGMENT_S_MAX {
                return Err(Refused::SparseKeyFrames { seconds, bytes });
            }
            weights.push(bytes, ticks);
        }
        for (cut, (bytes, _)) in self.cuts.iter_mut().zip(&weights.0) {
            cut.bytes = u32::try_from(*bytes).unwrap_or(u32::MAX);
        }
        (self.bandwidth, self.average_bandwidth) = weights.rates(self);
        Ok(())
    }

    /// Number of segments.
    pub fn segments(&self) -> u32 {
        u32::try_from(self.cuts.len()).unwrap_or(u32::MAX)
    }

    /// Beginning and end of segment `n`.
    pub fn span(&self, n: u32) -> Option<(Cut, Cut)> {
        let at = n as usize;
        let end = self.cuts.get(at + 1).copied().unwrap_or(self.end);
        self.cuts.get(at).map(|begin| (*begin, end))
    }

    /// How long segment `n` lasts.
    pub(crate) fn ticks(&self, n: u32) -> u64 {
        self.span(n)
            .map_or(0, |(begin, end)| end.time.saturating_sub(begin.time))
    }

    /// When a time of this track is, in microseconds, rounded to the nearest.
    pub fn micros(&self, time: u64) -> u64 {
        let scale = u128::from(self.timescale);
        let micros = (u128::from(time) * 1_000_000 + scale / 2) / scale;
        u64::try_from(micros).unwrap_or(u64::MAX)
    }

    /// Playing time in microseconds.
    pub fn duration_us(&self) -> u64 {
        self.micros(self.end.time)
    }

    /// Bytes of memory it holds.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.init.len() + self.cuts.len() * size_of::<Cut>()
    }
}

/// Bytes and ticks of each segment.
#[derive(Debug, Default)]
pub(crate) struct Weights(Vec<(u64, u64)>);

impl Weights {
    pub(crate) fn push(&mut self, bytes: u64, ticks: u64) {
        self.0.push((bytes, ticks));
    }

    /// Peak and average bits a second of a track of that plan.
    pub(crate) fn rates(&self, plan: &Plan) -> (u64, u64) {
        let total = self.0.iter().map(|(bytes, _)| bytes).sum();
        let average = rate(total, plan.end.time, plan.timescale);
        (average.max(peak(&self.0, plan.timescale)), average)
    }
}

/// The peak rate: over any run of segments at least half as long as the longest segment, so that a
/// last segment of two frames does not count alone (RFC 8216, 4.3.4.2).
fn peak(weights: &[(u64, u64)], timescale: u32) -> u64 {
    let longest = weights.iter().map(|(_, ticks)| *ticks).max().unwrap_or(0);
    let mut peak = 0;
    for last in 0..weights.len() {
        let (mut bytes, mut ticks) = (0, 0);
        let before = weights.iter().take(last + 1).rev();
        for (more, longer) in before {
            bytes += more;
            ticks += longer;
            if ticks * 2 >= longest {
                peak = peak.max(rate(bytes, ticks, timescale));
                break;
            }
        }
    }
    peak
}

/// Bits a second, rounded up.
fn rate(bytes: u64, ticks: u64, timescale: u32) -> u64 {
    let bits = u128::from(bytes) * 8 * u128::from(timescale);
    u64::try_from(bits.div_ceil(u128::from(ticks.max(1)))).unwrap_or(u64::MAX)
}

impl Track {
    /// When its last frame ends on the lesson's timeline.
    pub(crate) fn end(&self) -> i64 {
        // Reordering never reaches further back than this many samples (H.264 allows 16).
        let first = self.samples.count().saturating_sub(64);
        let ends = self.samples.from(first).map(|s| s.shown_end());
        ends.max().unwrap_or(0) - self.start
    }
}
