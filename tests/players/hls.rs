//! HLS: hls.js, Shaka Player, video.js.

use crate::browser;
use crate::film;
use crate::firefox::Firefox;
use crate::site::Site;
use crate::stage::Stage;
use crate::steps;
use crate::steps::HLS;
use crate::steps::Place;
use crate::trial::twice;

#[test]
fn hls_js_plays_in_chromium() {
    steps::chromium_plays("hls", HLS);
}

#[test]
fn hls_js_follows_the_network_in_chromium() {
    steps::chromium_adapts("hls", HLS, Place::Ahead);
}

/// Without the sound alone, which Firefox refuses to play on a machine without a sound card.
#[test]
fn hls_js_plays_in_firefox() {
    let _turn = browser::turn();
    twice(|| {
        let (site, stage) = (Site::of(&film::folder()), Stage::start());
        let mut page = Firefox::start(&site);
        steps::open(&mut page, &stage, &site, "hls", HLS);
        steps::play_on(&mut page);
        steps::seek(&mut page);
        steps::obey(&mut page);
        steps::turn_slides(&mut page);
        steps::change_language(&mut page);
        steps::finish(&mut page, film::SECONDS);
        steps::assert_quiet(&mut page);
    });
}

#[test]
fn hls_js_plays_av1_with_opus_and_what_was_made_of_fragments() {
    steps::chromium_decodes("hls", HLS);
}

#[test]
fn shaka_plays_av1_with_opus_by_hls_and_what_was_made_of_fragments() {
    steps::chromium_decodes("shaka", HLS);
}

#[test]
fn shaka_plays_hls_in_chromium() {
    steps::chromium_plays("shaka", HLS);
}

#[test]
fn shaka_follows_the_network_by_hls_in_chromium() {
    steps::chromium_adapts("shaka", HLS, Place::Ahead);
}

#[test]
fn shaka_winds_through_hls_by_key_frames() {
    steps::chromium_winds(HLS);
}

#[test]
fn video_js_plays_in_chromium() {
    steps::chromium_plays("videojs", HLS);
}

#[test]
fn video_js_follows_the_network_in_chromium() {
    steps::chromium_adapts("videojs", HLS, Place::Ahead);
}
