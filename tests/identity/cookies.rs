//! Sessions as cookies: no script reads them, and no other site uses them.

use crate::client::Client;
use crate::client::Reply;
use crate::school::JSON;
use crate::school::PHONE;
use crate::school::School;
use crate::school::refused;

/// Signs in with a cookie; the reply and what a browser would send from then on.
async fn with_cookie(school: &School, client: &mut Client) -> (Reply, String) {
    let bearer = format!("Bearer {}", school.issuer.token("lan"));
    let body = format!(r#"{{"device":"{PHONE}","cookie":true}}"#);
    let fields = [("authorization", bearer.as_str()), JSON];
    let reply = client
        .send("POST", "/v1/sessions", &fields, body.as_bytes())
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let set = reply.field("set-cookie").unwrap().to_owned();
    let (pair, _) = set.split_once(';').unwrap();
    (reply, pair.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_is_for_this_host_alone_and_no_script_sees_the_token() {
    let school = School::start();
    for client in &mut school.clients().await {
        let (reply, pair) = with_cookie(&school, client).await;
        let set = reply.field("set-cookie").unwrap();
        let (name, token) = pair.split_once('=').unwrap();
        assert_eq!((name, token.len()), ("__Host-lamplight", 110));
        for attribute in [
            "Path=/",
            "Secure",
            "HttpOnly",
            "SameSite=Strict",
            "Max-Age=43200",
        ] {
            assert!(set.split("; ").any(|part| part == attribute), "{set}");
        }
        assert!(
            !set.contains("Domain") && !reply.text().contains(token),
            "{set}"
        );
        assert_eq!(reply.json().get("session"), None);
        let state = client.ask("GET", "/v1/session", &[("cookie", &pair)]).await;
        assert_eq!(state.status, 200, "{}", state.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_does_nothing_with_a_learners_cookie() {
    let school = School::with(|config| {
        config.public.origins = vec!["https://app.example".to_owned(), "*".to_owned()];
    });
    for client in &mut school.clients().await {
        let (_, pair) = with_cookie(&school, client).await;
        let own = format!("https://localhost:{}", client.port());
        let near = format!("https://localhost:{}1", client.port());
        let renew = async |client: &mut Client, fields: &[(&str, &str)]| {
            let fields = [fields, &[("cookie", pair.as_str())]].concat();
            client.ask("POST", "/v1/session/renew", &fields).await
        };
        for (what, fields) in [
            ("neither", &[][..]),
            ("another origin", &[("origin", "https://evil.example")]),
            ("a sandbox", &[("origin", "null")]),
            ("a neighbour", &[("origin", near.as_str())]),
            ("cross-site", &[("sec-fetch-site", "cross-site")]),
            ("same-site", &[("sec-fetch-site", "same-site")]),
            (
                "at odds",
                &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
            ),
        ] {
            let reply = renew(client, fields).await;
            refused(
                &reply,
                403,
                "cross-site",
                &format!("{} {what}", client.name()),
            );
            assert!(reply.field("set-cookie").is_none(), "{what}");
        }
        for fields in [
            &[("origin", own.as_str())][..],
            &[("sec-fetch-site", "same-origin")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://app.example"),
            ],
        ] {
            let reply = renew(client, fields).await;
            assert_eq!(reply.status, 200, "{fields:?}: {}", reply.text());
            assert!(reply.field("set-cookie").is_some() && reply.json().get("session").is_none());
        }
        let reply = client
            .ask("DELETE", "/v1/session", &[("cookie", &pair)])
            .await;
        refused(&reply, 403, "cross-site", client.name());
        let fields = [("cookie", pair.as_str()), ("sec-fetch-site", "same-origin")];
        let reply = client.ask("DELETE", "/v1/session", &fields).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        let cleared = reply.field("set-cookie").unwrap();
        assert!(cleared.starts_with("__Host-lamplight=;") && cleared.ends_with("Max-Age=0"));
        let reply = client.ask("GET", "/v1/session", &[("cookie", &pair)]).await;
        refused(&reply, 401, "session-ended", client.name());
    }
}
