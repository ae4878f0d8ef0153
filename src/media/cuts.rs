//! Choosing where to cut: at key frames near the target, at the same times in every rendition.

use crate::base::limits::MEDIA_SEGMENTS_MAX;
use crate::media::Refused;
use crate::media::Track;

/// A place where a segment may begin: sample and when it is shown on the lesson's timeline.
pub type Start = (u32, i64);

/// Cuts the pictures of one lesson so that players can switch between them: every cut is at a key
/// frame of each rendition. The first track leads; a track without enough key frames in common
/// with those before it is left out (`None`), never the reason for segments longer than twice the
/// target.
///
/// # Errors
/// The first track cannot be cut at all.
pub fn align(tracks: &[&Track], target_ms: u32) -> Result<Vec<Option<Vec<Start>>>, Refused> {
    let target = i64::from(target_ms) * 1000;
    let tolerance = tolerance(tracks);
    let mut common: Vec<i64> = Vec::new();
    let mut keys = Vec::with_capacity(tracks.len());
    for (at, track) in tracks.iter().enumerate() {
        let own = match track.keys() {
            Ok(own) => own,
            Err(refused) if at == 0 => return Err(refused),
            Err(_) => Vec::new(),
        };
        let times: Vec<i64> = own.iter().map(|(_, shown)| track.micros(*shown)).collect();
        if at == 0 {
            common = times;
            keys.push(Some(own));
            continue;
        }
        let shared = shared(&common, &times, tolerance);
        let end = track.micros(track.end());
        let fits = longest(&shared, end) <= longest(&common, end).max(2 * target);
        if fits && !shared.is_empty() {
            common = shared;
        }
        keys.push(fits.then_some(own));
    }
    let end = tracks.first().map_or(0, |first| first.micros(first.end()));
    let chosen = choose(&common, end, target);
    if chosen.len() > MEDIA_SEGMENTS_MAX {
        return Err(Refused::TooLong(chosen.len() as u64));
    }
    let pairs = tracks.iter().zip(keys);
    let starts = pairs.map(|(track, own)| own.map(|own| place(track, &own, &chosen, tolerance)));
    Ok(starts.collect())
}

/// Cuts sound at the times where the picture is cut (microseconds, rising, from 0), or by the
/// target where there is no picture any more.
///
/// # Errors
/// More segments than one lesson can need.
pub fn follow(track: &Track, times_us: &[u64], target_ms: u32) -> Result<Vec<Start>, Refused> {
    let target = u64::from(target_ms.max(1)) * 1000;
    let mut times = times_us.iter().copied().skip(1);
    let mut next = times.next().unwrap_or(target);
    let mut starts: Vec<Start> = Vec::new();
    for sample in track.samples.from(0) {
        let shown = sample.shown() - track.start;
        let at = u64::try_from(track.micros(shown)).unwrap_or(0);
        if starts.is_empty() {
            starts.push((0, shown));
        } else if at >= next && sample.sync {
            starts.push((sample.index, shown));
            while next <= at {
                next = times.next().unwrap_or(next + target);
            }
        }
        if starts.len() > MEDIA_SEGMENTS_MAX {
            return Err(Refused::TooLong(starts.len() as u64));
        }
    }
    Ok(starts)
}

impl Track {
    /// Key frames behind which nothing is shown earlier, the only places to begin from.
    fn keys(&self) -> Result<Vec<Start>, Refused> {
        let mut keys: Vec<Start> = Vec::new();
        let mut open = false;
        for sample in self.samples.from(0) {
            let shown = sample.shown() - self.start;
            if sample.index == 0 && !sample.sync {
                return Err(Refused::NoKeyFrame);
            }
            if sample.sync {
                keys.push((sample.index, shown));
                open = false;
            } else if !open && keys.len() > 1 && keys.last().is_some_and(|(_, key)| shown < *key) {
                // A picture shown before the key frame needs what came earlier (an open GOP).
                open = true;
                keys.pop();
            }
        }
        Ok(keys)
    }

    /// The mean time from frame to frame, microseconds.
    fn frame_us(&self) -> i64 {
        self.micros(self.end()) / i64::from(self.samples.count().max(1))
    }

    fn micros(&self, ticks: i64) -> i64 {
        let micros = i128::from(ticks) * 1_000_000 / i128::from(self.timescale);
        i64::try_from(micros).unwrap_or(i64::MAX)
    }
}

/// Times of `a` that are also in `b`, within the tolerance; the beginning is always common.
fn shared(a: &[i64], b: &[i64], tolerance: i64) -> Vec<i64> {
    let mut b = b.iter().peekable();
    let mut shared = Vec::new();
    for (at, time) in a.iter().enumerate() {
        while b.next_if(|other| **other < time - tolerance).is_some() {}
        let near = b.peek().is_some_and(|other| **other <= time + tolerance);
        if at == 0 || near {
            shared.push(*time);
        }
    }
    shared
}

/// The longest time between two neighbours, the end included.
fn longest(times: &[i64], end: i64) -> i64 {
    let next = times.iter().skip(1).chain([&end]);
    let gaps = times.iter().zip(next).map(|(a, b)| b - a);
    gaps.max().unwrap_or(i64::MAX)
}

/// Times about `target` apart: from each, the nearest to the target; so is `end` to the last.
fn choose(times: &[i64], end: i64, target: i64) -> Vec<i64> {
    let mut chosen: Vec<i64> = Vec::new();
    let mut before: Option<i64> = None;
    for time in times.iter().copied() {
        let Some(last) = chosen.last().copied() else {
            chosen.push(time);
            continue;
        };
        let goal = last + target;
        if time < goal {
            before = Some(time);
            continue;
        }
        match before.take() {
            Some(early) if goal - early < time - goal => {
                chosen.push(early);
                if time >= early + target {
                    chosen.push(time);
                } else {
                    before = Some(time);
                }
            }
            _ => chosen.push(time),
        }
    }
    // What is left may be nearly twice as long: it is cut where that brings it nearer.
    if let (Some(last), Some(early)) = (chosen.last().copied(), before)
        && (early - last - target).abs() < (end - last - target).abs()
    {
        chosen.push(early);
    }
    chosen
}

/// The key frames of one track nearest to the chosen times.
fn place(track: &Track, own: &[Start], chosen: &[i64], tolerance: i64) -> Vec<Start> {
    let mut keys = own.iter().peekable();
    let mut starts = Vec::with_capacity(chosen.len());
    for (at, time) in chosen.iter().enumerate() {
        if at > 0 {
            let early = |key: &&Start| track.micros(key.1) < time - tolerance;
            while keys.next_if(early).is_some() {}
        }
        let Some(mut start) = keys.next() else {
            continue;
        };
        let far = |key: &Start| (track.micros(key.1) - time).abs();
        while at > 0 && keys.peek().is_some_and(|key| far(key) < far(start)) {
            start = keys.next().unwrap_or(start);
        }
        starts.push(*start);
    }
    starts
}

/// How far apart the same cut of two renditions may be, microseconds: encoders round moments
/// differently, and some begin a group of pictures a frame later. A switch there repeats or skips
/// less than two frames, which players bridge.
fn tolerance(tracks: &[&Track]) -> i64 {
    let longest = tracks.iter().map(|track| track.frame_us()).max();
    (longest.unwrap_or(0) * 5 / 4).clamp(TOLERANCE_US_MIN, TOLERANCE_US_MAX)
}

const TOLERANCE_US_MIN: i64 = 5000;
const TOLERANCE_US_MAX: i64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn segments_come_as_near_to_the_target_as_key_frames_allow() {
        let every = |step: i64| (0..10).map(|n| n * step).collect::<Vec<_>>();
        assert_eq!(choose(&every(2), 20, 4), [0, 4, 8, 12, 16]);
        assert_eq!(
            choose(&every(3), 30, 4),
            [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]
        );
        assert_eq!(choose(&every(10), 100, 4), every(10));
        assert_eq!(choose(&[0, 1, 9, 10], 11, 4), [0, 1, 9]);
    }

    #[test]
    fn the_last_segment_is_not_nearly_twice_the_target() {
        assert_eq!(choose(&[0, 39], 78, 40), [0, 39]);
        assert_eq!(choose(&[0, 40, 79], 119, 40), [0, 40, 79]);
        // A shorter rest stays with what precedes it where that is nearer.
        assert_eq!(choose(&[0, 20], 45, 40), [0]);
        assert_eq!(choose(&[0, 39], 40, 40), [0]);
        assert_eq!(choose(&[0, 10, 30], 70, 40), [0, 30]);
    }

    proptest! {
        #[test]
        fn cuts_are_rising_key_frames_and_gaps_stay_small(
            gaps in prop::collection::vec(1_i64..30, 1..60), target in 1_i64..20,
        ) {
            let mut times = vec![0];
            for gap in &gaps {
                times.push(times[times.len() - 1] + gap);
            }
            let last = times.pop().unwrap();
            let chosen = choose(&times, last, target);
            prop_assert!(chosen.iter().all(|c| times.contains(c)));
            prop_assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            let widest = gaps.iter().max().unwrap();
            let mut ends = chosen;
            ends.push(last);
            prop_assert!(ends.windows(2).all(|w| w[1] - w[0] <= (target + widest)));
        }

        #[test]
        fn shared_times_are_in_both(
            a in prop::collection::btree_set(0_i64..400, 1..40),
            b in prop::collection::btree_set(0_i64..400, 1..40),
        ) {
            let a: Vec<i64> = a.into_iter().map(|t| t * 20_000).collect();
            let b: Vec<i64> = b.into_iter().map(|t| t * 20_000 + 3000).collect();
            let both = shared(&a, &b, TOLERANCE_US_MIN);
            for (at, time) in both.iter().enumerate() {
                prop_assert!(at == 0 || b.contains(&(time + 3000)));
            }
            let wanted = a.iter().skip(1).filter(|t| b.contains(&(*t + 3000))).count();
            prop_assert_eq!(both.len(), wanted + 1);
        }
    }
}
