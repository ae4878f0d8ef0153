//! An MP4 file, from its first byte to the last segment.
//!
//! Promises: no panic; every sample lies in the file; segments hold each sample once, in order;
//! the plan's sizes are the real ones; packaging twice gives the same bytes; key frames alone lie
//! in their segments' times; the manifests are whole.

use lamplight::base::digest::Digest;
use lamplight::media::Fragment;
use lamplight::media::Movie;
use lamplight::media::Offer;
use lamplight::media::Plan;
use lamplight::media::Refused;
use lamplight::media::Scan;
use lamplight::media::Still;
use lamplight::media::Track;
use lamplight::media::Video;
use lamplight::media::align;
use lamplight::media::dash;
use lamplight::media::follow;
use lamplight::media::hls;

const TARGET_MS: u32 = 4000;

pub(crate) fn run(bytes: &[u8]) {
    let movie = match open(bytes) {
        Ok(movie) => movie,
        Err(refused) => {
            assert!(!refused.to_string().is_empty() && !refused.remedy().is_empty());
            return;
        }
    };
    if let Some(Ok(track)) = &movie.video
        && let Ok(mut starts) = align(&[track], TARGET_MS)
        && let Some(Some(starts)) = starts.pop()
        && let Ok(plan) = Plan::new(track, &starts)
    {
        packaged(bytes, track, &plan);
    }
    for track in movie.audio.iter().flatten() {
        sound(bytes, track);
    }
}

fn sound(bytes: &[u8], track: &Track) {
    if let Ok(starts) = follow(track, &[], TARGET_MS)
        && let Ok(plan) = Plan::new(track, &starts)
    {
        packaged(bytes, track, &plan);
    }
}

fn open(bytes: &[u8]) -> Result<Movie, Refused> {
    let slice = |range: std::ops::Range<u64>| {
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        &bytes[start.unwrap()..end.unwrap()]
    };
    let mut scan = Scan::new(bytes.len() as u64);
    while let Some(range) = scan.wants() {
        scan.feed(slice(range))?;
    }
    scan.finish().map(|(movie, _)| movie)
}

fn packaged(file: &[u8], track: &Track, plan: &Plan) {
    let mut samples = 0;
    for n in 0..plan.segments() {
        let (begin, end) = plan.span(n).unwrap();
        assert!(begin.sample < end.sample, "segment {n} is empty");
        samples += end.sample - begin.sample;
        let fragment = Fragment::new(track, plan, n).unwrap();
        assert_eq!(fragment.len(), u64::from(begin.bytes));
        for range in &fragment.ranges {
            assert!(range.start < range.end && range.end <= file.len() as u64);
        }
        assert_eq!(Fragment::new(track, plan, n), Some(fragment));
    }
    assert_eq!(samples, track.frames());
    let version = Digest::of(&[&plan.init]);
    assert!(hls::media(plan, version).ends_with("#EXT-X-ENDLIST\n"));
    if plan.codec.is_video() {
        stills(file, track, plan, version);
    }
}

fn stills(file: &[u8], track: &Track, plan: &Plan, version: Digest) {
    let mut all = Vec::new();
    for n in 0..plan.segments() {
        let stills = Still::segment(track, plan, n).unwrap();
        assert!(!stills.is_empty(), "segment {n} shows nothing");
        for still in &stills {
            assert!(still.fragment.ranges.iter().all(|range| range.end <= file.len() as u64));
        }
        all.push(stills);
    }
    let frames: usize = all.iter().map(Vec::len).sum();
    assert_eq!(plan.stills.map(|stills| stills.frames as usize), Some(frames));
    let text = hls::iframes(plan, version, &all);
    assert_eq!(text.matches("#EXT-X-BYTERANGE:").count(), frames);
    let track = "t";
    let offer = Offer {
        videos: vec![Video {
            track,
            version,
            plan,
        }],
        duration_us: plan.duration_us(),
        ..Offer::default()
    };
    assert!(hls::master(&offer).contains("t/playlist.m3u8\n"));
    let manifest = dash::manifest(&offer);
    assert!(manifest.ends_with("</MPD>\n"));
    assert_eq!(manifest.matches("<AdaptationSet").count(), manifest.matches("</AdaptationSet").count());
}
