//! Key frames alone: what a slideshow shows and what players fetch while somebody searches.

use crate::FRAMES;
use crate::durations;
use crate::studio::Studio;
use crate::studio::at;
use crate::studio::hashes;
use crate::studio::open;
use crate::studio::plan_video;
use crate::studio::segment;
use crate::studio::source;
use crate::studio::usual;
use crate::studio::video;
use crate::version;
use lamplight::media::Plan;
use lamplight::media::Still;
use lamplight::media::Track;
use lamplight::media::hls;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

fn stills(track: &Track, plan: &Plan) -> Vec<Vec<Still>> {
    let segments = (0..plan.segments()).map(|n| Still::segment(track, plan, n).unwrap());
    segments.collect()
}

/// The resource of one segment.
fn resource(file: &[u8], stills: &[Still]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for still in stills {
        bytes.extend_from_slice(&still.fragment.header);
        for range in &still.fragment.ranges {
            bytes.extend_from_slice(&file[at(range.start)..at(range.end)]);
        }
    }
    bytes
}

/// Packages the key frames of `from` and compares what is shown with the frames of the same times;
/// returns those times in microseconds.
fn same_stills(studio: &Studio, from: &Path) -> Vec<u64> {
    let file = fs::read(from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    let stills = stills(&track, &plan);
    let mut film = plan.init.to_vec();
    for segment in &stills {
        film.extend(resource(&file, segment));
    }
    let out = studio.path("stills.mp4");
    fs::write(&out, film).unwrap();
    let own: HashMap<i64, String> = hashes(from, FRAMES).into_iter().collect();
    let shown = hashes(&out, FRAMES);
    assert_eq!(shown.len(), stills.iter().map(Vec::len).sum::<usize>());
    for (pts, hash) in &shown {
        assert_eq!(own.get(pts), Some(hash), "at {pts} of {:?}", plan.timescale);
    }
    let whole = plan.stills.unwrap();
    assert_eq!(whole.frames as usize, shown.len());
    let times = stills.iter().flatten().map(|still| plan.micros(still.time));
    times.collect()
}

#[test]
fn key_frames_alone_show_the_same_pictures_at_the_same_times() {
    let studio = Studio::new();
    let both = source("160x120", "24", "9");
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -sc_threshold 0";
    for (how, wanted) in [
        (
            usual(24),
            vec![0, 2_000_000, 4_000_000, 6_000_000, 8_000_000],
        ),
        (
            format!("{x264} -bf 3 -b_strategy 0 -g 48 -x264-params open-gop=1"),
            vec![0],
        ),
        (
            format!("{x264} -g 999 -force_key_frames 0.5,3.9,4.2,8"),
            vec![0, 500_000, 3_916_667, 4_208_333, 8_000_000],
        ),
    ] {
        let from = studio.record("v.mp4", &format!("{both} -map 0:v {how}"));
        assert_eq!(same_stills(&studio, &from), wanted, "{how}");
    }
}

/// Decode times of all fragments in `bytes` (version 1 of the box).
fn decode_times(bytes: &[u8]) -> Vec<u64> {
    let boxes = bytes.windows(4).enumerate().filter(|(_, w)| w == b"tfdt");
    let times = boxes.map(|(at, _)| bytes[at + 8..at + 16].try_into().unwrap());
    times.map(u64::from_be_bytes).collect()
}

#[test]
fn players_that_go_by_decode_times_find_slides_where_the_moving_pictures_are() {
    let studio = Studio::new();
    let input = source("160x120", "24", "9");
    let from = studio.record("v.mp4", &format!("{input} {}", usual(24)));
    let file = fs::read(&from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    for (n, stills) in stills(&track, &plan).iter().enumerate() {
        let moving = decode_times(&segment(&file, &track, &plan, u32::try_from(n).unwrap()));
        let still = decode_times(&resource(&file, stills));
        assert_eq!(still[0], moving[0], "segment {n}");
    }
}

#[test]
fn a_recording_that_is_little_but_key_frames_shows_one_a_segment() {
    let studio = Studio::new();
    let input =
        "-f lavfi -i smptebars=s=320x180:r=10:d=6 -f lavfi -i rgbtestsrc=s=320x180:r=10:d=6";
    let how = "-filter_complex [0][1]concat -c:v libx264 -preset ultrafast -g 20 -keyint_min 20 \
               -sc_threshold 0 -pix_fmt yuv420p";
    let from = studio.record("v.mp4", &format!("{input} {how}"));
    let file = fs::read(&from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    let (slides, stills) = (plan.slides.unwrap(), plan.stills.unwrap());
    assert_eq!((slides.frames, stills.frames, plan.segments()), (3, 6, 3));
    assert!(slides.average_bandwidth * 3 < stills.average_bandwidth * 2);
    let mut film = plan.init.to_vec();
    for n in 0..plan.segments() {
        film.extend(resource(&file, &Still::slides(&track, &plan, n).unwrap()));
    }
    let out = studio.path("slides.mp4");
    fs::write(&out, film).unwrap();
    let own: HashMap<i64, String> = hashes(&from, FRAMES).into_iter().collect();
    let shown = hashes(&out, FRAMES);
    assert!(shown.len() == 3 && shown.iter().all(|(pts, hash)| own.get(pts) == Some(hash)));
    // Each lasts until the next: a gap would stop players.
    for n in 0..plan.segments() {
        let slides = Still::slides(&track, &plan, n).unwrap();
        let header = &slides[0].fragment.header;
        let tfhd = header.windows(4).position(|kind| kind == b"tfhd").unwrap();
        let duration = header[tfhd + 12..].first_chunk::<4>().unwrap();
        let (begin, end) = plan.span(n).unwrap();
        assert_eq!(
            u64::from(u32::from_be_bytes(*duration)),
            end.time - begin.time
        );
    }
}

#[test]
fn every_range_of_the_iframe_playlist_is_one_picture() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("160x120", "24", "9"), usual(24)),
    );
    let file = fs::read(&from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    let stills = stills(&track, &plan);
    let text = hls::iframes(&plan, version(), &stills);
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n"), "{text}");
    assert_eq!(
        durations(&text),
        [2_000_000, 2_000_000, 2_000_000, 2_000_000, 1_000_000]
    );
    let lines: Vec<&str> = text.lines().collect();
    let ranges = lines.windows(2).filter_map(|pair| {
        let (len, offset) = pair[0].strip_prefix("#EXT-X-BYTERANGE:")?.split_once('@')?;
        let n = pair[1].rsplit('/').next()?.strip_suffix(".m4s")?;
        Some((len.parse().ok()?, offset.parse().ok()?, n.parse().ok()?))
    });
    let ranges: Vec<(usize, usize, usize)> = ranges.collect();
    assert_eq!(ranges.len(), 5);
    for (len, offset, n) in ranges {
        let resource = resource(&file, &stills[n]);
        let out = studio.path("one.mp4");
        fs::write(
            &out,
            [&plan.init[..], &resource[offset..offset + len]].concat(),
        )
        .unwrap();
        assert_eq!(hashes(&out, FRAMES).len(), 1, "{offset} of {n}");
    }
}
