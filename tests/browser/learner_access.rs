//! What learners see who are signed in, for everybody: axe-core, keyboard alone, small phones.

use crate::access::RUN_AXE;
use crate::access::assert_fits;
use crate::access::axe;
use crate::access::tab_to;
use crate::browser;
use crate::browser::Browser;
use crate::browser::Key;
use crate::browser::LESSON;
use crate::browser::QUIZ;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::learner::all_sent;
use crate::learner::play_until;
use crate::learner::sign_in;
use crate::learner::turn_to;
use crate::site::Site;
use serde_json::json;

const OPEN_QUIZ: &str = "#/course/ky-nang-so/quiz/lua-dao-quiz";
const NEW_QUIZ: &str = "#/course/ky-nang-so/quiz/dinh-danh-quiz";
/// Views and what shows that they are whole.
const VIEWS: &[(&str, &str, &str)] = &[
    ("home", "#/", "document.querySelector('#resume')"),
    ("sign-in", "#/sign-in", "document.querySelector('.people')"),
    ("me", "#/me", "document.querySelector('#sign-out')"),
    (
        "course",
        "#/course/ky-nang-so",
        "document.querySelector('.lesson .meter')?.hidden === false",
    ),
    (
        "lesson",
        LESSON,
        "document.querySelector('#resumed') && document.querySelector('#menu-captions')
         && video.readyState >= 2",
    ),
    ("result", QUIZ, "document.querySelector('#result-title')"),
    (
        "attempt",
        OPEN_QUIZ,
        "document.querySelector('fieldset .saving').dataset.save === 'saved'",
    ),
    ("start", NEW_QUIZ, "document.querySelector('#start-title')"),
];

/// A learner with something in every view.
fn learner(page: &mut Chromium, site: &Site) {
    sign_in(page, site, "Nguyễn Thị Minh Khai");
    turn_to(page, LESSON, VIDEO);
    play_until(page, 5.0);
    for quiz in [QUIZ, OPEN_QUIZ] {
        turn_to(page, quiz, "document.querySelector('#start-title')");
        page.eval("document.querySelector('.attempt .button').click()");
        page.wait("document.querySelector('fieldset input')");
        page.eval("document.querySelector('fieldset input').click()");
        page.wait("document.querySelector('fieldset .saving').dataset.save === 'saved'");
    }
    turn_to(page, QUIZ, "document.querySelector('.quiz-end .button')");
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.wait("document.querySelector('#result-title')");
    all_sent(page);
}

fn speak(page: &mut Chromium, language: &str) {
    page.eval(&format!(
        "document.querySelector('#tongues [lang={language}]').click()"
    ));
    page.wait(&format!("document.documentElement.lang === '{language}'"));
}

#[test]
fn axe_finds_no_violation_in_what_a_learner_sees() {
    let _turn = browser::turn();
    let axe = axe();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    learner(&mut page, &site);
    let mut found = Vec::new();
    for scheme in ["light", "dark"] {
        page.scheme(scheme);
        for (name, view, whole) in VIEWS {
            page.visit(&site, view);
            page.wait(whole);
            page.eval(&format!("{axe};0"));
            for language in ["vi", "en"] {
                speak(&mut page, language);
                let violations = page.eval(RUN_AXE);
                for violation in violations.as_array().unwrap() {
                    found.push(format!("{name} {language} {scheme}: {violation}"));
                }
            }
            page.keep(&format!("learner-{name}-{scheme}"));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    page.assert_quiet();
}

#[test]
fn a_learner_with_a_small_phone_needs_no_sideways_scrolling() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    learner(&mut page, &site);
    for width in [360, 320] {
        page.resize(width, 740);
        for (name, view, whole) in VIEWS {
            page.visit(&site, view);
            page.wait(whole);
            for language in ["vi", "en"] {
                speak(&mut page, language);
                assert_fits(&mut page, width, &format!("{name} {language}"));
            }
            page.keep(&format!("phone-learner-{name}-{width}"));
        }
    }
}

#[test]
fn the_keyboard_alone_signs_in_answers_and_hands_in() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    page.visit(&site, "");
    tab_to(&mut page, "#who");
    page.press(Key::Enter);
    page.wait("document.querySelector('#name') && document.activeElement.matches('h1')");
    tab_to(&mut page, "#name");
    page.tell("Input.insertText", json!({ "text": "An" }));
    page.press(Key::Enter);
    page.wait("document.querySelector('.course') && document.querySelector('#who').dataset.who");
    turn_to(&mut page, QUIZ, "document.querySelector('#start-title')");
    tab_to(&mut page, ".attempt .button");
    page.press(Key::Enter);
    page.wait("document.querySelector('fieldset') && document.activeElement.matches('form')");
    tab_to(&mut page, "[data-kind=one] input");
    page.press(Key::Space);
    page.wait("document.querySelector('[data-kind=one] .saving').dataset.save === 'saved'");
    tab_to(&mut page, ".quiz-end .button");
    page.press(Key::Enter);
    // The question whether to hand in has the focus on its answer.
    page.wait("document.querySelector('.quiz-end .quiet')");
    assert_eq!(
        page.eval("document.activeElement.matches('.quiz-end .button')"),
        true
    );
    page.press(Key::Enter);
    page.wait("document.activeElement.matches('#result-title')");
    tab_to(&mut page, "#who");
    page.press(Key::Enter);
    page.wait("document.querySelector('#sign-out')");
    tab_to(&mut page, "#sign-out");
    page.press(Key::Enter);
    page.wait("!document.querySelector('#who').dataset.who");
    page.assert_quiet();
}

const VIDEO: &str = "document.querySelector('#menu-quality') && video.readyState >= 2";
