//! The bundled course as it lies in the tree: small, aligned, and whole in both languages.
//! What the server makes of it is tested beside `content`.

#![expect(
    clippy::unwrap_used,
    reason = "a course that cannot be read fails the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("content")
}

fn lessons() -> Vec<PathBuf> {
    let course = fs::read_dir(root().join("ky-nang-so")).unwrap();
    let mut lessons: Vec<_> = course
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    lessons.sort();
    assert!(lessons.len() >= 2, "{lessons:?}");
    lessons
}

fn size(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).unwrap().len();
    }
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| size(&entry.unwrap().path())).sum()
}

/// Beginning and end of every cue, and its lines.
fn cues(file: &Path) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(file).unwrap();
    let blocks = text.split("\n\n").skip(1);
    let cues = blocks.map(|block| {
        let mut lines = block.trim().lines().map(str::to_owned);
        (lines.next().unwrap(), lines.collect())
    });
    cues.collect()
}

#[test]
fn a_clone_does_not_carry_more_than_six_megabytes_of_course() {
    let bytes = size(&root());
    assert!(bytes <= 6_000_000, "content/ has {bytes} bytes");
}

#[test]
fn subtitles_say_the_same_at_the_same_time_in_lines_that_fit_a_phone() {
    for lesson in lessons() {
        let vi = cues(&lesson.join("captions.vi.vtt"));
        let en = cues(&lesson.join("captions.en.vtt"));
        let times = |cues: &[(String, Vec<String>)]| -> Vec<String> {
            cues.iter().map(|(time, _)| time.clone()).collect()
        };
        assert_eq!(times(&vi), times(&en), "{}", lesson.display());
        for (time, lines) in vi.iter().chain(&en) {
            let fits = lines.iter().all(|l| l.chars().count() <= 45);
            assert!((1..=2).contains(&lines.len()) && fits, "{time}: {lines:?}");
        }
    }
}

#[test]
fn renditions_have_their_key_frames_at_the_same_two_second_marks() {
    for lesson in lessons() {
        let times = ["240p", "360p", "720p"].map(|r| key_frames(&lesson, r));
        let [low, middle, high] = &times;
        assert!(low == middle && middle == high, "{}", lesson.display());
        for (at, time) in low.iter().enumerate() {
            let mark = 2.0 * f64::from(u32::try_from(at).unwrap());
            assert!((time - mark).abs() < 0.001, "{time} is not {mark}");
        }
    }
}

fn key_frames(lesson: &Path, rendition: &str) -> Vec<f64> {
    let done = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-of", "csv=p=0"])
        .args(["-show_entries", "packet=pts_time,flags"])
        .arg(lesson.join(format!("video-{rendition}.mp4")))
        .output();
    let done =
        done.unwrap_or_else(|_| panic!("ffprobe is missing: install ffmpeg, or `make test`"));
    let text = String::from_utf8(done.stdout).unwrap();
    let keys = text.lines().filter(|line| line.contains(",K"));
    keys.map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn the_exercises_show_every_kind_of_item() {
    let text: String = lessons()
        .iter()
        .map(|lesson| fs::read_to_string(lesson.join("quiz.toml")).unwrap())
        .collect();
    let kinds: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("kind = "))
        .collect();
    let all = ["many", "match", "num", "one", "order", "text", "tf"].map(|k| format!("\"{k}\""));
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}
