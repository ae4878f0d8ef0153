//! When something is missing: the network, Media Source, the page asked for.

use crate::browser;
use crate::browser::Browser;
use crate::browser::LESSON;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::site::Site;
use serde_json::json;

#[test]
fn a_lost_network_is_announced_and_the_lesson_goes_on_when_it_is_back() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    page.visit_lesson(&site, "en");
    page.network(Some(0));
    page.eval("void (video.currentTime = 40, video.play().catch(() => {}))");
    page.wait("/offline|unsteady/.test(document.querySelector('.player .notice')?.textContent)");
    page.keep("chromium-offline");
    page.network(None);
    page.wait("video.currentTime > 41");
    page.wait("!document.querySelector('.player .notice')");
    page.forgive();
}

#[test]
fn without_media_source_the_browser_plays_by_itself_or_the_page_says_so() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    let source = json!({ "source": "delete window.MediaSource; delete window.ManagedMediaSource" });
    page.tell("Page.addScriptToEvaluateOnNewDocument", source);
    page.visit(&site, LESSON);
    page.wait("document.querySelector('video')");
    if page.eval("video.canPlayType('application/vnd.apple.mpegurl')") == "" {
        page.wait("document.querySelector('.player .notice')");
    } else {
        page.eval("video.play()");
        page.wait("video.currentTime > 2 && video.videoHeight > 0");
    }
    page.assert_quiet();
}

#[test]
fn an_unknown_address_leads_back_to_the_courses() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    for view in [
        "#/nowhere",
        "#/course/none",
        "#/course/ky-nang-so/lesson/none",
        "#/%E0%A4%A",
    ] {
        page.visit(&site, view);
        page.wait("document.querySelector('main a.button[href=\"#/\"]')");
    }
    page.eval("document.querySelector('main a.button').click()");
    page.wait("document.querySelector('.course')");
    page.forgive();
}
