//! What was watched reaches the server, whatever happens to network, session and page, and only in
//! the name of who watched it.

use crate::browser;
use crate::browser::Browser;
use crate::browser::LESSON;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::firefox::Firefox;
use crate::learner::all_sent;
use crate::learner::enter;
use crate::learner::play_until;
use crate::learner::sign_in;
use crate::learner::sign_out;
use crate::learner::told;
use crate::learner::turn_to;
use crate::site::Site;
use serde_json::json;

const READY: &str = "document.querySelector('#menu-quality') && video.readyState >= 2";
/// Coverage of the first lesson in a state `s`; 0 if it is not there.
const COVERED: &str =
    "(s.courses.flatMap(c => c.lessons).find(l => l.id === 'mat-khau')?.coverage ?? 0)";

/// Plays the first seconds, most of them from what was loaded before the network went.
fn watch_without_network(page: &mut Chromium) {
    page.eval("video.play()");
    page.wait("video.currentTime > 0.5 && video.buffered.end(0) > 5.5");
    page.network(Some(0));
    play_until(page, 5.0);
}

#[test]
fn progress_survives_a_reload_and_goes_on_on_a_second_device() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    play_until(&mut page, 6.0);
    told(&mut page, "An", &format!("{COVERED} > 0.1"));
    page.visit(&site, LESSON);
    page.wait("document.querySelector('#resumed') && video.currentTime > 5.5");
    page.keep("chromium-resumed");
    turn_to(
        &mut page,
        "#/course/ky-nang-so",
        "document.querySelector('.lesson .meter')",
    );
    page.wait("document.querySelector('.lesson .meter progress').value >= 10");
    let protocols = page.eval(
        "[...new Set(performance.getEntriesByType('resource')
           .filter(e => e.name.includes('/v1/session')).map(e => e.nextHopProtocol))]",
    );
    assert_eq!(protocols, json!(["h3"]));
    page.assert_quiet();
    drop(page);

    let mut second = Firefox::start(&site);
    sign_in(&mut second, &site, "An");
    second.wait("document.querySelector('#resume')");
    second.eval("document.querySelector('#resume').click()");
    second.wait(READY);
    second.wait("document.querySelector('#resumed') && video.currentTime > 5.5");
    play_until(&mut second, 10.0);
    told(&mut second, "An", &format!("{COVERED} > 0.18"));
    second.keep("firefox-resumed");
    second.assert_quiet();
}

#[test]
fn a_lesson_watched_straight_through_counts_whole() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    page.eval("(video.playbackRate = 1.75, video.play())");
    page.wait("video.currentTime > 12");
    // Another quality, and sound alone, are the same lesson.
    page.choose("quality", "audio");
    page.wait("video.currentTime > 20");
    page.choose("quality", "1");
    page.wait("video.currentTime > 35");
    page.wait("video.ended");
    let state = told(&mut page, "An", &format!("{COVERED} === 1"));
    let lesson = &state["courses"][0]["lessons"][0];
    assert!(lesson["played_ms"].as_u64().unwrap() > 20_000, "{lesson}");
    // Who has seen the end begins anew.
    page.visit(&site, LESSON);
    page.wait(READY);
    assert_eq!(page.eval("document.querySelector('#resumed')"), json!(null));
    page.assert_quiet();
}

#[test]
fn what_was_watched_without_a_network_is_sent_after_a_reload() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    watch_without_network(&mut page);
    page.wait("document.querySelector('#watched').dataset.save === 'waiting'");
    let said = page.eval("document.querySelector('#who').textContent");
    assert!(said.as_str().unwrap().contains('1'), "{said}");
    page.go("about:blank");
    page.network(None);
    page.visit(&site, "#/me");
    all_sent(&mut page);
    told(&mut page, "An", &format!("{COVERED} > 0.08"));
    page.wait("document.querySelector('#me-saved').textContent");
    page.forgive();
}

#[test]
fn work_of_one_learner_is_never_sent_as_another_on_the_same_phone() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    watch_without_network(&mut page);
    page.wait("document.querySelector('#watched').dataset.save === 'waiting'");
    sign_out(&mut page);
    page.network(None);
    sign_in(&mut page, &site, "Bình");
    turn_to(
        &mut page,
        "#/course/ky-nang-so",
        "document.querySelector('#enrol')",
    );
    page.eval("document.querySelector('#enrol').click()");
    page.wait("document.querySelector('.lesson .meter')?.hidden === false");
    all_sent(&mut page);
    let state = told(&mut page, "Bình", "s.courses.length === 1");
    assert_eq!(state["courses"][0]["lessons"], json!([]), "{state}");
    let state = told(&mut page, "An", "true");
    let lessons = &state["courses"][0]["lessons"];
    assert!(lessons.as_array().is_none_or(Vec::is_empty), "{state}");
    // The list of learners says whose work waits here; it goes when its owner is back.
    turn_to(
        &mut page,
        "#/sign-in",
        "document.querySelectorAll('.people button').length === 2",
    );
    page.keep("chromium-two-learners");
    page.eval(
        "[...document.querySelectorAll('.people button')]
           .find(b => b.textContent.startsWith('An')).click()",
    );
    page.wait("document.querySelector('#who .name').textContent === 'An'");
    all_sent(&mut page);
    told(&mut page, "An", &format!("{COVERED} > 0.08"));
    told(&mut page, "Bình", &format!("{COVERED} === 0"));
    page.forgive();
}

#[test]
fn a_tab_follows_when_somebody_else_signs_in_in_another_tab() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    page.eval("video.play()");
    page.wait("video.currentTime > 4");
    page.eval("void (window.other = window.open('/#/sign-in'))");
    page.wait("other.document.querySelector('#name')");
    page.eval(
        "(() => { other.document.querySelector('#name').value = 'Bình';
           other.document.querySelector('.sign-in button').click(); })()",
    );
    page.wait("document.querySelector('#who .name').textContent === 'Bình'");
    page.wait(READY);
    // What plays here now, Bình watches; what played before was An's.
    play_until(&mut page, 2.0);
    let second = page.eval("video.currentTime");
    let own = format!("{COVERED} > 0.02 && {COVERED} * 54 < {second} + 1");
    told(&mut page, "Bình", &own);
    page.eval("void (other.location.hash = '#/sign-in')");
    page.wait("other.document.querySelectorAll('.people button').length === 2");
    page.eval(
        "[...other.document.querySelectorAll('.people button')]
           .find(b => b.textContent.startsWith('An')).click()",
    );
    page.wait("document.querySelector('#who .name').textContent === 'An'");
    all_sent(&mut page);
    told(&mut page, "An", &format!("{COVERED} > 0.06"));
    page.assert_quiet();
}

#[test]
fn a_session_that_was_ended_elsewhere_loses_nothing() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    told(&mut page, "An", "true");
    page.eval(
        "fetch('/v1/session?everywhere=true', { method: 'DELETE', credentials: 'omit',
           headers: { authorization: `Bearer ${window.witness.An}` } })
           .then(r => { if (!r.ok) throw new Error(r.status); window.witness = {}; })",
    );
    play_until(&mut page, 5.0);
    page.wait("!document.querySelector('#ended .notice').hidden");
    page.keep("chromium-session-ended");
    page.eval("document.querySelector('#ended a').click()");
    enter(&mut page, "An");
    page.wait("document.querySelector('#ended .notice').hidden && document.querySelector('video')");
    all_sent(&mut page);
    told(&mut page, "An", &format!("{COVERED} > 0.08"));
    page.forgive();
}

#[test]
fn a_browser_that_keeps_nothing_still_teaches_and_says_so() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    let refuse = "Object.defineProperty(window, 'indexedDB', \
        { get() { throw new DOMException('refused', 'SecurityError'); } })";
    page.tell(
        "Page.addScriptToEvaluateOnNewDocument",
        json!({ "source": refuse }),
    );
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    let said = page.eval("document.querySelector('#watched').textContent");
    assert!(!said.as_str().unwrap().is_empty());
    play_until(&mut page, 5.0);
    told(&mut page, "An", &format!("{COVERED} > 0.08"));
    page.assert_quiet();
}

#[test]
fn a_page_that_is_closed_in_the_middle_tells_what_was_watched() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, LESSON, READY);
    page.eval("video.play()");
    page.wait("video.currentTime > 5");
    // No pause, no wait: the tab goes elsewhere, and the page never comes back.
    page.go(&site.url("v1/courses"));
    told(&mut page, "An", &format!("{COVERED} > 0.08"));
    page.assert_quiet();
}
