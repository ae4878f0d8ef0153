//! Quizzes that count: answers are saved one by one, whatever happens to the server and the page,
//! and "saved" is said of nothing else.

use crate::browser;
use crate::browser::Browser;
use crate::browser::QUIZ;
use crate::chromium::Chromium;
use crate::chromium::Profile;
use crate::firefox::Firefox;
use crate::learner::all_sent;
use crate::learner::save_of;
use crate::learner::sign_in;
use crate::learner::told;
use crate::learner::turn_to;
use crate::site::Site;
use serde_json::json;
use std::fs;
use std::path::Path;

const START: &str = "document.querySelector('.attempt .button')";
const OPEN: &str = "document.querySelectorAll('fieldset').length === 7";
const ALL_SAVED: &str =
    "[...document.querySelectorAll('fieldset .saving')].every(s => s.dataset.save === 'saved')";

/// Opens the quiz of the first lesson and starts an attempt.
fn start(page: &mut impl Browser) {
    turn_to(page, QUIZ, START);
    page.eval(&format!("{START}.click()"));
    page.wait(OPEN);
}

/// The right answer to the first item.
fn first(page: &mut impl Browser) {
    page.eval(
        "[...document.querySelectorAll('[data-kind=one] label')]
           .find(l => l.innerText.includes('sen thuyền')).querySelector('input').click()",
    );
}

/// The right answers to all others.
fn others(page: &mut impl Browser) {
    page.eval(
        "(() => { const q = (s) => document.querySelector(s);
           const put = (node, value, event) => {
             node.value = value; node.dispatchEvent(new Event(event)); };
           document.querySelectorAll('[data-kind=many] label').forEach(l => {
             if (/xác thực hai|trình quản lý/.test(l.innerText)) l.querySelector('input').click(); });
           document.querySelectorAll('[data-kind=tf] input')[1].click();
           put(q('[data-kind=num] input'), '12', 'input');
           const pairs = { 'lộ mật khẩu': 'Đổi mật khẩu', 'quá nhiều': 'trình quản lý', 'gọi hỏi': 'Từ chối' };
           document.querySelectorAll('[data-kind=match] .pair').forEach(pair => {
             const [, want] = Object.entries(pairs).find(([left]) => pair.innerText.includes(left));
             const option = [...pair.querySelectorAll('option')].find(o => o.text.includes(want));
             put(pair.querySelector('select'), option.value, 'change'); });
           const steps = ['Chọn bốn', 'Ghép', 'Lưu', 'Bật'];
           steps.forEach((step, to) => { for (;;) {
             const lines = [...document.querySelectorAll('[data-kind=order] li')];
             const at = lines.findIndex(l => l.innerText.includes(step));
             if (at === to) break;
             lines[at].querySelector('button').click(); } });
           const keep = q('[data-kind=order] .choice input');
           if (!keep.checked) keep.click();
           put(q('[data-kind=text] input'), 'riêng', 'input'); })()",
    );
}

/// Hands in and waits for the result.
fn hand_in(page: &mut impl Browser) {
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.wait("document.querySelector('.quiz-end .quiet')");
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.wait("document.querySelector('#result-title')");
}

#[test]
fn a_quiz_answered_right_on_two_devices_is_passed_with_every_kind_graded() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    start(&mut page);
    first(&mut page);
    page.wait(&format!("{} === 'saved'", save_of("one")));
    page.assert_quiet();
    drop(page);

    let mut second = Firefox::start(&site);
    sign_in(&mut second, &site, "An");
    // The open attempt is found, with what was answered on the other device.
    turn_to(&mut second, QUIZ, OPEN);
    second.wait("document.querySelector('[data-kind=one] :checked')");
    let chosen = "document.querySelector('[data-kind=one] :checked').closest('label').innerText";
    assert!(second.eval(chosen).as_str().unwrap().contains("sen thuyền"));
    others(&mut second);
    second.wait(ALL_SAVED);
    second.keep("firefox-attempt");
    hand_in(&mut second);
    second.keep("firefox-result");
    assert_eq!(
        second.eval("document.querySelector('[data-passed]').dataset.passed"),
        "true"
    );
    let score = second.eval("document.querySelector('.score').textContent");
    assert!(score.as_str().unwrap().contains("100"), "{score}");
    let full = second.eval("document.querySelectorAll('.verdict[data-full=true]').length");
    assert_eq!(full, 7);
    assert!(
        second
            .eval("document.querySelector('.attempt').innerText")
            .as_str()
            .unwrap()
            .contains("Bốn từ không liên quan"),
        "the author's explanation is not shown"
    );
    told(
        &mut second,
        "An",
        "s.courses[0].quizzes[0].best === 1 && s.courses[0].quizzes[0].attempts === 1",
    );
    // The result stays after a reload, and another try may begin.
    second.visit(&site, QUIZ);
    second.wait("document.querySelector('#result-title')");
    second.eval("[...document.querySelectorAll('.attempt > .button')].at(-1).click()");
    second.wait(OPEN);
    assert_eq!(
        second.eval("document.querySelectorAll('fieldset input:checked').length"),
        0
    );
    second.assert_quiet();
}

#[test]
fn a_server_killed_in_the_middle_of_a_quiz_loses_no_answer_and_nothing_is_called_saved_before() {
    let _turn = browser::turn();
    let mut site = Site::school();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    sign_in(&mut page, &site, "An");
    start(&mut page);
    first(&mut page);
    page.wait(&format!("{} === 'saved'", save_of("one")));
    site.kill();
    others(&mut page);
    // All are kept, and tried in vain.
    page.wait(
        "document.querySelector('#who').dataset.waiting === '6'
         && document.querySelector('#who .state').textContent",
    );
    let saves = page
        .eval("[...document.querySelectorAll('fieldset .saving')].map(s => s.dataset.save).sort()");
    let expected = json!([
        "saved", "waiting", "waiting", "waiting", "waiting", "waiting", "waiting"
    ]);
    assert_eq!(saves, expected, "saved is said of what no server has");
    page.keep("chromium-waiting");
    // Handing in waits as well, and nothing is lost by it.
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.eval("document.querySelector('.quiz-end .button').click()");
    page.wait("document.querySelector('.quiz-end .notice')");
    site.restart();
    page.wait("document.querySelector('#result-title')");
    let score = page.eval("document.querySelector('.score').textContent");
    assert!(score.as_str().unwrap().contains("100"), "{score}");
    told(&mut page, "An", "s.courses[0].quizzes[0].best === 1");
    page.forgive();
}

#[test]
fn answers_given_without_a_network_come_through_after_a_reload() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Ordinary);
    sign_in(&mut page, &site, "An");
    start(&mut page);
    page.network(Some(0));
    first(&mut page);
    others(&mut page);
    page.wait(
        "[...document.querySelectorAll('fieldset .saving')].every(s => s.dataset.save === 'waiting')
         && document.querySelector('#who').dataset.waiting === '7'",
    );
    page.go("about:blank");
    page.network(None);
    page.visit(&site, QUIZ);
    page.wait(OPEN);
    page.wait(ALL_SAVED);
    all_sent(&mut page);
    let count = page.eval("document.querySelector('progress').value");
    assert_eq!(count, 7, "an answer was forgotten");
    hand_in(&mut page);
    let score = page.eval("document.querySelector('.score').textContent");
    assert!(score.as_str().unwrap().contains("100"), "{score}");
    page.forgive();
}

#[test]
fn an_answer_taken_back_and_a_number_that_is_none_are_not_shown_as_saved() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    start(&mut page);
    let put = |page: &mut Chromium, value: &str| {
        page.eval(&format!(
            "(() => {{ const input = document.querySelector('[data-kind=num] input');
               input.value = '{value}'; input.dispatchEvent(new Event('input'));
               input.dispatchEvent(new Event('change')); }})()"
        ));
    };
    put(&mut page, "12,5");
    page.wait(&format!("{} === 'saved'", save_of("num")));
    put(&mut page, "a dozen");
    page.wait(&format!("{} === 'invalid'", save_of("num")));
    put(&mut page, "");
    page.wait(&format!("{} === 'saved'", save_of("num")));
    all_sent(&mut page);
    page.visit(&site, QUIZ);
    page.wait(OPEN);
    assert_eq!(
        page.eval("document.querySelector('[data-kind=num] input').value"),
        ""
    );
    page.assert_quiet();
}

#[test]
fn a_session_is_renewed_before_it_ends_without_disturbing_an_open_attempt() {
    let _turn = browser::turn();
    let site = Site::school();
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    start(&mut page);
    first(&mut page);
    page.wait(&format!("{} === 'saved'", save_of("one")));
    let before = page.eval(&account(""));
    assert!(before.is_string(), "no token is kept: {before}");
    // Two thirds of its time have passed.
    page.eval(&account("one.renew_at = 0; shelf.put(one);"));
    page.visit(&site, QUIZ);
    page.wait(OPEN);
    let changed = format!("await {} !== {before}", account(""));
    page.eval(&format!(
        "(async () => {{ while (!({changed})) await new Promise(done => setTimeout(done, 100)); }})()"
    ));
    others(&mut page);
    page.wait(ALL_SAVED);
    hand_in(&mut page);
    page.assert_quiet();
}

/// Expression that does `change` with the record `one` of the only learner, and gives the token.
fn account(change: &str) -> String {
    format!(
        "(new Promise((done, fail) => {{
           const opening = indexedDB.open('lamplight');
           opening.onerror = fail;
           opening.onsuccess = () => {{
             const shelf = opening.result.transaction('accounts', 'readwrite')
               .objectStore('accounts');
             shelf.getAll().onsuccess = (event) => {{
               const [one] = event.target.result;
               {change}
               opening.result.close();
               done(one.token);
             }};
           }};
         }}))"
    )
}

#[test]
fn when_time_is_over_what_was_answered_is_handed_in() {
    let _turn = browser::turn();
    let content = tempfile::tempdir().unwrap();
    timed_course(content.path());
    let site = Site::school_of(content.path());
    let mut page = Chromium::start(&site, Profile::Open);
    sign_in(&mut page, &site, "An");
    turn_to(&mut page, "#/course/nhanh/quiz/thi", START);
    page.eval(&format!("{START}.click()"));
    page.wait("document.querySelector('fieldset input')");
    page.eval("document.querySelector('fieldset input').click()");
    // On a machine that needs all the time for this, the result is there already.
    page.wait(
        "document.querySelector('.clock')?.textContent || document.querySelector('#result-title')",
    );
    page.keep("chromium-timed");
    page.wait("document.querySelector('#result-title')");
    told(&mut page, "An", "s.courses[0].quizzes[0].attempts === 1");
    page.forgive();
}

/// A course of one text and one quiz of 20 seconds.
fn timed_course(content: &Path) {
    let lesson = content.join("nhanh/01-bai");
    fs::create_dir_all(&lesson).unwrap();
    let title = "[title]\nvi = \"Nhanh\"\n";
    fs::write(
        content.join("nhanh/course.toml"),
        format!("languages = [\"vi\"]\n\n{title}"),
    )
    .unwrap();
    fs::write(lesson.join("lesson.toml"), title).unwrap();
    fs::write(lesson.join("text.vi.md"), "# Bài\n\nĐọc.\n").unwrap();
    let quiz = "id = \"thi\"\nlang = \"vi\"\ntime_limit = \"20s\"\n\n[[item]]\nid = \"q1\"\n\
        kind = \"tf\"\ntext = \"Đúng?\"\ncorrect = true\n";
    fs::write(lesson.join("thi.toml"), quiz).unwrap();
}
