//! mp4box.js reads every segment of every track.

use crate::browser;
use crate::browser::Browser as _;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::film;
use crate::site::Site;
use crate::stage::Stage;
use crate::trial::twice;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Packets in the author's file and their bytes, as ffprobe counts them.
fn packets(file: &Path) -> (usize, u64) {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "packet=size", "-of"])
        .arg("csv=p=0")
        .arg(file)
        .output()
        .expect("`ffprobe` is missing: install the Debian package ffmpeg, or run `make test`");
    let text = String::from_utf8(out.stdout).unwrap();
    let sizes = text.lines().map(|line| line.trim_end_matches(','));
    let sizes: Vec<u64> = sizes.filter_map(|size| size.parse().ok()).collect();
    (sizes.len(), sizes.iter().sum())
}

#[test]
fn mp4box_finds_every_sample_of_the_recordings_in_the_segments() {
    let _turn = browser::turn();
    twice(read_every_segment);
}

fn read_every_segment() {
    let folder = film::folder();
    let (site, stage) = (Site::of(&folder), Stage::start());
    let mut page = Chromium::start(&site, Profile::Open);
    page.go(&stage.url("boxes.html"));
    page.wait("window.read");
    for (track, file) in [
        ("90p", "video-90p.mp4"),
        ("180p", "video-180p.mp4"),
        ("360p", "video-360p.mp4"),
        ("audio", "audio.m4a"),
        ("audio-en", "audio-en.m4a"),
    ] {
        let url = site.url(&format!("media/film/film/{track}/playlist.m3u8"));
        let found = page.eval(&format!("read('{url}')"));
        let (samples, bytes) = packets(&folder.join("film/01-film").join(file));
        assert_eq!(found["errors"], json!([]), "{track}");
        assert_eq!(found["samples"], json!(samples), "{track}: {found}");
        assert_eq!(found["bytes"], json!(bytes), "{track}: {found}");
        assert_eq!(found["segments"], json!(15), "{track}");
    }
    let url = site.url("media/film/film/180p/slides.m3u8");
    let found = page.eval(&format!("read('{url}')"));
    assert_eq!(found["errors"], json!([]));
    assert!(found["samples"].as_u64().unwrap() >= 15, "{found}");
    page.assert_quiet();
}
