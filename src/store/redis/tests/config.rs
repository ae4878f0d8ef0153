use crate::base::units::Span;
use crate::store::redis::Config;
use crate::store::redis::Pace;
use crate::store::redis::Place;
use proptest::prelude::*;

fn at(url: &str) -> Config {
    let url = url.to_owned();
    Config {
        url,
        ..Config::default()
    }
}

#[test]
fn a_password_in_the_url_is_refused_and_not_repeated() {
    let error = at("redis://user:s3cret@host").check().unwrap_err();
    assert!(error.contains("redis.password_file"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    // Neither is one that the reader of URLs trips over before.
    let error = at("reds://:s3cret@host:x/y").check().unwrap_err();
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn a_url_says_where_the_server_is() {
    let place = |url| at(url).place();
    let found = |host: &str, port, secure, database| {
        let host = host.to_owned();
        Some(Place {
            host,
            port,
            secure,
            database,
        })
    };
    assert_eq!(place("redis://cache"), found("cache", 6379, false, 0));
    let secure = place("rediss://cache.example:7000/3");
    assert_eq!(secure, found("cache.example", 7000, true, 3));
    assert_eq!(place("redis://[::1]:7000"), found("::1", 7000, false, 0));
    assert_eq!(place("redis://[::1]"), found("::1", 6379, false, 0));
    for bad in [
        "cache",
        "http://cache",
        "redis://",
        "redis://cache:0",
        "redis://cache:x",
        "redis://[::1]x",
        "redis://ca che",
        "redis://cache/first",
    ] {
        assert_eq!(place(bad), None, "{bad}");
        assert!(at(bad).check().is_err(), "{bad}");
    }
    assert_eq!(at("").check(), Ok(()));
    assert!(!at("").is_on());
}

#[test]
fn prefixes_that_move_a_learner_to_another_slot_and_endless_times_are_refused() {
    let refused = |change: fn(&mut Config)| {
        let mut config = at("redis://cache");
        change(&mut config);
        config.check().unwrap_err()
    };
    assert!(refused(|c| c.prefix = "a{b}".to_owned()).contains("redis.prefix"));
    assert!(refused(|c| c.prefix = String::new()).contains("redis.prefix"));
    assert!(refused(|c| c.timeout = Span::ms(1)).contains("redis.timeout is 1ms"));
    assert!(refused(|c| c.ship_after = Span::secs(601)).contains("redis.ship_after"));
}

proptest! {
    #[test]
    fn a_lost_server_is_asked_again_soon_and_never_in_a_tight_loop(chances: [u64; 24]) {
        let mut pace = Pace::default();
        for (failure, chance) in chances.into_iter().enumerate() {
            let wait = pace.failed(chance);
            let whole = (50_u64 << failure.min(20)).min(5000);
            prop_assert!((whole / 2..=whole).contains(&wait), "{wait} of {whole}");
        }
        pace.worked();
        prop_assert!(pace.failed(0) <= 50);
    }
}
