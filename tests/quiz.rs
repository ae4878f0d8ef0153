//! Quizzes through the whole server: GIFT beside the native form, and keys that never leave.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test fails by panicking and runs its clients on a runtime of its own"
)]

#[path = "support/browsers/browser.rs"]
mod browser;
#[path = "support/browsers/chromium.rs"]
mod chromium;
#[path = "protocol/client.rs"]
#[expect(dead_code, reason = "another suite uses more of it")]
mod client;
#[path = "quiz/crawl.rs"]
mod crawl;
#[path = "quiz/pupil.rs"]
mod pupil;
#[path = "quiz/school.rs"]
mod school;
#[path = "support/browsers/site.rs"]
mod site;
#[path = "support/browsers/socket.rs"]
mod socket;
mod support;

use browser::Browser as _;
use chromium::Chromium;
use chromium::Profile;
use client::Client;
use crawl::Crawl;
use lamplight::course::Language;
use lamplight::issuers::Mode;
use lamplight::quiz::Quiz;
use pupil::Pupil;
use pupil::verified;
use school::SECRETS;
use serde_json::Value;
use serde_json::json;
use site::Site;
use support::Running;

/// Starts the school, which holds a secret in every place where an author writes one.
fn start(content: &std::path::Path) -> Running {
    // The provider of the clients; another test of this process may have set it already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    school::build(content);
    let server = Running::with(|config| {
        config.content.dir = content.to_owned();
        config.identity.mode = Mode::Dev;
    });
    server.wait_ready();
    server
}

#[tokio::test]
async fn no_public_reply_over_any_version_tells_a_right_answer() {
    let content = tempfile::tempdir().unwrap();
    let server = start(content.path());
    let certificate = server.certificate().into();
    for mut client in Client::all(server.address(), &certificate).await {
        let name = client.name();
        let mut crawl = Crawl::new(server.address().port());
        Box::pin(crawl.whole(&mut client)).await;
        Box::pin(crawl.errors(&mut client)).await;
        // The crawl is worth something only if it saw one of each kind.
        for kind in school::KINDS {
            let seen = crawl.replies.iter().any(|(url, reply)| {
                reply.status == 200 && kind.iter().all(|part| url.contains(part))
            });
            assert!(
                seen,
                "{name}: nothing like {kind:?} in {:?}",
                crawl.replies.keys()
            );
        }
        assert!(
            crawl.replies.values().any(|reply| reply.status == 404),
            "{name}"
        );
        let quizzes = crawl
            .replies
            .iter()
            .filter(|(url, _)| url.contains("/quiz/"));
        let shown: String = quizzes.map(|(_, reply)| reply.text().to_owned()).collect();
        for public in school::SHOWN {
            assert!(
                shown.contains(public),
                "{name}: {public} is missing, the harm is not tested"
            );
        }
        for (url, reply) in &crawl.replies {
            let head = format!("{url} {:?}", reply.fields);
            let told = SECRETS.iter().find(|secret| {
                head.contains(**secret)
                    || reply
                        .body
                        .windows(secret.len())
                        .any(|w| w == secret.as_bytes())
            });
            assert_eq!(
                told,
                None,
                "{name}: {url} {}",
                String::from_utf8_lossy(&reply.body)
            );
        }
    }
}

#[tokio::test]
async fn no_reply_to_a_learner_tells_a_right_answer_before_the_submission() {
    let content = tempfile::tempdir().unwrap();
    let server = start(content.path());
    let certificate = server.certificate().into();
    for mut client in Client::all(server.address(), &certificate).await {
        let name = client.name();
        let mut pupil = Box::pin(Pupil::of(&mut client)).await;
        let mut sat = Vec::new();
        for quiz in ["mot-quiz", "luyen-tap"] {
            sat.push(Box::pin(pupil.sit(quiz)).await);
        }
        let told = SECRETS.iter().find(|secret| pupil.heard.contains(**secret));
        assert_eq!(told, None, "{name}: {}", pupil.heard);

        // The receipt is judged by the program, with the published key, as a stranger would.
        let keys = pupil.call("GET", "/v1/receipts/keys", &Value::Null).await;
        let mut claim = sat[0].1.clone();
        claim["public_key"] = keys.json()["keys"][0]["public_key"].clone();
        // SHA-256 of 11 00: option 0 was chosen.
        claim["body_sha256"] =
            json!("d94e7f1e9bb1f8a9b90996ba12c461b84956f0e7f230145cc594c2f80b067aa0");
        let (good, told) = verified(&claim);
        assert!(good, "{name}: {told}");
        claim["seq"] = json!(2);
        assert!(!verified(&claim).0, "{name}: of another answer");

        for (url, _) in sat {
            let got = pupil
                .call("POST", &format!("{url}/submit"), &json!({}))
                .await;
            assert_eq!(got.status, 200, "{name}: {}", got.text());
            // So there was something to be told.
            assert!(got.text().contains("bimat-giai-thich"), "{}", got.text());
            assert!(!got.text().contains("bimat-tieu-de"), "{}", got.text());
        }
    }
}

#[tokio::test]
async fn a_gift_file_is_a_quiz_of_its_lesson() {
    let content = tempfile::tempdir().unwrap();
    let server = start(content.path());
    let client = server.client(http::Version::HTTP_2);
    let course = client
        .get(server.url("/v1/courses/truong"))
        .send()
        .await
        .unwrap();
    let course: Value = serde_json::from_slice(&course.bytes().await.unwrap()).unwrap();
    let quizzes = course["quizzes"].as_array().unwrap();
    let quiz = quizzes.iter().find(|q| q["id"] == "luyen-tap").unwrap();
    assert_eq!(
        (&quiz["lesson"], &quiz["items"]),
        (&"mot".into(), &7.into())
    );
    assert_eq!(
        (&quiz["title"]["vi"], &quiz["time_limit_ms"]),
        (&"Luyện tập".into(), &60_000.into())
    );
    let chunk = client
        .get(quiz["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(chunk.status(), 200);
    let chunk: Value = serde_json::from_slice(&chunk.bytes().await.unwrap()).unwrap();
    let kinds: Vec<_> = chunk["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["kind"])
        .collect();
    assert_eq!(kinds, ["one", "many", "tf", "text", "num", "match", "text"]);
    assert!(
        quizzes.iter().all(|q| q["id"] != "hong"),
        "the broken one is left out"
    );
    let told = &server.server().not_ready();
    assert!(
        told.is_empty(),
        "a broken quiz never hides a good one: {told:?}"
    );
}

#[test]
fn a_gift_quiz_is_answered_in_the_page_and_an_essay_has_room() {
    let content = tempfile::tempdir().unwrap();
    school::build(content.path());
    let site = Site::of(content.path());
    let mut page = Chromium::start(&site, Profile::Ordinary);
    page.visit(&site, "#/course/truong/quiz/luyen-tap");
    page.wait("document.querySelectorAll('fieldset').length === 7");
    // Descriptions stand above their question, on lines of their own.
    page.wait(
        "document.querySelector('#item-q1 .asked').innerText.includes('Hai dòng\\n\\ngift một')",
    );
    page.eval("document.querySelector('#item-q1 input[type=radio]').click()");
    page.eval("document.querySelectorAll('#item-q2 input[type=checkbox]')[1].click()");
    let essay = "Dòng một\\nDòng hai";
    page.eval(&format!(
        "(() => {{ const area = document.querySelector('#item-q7 textarea'); area.value = '{essay}';
           area.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
    page.wait("document.querySelector('#item-q7 p.hint').innerText.length > 10");
    page.go("about:blank");
    page.visit(&site, "#/course/truong/quiz/luyen-tap");
    page.wait(&format!(
        "document.querySelector('#item-q7 textarea').value === '{essay}'"
    ));
    page.wait("document.querySelector('#item-q1 input[type=radio]').checked");
    page.keep("chromium-quiz-gift");
    page.assert_quiet();
}

/// The blocks of docs/course-folder.md that begin with ``` and `language`.
fn examples(language: &str) -> Vec<(usize, String)> {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/course-folder.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let fence = format!("```{language}");
    let lines: Vec<&str> = docs.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| **line == fence);
    let example = |at: usize| lines[at + 1..].iter().take_while(|l| **l != "```").copied();
    let blocks = starts.map(|(at, _)| (at + 2, example(at).collect::<Vec<_>>().join("\n")));
    blocks.collect()
}

#[test]
fn the_quizzes_of_the_docs_are_quizzes() {
    let vi = Language::parse("vi").unwrap();
    let gift = examples("gift");
    assert_eq!(gift.len(), 1);
    let quiz = Quiz::parse("docs.gift", &gift[0].1, &vi, 0.7).unwrap();
    assert_eq!((quiz.items(), quiz.notes.as_slice()), (7, &[][..]));
    let native = examples("toml")
        .into_iter()
        .find(|(_, text)| text.contains("[[item]]"));
    let (line, text) = native.unwrap();
    let quiz = Quiz::parse("docs.toml", &text, &vi, 0.7);
    let quiz = quiz.unwrap_or_else(|problems| panic!("from line {line}: {problems:#?}"));
    assert_eq!(quiz.items(), 1);
}
