//! What every player has to do, whoever wrote it.

use crate::browser;
use crate::browser::Browser;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::film;
use crate::firefox::Firefox;
use crate::site::Site;
use crate::stage::Stage;
use crate::trial::twice;
use serde_json::json;

/// A lesson by HLS.
pub const HLS: &str = "master.m3u8";
/// The same lesson by DASH.
pub const DASH: &str = "manifest.mpd";

/// All steps of `player` in Chromium, from the first picture to the last; then the sound alone.
pub fn chromium_plays(player: &str, manifest: &str) {
    let _turn = browser::turn();
    twice(|| {
        let (site, stage) = (Site::of(&film::folder()), Stage::start());
        let mut page = Chromium::start(&site, Profile::Open);
        open(&mut page, &stage, &site, player, manifest);
        play_on(&mut page);
        seek(&mut page);
        obey(&mut page);
        turn_slides(&mut page);
        listen(&mut page);
        finish(&mut page, film::SECONDS);
        assert_quiet(&mut page);
        open_sound(&mut page, &stage, &site, player, manifest);
        only_listen(&mut page);
    });
}

/// What `player` chooses by itself in Chromium.
pub fn chromium_adapts(player: &str, manifest: &str, place: Place) {
    let _turn = browser::turn();
    twice(|| {
        let (site, stage) = (Site::of(&film::folder()), Stage::start());
        let mut page = Chromium::start(&site, Profile::Open);
        page.network(Some(WIDE));
        open(&mut page, &stage, &site, player, manifest);
        adapt(&mut page, place);
    });
}

/// Shaka Player winding in Chromium.
pub fn chromium_winds(manifest: &str) {
    let _turn = browser::turn();
    twice(|| {
        let (site, stage) = (Site::of(&film::folder()), Stage::start());
        let mut page = Chromium::start(&site, Profile::Open);
        open(&mut page, &stage, &site, "shaka", manifest);
        wind(&mut page);
    });
}

/// Opens the film with `player` and waits until it could begin.
pub fn open(page: &mut impl Browser, stage: &Stage, site: &Site, player: &str, manifest: &str) {
    load(
        page,
        stage,
        site,
        player,
        &format!("film/film/{manifest}"),
        "0",
    );
    page.wait("video.readyState >= 2");
    let heights = page.eval("stage.act.heights().sort((a, b) => a - b)");
    assert_eq!(heights, json!(film::RENDITIONS.map(|r| r.height)));
}

/// Opens only its sound.
pub fn open_sound(page: &mut impl Browser, stage: &Stage, site: &Site, player: &str, by: &str) {
    load(page, stage, site, player, &format!("film/film/{by}"), "1");
    page.wait("video.readyState >= 2");
}

fn load(
    page: &mut impl Browser,
    stage: &Stage,
    site: &Site,
    player: &str,
    manifest: &str,
    alone: &str,
) {
    let media = site.url(&format!("media/{manifest}"));
    page.go(&stage.url(&format!(
        "index.html?player={player}&alone={alone}&media={media}"
    )));
    page.wait("window.stage");
}

/// Plays the lessons of the course `coded` in Chromium, from the first picture to the last: what is
/// shown at a moment, and what is heard.
pub fn chromium_decodes(player: &str, manifest: &str) {
    let _turn = browser::turn();
    for lesson in ["av1", "fragments"] {
        twice(|| {
            let (site, stage) = (Site::of(&film::folder()), Stage::start());
            let mut page = Chromium::start(&site, Profile::Open);
            let path = format!("coded/{lesson}/{manifest}");
            load(&mut page, &stage, &site, player, &path, "0");
            page.wait("video.readyState >= 2");
            page.eval("void video.play()");
            page.wait("video.currentTime > 5 && stage.quality().totalVideoFrames > 20");
            hear(&mut page, film::TONE_VI_HZ);
            for second in [14, 3, 9] {
                // It plays on from there: after a seek to what is buffered already, Chromium shows
                // a paused AV1 film's key frame before that moment.
                page.eval(&format!(
                    "void (video.currentTime = {second}, video.play())"
                ));
                page.wait(&format!(
                    "video.currentTime > {second} + 0.2 && stage.frame()?.rendition === {}
                     && Math.abs(stage.frame().n / {} - video.currentTime) < 0.3",
                    film::CODED_AT,
                    film::FPS
                ));
            }
            finish(&mut page, film::CODED_SECONDS);
            assert_quiet(&mut page);
        });
    }
}

/// Plays over two borders of segments without a fault, with all media over HTTP/3.
pub fn play_on(page: &mut impl Browser) {
    page.eval("void video.play()");
    // A busy machine leaves many pictures out; the film has 1,500.
    page.wait("video.currentTime > 9 && stage.quality().totalVideoFrames > 60");
    let broken = page.eval("stage.quality().corruptedVideoFrames ?? 0");
    assert_eq!(broken, 0, "pictures were broken");
    assert_eq!(page.eval("stage.protocols('.m4s')"), json!(["h3"]));
    assert_eq!(page.eval("stage.protocols()"), json!(["h3"]));
}

/// Stands still at moments here and there: the picture, the cue and its language are the right
/// ones.
pub fn seek(page: &mut impl Browser) {
    page.eval("void stage.act.pick(360)");
    page.wait("video.videoHeight === 360");
    page.eval("video.pause()");
    for language in ["vi", "en"] {
        page.eval(&format!("void stage.act.captions('{language}')"));
        page.wait(&format!("stage.fetched('/subs/{language}/') > 0"));
        for cue in [14, 1, 22, 15, 27] {
            // One second into the cue.
            stand(page, (2 * cue + 1) * film::FPS);
            page.wait(&format!(
                "JSON.stringify(stage.cues()) === '[\"{language} {cue}\"]'"
            ));
        }
    }
}

/// Goes to the middle of a picture and sees it.
fn stand(page: &mut impl Browser, picture: usize) {
    let moment = (picture as f64 + 0.5) / film::FPS as f64;
    page.eval(&format!("void (video.currentTime = {moment})"));
    page.wait(&format!(
        "!video.seeking && stage.frame()?.n === {picture}
         && Math.abs(video.currentTime - {moment}) < 0.01"
    ));
}

/// Goes to the lightest picture, the best and back to the middle as it is told.
pub fn obey(page: &mut impl Browser) {
    page.eval("void (video.currentTime = 2, video.play())");
    page.wait("video.currentTime > 3 && video.readyState >= 3");
    for at in [0, 2, 1] {
        let height = film::RENDITIONS[at].height;
        page.eval(&format!("void stage.act.pick({height})"));
        page.wait(&format!(
            "video.videoHeight === {height} && stage.frame()?.rendition === {at}"
        ));
        // Goes on with it before the next wish.
        page.eval("void (window.from = video.currentTime)");
        page.wait("video.currentTime > from + 2 && video.readyState >= 3");
    }
    page.eval("void stage.act.adapt()");
}

/// Shows key frames alone to who asks for them, each until the next one.
pub fn turn_slides(page: &mut impl Browser) {
    page.eval("void stage.act.slides()");
    page.eval("void (video.currentTime = 31.5, video.play())");
    page.wait(
        "video.currentTime > 33 && stage.fetched('/slides/') > 0 && stage.frame()?.n % 50 === 0",
    );
    page.eval("video.pause()");
    for second in [45, 31] {
        // Key frames stand at even seconds.
        page.eval(&format!("void (video.currentTime = {second} + 0.7)"));
        let still = (second - 1) * film::FPS;
        page.wait(&format!(
            "!video.seeking && stage.frame()?.n === {still} && stage.frame().rendition === 1"
        ));
    }
    page.eval("void (stage.act.pick(360), video.play())");
    page.wait("video.videoHeight === 360 && stage.frame()?.rendition === 2");
    page.eval("void stage.act.adapt()");
}

/// Hears what belongs to the moment, in both languages, before and behind a seek.
pub fn listen(page: &mut Chromium) {
    page.eval("void (video.currentTime = 5, video.play())");
    hear(page, film::TONE_VI_HZ);
    for (language, base) in [("en", film::TONE_EN_HZ), ("vi", film::TONE_VI_HZ)] {
        page.eval(&format!("void stage.act.sound('{language}')"));
        hear(page, base);
        page.eval("void (video.currentTime = 20.1)");
        page.wait("!video.seeking && video.currentTime > 20.5");
        hear(page, base);
    }
}

/// Waits for the tone of the present second: the ear averages over a fifth of a second and the
/// page over more, so a neighbour's may be heard.
fn hear(page: &mut Chromium, base: usize) {
    let step = film::TONE_STEP_HZ;
    page.wait(&format!(
        "!video.paused && stage.tone() > 0 &&
         Math.abs((stage.tone() - {base}) / {step} - Math.floor(video.currentTime)) <= 1.2"
    ));
}

/// Changes the language of the sound where nothing can be heard: Firefox has no Web Audio on a
/// machine without a sound card.
pub fn change_language(page: &mut Firefox) {
    page.eval("void stage.act.sound('en')");
    page.eval("void (video.currentTime = 20.1, video.play())");
    page.wait("stage.fetched('/audio-en/') > 0 && video.currentTime > 22 && !video.paused");
}

/// Plays the last seconds to the end of a film of that length.
pub fn finish(page: &mut impl Browser, seconds: usize) {
    page.eval(&format!(
        "void (video.currentTime = {seconds} - 3, video.play())"
    ));
    page.wait("stage.over()");
    let end = page.eval("[video.duration, video.currentTime]");
    for second in [&end[0], &end[1]] {
        let off = second.as_f64().unwrap() - seconds as f64;
        assert!(off.abs() < 0.15, "{end}");
    }
}

/// Nobody complained: neither the player nor the browser.
pub fn assert_quiet(page: &mut impl Browser) {
    assert_eq!(page.eval("stage.faults"), json!([]));
    page.assert_quiet();
}

/// Where the network becomes narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Together with a jump to where nothing has been fetched yet.
    Ahead,
    /// While it plays on: dash.js waits long after a jump for what it had asked for before.
    Here,
}

/// Lets the player judge the network by itself: up where it is wide, down where it is narrow.
pub fn adapt(page: &mut Chromium, place: Place) {
    page.eval("void video.play()");
    let first = "performance.getEntriesByType('resource').map(e => e.name)
                   .find(name => /\\dp\\/.*m4s/.test(name)).includes('/360p/')";
    assert_eq!(page.eval(first), false, "a lesson begins with the best");
    page.wait("video.videoHeight === 360 && stage.frame()?.rendition === 2");
    if place == Place::Here {
        // Enough of the film is left to run through what was fetched.
        page.eval("void (video.currentTime = 8)");
        page.wait("video.currentTime > 9 && stage.frame()?.rendition === 2");
    }
    page.network(Some(NARROW));
    page.eval("void stage.forget()");
    if place == Place::Ahead {
        page.eval("void (video.currentTime = 42)");
    }
    page.eval("void (window.from = video.currentTime)");
    // Down to any other: players differ in their courage.
    page.wait(
        "video.videoHeight < 360 && stage.frame()?.rendition < 2 && video.currentTime > from + 0.5",
    );
    assert_eq!(page.eval("stage.protocols('.m4s')"), json!(["h3"]));
    assert_quiet(page);
}

/// Plays sound without a picture.
pub fn only_listen(page: &mut impl Browser) {
    page.eval("void video.play()");
    page.wait("video.currentTime > 5");
    assert_eq!(page.eval("video.videoHeight"), 0);
    assert_eq!(page.eval("stage.fetched('p/')"), 0, "pictures were fetched");
    page.wait("stage.fetched('/audio/') > 1");
    page.eval("void (video.currentTime = 31.1)");
    page.wait("video.currentTime > 32 && !video.paused");
    assert_quiet(page);
}

/// Winds forwards by key frames and goes on.
pub fn wind(page: &mut Chromium) {
    page.eval("void (stage.forget(), video.currentTime = 4, video.play())");
    page.wait("video.currentTime > 4.5 && !video.paused");
    page.eval("void stage.act.wind(4)");
    page.wait("stage.fetched('/stills/') > 0 && video.currentTime > 20");
    page.eval("void stage.act.wind(0)");
    page.wait("video.playbackRate === 1 && stage.frame()?.n % 50 > 10");
    assert_quiet(page);
}

/// Bytes a second: several times the best. Loopback without a limit is faster than players can
/// measure, and what some cannot measure they leave out.
const WIDE: i64 = 800_000;
/// Bytes a second: a third of what the best needs. Less would hold up what was asked before.
const NARROW: i64 = 70_000;
