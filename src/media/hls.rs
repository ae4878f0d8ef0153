//! HLS playlists (RFC 8216).

use crate::base::digest::Digest;
use crate::course::Language;
use crate::media::Codec;
use crate::media::Plan;
use std::fmt::Write as _;

/// Picture of one lesson, for the multivariant playlist.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// Track name.
    pub track: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
}

/// Sound of one lesson.
#[derive(Debug, Clone, Copy)]
pub struct Audio<'a> {
    /// Track name.
    pub track: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its language.
    pub language: &'a Language,
    /// Whether it belongs to the group that plays with the pictures; others are offered alone.
    pub with_video: bool,
}

/// The multivariant playlist: pictures by rising bandwidth, so that a player begins with one that
/// any network carries, each with the group of sounds; then sound alone.
pub fn master(videos: &[Video<'_>], audios: &[Audio<'_>], captions: &[Language]) -> String {
    let mut out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    audio_groups(&mut out, audios);
    for (at, language) in captions.iter().enumerate() {
        let default = if at == 0 { "YES" } else { "NO" };
        line(
            &mut out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"{}\",LANGUAGE=\"{language}\",\
                 DEFAULT={default},AUTOSELECT=YES,FORCED=NO,URI=\"subs/{language}/playlist.m3u8\"",
                language.own_name()
            ),
        );
    }
    let subtitles = if captions.is_empty() {
        ""
    } else {
        ",SUBTITLES=\"subs\""
    };
    let group = || audios.iter().filter(|a| a.with_video);
    for video in videos {
        let peak = group().map(|a| a.plan.bandwidth).max().unwrap_or(0);
        let average = group().map(|a| a.plan.average_bandwidth).max().unwrap_or(0);
        let mut codecs = vec![video.plan.codec.name()];
        for name in group().map(|a| a.plan.codec.name()) {
            if !codecs.contains(&name) {
                codecs.push(name);
            }
        }
        let codecs = codecs.join(",");
        let (width, height) = video.plan.resolution();
        let rate = video.plan.frames_per_1000_s();
        let sound = if group().next().is_some() {
            ",AUDIO=\"audio\""
        } else {
            ""
        };
        line(
            &mut out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codecs}\",\
                 RESOLUTION={width}x{height},FRAME-RATE={}.{:03}{sound}{subtitles}\n\
                 {}/playlist.m3u8",
                video.plan.bandwidth + peak,
                video.plan.average_bandwidth + average,
                rate / 1000,
                rate % 1000,
                video.track
            ),
        );
    }
    for audio in audios
        .iter()
        .filter(|a| !a.with_video || is_first(a, audios))
    {
        line(
            &mut out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",\
                 AUDIO=\"{}\"{subtitles}\n{}/playlist.m3u8",
                audio.plan.bandwidth,
                audio.plan.average_bandwidth,
                audio.plan.codec.name(),
                audio.group(),
                audio.track
            ),
        );
    }
    out
}

fn audio_groups(out: &mut String, audios: &[Audio<'_>]) {
    for audio in audios {
        let default = if !audio.with_video || is_first(audio, audios) {
            "YES"
        } else {
            "NO"
        };
        let channels = match audio.plan.codec {
            Codec::Audio { channels, .. } => channels,
            Codec::Video { .. } => 0,
        };
        line(
            out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\",LANGUAGE=\"{}\",\
                 DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",\
                 URI=\"{}/playlist.m3u8\"",
                audio.group(),
                audio.language.own_name(),
                audio.language,
                audio.track
            ),
        );
    }
}

impl Audio<'_> {
    /// Sounds that play with the pictures are one group; each other is a group of its own.
    const fn group(&self) -> &str {
        if self.with_video { "audio" } else { self.track }
    }
}

fn is_first(audio: &Audio<'_>, audios: &[Audio<'_>]) -> bool {
    let first = audios.iter().find(|a| a.with_video);
    first.is_some_and(|first| first.track == audio.track)
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
}

/// The media playlist of a track; segments are `{version}/{n}.m4s` beside it, from 0.
pub fn media(plan: &Plan, version: Digest) -> String {
    let mut out = String::with_capacity(256 + plan.cuts.len() * 64);
    let times = plan
        .cuts
        .iter()
        .chain([&plan.end])
        .map(|cut| plan.micros(cut.time));
    let durations = durations(times);
    head(&mut out, &durations);
    line(
        &mut out,
        format_args!("#EXT-X-MAP:URI=\"{version}/init.mp4\""),
    );
    body(&mut out, &durations, version, "m4s");
    out
}

/// The playlist of captions for a lesson of `duration_us` microseconds; segments are
/// `{version}/{n}.vtt` of [`CAPTION_SEGMENT_MS`] each.
pub fn captions(duration_us: u64, version: Digest) -> String {
    let step = CAPTION_SEGMENT_MS * 1000;
    let cuts = caption_segments(duration_us);
    let times = (0..cuts).map(|n| u64::from(n) * step).chain([duration_us]);
    let mut out = String::with_capacity(512);
    let durations = durations(times);
    head(&mut out, &durations);
    body(&mut out, &durations, version, "vtt");
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

fn head(out: &mut String, durations: &[u64]) {
    // Every duration, rounded, must not exceed it (RFC 8216, 4.3.3.1).
    let longest = durations.iter().copied().max().unwrap_or(0);
    let target = longest.div_ceil(1_000_000).max(1);
    line(
        out,
        format_args!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS"
        ),
    );
}

fn body(out: &mut String, durations: &[u64], version: Digest, extension: &str) {
    for (n, us) in durations.iter().enumerate() {
        let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
        line(
            out,
            format_args!("#EXTINF:{seconds}.{rest:06},\n{version}/{n}.{extension}"),
        );
    }
    out.push_str("#EXT-X-ENDLIST\n");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}
