//! DASH: dash.js, Shaka Player.

use crate::steps;
use crate::steps::DASH;
use crate::steps::Place;

#[test]
fn dash_js_plays_in_chromium() {
    steps::chromium_plays("dash", DASH);
}

#[test]
fn dash_js_follows_the_network_in_chromium() {
    steps::chromium_adapts("dash", DASH, Place::Here);
}

#[test]
fn shaka_plays_dash_in_chromium() {
    steps::chromium_plays("shaka", DASH);
}

#[test]
fn shaka_plays_av1_with_opus_by_dash_and_what_was_made_of_fragments() {
    steps::chromium_decodes("shaka", DASH);
}

#[test]
fn shaka_follows_the_network_by_dash_in_chromium() {
    steps::chromium_adapts("shaka", DASH, Place::Ahead);
}

#[test]
fn shaka_winds_through_dash_by_key_frames() {
    steps::chromium_winds(DASH);
}
