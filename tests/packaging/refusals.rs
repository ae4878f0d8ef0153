//! Recordings that are refused, and files that are broken on purpose.

use crate::studio::Studio;
use crate::studio::TARGET_MS;
use crate::studio::open;
use crate::studio::source;
use crate::studio::stream;
use crate::studio::usual;
use lamplight::media::Plan;
use lamplight::media::Refused;
use lamplight::media::align;
use std::fs;

#[test]
fn recordings_that_cannot_be_served_are_refused_with_a_sentence() {
    let studio = Studio::new();
    let both = source("160x120", "24", "2");
    let fast = "-preset ultrafast -pix_fmt yuv420p";
    let refused = |how: &str| -> Result<(), Refused> {
        let file = fs::read(studio.record("v.mp4", &format!("{both} {how}"))).unwrap();
        let movie = open(&file)?;
        let mut parts = movie.video.into_iter().chain(movie.audio);
        parts.try_for_each(|part| part.map(|_| ()))
    };
    let usual = format!("-c:v libx264 {fast}");
    for (how, wanted) in [
        (
            "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime".to_owned(),
            "VP9",
        ),
        ("-c:v mpeg4".to_owned(), "MPEG-4 Part 2"),
        (format!("{usual} -c:a libmp3lame"), "MP3"),
        (format!("{usual} -c:a flac -strict -2"), "FLAC"),
        (format!("{usual} -c:a ac3"), "Dolby AC-3"),
    ] {
        let refusal = refused(&how).unwrap_err();
        assert!(refusal.to_string().contains(wanted), "{how}: {refusal}");
        assert!(refusal.remedy().contains(' '), "{refusal}");
    }
    assert_eq!(refused(&usual), Ok(()));
}

#[test]
fn a_file_cut_anywhere_is_refused_and_never_served_in_part() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("160x120", "24", "3"), usual(24)),
    );
    let file = fs::read(from).unwrap();
    for cut in (0..200).map(|n| file.len() * n / 200) {
        let refused = open(&file[..cut]).err();
        assert!(refused.is_some(), "{cut} of {} bytes", file.len());
    }
}

#[test]
fn a_damaged_index_never_panics_nor_reads_outside_the_file() {
    let studio = Studio::new();
    let from = studio.record(
        "v.mp4",
        &format!("{} {}", source("160x120", "24", "3"), usual(24)),
    );
    let file = fs::read(from).unwrap();
    let media = file.windows(4).position(|kind| kind == b"mdat").unwrap();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut packaged = 0;
    for _ in 0..3000 {
        let mut broken = file.clone();
        for _ in 0..=random(4) {
            let (at, bit) = (random(media), random(8));
            broken[at] ^= 1 << bit;
        }
        let Ok(movie) = open(&broken) else {
            continue;
        };
        if let Some(Ok(track)) = &movie.video
            && let Ok(starts) = align(&[track], TARGET_MS)
            && let Some(starts) = &starts[0]
            && let Ok(plan) = Plan::new(track, starts)
        {
            // `stream` slices the file at the ranges of the plan: outside would panic.
            packaged += stream(&broken, track, &plan).len().min(1);
        }
    }
    assert!(packaged > 300, "{packaged}");
}
