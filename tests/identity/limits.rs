//! A flood of log-ins costs its network and nobody else.

use crate::school::LAPTOP;
use crate::school::PHONE;
use crate::school::School;
use crate::school::call;
use crate::school::log_in;
use crate::school::refused;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_where_many_log_ins_fail_waits_and_those_that_succeed_are_free() {
    let school = School::with(|config| {
        config.server.workers = 1;
        config.identity.failures_per_prefix = 1;
    });
    let client = &mut school.clients().await[1];
    let mut session = String::new();
    for n in 0..40 {
        session = school.sign_in(client, &format!("learner {n}"), PHONE).await;
    }
    // Ten may fail at once, then one a second; asked one after the other for as long as it takes.
    let until = lamplight::runtime::now() + Duration::from_secs(120);
    let limited = loop {
        let reply = log_in(client, "a.b.c", PHONE).await;
        if reply.status != 401 {
            break reply;
        }
        assert!(lamplight::runtime::now() < until, "never limited");
    };
    refused(&limited, 429, "too-many-requests", "the network");
    let wait_ms = limited.json()["retry_after_ms"].as_u64().unwrap();
    assert!((1000..5000).contains(&wait_ms), "{wait_ms}");
    let seconds = wait_ms.div_ceil(1000).to_string();
    assert_eq!(limited.field("retry-after"), Some(seconds.as_str()));
    let counted = "lamplight_log_ins_limited_total{whose=\"network\"}";
    assert!(school.metric(counted).await >= 1);
    // Whoever is in stays in.
    assert_eq!(
        call(client, "GET", "/v1/session", &session).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_learner_on_ever_new_devices_waits_and_others_do_not() {
    let school = School::start();
    let client = &mut school.clients().await[2];
    let until = lamplight::runtime::now() + Duration::from_secs(120);
    let token = school.issuer.token("lan");
    let mut n = 0;
    let limited = loop {
        n += 1;
        let device = format!("0f8fad5b-d9cb-469f-a165-{n:012x}");
        let reply = log_in(client, &token, &device).await;
        if reply.status != 201 {
            break reply;
        }
        assert!(lamplight::runtime::now() < until, "never limited");
    };
    refused(&limited, 429, "too-many-requests", "the learner");
    let counted = "lamplight_log_ins_limited_total{whose=\"learner\"}";
    assert_eq!(school.metric(counted).await, 1);
    school.sign_in(client, "minh", LAPTOP).await;
}
