//! The quiz view.

use crate::browser;
use crate::browser::Browser;
use crate::browser::QUIZ;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::firefox::Firefox;
use crate::site::Site;
use serde_json::json;

/// Answers one item of each kind and finds the answers again after a reload.
fn answers_last(page: &mut impl Browser, site: &Site) {
    page.visit(site, QUIZ);
    let kinds = page.eval("[...document.querySelectorAll('fieldset')].map(f => f.dataset.kind)");
    assert_eq!(
        kinds,
        json!(["one", "many", "tf", "num", "match", "order", "text"])
    );
    page.eval(
        "(() => { const q = (s) => document.querySelector(s);
           const put = (s, value, event) => { q(s).value = value; q(s).dispatchEvent(new Event(event)); };
           q('[data-kind=one] input').click();
           q('[data-kind=many] input').click();
           q('[data-kind=tf] input').click();
           put('[data-kind=num] input', '12', 'input');
           document.querySelectorAll('[data-kind=match] select').forEach((s, n) => {
             s.value = String(n); s.dispatchEvent(new Event('change')); });
           q('[data-kind=order] li:nth-child(2) button').click();
           put('[data-kind=text] input', 'riêng', 'input'); })()",
    );
    let count = "document.querySelector('.count').textContent";
    assert!(page.eval(count).as_str().unwrap().contains("7"));
    for (language, words) in [("vi", "Đã trả lời 7 trên 7"), ("en", "7 of 7")] {
        page.eval(&format!(
            "document.querySelector('#tongues [lang={language}]').click()"
        ));
        let said = page.eval(count);
        assert!(
            said.as_str().unwrap().contains(words),
            "in {language}: {said}"
        );
    }
    let order = "document.querySelector('[data-kind=order] li span').textContent";
    let first = page.eval(order);
    page.go("about:blank");
    page.visit(site, QUIZ);
    assert_eq!(
        page.eval("document.querySelector('progress').value"),
        7,
        "an answer was forgotten"
    );
    assert_eq!(page.eval(order), first);
    let sent = page.eval("performance.getEntriesByType('resource').map(e => e.name).join(' ')");
    assert!(
        !sent.as_str().unwrap().contains("/v1/attempt"),
        "answers stay on the device: {sent}"
    );
}

#[test]
fn chromium_shows_every_kind_and_keeps_the_answers() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Chromium::start(&site, Profile::Open);
    answers_last(&mut page, &site);
    page.keep("chromium-quiz");
    page.assert_quiet();
}

#[test]
fn firefox_shows_every_kind_and_keeps_the_answers() {
    let _turn = browser::turn();
    let site = Site::start();
    let mut page = Firefox::start(&site);
    answers_last(&mut page, &site);
    page.keep("firefox-quiz");
    page.assert_quiet();
}
