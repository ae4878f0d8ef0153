//! Recordings as they are, not as they should be.

use crate::FRAMES;
use crate::durations;
use crate::same_picture;
use crate::same_sound;
use crate::studio::Studio;
use crate::studio::TARGET_MS;
use crate::studio::audio;
use crate::studio::hashes;
use crate::studio::open;
use crate::studio::plan_audio;
use crate::studio::plan_video;
use crate::studio::segment;
use crate::studio::source;
use crate::studio::usual;
use crate::studio::video;
use crate::version;
use lamplight::content::Config;
use lamplight::content::Library;
use lamplight::content::Lookup;
use lamplight::media::Plan;
use lamplight::media::align;
use lamplight::media::hls;
use lamplight::runtime;
use std::fs;
use std::path::Path;

const X264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -sc_threshold 0";

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn a_seek_to_any_point_starts_at_the_right_frame() {
    let studio = Studio::new();
    let both = source("160x120", "24", "15");
    for (name, how) in [
        ("usual", usual(24)),
        (
            "irregular",
            format!("{X264} -bf 3 -b_strategy 0 -g 999 -force_key_frames 0.9,3,6.7,7,12"),
        ),
        (
            "fragmented",
            format!("{} -movflags +frag_keyframe+delay_moov", usual(24)),
        ),
        (
            "variable",
            format!("{X264} -vf select=not(eq(mod(n\\,5)\\,2)) -fps_mode vfr -bf 2 -g 40"),
        ),
    ] {
        let from = studio.record("v.mp4", &format!("{both} -map 0:v {how}"));
        let file = fs::read(&from).unwrap();
        let track = video(&open(&file).unwrap());
        let plan = plan_video(&track);
        assert!(plan.segments() > 1, "{name}");
        let own = hashes(&from, FRAMES);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..12 {
            let at = random.below(plan.end.time);
            let later = plan.cuts.iter().filter(|cut| cut.time <= at).count();
            let n = u32::try_from(later - 1).unwrap();
            let out = studio.path("seek.mp4");
            let alone = [&plan.init[..], &segment(&file, &track, &plan, n)].concat();
            fs::write(&out, alone).unwrap();
            let shown = |frames: Vec<(i64, String)>| {
                let until = i64::try_from(at).unwrap();
                frames.into_iter().rfind(|(pts, _)| *pts <= until)
            };
            let (found, wanted) = (shown(hashes(&out, FRAMES)), shown(own.clone()));
            assert!(
                wanted.is_some() && found == wanted,
                "{name}: {at} in segment {n}"
            );
        }
    }
}

#[test]
fn renditions_whose_groups_of_pictures_differ_by_a_frame_are_cut_together() {
    let studio = Studio::new();
    let mut tracks = Vec::new();
    for (rate, keys) in [
        ("24", "expr:gte(t,n_forced*2)"),
        ("24", "expr:gte(n,n_forced*48+min(n_forced,1))"),
        ("30", "expr:gte(t,n_forced*2+0.02)"),
        ("25", "expr:gte(t,n_forced*2)"),
        ("24", "expr:gte(n,0)"),
    ] {
        let both = source("160x90", rate, "13");
        let made = format!("{both} -map 0:v {X264} -g 999 -force_key_frames {keys}");
        let file = fs::read(studio.record("v.mp4", &made)).unwrap();
        tracks.push(video(&open(&file).unwrap()));
    }
    let all: Vec<_> = tracks.iter().collect();
    let starts = align(&all, TARGET_MS).unwrap();
    for (at, (track, starts)) in tracks.iter().zip(&starts).enumerate() {
        let starts = starts
            .as_ref()
            .unwrap_or_else(|| panic!("rendition {at} left out"));
        let plan = Plan::new(track, starts).unwrap();
        let times: Vec<u64> = plan.cuts.iter().map(|cut| plan.micros(cut.time)).collect();
        let near = |(n, time): (u64, &u64)| time.abs_diff(n * 4_000_000) <= 60_000;
        assert!(
            times.len() == 4 && (0..).zip(&times).all(near),
            "{at}: {times:?}"
        );
        // Where a rendition has a key frame at the very moment, that is the one.
        let exact = at == 0 || at > 2;
        assert!(
            !exact || times == [0, 4_000_000, 8_000_000, 12_000_000],
            "{at}: {times:?}"
        );
    }
}

#[test]
fn a_lecture_of_three_hours_is_packaged_in_little_memory() {
    let studio = Studio::new();
    let inputs = "-f lavfi -i color=red:s=32x32:r=4:d=10800 -f lavfi -i anullsrc=r=8000:cl=mono";
    let how = "-t 10800 -g 8 -keyint_min 8 -c:a aac -b:a 8k -movflags +faststart";
    let from = studio.record("v.mp4", &format!("{inputs} {X264} {how}"));
    let file = fs::read(&from).unwrap();
    let movie = open(&file).unwrap();
    let picture = plan_video(&video(&movie));
    let times: Vec<u64> = picture
        .cuts
        .iter()
        .map(|cut| picture.micros(cut.time))
        .collect();
    let sound = plan_audio(&audio(&movie), &times);
    for plan in [&picture, &sound] {
        assert_eq!(plan.segments(), 2700);
        let lengths = durations(&hls::media(plan, version()));
        assert_eq!(lengths.iter().sum::<u64>(), plan.duration_us());
        assert!(plan.duration_us().abs_diff(10_800_000_000) < 300_000);
        // What is kept of it: sixteen bytes a segment.
        assert!(plan.weight() < 2700 * 16 + 2000, "{}", plan.weight());
    }
    // What is read to cut a segment: some bytes a frame.
    let frames = (10_800 * 4 + 10_800 * 8000 / 1024) as usize;
    let tables = video(&movie).weight() + audio(&movie).weight();
    assert!(tables < frames * 12, "{tables} bytes for {frames} frames");
    let last = segment(&file, &video(&movie), &picture, 2699);
    let out = studio.path("last.mp4");
    fs::write(&out, [&picture.init[..], &last].concat()).unwrap();
    assert_eq!(hashes(&out, FRAMES).len(), 16);
}

#[test]
fn turned_and_shifted_pictures_come_out_as_they_went_in() {
    let studio = Studio::new();
    let both = source("160x90", "24", "6");
    let flat = studio.record("w.mp4", &format!("{both} {}", usual(24)));
    for (name, how) in [
        ("turned by a quarter", "-c copy -metadata:s:v rotate=90"),
        ("upside down", "-c copy -metadata:s:v rotate=180"),
        ("without an edit list", "-c copy -use_editlist 0"),
        ("index behind the media", "-c copy -movflags -faststart"),
        ("as QuickTime writes it", "-c copy -f mov"),
        ("a coarse clock", "-c copy -video_track_timescale 600"),
    ] {
        let from = studio.record("v.mp4", &format!("-i {} {how}", flat.display()));
        let plan = same_picture(&studio, &from);
        assert_eq!(plan.segments(), 2, "{name}: {:?}", plan.cuts);
    }
}

#[test]
fn sounds_of_other_rates_and_layouts_come_out_as_they_went_in() {
    let studio = Studio::new();
    for how in ["-ar 44100 -ac 2", "-ar 22050 -ac 1", "-ar 48000 -ac 6"] {
        let made = format!("{} -map 1:a -c:a aac {how}", source("64x64", "10", "5"));
        let from = studio.record("a.m4a", &made);
        let plan = same_sound(&studio, &from, &[0, 2_000_000]);
        assert_eq!(plan.segments(), 2, "{how}");
    }
}

/// Version and every segment of the only lesson's tracks.
fn packaged(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let config = Config {
        dir: dir.to_owned(),
        ..Config::default()
    };
    let library = Library::open(config).unwrap();
    let catalogue = library.catalogue();
    let mut made = Vec::new();
    for rendition in &catalogue.courses()[0].lessons[0].renditions {
        let base = format!("/media/thu/bai-mot/{}", rendition.track);
        let version = rendition.version;
        for name in ["playlist.m3u8".to_owned(), format!("{version}/init.mp4")]
            .into_iter()
            .chain((0..2).map(|n| format!("{version}/{n}.m4s")))
        {
            let url = format!("{base}/{name}");
            let path = lamplight::content::Path::parse(&url).unwrap();
            let Lookup::Miss(building) = library.find(&path, runtime::now()) else {
                panic!("{url}");
            };
            made.push((url, runtime::block_on(building).unwrap().bytes().to_vec()));
        }
    }
    made
}

#[test]
fn copies_of_a_recording_on_two_nodes_are_the_same_bytes_at_the_same_urls() {
    let studio = Studio::new();
    let film = studio.record(
        "v.mp4",
        &format!("{} {}", source("160x90", "24", "7"), usual(24)),
    );
    let folder = |node: &str| {
        let lesson = studio.path(node).join("thu/01-bai-mot");
        fs::create_dir_all(&lesson).unwrap();
        fs::write(lesson.join("../course.toml"), "title = \"Thử\"\n").unwrap();
        lesson.join("video.mp4")
    };
    // The second copy is younger.
    fs::copy(&film, folder("a")).unwrap();
    let bytes = fs::read(&film).unwrap();
    fs::write(folder("b"), &bytes).unwrap();
    let old = fs::File::options().write(true).open(folder("a")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_hours(300_000))
        .unwrap();
    let (a, b) = (packaged(&studio.path("a")), packaged(&studio.path("b")));
    assert!(a.len() == 8 && a == b);
    // One byte more behind the media is another recording.
    fs::write(folder("c"), [&bytes[..], b"\0\0\0\x08free"].concat()).unwrap();
    assert_ne!(packaged(&studio.path("c"))[1].0, a[1].0);
}
