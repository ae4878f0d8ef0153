//! Real recordings, made here with ffmpeg, go through the packager; ffmpeg and ffprobe judge:
//! the same packets, frames and samples at the same times as in the author's file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test; whatever is missing fails it"
)]

#[path = "packaging/codecs.rs"]
mod codecs;
#[path = "packaging/fragmented.rs"]
mod fragmented;
#[path = "packaging/hard.rs"]
mod hard;
#[path = "packaging/refusals.rs"]
mod refusals;
#[path = "packaging/site.rs"]
mod site;
#[path = "packaging/stills.rs"]
mod stills;
#[path = "packaging/studio.rs"]
mod studio;

use lamplight::media::Codec;
use lamplight::media::Plan;
use lamplight::media::Refused;
use lamplight::media::align;
use lamplight::media::hls;
use std::fs;
use std::path::Path;
use studio::Studio;
use studio::TARGET_MS;
use studio::audio;
use studio::hashes;
use studio::open;
use studio::plan_audio;
use studio::plan_video;
use studio::probe;
use studio::samples;
use studio::segment;
use studio::source;
use studio::stream;
use studio::usual;
use studio::video;

const PACKETS_V: &str = "-map 0:v:0 -c copy -copyts";
const PACKETS_A: &str = "-map 0:a:0 -c copy";
const FRAMES: &str = "-map 0:v:0 -fps_mode passthrough -enc_time_base -1 -copyts";

/// Packages the picture of `from` and compares packets and decoded frames; returns the plan.
fn same_picture(studio: &Studio, from: &Path) -> Plan {
    let file = fs::read(from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    let out = studio.path("packaged-video.mp4");
    fs::write(&out, stream(&file, &track, &plan)).unwrap();
    assert_eq!(hashes(&out, PACKETS_V), hashes(from, PACKETS_V));
    assert_eq!(hashes(&out, FRAMES), hashes(from, FRAMES));
    plan
}

/// Packages the sound of `from` and compares packets and decoded samples; returns the plan.
fn same_sound(studio: &Studio, from: &Path, times: &[u64]) -> Plan {
    let file = fs::read(from).unwrap();
    let track = audio(&open(&file).unwrap());
    let plan = plan_audio(&track, times);
    let out = studio.path("packaged-audio.mp4");
    fs::write(&out, stream(&file, &track, &plan)).unwrap();
    let (own, packaged) = (hashes(from, PACKETS_A), hashes(&out, PACKETS_A));
    // ffmpeg marks the priming of the first packet in one of the two containers only.
    let bytes = |packets: &[(i64, String)]| packets.iter().skip(1).cloned().map(|p| p.1).collect();
    let (own, packaged): (Vec<String>, Vec<String>) = (bytes(&own), bytes(&packaged));
    assert_eq!(packaged, own);
    let (own, packaged) = (samples(from), samples(&out));
    // The priming is heard by ffmpeg in fragmented files; behind it every sample is the same.
    let extra = packaged.len() - own.len();
    assert!(extra <= 1024, "{extra}");
    assert_eq!(packaged[extra..], own);
    plan
}

/// The seconds of every EXTINF, in microseconds.
fn durations(playlist: &str) -> Vec<u64> {
    let infos = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXTINF:"));
    let micros = infos.map(|info| {
        let (seconds, rest) = info.trim_end_matches(',').split_once('.').unwrap();
        seconds.parse::<u64>().unwrap() * 1_000_000 + rest.parse::<u64>().unwrap()
    });
    micros.collect()
}

fn version() -> lamplight::base::digest::Digest {
    lamplight::base::digest::Digest::of(&[])
}

#[test]
fn reordered_pictures_and_primed_sound_come_out_as_they_went_in() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("320x240", "24", "13"), usual(24)),
    );
    let plan = same_picture(&studio, &from);
    let times: Vec<u64> = plan.cuts.iter().map(|cut| plan.micros(cut.time)).collect();
    assert_eq!(times, [0, 4_000_000, 8_000_000, 12_000_000]);
    let playlist = hls::media(&plan, version());
    assert_eq!(
        durations(&playlist),
        [4_000_000, 4_000_000, 4_000_000, 1_000_000]
    );
    assert!(playlist.contains("#EXT-X-TARGETDURATION:4\n"), "{playlist}");
    let sound = same_sound(&studio, &from, &times);
    assert_eq!(sound.segments(), 4);
    let total: u64 = durations(&hls::media(&sound, version())).iter().sum();
    assert_eq!(total, sound.duration_us());
    assert!(total.abs_diff(13_000_000) < 25_000, "{total}");
}

#[test]
fn every_segment_stands_alone_behind_its_init_segment() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("320x240", "25", "9"), usual(25)),
    );
    let file = fs::read(&from).unwrap();
    let track = video(&open(&file).unwrap());
    let plan = plan_video(&track);
    let mut frames = 0;
    for n in 0..plan.segments() {
        let out = studio.path("one.mp4");
        fs::write(
            &out,
            [&plan.init[..], &segment(&file, &track, &plan, n)].concat(),
        )
        .unwrap();
        let shown = probe(&out, "-select_streams v -show_entries frame=key_frame,pts");
        assert!(
            shown[0].starts_with("1,"),
            "segment {n} begins with {}",
            shown[0]
        );
        let first: u64 = shown[0].split(',').nth(1).unwrap().parse().unwrap();
        assert_eq!(first, plan.cuts[n as usize].time);
        frames += shown.len();
    }
    assert_eq!(frames, 225);
    let stream = probe(
        &from,
        "-select_streams v -show_entries stream=profile,level",
    );
    let Codec::Video {
        name,
        width,
        height,
        ..
    } = &plan.codec
    else {
        panic!("no picture");
    };
    assert_eq!((*width, *height), (320, 240));
    assert!(
        name.starts_with("avc1.") && name.len() == 11,
        "{name} {stream:?}"
    );
}

#[test]
fn a_lesson_of_a_tenth_of_a_second_is_one_segment() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("160x120", "30", "0.1"), usual(30)),
    );
    let plan = same_picture(&studio, &from);
    assert_eq!(durations(&hls::media(&plan, version())), [100_000]);
    same_sound(&studio, &from, &[0]);
}

#[test]
fn silent_films_and_pictureless_talks_are_packaged() {
    let studio = Studio::new();
    let both = source("160x120", "24", "6");
    let silent = studio.record("v.mp4", &format!("{both} -map 0:v {}", usual(24)));
    assert!(open(&fs::read(&silent).unwrap()).unwrap().audio.is_empty());
    same_picture(&studio, &silent);
    let talk = studio.record(
        "a.m4a",
        &format!("{both} -map 1:a -c:a aac -movflags +faststart"),
    );
    assert!(open(&fs::read(&talk).unwrap()).unwrap().video.is_none());
    let plan = same_sound(&studio, &talk, &[]);
    assert_eq!(plan.segments(), 2);
}

#[test]
fn irregular_recordings_keep_their_times() {
    let studio = Studio::new();
    let both = source("160x120", "30", "11");
    for (name, how) in [
        (
            "variable frame rate",
            "-vf select=not(eq(mod(n\\,7)\\,3)) -fps_mode vfr -bf 2 -g 60",
        ),
        ("every frame a key frame", "-g 1"),
        ("no reordering", "-bf 0 -g 60"),
        (
            "another timescale",
            "-bf 3 -g 60 -video_track_timescale 90000",
        ),
        ("index behind the media", "-bf 3 -g 60 -movflags -faststart"),
    ] {
        let encoded = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags +faststart";
        let from = studio.record("v.mp4", &format!("{both} -map 0:v {encoded} {how}"));
        let plan = same_picture(&studio, &from);
        assert!(plan.segments() >= 2, "{name}: {:?}", plan.cuts);
        let longest = durations(&hls::media(&plan, version())).into_iter().max();
        assert!(longest.unwrap() <= 6_000_000, "{name}: {:?}", plan.cuts);
    }
}

#[test]
fn pictures_that_need_the_segment_before_are_not_torn_from_it() {
    let studio = Studio::new();
    let how = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -movflags +faststart -bf 3 -g 50 \
               -b_strategy 0 -x264-params open-gop=1:scenecut=0";
    let both = source("160x120", "24", "9");
    let plan = same_picture(
        &studio,
        &studio.record("v.mp4", &format!("{both} -map 0:v {how}")),
    );
    assert_eq!(plan.segments(), 1);
    let long = source("64x64", "5", "70");
    let from = studio.record("w.mp4", &format!("{long} -map 0:v {how}"));
    let track = video(&open(&fs::read(from).unwrap()).unwrap());
    let starts = align(&[&track], TARGET_MS).unwrap().remove(0).unwrap();
    let refused = Plan::new(&track, &starts).unwrap_err();
    assert!(
        matches!(refused, Refused::SparseKeyFrames { seconds: 70, .. }),
        "{refused}"
    );
}

#[test]
fn a_recording_cut_between_key_frames_shows_from_its_cut() {
    let studio = Studio::new();
    let whole = studio.record(
        "w.mp4",
        &format!("{} {}", source("160x120", "24", "12"), usual(24)),
    );
    let cut = format!(
        "-ss 3.1 -i {} -c copy -movflags +faststart",
        whole.display()
    );
    let from = studio.record("v.mp4", &cut);
    let file = fs::read(&from).unwrap();
    let movie = open(&file).unwrap();
    let track = video(&movie);
    let plan = plan_video(&track);
    let out = studio.path("packaged.mp4");
    fs::write(&out, stream(&file, &track, &plan)).unwrap();
    // What is shown from 0 on is the same; what precedes the cut is decoded and has negative time.
    // ffmpeg moves the first shown frame of the source to 0, though it begins 25 ms later.
    let shown = |path: &Path| {
        let frames = hashes(path, FRAMES).into_iter();
        let shown: Vec<_> = frames.filter(|(pts, _)| *pts >= 0).collect();
        let first = shown[0].0;
        assert!(first < 512, "{first}");
        shown
            .into_iter()
            .map(|(pts, hash)| (pts - first, hash))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&out), shown(&from));
    assert!(
        plan.duration_us().abs_diff(8_900_000) < 50_000,
        "{}",
        plan.duration_us()
    );
}

#[test]
fn sound_that_starts_late_stays_late() {
    let studio = Studio::new();
    let inputs = "-f lavfi -i testsrc2=s=160x120:r=24:d=8 -itsoffset 1.5 \
                  -f lavfi -i sine=f=440:r=48000:d=6";
    let from = studio.record(
        "v.mp4",
        &format!("{inputs} -map 0:v -map 1:a {}", usual(24)),
    );
    let file = fs::read(&from).unwrap();
    let track = audio(&open(&file).unwrap());
    let plan = plan_audio(&track, &[0, 4_000_000]);
    let out = studio.path("packaged.mp4");
    fs::write(&out, stream(&file, &track, &plan)).unwrap();
    let first = |path| probe(path, "-select_streams a -show_entries packet=pts_time")[0].clone();
    let seconds = |text: String| text.trim_end_matches(',').parse::<f64>().unwrap();
    let (own, packaged) = (seconds(first(&from)), seconds(first(&out)));
    // ffmpeg ignores the priming in fragmented sound: 1024 samples.
    assert!((packaged - own).abs() < 0.022, "{own} {packaged}");
    assert!(own > 1.4, "{own}");
}

#[test]
fn renditions_of_one_lesson_are_cut_at_the_same_times() {
    let studio = Studio::new();
    let mut files = Vec::new();
    for (name, size, rate) in [
        ("a.mp4", "160x90", 24),
        ("b.mp4", "320x180", 24),
        ("c.mp4", "640x360", 48),
    ] {
        let input = source(size, &rate.to_string(), "15");
        let path = studio.record(name, &format!("{input} {}", usual(rate)));
        files.push(fs::read(path).unwrap());
    }
    let input = source("320x240", "24", "15");
    let odd = "-c:v libx264 -preset ultrafast -g 1000 -force_key_frames 0.3,7.7 -pix_fmt yuv420p";
    files.push(fs::read(studio.record("d.mp4", &format!("{input} {odd}"))).unwrap());
    let tracks: Vec<_> = files
        .iter()
        .map(|file| video(&open(file).unwrap()))
        .collect();
    let all: Vec<_> = tracks.iter().collect();
    let starts = align(&all, TARGET_MS).unwrap();
    assert!(
        starts[3].is_none(),
        "a rendition without common key frames was let in"
    );
    let times = |at: usize| {
        let plan = Plan::new(&tracks[at], starts[at].as_ref().unwrap()).unwrap();
        plan.cuts
            .iter()
            .map(|cut| plan.micros(cut.time))
            .collect::<Vec<_>>()
    };
    assert_eq!(times(0), [0, 4_000_000, 8_000_000, 12_000_000]);
    assert_eq!((times(0), times(0)), (times(1), times(2)));
}

#[test]
fn a_film_made_upright_is_announced_upright() {
    let studio = Studio::new();
    let flat = studio.record(
        "w.mp4",
        &format!("{} {}", source("320x180", "24", "2"), usual(24)),
    );
    let turned = format!("-i {} -c copy -metadata:s:v rotate=90", flat.display());
    let from = studio.record("v.mp4", &turned);
    let plan = plan_video(&video(&open(&fs::read(from).unwrap()).unwrap()));
    assert_eq!(plan.resolution(), (180, 320));
}
