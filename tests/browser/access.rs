//! For everybody: WCAG 2.2 AA by axe-core, keyboard alone, a phone of 360 pixels.

use crate::browser;
use crate::browser::Browser;
use crate::browser::Key;
use crate::browser::LESSON;
use crate::browser::QUIZ;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::site::Site;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;

const VIEWS: &[(&str, &str)] = &[
    ("courses", ""),
    ("course", "#/course/ky-nang-so"),
    ("lesson", LESSON),
    ("quiz", QUIZ),
    ("missing", "#/nowhere"),
];

pub fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/axe-core/axe.min.js");
    fs::read_to_string(&path).unwrap_or_else(|_| {
        panic!(
            "{} is missing: run scripts/setup-npm.sh, or `make test`",
            path.display()
        )
    })
}

fn open(page: &mut Chromium, site: &Site, view: &str, language: &str) {
    page.visit(site, view);
    page.eval(&format!(
        "document.querySelector('#tongues [lang={language}]').click()"
    ));
    page.wait(&format!("document.documentElement.lang === '{language}'"));
    if view == LESSON {
        page.wait("document.querySelector('#menu-captions') && video.readyState >= 2");
    }
}

#[test]
fn axe_finds_no_violation_in_any_view_language_or_colour_scheme() {
    let _turn = browser::turn();
    let axe = axe();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    let mut found = Vec::new();
    for scheme in ["light", "dark"] {
        page.scheme(scheme);
        for (name, view) in VIEWS {
            for language in ["vi", "en"] {
                open(&mut page, &site, view, language);
                page.eval(&format!("{axe};0"));
                let violations = page.eval(RUN_AXE);
                for violation in violations.as_array().unwrap() {
                    found.push(format!("{name} {language} {scheme}: {violation}"));
                }
                page.keep(&format!("{name}-{language}-{scheme}"));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Nothing reaches beyond a window of `width` CSS pixels; `what` names what is shown.
pub(crate) fn assert_fits(page: &mut impl Browser, width: u32, what: &str) {
    let wide = page.eval(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('#skip')
           && !e.matches('.visually-hidden')
           && e.getBoundingClientRect().right > innerWidth + 1)
           .map(e => e.outerHTML.slice(0, 90))",
    );
    assert_eq!(wide, json!([]), "{what} at {width} pixels");
    let scroll = page.eval("document.documentElement.scrollWidth");
    assert!(
        scroll.as_u64().unwrap() <= u64::from(width),
        "{what}: {scroll}"
    );
}

#[test]
fn a_phone_of_360_pixels_needs_no_sideways_scrolling() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    for width in [360, 320] {
        page.resize(width, 740);
        for (name, view) in VIEWS {
            for language in ["vi", "en"] {
                open(&mut page, &site, view, language);
                assert_fits(&mut page, width, &format!("{name} {language}"));
                if width == 360 {
                    page.keep(&format!("phone-{name}-{language}"));
                }
            }
        }
    }
}

/// Presses Tab until `selector` has the focus, checking that each stop shows it.
pub fn tab_to(page: &mut impl Browser, selector: &str) {
    for _ in 0..60 {
        page.press(Key::Tab);
        let stop = page.eval(STOP);
        assert_ne!(stop["seen"], json!(false), "focus is invisible on {stop}");
        if page.eval(&format!(
            "document.activeElement?.matches('{selector}') ?? false"
        )) == true
        {
            return;
        }
    }
    panic!("no way by Tab to {selector}");
}

#[test]
fn the_keyboard_alone_reaches_plays_and_answers_everything() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    page.visit(&site, "");
    page.wait("document.querySelector('.course')");
    tab_to(&mut page, "#skip");
    page.press(Key::Enter);
    assert_eq!(
        page.eval("document.activeElement.id"),
        "main",
        "the skip link leads nowhere"
    );
    tab_to(&mut page, ".course a");
    page.press(Key::Enter);
    page.wait("document.querySelector('.lesson') && document.activeElement.matches('h1')");
    tab_to(&mut page, ".lesson h2 a");
    page.press(Key::Enter);
    page.wait("document.querySelector('#menu-quality') && video.readyState >= 2");
    tab_to(&mut page, "video");
    page.press(Key::Space);
    page.wait("video.currentTime > 1 && !video.paused");
    page.press(Key::Space);
    page.wait("video.paused");
    tab_to(&mut page, "#menu-quality");
    tab_to(&mut page, ".exercises a");
    page.press(Key::Enter);
    page.wait("document.querySelector('fieldset') && document.activeElement.matches('h1')");
    tab_to(&mut page, "[data-kind=one] input");
    page.press(Key::Space);
    page.press(Key::Down);
    assert_eq!(
        page.eval("document.activeElement.closest('label').innerText"),
        "HaNoi1990"
    );
    tab_to(&mut page, "[data-kind=many] input");
    page.press(Key::Space);
    tab_to(&mut page, "[data-kind=match] select");
    tab_to(&mut page, "[data-kind=order] button");
    let first = page.eval("document.querySelector('[data-kind=order] li span').textContent");
    page.press(Key::Enter);
    let second = "document.querySelectorAll('[data-kind=order] li span')[1].textContent";
    assert_eq!(page.eval(second), first, "the line did not move down");
    let held = page.eval("document.activeElement.closest('li')?.querySelector('span').textContent");
    assert_eq!(held, first, "the focus did not move with its line");
    let said: Value = page.eval("document.querySelector('.visually-hidden').textContent");
    assert!(
        said.as_str().unwrap().contains('2'),
        "nothing is said of the move: {said}"
    );
    page.assert_quiet();
}

#[test]
fn a_lesson_is_read_by_keyboard_in_both_languages_and_on_a_phone() {
    let _turn = browser::turn();
    let axe = axe();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    for (language, words) in [("vi", "Ba việc nên làm"), ("en", "Three things to do")] {
        open(&mut page, &site, LESSON, language);
        tab_to(&mut page, "[role=tab][aria-selected=true]");
        page.press(Key::Right);
        page.wait(&format!(
            "document.activeElement.id === 'tab-read' && !document.querySelector('video').checkVisibility()
               && document.querySelector('.reading h2')?.innerText.includes('{words}')"
        ));
        assert_eq!(
            page.eval("document.querySelector('.reading').lang"),
            language
        );
        tab_to(&mut page, ".reading table");
        page.eval(&format!("{axe};0"));
        assert_eq!(page.eval(RUN_AXE), json!([]), "{language}");
        page.resize(320, 740);
        let scroll = page.eval("document.documentElement.scrollWidth");
        assert!(scroll.as_u64().unwrap() <= 320, "{language}: {scroll}");
        page.keep(&format!("reading-{language}"));
        page.resize(1280, 800);
    }
    page.assert_quiet();
}

/// What axe-core finds, one line a violation.
pub const RUN_AXE: &str = "axe.run(document, { runOnly: { type: 'tag', values:
    ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } })
    .then(r => r.violations.map(v => `${v.id}: ${v.help}: ` + v.nodes.map(n => n.html + ' ' +
      n.any.concat(n.all, n.none).map(c => c.message).join('; ')).join(' | ')))";
/// Whether the focused element, or the card or label around it, shows an outline.
const STOP: &str = "(() => { const e = document.activeElement;
    if (!e || e === document.body || e.matches('video')) return { seen: null };
    const shows = (n) => n && getComputedStyle(n).outlineStyle !== 'none';
    return { seen: shows(e) || shows(e.closest('.card')) || shows(e.closest('label'))
      || e.matches('h1, main'), what: e.outerHTML.slice(0, 80) }; })()";
