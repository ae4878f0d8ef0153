//! Playing a lesson: over which protocol, in which quality, with which subtitles.

use crate::browser;
use crate::browser::Browser;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::firefox::Firefox;
use crate::site::Site;
use serde_json::json;

/// Plays some seconds and checks that picture and time move on, and how the segments came.
fn plays(page: &mut impl Browser, site: &Site, protocol: &str) {
    page.visit_lesson(site, "vi");
    page.eval("video.play()");
    // A busy machine leaves pictures out; the lesson has a thousand.
    page.wait("video.currentTime > 4 && video.getVideoPlaybackQuality().totalVideoFrames > 40");
    let protocols = page.eval(
        "[...new Set(performance.getEntriesByType('resource')
           .filter(e => e.name.endsWith('.m4s') && e.transferSize > 0).map(e => e.nextHopProtocol))]",
    );
    assert_eq!(protocols, json!([protocol]));
    page.wait(&format!(
        "document.querySelector('[data-fact=protocol]').dataset.protocol === '{protocol}'"
    ));
}

/// Shows both subtitle languages where the first sentence is spoken.
fn subtitles(page: &mut impl Browser) {
    for (language, word) in [("vi", "Chào bạn"), ("en", "Hello")] {
        page.choose("captions", language);
        page.eval("void (video.currentTime = 2)");
        page.wait(&format!(
            "[...video.textTracks].some(t => t.language === '{language}' && t.mode === 'showing'
               && [...t.activeCues ?? []].some(c => c.text.includes('{word}')
               && c.startTime > 0.3 && c.startTime < 1.2))"
        ));
    }
}

#[test]
fn chromium_plays_the_lesson_over_http3_with_subtitles() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    plays(&mut page, &site, "h3");
    subtitles(&mut page);
    page.wait("document.querySelector('#why-protocol').classList.contains('good')");
    page.keep("chromium-lesson-h3");
    page.assert_quiet();
}

#[test]
fn firefox_plays_the_lesson_over_http3_with_subtitles() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Firefox::start(&site);
    page.resize(1200, 860);
    plays(&mut page, &site, "h3");
    subtitles(&mut page);
    page.keep("firefox-lesson-h3");
    page.assert_quiet();
}

#[test]
fn an_ordinary_profile_plays_over_http2_and_is_told_why() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    plays(&mut page, &site, "h2");
    let said = page.eval("document.querySelector('#why-protocol').textContent");
    let said = said.as_str().unwrap().to_owned();
    assert!(
        said.contains("HTTP/2") && said.contains("make open"),
        "{said}"
    );
    assert_eq!(said.matches('.').count(), 1, "one sentence: {said}");
    page.keep("chromium-lesson-h2");
    page.assert_quiet();
}

/// Begins light, climbs by itself, then does what the learner chooses, without a stop.
fn quality(page: &mut impl Browser, site: &Site) {
    page.visit_lesson(site, "vi");
    let first = page.eval("video.videoHeight");
    assert_eq!(first, 240, "a lesson begins with the lightest picture");
    page.eval("video.play()");
    page.wait("video.videoHeight === 720");
    page.choose("quality", "1");
    page.wait("video.videoHeight === 240 && !video.paused");
    // The slideshow: key frames alone, and the same sound.
    page.eval("performance.clearResourceTimings()");
    page.choose("quality", "0");
    page.wait(
        "performance.getEntriesByType('resource').some(e => e.name.includes('/slides/'))
         && !video.paused",
    );
    let before = page.eval("video.currentTime").as_f64().unwrap();
    page.wait(&format!("video.currentTime > {before} + 2"));
    let before = page.eval("video.currentTime").as_f64().unwrap();
    page.choose("quality", "audio");
    page.wait("video.videoHeight === 0 && !document.querySelector('.listening').hidden");
    page.wait(&format!("video.currentTime > {before} + 2"));
    page.choose("quality", "3");
    page.wait("video.videoHeight === 720 && document.querySelector('.listening').hidden");
    let frames = page.eval("video.getVideoPlaybackQuality().totalVideoFrames");
    page.wait(&format!(
        "video.getVideoPlaybackQuality().totalVideoFrames > {frames} + 20"
    ));
}

/// Jumps about, then plays the last seconds.
fn seeking(page: &mut impl Browser) {
    for second in [30, 5, 44, 12] {
        page.eval(&format!("void (video.currentTime = {second})"));
        page.wait(&format!(
            "video.currentTime > {second} + 0.5 && video.readyState >= 3"
        ));
    }
    page.eval("void (video.currentTime = video.duration - 2)");
    page.wait("video.ended");
}

#[test]
fn chromium_climbs_obeys_the_learner_and_seeks() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    quality(&mut page, &site);
    seeking(&mut page);
    page.assert_quiet();
}

#[test]
fn firefox_climbs_obeys_the_learner_and_seeks() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Firefox::start(&site);
    quality(&mut page, &site);
    seeking(&mut page);
    page.assert_quiet();
}

#[test]
fn a_narrow_network_brings_the_quality_down_instead_of_the_lesson_to_a_stop() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    page.visit_lesson(&site, "vi");
    page.eval("video.play()");
    page.wait("video.videoHeight === 720");
    // Enough for the lightest rendition with its sound, too little for the best.
    page.network(Some(12_000));
    page.eval("void (video.currentTime = 40, performance.clearResourceTimings())");
    page.wait(
        "performance.getEntriesByType('resource').some(e => e.name.includes('/240p/'))
         && video.currentTime > 43",
    );
    page.assert_quiet();
}

#[test]
fn a_lesson_begins_and_plays_over_http3_where_the_network_is_narrow_from_the_start() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    // 96 kbit/s: the page takes seconds, the slideshow with its sound 35 kbit/s. A decoder keeps
    // the first picture of that back until some more have come.
    page.network(Some(12_000));
    page.visit_lesson(&site, "vi");
    page.eval("void video.play()");
    page.wait("video.currentTime > 12");
    let used = "[...new Set(performance.getEntriesByType('resource')
        .filter(e => /240p.*m4s/.test(e.name)).map(e => e.nextHopProtocol))]";
    assert_eq!(page.eval(used), json!(["h3"]));
    page.assert_quiet();
}
