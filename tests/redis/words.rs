//! A server that is well: shipping, loading, joining, and what nodes tell each other.

use crate::node::Node;
use crate::node::config;
use crate::node::enrolled;
use crate::node::learner;
use crate::server::Server;
use lamplight::runtime::block_on;
use lamplight::session::State;
use lamplight::store::Redis;
use lamplight::store::redis::Event;
use lamplight::store::redis::Left;
use lamplight::store::redis::Stored;
use lamplight::store::redis::key;

#[test]
fn a_learner_who_changes_nodes_finds_everything_there() {
    let server = Server::start();
    block_on(async {
        let a = Node::connected(&config(&server.url())).await;
        let b = Node::connected(&config(&server.url())).await;
        assert_eq!(b.redis.load(learner(1)).await, Ok(None));
        let shipped = a.ship(1, &enrolled([1])).await.unwrap();
        assert_eq!(shipped.outcome, Ok(Stored::Fresh));
        assert_eq!(b.redis.load(learner(1)).await, Ok(Some(enrolled([1]))));
        // Both serve the learner for a while.
        let shipped = b.ship(1, &enrolled([1, 2])).await.unwrap();
        assert_eq!(
            (shipped.outcome, shipped.joined),
            (Ok(Stored::Replaced), None)
        );
        let shipped = a.ship(1, &enrolled([1, 3])).await.unwrap();
        assert_eq!(shipped.outcome, Ok(Stored::Replaced));
        assert_eq!(shipped.joined, Some(enrolled([1, 2, 3])));
        assert_eq!(
            b.redis.load(learner(1)).await,
            Ok(Some(enrolled([1, 2, 3])))
        );
        assert_eq!(a.count("lamplight_redis_joined", None), 1);
        a.end();
        b.end();
    });
}

#[test]
fn a_whole_batch_goes_at_once_and_comes_back_equal() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        let of = |id: u16| enrolled(0..u64::from(id % 40));
        let batch: Vec<_> = (0..256).map(|id| (learner(id), of(id))).collect();
        let shipped = node.redis.ship(batch.clone()).await.unwrap();
        assert_eq!(shipped.len(), Redis::BATCH_MAX);
        assert!(shipped.iter().all(|one| one.outcome == Ok(Stored::Fresh)));
        // The same again changes nothing, whoever asks.
        let other = Node::connected(&config(&server.url())).await;
        let shipped = other.redis.ship(batch).await.unwrap();
        assert!(shipped.iter().all(|one| one.outcome == Ok(Stored::Same)));
        let loads: Vec<_> = (0..256).map(|id| other.redis.load(learner(id))).collect();
        for (id, load) in loads.into_iter().enumerate() {
            assert_eq!(load.await, Ok(Some(of(id as u16))));
        }
        assert_eq!(other.count("lamplight_redis_loads", Some("found")), 256);
    });
}

#[test]
fn other_nodes_hear_of_a_change_and_nobody_of_its_own() {
    let server = Server::start();
    block_on(async {
        let mut a = Node::connected(&config(&server.url())).await;
        let mut b = Node::connected(&config(&server.url())).await;
        a.ship(1, &enrolled([1])).await.unwrap();
        assert_eq!(b.event().await, Event::Changed(vec![learner(1)]));
        b.ship(2, &enrolled([2])).await.unwrap();
        // Had it heard of itself, that would have come first.
        assert_eq!(a.event().await, Event::Changed(vec![learner(2)]));
    });
}

#[test]
fn a_node_that_was_cut_off_hears_afterwards_what_was_said_meanwhile() {
    let server = Server::start();
    block_on(async {
        let mut a = Node::connected(&config(&server.url())).await;
        let b = Node::connected(&config(&server.url())).await;
        server.say(&["CLIENT", "KILL", "TYPE", "normal"]);
        b.ship_at_last(1, &enrolled([1])).await;
        assert_eq!(a.event().await, Event::Changed(vec![learner(1)]));
        a.redis.answers().await;
        // A sign-out says the same way that it happened.
        let mut state = enrolled([1]);
        state.sign_out_everywhere();
        b.ship_at_last(1, &state).await;
        assert_eq!(a.event().await, Event::Changed(vec![learner(1)]));
        let loaded = a.load_at_last(1).await.unwrap();
        assert_eq!(loaded.epoch, 1);
    });
}

#[test]
fn a_node_that_missed_what_was_said_is_told_to_compare_everything() {
    let server = Server::start();
    block_on(async {
        let mut a = Node::connected(&config(&server.url())).await;
        let b = Node::connected(&config(&server.url())).await;
        b.ship_at_last(1, &enrolled([1])).await;
        assert_eq!(a.event().await, Event::Changed(vec![learner(1)]));
        // While a is cut off, so much is said that the stream forgets where a stopped.
        server.say(&["CLIENT", "KILL", "TYPE", "normal"]);
        server.say(&["DEL", "lamplight:news"]);
        b.ship_at_last(2, &enrolled([2])).await;
        a.behind().await;
    });
}

#[test]
fn a_server_that_forgot_the_script_is_given_it_again() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        server.say(&["SCRIPT", "FLUSH"]);
        let shipped = node.ship(1, &enrolled([1])).await.unwrap();
        assert_eq!(shipped.outcome, Ok(Stored::Fresh));
    });
}

#[test]
fn damaged_and_foreign_values_harm_one_learner_at_most() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        let of = |id| key("lamplight", learner(id));
        server.say(&["SET", &of(1), "nobody wrote this"]);
        server.say(&["LPUSH", &of(2), "a list"]);
        assert_eq!(node.redis.load(learner(1)).await, Ok(None));
        assert!(node.redis.load(learner(2)).await.is_err());
        let state = enrolled([1]);
        let batch = (1..=3).map(|id| (learner(id), state.clone())).collect();
        let shipped = node.redis.ship(batch).await.unwrap();
        let outcomes: Vec<_> = shipped.into_iter().map(|one| one.outcome).collect();
        let refused = Left::Refused("WRONGTYPE".to_owned());
        assert_eq!(
            outcomes,
            [Ok(Stored::Mended), Err(refused), Ok(Stored::Fresh)]
        );
        assert_eq!(node.redis.load(learner(1)).await, Ok(Some(state)));
        assert_eq!(node.count("lamplight_redis_loads", Some("damaged")), 1);
        assert_eq!(node.count("lamplight_redis_left", Some("refused")), 1);
    });
}

#[test]
fn the_largest_learner_there_can_be_goes_and_comes() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        let mut state: State = enrolled(0..256);
        for course in 0..256 {
            state.reset(lamplight::base::id::CourseId(course));
        }
        node.ship(1, &state).await.unwrap();
        assert_eq!(node.redis.load(learner(1)).await, Ok(Some(state)));
    });
}
