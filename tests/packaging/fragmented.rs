//! Fragmented recordings, as phones, conference servers and OBS leave them.

use crate::same_picture;
use crate::same_sound;
use crate::studio::Studio;
use crate::studio::audio;
use crate::studio::open;
use crate::studio::plan_video;
use crate::studio::source;
use crate::studio::usual;
use crate::studio::video;
use std::fs;

/// Every way in which ffmpeg fragments.
const WAYS: [(&str, &str); 8] = [
    (
        "bases are moof",
        "-movflags +frag_keyframe+empty_moov+default_base_moof",
    ),
    ("bases are positions", "-movflags +frag_keyframe+empty_moov"),
    (
        "bases follow each other",
        "-movflags +frag_keyframe+empty_moov+omit_tfhd_offset",
    ),
    ("the first frames lie in moov", "-movflags +frag_keyframe"),
    (
        "with edit lists",
        "-movflags +frag_keyframe+empty_moov+delay_moov",
    ),
    (
        "fragments between key frames",
        "-movflags +empty_moov+delay_moov -frag_duration 300000",
    ),
    (
        "a fragment a track",
        "-movflags +frag_keyframe+separate_moof+empty_moov",
    ),
    (
        "with a segment index",
        "-movflags +dash+global_sidx+delay_moov",
    ),
];

#[test]
fn recordings_in_fragments_come_out_as_they_went_in() {
    let studio = Studio::new();
    let both = source("160x120", "24", "9");
    for (name, how) in WAYS {
        let from = studio.record("v.mp4", &format!("{both} {} {how}", usual(24)));
        let plan = same_picture(&studio, &from);
        let times: Vec<u64> = plan.cuts.iter().map(|cut| plan.micros(cut.time)).collect();
        let near = |wanted: &u64| times.iter().any(|time| time.abs_diff(*wanted) < 100_000);
        let wanted = [0, 4_000_000, 8_000_000];
        assert!(
            times.len() == 3 && wanted.iter().all(near),
            "{name}: {times:?}"
        );
        same_sound(&studio, &from, &times);
    }
}

#[test]
fn sound_in_fragments_is_read_too() {
    let studio = Studio::new();
    let how = "-map 1:a -c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000";
    let from = studio.record("a.m4a", &format!("{} {how}", source("64x64", "10", "6")));
    assert_eq!(same_sound(&studio, &from, &[]).segments(), 2);
}

#[test]
fn a_fragmented_recording_and_its_remux_have_the_same_frames() {
    let studio = Studio::new();
    let plain = studio.record(
        "plain.mp4",
        &format!("{} {}", source("160x120", "24", "7"), usual(24)),
    );
    let how = "-c copy -movflags +frag_keyframe+empty_moov+delay_moov+default_base_moof";
    let parts = studio.record("parts.mp4", &format!("-i {} {how}", plain.display()));
    let (plain, parts) = (fs::read(plain).unwrap(), fs::read(parts).unwrap());
    let (plain, parts) = (open(&plain).unwrap(), open(&parts).unwrap());
    assert_eq!(video(&plain).frames(), video(&parts).frames());
    assert_eq!(audio(&plain).frames(), audio(&parts).frames());
    let (plain, parts) = (plan_video(&video(&plain)), plan_video(&video(&parts)));
    assert_eq!((plain.cuts, plain.end), (parts.cuts, parts.end));
}

#[test]
fn a_recording_that_counts_on_from_hours_before_begins_at_zero() {
    let studio = Studio::new();
    let how = "-movflags +frag_keyframe+empty_moov+default_base_moof -output_ts_offset 40000";
    let both = source("160x120", "24", "5");
    let from = studio.record("v.mp4", &format!("{both} {} {how}", usual(24)));
    let file = fs::read(from).unwrap();
    let plan = plan_video(&video(&open(&file).unwrap()));
    assert!(
        plan.duration_us().abs_diff(5_000_000) < 100_000,
        "{:?}",
        plan.cuts
    );
}

/// Where the outer boxes of a file end.
fn ends(file: &[u8]) -> Vec<usize> {
    let (mut at, mut ends) = (0, Vec::new());
    while at < file.len() {
        let size = file[at..].first_chunk::<4>().unwrap();
        at += usize::try_from(u32::from_be_bytes(*size)).unwrap();
        ends.push(at);
    }
    ends
}

#[test]
fn a_fragmented_upload_cut_anywhere_is_refused_unless_only_whole_fragments_are_left() {
    let studio = Studio::new();
    let both = source("160x120", "24", "3");
    for (name, how) in WAYS {
        let from = studio.record("v.mp4", &format!("{both} {} {how}", usual(24)));
        let file = fs::read(from).unwrap();
        let ends = ends(&file);
        let promised = file.windows(4).any(|kind| kind == b"sidx");
        for cut in (0..300)
            .map(|n| file.len() * n / 300)
            .chain(ends.iter().copied())
        {
            let whole = ends.contains(&cut) && (!promised || cut > file.len() * 9 / 10);
            let served = open(&file[..cut]).is_ok_and(|movie| {
                let mut tracks = movie.video.iter().chain(&movie.audio);
                tracks.any(Result::is_ok)
            });
            assert!(!served || whole, "{name}: {cut} of {} bytes", file.len());
        }
    }
}
