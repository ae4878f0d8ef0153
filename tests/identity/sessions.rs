//! What a session's token opens, for how long, and what ends it.

use crate::client::Client;
use crate::client::Reply;
use crate::school::JSON;
use crate::school::LAPTOP;
use crate::school::PHONE;
use crate::school::School;
use crate::school::call;
use crate::school::log_in;
use crate::school::refused;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_begins_the_same_over_every_version_and_is_nobody_elses() {
    let school = School::start();
    let mut learners = Vec::new();
    for client in &mut school.clients().await {
        let reply = log_in(client, &school.issuer.token("lan"), PHONE).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.field("cache-control"), Some("no-store"));
        assert_eq!(reply.field("location"), Some("/v1/session"));
        assert!(reply.field("set-cookie").is_none() && reply.field("x-request-id").is_some());
        let json = reply.json();
        assert_eq!(
            (&json["level"], &json["beat_every_ms"]),
            (&2.into(), &20_000.into())
        );
        assert_eq!(
            (&json["durable_through"], json.get("resume")),
            (&0.into(), Some(&().into()))
        );
        assert!(json["expires_at"].as_str().unwrap().ends_with('Z'));
        let session = json["session"].as_str().unwrap();
        assert_eq!(session.len(), 110);
        let state = call(client, "GET", "/v1/session", session).await;
        assert_eq!(
            (state.status, &state.json()["learner"]),
            (200, &json["learner"])
        );
        assert_eq!(state.json()["unit"], "THPT Lê Lợi");
        learners.push(json["learner"].clone());
        let other = school.sign_in(client, "minh", PHONE).await;
        let other = call(client, "GET", "/v1/session", &other).await.json();
        assert_ne!(other["learner"], json["learner"], "{}", client.name());
    }
    learners.dedup();
    assert_eq!(learners.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_ours_opens_nothing() {
    let school = School::start();
    for client in &mut school.clients().await {
        let session = school.sign_in(client, "lan", PHONE).await;
        let changed = |at: usize| {
            let other = if &session[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &session[..at], &session[at + 1..])
        };
        let issuers = school.issuer.token("lan");
        for bad in [
            changed(10),
            changed(50),
            changed(100),
            session[1..].to_owned(),
            issuers,
        ] {
            let reply = call(client, "GET", "/v1/session", &bad).await;
            refused(&reply, 401, "session-invalid", client.name());
        }
        for (method, path) in [
            ("GET", "/v1/session"),
            ("POST", "/v1/session/renew"),
            ("DELETE", "/v1/session"),
            ("DELETE", "/v1/session?everywhere=true"),
            ("POST", "/v1/session/beats"),
            ("POST", "/v1/enrolments"),
        ] {
            let reply = client.ask(method, path, &[]).await;
            refused(&reply, 401, "session-missing", path);
        }
        // What strangers tried ended nothing.
        assert_eq!(
            call(client, "GET", "/v1/session", &session).await.status,
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewing_gives_another_token_and_changes_nothing() {
    let school = School::start();
    for client in &mut school.clients().await {
        let session = school.sign_in(client, "lan", PHONE).await;
        let before = call(client, "GET", "/v1/session", &session).await;
        let reply = call(client, "POST", "/v1/session/renew", &session).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let fresh = reply.json()["session"].as_str().unwrap().to_owned();
        assert_ne!(fresh, session);
        for token in [&session, &fresh] {
            let after = call(client, "GET", "/v1/session", token).await;
            assert_eq!(
                (after.status, &after.body),
                (200, &before.body),
                "{}",
                client.name()
            );
        }
    }
}

/// A call with a session's token and JSON.
async fn send(
    client: &mut Client,
    (method, path): (&str, &str),
    session: &str,
    content: &str,
) -> Reply {
    let bearer = format!("Bearer {session}");
    let fields = [("authorization", bearer.as_str()), JSON];
    client.send(method, path, &fields, content.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_attempt_goes_on_through_renewal_signing_out_and_in_again() {
    const QUIZ: &str = r#"{"course":"ky-nang-so","quiz":"mat-khau-quiz"}"#;
    let school = School::start();
    for client in &mut school.clients().await {
        let who = client.name();
        let session = school.sign_in(client, who, PHONE).await;
        let enrol = r#"{"course":"ky-nang-so"}"#;
        let enrolled = send(client, ("POST", "/v1/enrolments"), &session, enrol).await;
        assert_eq!(enrolled.status, 201, "{}", enrolled.text());
        let opened = send(client, ("POST", "/v1/attempts"), &session, QUIZ).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        let attempt = opened.json()["attempt"].as_str().unwrap().to_owned();
        let path = format!("/v1/attempts/{attempt}/answers/q1");
        let answer = r#"{"seq":1,"choice":[0],"elapsed_ms":5000}"#;
        let saved = send(client, ("PUT", &path), &session, answer).await;
        assert_eq!(saved.status, 200, "{}", saved.text());
        let path = format!("/v1/attempts/{attempt}");
        let before = call(client, "GET", &path, &session).await.json();
        let renewed = call(client, "POST", "/v1/session/renew", &session).await;
        let renewed = renewed.json()["session"].as_str().unwrap().to_owned();
        let gone = call(client, "DELETE", "/v1/session", &session).await;
        let ended = call(client, "GET", &path, &renewed).await;
        refused(&ended, 401, "session-ended", who);
        assert_eq!(gone.status, 204, "{}", gone.text());
        let again = school.sign_in(client, who, LAPTOP).await;
        let reopened = send(client, ("POST", "/v1/attempts"), &again, QUIZ).await;
        assert_eq!(reopened.status, 200, "{}", reopened.text());
        let after = call(client, "GET", &path, &again).await.json();
        for member in [
            "attempt",
            "seed",
            "state",
            "opened_at",
            "deadline",
            "answers",
        ] {
            assert_eq!(after[member], before[member], "{who}: {member}");
            assert_eq!(reopened.json()[member], before[member], "{who}: {member}");
        }
        // And for nobody else, whatever they know.
        let stranger = school.sign_in(client, "minh", PHONE).await;
        refused(
            &call(client, "GET", &path, &stranger).await,
            404,
            "not-found",
            who,
        );
        let submit = format!("{path}/submit");
        let reply = send(client, ("POST", &submit), &stranger, "{}").await;
        refused(&reply, 404, "not-found", who);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_the_devices_sessions_and_everywhere_ends_all() {
    let school = School::start();
    let mut clients = school.clients().await;
    for at in 0..clients.len() {
        let mut devices = Vec::new();
        for device in [PHONE, PHONE, LAPTOP] {
            devices.push(school.sign_in(&mut clients[at], "lan", device).await);
        }
        let stranger = school.sign_in(&mut clients[at], "minh", PHONE).await;
        let renewed = call(&mut clients[at], "POST", "/v1/session/renew", &devices[0]).await;
        devices.push(renewed.json()["session"].as_str().unwrap().to_owned());
        let gone = call(&mut clients[at], "DELETE", "/v1/session", &devices[0]).await;
        assert_eq!((gone.status, gone.body.len()), (204, 0), "{}", gone.text());
        // On every connection and worker, and whatever was made of the token before.
        for client in &mut clients {
            for ended in [&devices[0], &devices[1], &devices[3]] {
                for (method, path) in [("GET", "/v1/session"), ("POST", "/v1/session/renew")] {
                    let reply = call(client, method, path, ended).await;
                    refused(&reply, 401, "session-ended", client.name());
                    let challenge = reply.field("www-authenticate").unwrap();
                    assert!(challenge.contains("invalid_token"), "{challenge}");
                }
            }
            for good in [&devices[2], &stranger] {
                assert_eq!(call(client, "GET", "/v1/session", good).await.status, 200);
            }
        }
        // At once again, in the very same second, and out again.
        let again = school.sign_in(&mut clients[at], "lan", PHONE).await;
        assert_eq!(
            call(&mut clients[at], "GET", "/v1/session", &again)
                .await
                .status,
            200
        );
        let bad = call(
            &mut clients[at],
            "DELETE",
            "/v1/session?everywhere=yes",
            &again,
        )
        .await;
        refused(&bad, 400, "bad-query", "everywhere");
        assert_eq!(
            call(&mut clients[at], "DELETE", "/v1/session", &again)
                .await
                .status,
            204
        );
        let again_ended = call(&mut clients[at], "GET", "/v1/session", &again).await;
        refused(&again_ended, 401, "session-ended", "the same second");
        let all = call(
            &mut clients[at],
            "DELETE",
            "/v1/session?everywhere=true",
            &devices[2],
        );
        assert_eq!(all.await.status, 204);
        for client in &mut clients {
            let reply = call(client, "GET", "/v1/session", &devices[2]).await;
            refused(&reply, 401, "session-ended", client.name());
            assert_eq!(
                call(client, "GET", "/v1/session", &stranger).await.status,
                200
            );
        }
        school.sign_in(&mut clients[at], "lan", LAPTOP).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_copied_to_another_device_changes_nothing_there_and_is_noticed() {
    let school = School::start();
    for client in &mut school.clients().await {
        let session = school.sign_in(client, "lan", PHONE).await;
        let bearer = format!("Bearer {session}");
        let fields = [("authorization", bearer.as_str()), JSON];
        let beats = |device: &str| {
            format!(
                r#"{{"device":"{device}","beats":[{{"seq":1,"course":"ky-nang-so",
                "lesson":"mat-khau","from_ms":0,"to_ms":5000}}]}}"#
            )
        };
        let before = call(client, "GET", "/v1/session", &session).await;
        let path = "/v1/session/beats";
        let copied = client
            .send("POST", path, &fields, beats(LAPTOP).as_bytes())
            .await;
        refused(&copied, 403, "wrong-device", client.name());
        let after = call(client, "GET", "/v1/session", &session).await;
        assert_eq!(after.body, before.body, "{}", client.name());
        // The learner, on the device the session began on, notices nothing.
        let own = client
            .send("POST", path, &fields, beats(PHONE).as_bytes())
            .await;
        assert_eq!(own.status, 200, "{}", own.text());
    }
    let noticed = "lamplight_sessions_refused_total{reason=\"wrong_device\"}";
    assert_eq!(school.metric(noticed).await, 3);
}
