//! Media playlists: of a track, of its key frames, of captions.

use crate::base::digest::Digest;
use crate::media::Plan;
use crate::media::Still;
use crate::media::hls::line;

/// The media playlist of a track; segments are `{version}/{n}.m4s` beside it, from 0.
pub fn media(plan: &Plan, version: Digest) -> String {
    segments(plan, version, "")
}

/// The media playlist of the slideshow of a track; segments are `{version}/slides/{n}.m4s`, at the
/// times of the track's own.
pub fn slides(plan: &Plan, version: Digest) -> String {
    segments(plan, version, "slides/")
}

fn segments(plan: &Plan, version: Digest, folder: &str) -> String {
    let mut out = String::with_capacity(256 + plan.cuts.len() * 64);
    let cuts = plan.cuts.iter().chain([&plan.end]);
    let durations = durations(cuts.map(|cut| plan.micros(cut.time)));
    head(&mut out, &durations, "");
    map(&mut out, version);
    body(&mut out, &durations, version, folder, "m4s");
    out
}

/// The I-frame playlist of a track (RFC 8216, 4.3.3.6): every key frame of `stills`, given segment
/// by segment, as a range of bytes of `{version}/stills/{n}.m4s`.
pub fn iframes(plan: &Plan, version: Digest, stills: &[Vec<Still>]) -> String {
    let times = stills.iter().flatten().map(|still| plan.micros(still.time));
    let durations = durations(times.chain([plan.duration_us()]));
    let mut out = String::with_capacity(256 + durations.len() * 96);
    head(&mut out, &durations, "\n#EXT-X-I-FRAMES-ONLY");
    map(&mut out, version);
    let mut durations = durations.iter();
    for (n, segment) in stills.iter().enumerate() {
        let mut offset = 0;
        for still in segment {
            let bytes = still.fragment.len();
            info(&mut out, durations.next().copied().unwrap_or(0));
            line(
                &mut out,
                format_args!("#EXT-X-BYTERANGE:{bytes}@{offset}\n{version}/stills/{n}.m4s"),
            );
            offset += bytes;
        }
    }
    out.push_str("#EXT-X-ENDLIST\n");
    out
}

fn map(out: &mut String, version: Digest) {
    line(out, format_args!("#EXT-X-MAP:URI=\"{version}/init.mp4\""));
}

/// The playlist of captions for a lesson of `duration_us` microseconds; segments are
/// `{version}/{n}.vtt` of [`CAPTION_SEGMENT_MS`] each.
pub fn captions(duration_us: u64, version: Digest) -> String {
    let step = CAPTION_SEGMENT_MS * 1000;
    let cuts = caption_segments(duration_us);
    let times = (0..cuts).map(|n| u64::from(n) * step).chain([duration_us]);
    let mut out = String::with_capacity(512);
    let durations = durations(times);
    head(&mut out, &durations, "");
    body(&mut out, &durations, version, "", "vtt");
    out
}

/// Number of caption segments of a lesson of `duration_us` microseconds; at least one.
pub fn caption_segments(duration_us: u64) -> u32 {
    let segments = duration_us.div_ceil(CAPTION_SEGMENT_MS * 1000).max(1);
    u32::try_from(segments).unwrap_or(u32::MAX)
}

/// Milliseconds of one caption segment: a few cues, a few hundred bytes.
pub const CAPTION_SEGMENT_MS: u64 = 30_000;

/// Microseconds between neighbours. Taken of rounded times, so that errors never add up.
fn durations(times: impl Iterator<Item = u64>) -> Vec<u64> {
    let times: Vec<u64> = times.collect();
    let next = times.iter().skip(1);
    times
        .iter()
        .zip(next)
        .map(|(a, b)| b.saturating_sub(*a))
        .collect()
}

fn head(out: &mut String, durations: &[u64], more: &str) {
    // Every duration, rounded, must not exceed it (RFC 8216, 4.3.3.1).
    let longest = durations.iter().copied().max().unwrap_or(0);
    let target = longest.div_ceil(1_000_000).max(1);
    line(
        out,
        format_args!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS{more}"
        ),
    );
}

fn body(out: &mut String, durations: &[u64], version: Digest, folder: &str, extension: &str) {
    for (n, us) in durations.iter().enumerate() {
        info(out, *us);
        line(out, format_args!("{version}/{folder}{n}.{extension}"));
    }
    out.push_str("#EXT-X-ENDLIST\n");
}

fn info(out: &mut String, us: u64) {
    let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
    line(out, format_args!("#EXTINF:{seconds}.{rest:06},"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::hls::tests::picture;
    use crate::media::hls::tests::plan;
    use proptest::prelude::*;

    #[test]
    fn a_media_playlist_names_every_segment_and_its_exact_length() {
        let version = Digest::of(&[]);
        let text = media(&plan(picture(), 30_000, &[0, 120_120, 180_180]), version);
        let wanted = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"{version}/init.mp4\"\n\
             #EXTINF:4.004000,\n{version}/0.m4s\n#EXTINF:2.002000,\n{version}/1.m4s\n\
             #EXT-X-ENDLIST\n"
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn captions_cover_the_lesson_to_its_end() {
        let text = captions(61_500_000, Digest::of(&[]));
        assert!(text.contains("#EXT-X-TARGETDURATION:30\n"));
        assert_eq!(caption_segments(61_500_000), 3);
        assert!(text.contains("#EXTINF:1.500000,\n"), "{text}");
        assert_eq!((caption_segments(0), caption_segments(30_000_000)), (1, 1));
    }

    proptest! {
        #[test]
        fn rounded_lengths_never_drift(
            timescale in 1_u32..200_000, steps in prop::collection::vec(1_u64..2_000_000, 1..200),
        ) {
            let mut times = vec![0];
            for step in steps {
                times.push(times[times.len() - 1] + step);
            }
            let plan = plan(picture(), timescale, &times);
            let micros = plan.cuts.iter().chain([&plan.end]).map(|cut| plan.micros(cut.time));
            let sum: u64 = durations(micros).iter().sum();
            prop_assert_eq!(sum, plan.duration_us());
        }
    }
}
