//! A server to which something happens.

use crate::node::Node;
use crate::node::config;
use crate::node::enrolled;
use crate::node::learner;
use crate::node::within;
use crate::server::Server;
use lamplight::runtime::block_on;
use lamplight::store::RedisError;
use lamplight::store::RedisHealth;

const WELL: fn(&RedisHealth) -> bool = |health| *health == RedisHealth::Well;
const REFUSING: fn(&RedisHealth) -> bool = |health| matches!(health, RedisHealth::Refusing(_));

#[test]
fn killed_and_back_empty_it_is_filled_again() {
    let mut server = Server::start();
    block_on(async {
        let mut node = Node::connected(&config(&server.url())).await;
        node.ship(1, &enrolled([1])).await.unwrap();
        assert_eq!(node.count("lamplight_redis_up", None), 1);
        server.kill();
        let why = node.away().await;
        assert!(why.contains("away"), "{why}");
        assert_eq!(node.count("lamplight_redis_up", None), 0);
        assert_eq!(node.redis.load(learner(1)).await, Err(RedisError::Away));
        assert_eq!(
            node.ship(1, &enrolled([1, 2])).await.unwrap_err(),
            RedisError::Away
        );
        assert!(node.count("lamplight_redis_left", Some("unsent")) >= 1);
        server.begin();
        node.behind().await;
        node.wait_health(WELL).await;
        assert_eq!(node.count("lamplight_redis_lost", None), 1);
        assert_eq!(node.load_at_last(1).await, None);
        node.ship_at_last(1, &enrolled([1, 2])).await;
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1, 2])));
    });
}

#[test]
fn stopped_it_makes_nobody_wait_twice_and_goes_on_where_it_was() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        node.ship(1, &enrolled([1])).await.unwrap();
        server.stop();
        // The first may wait for the time limit, or for the look that finds out.
        let first = within("a load of a stopped server", node.redis.load(learner(1))).await;
        assert_eq!(first, Err(RedisError::Away));
        let why = node.away().await;
        assert!(why.contains("away"), "{why}");
        // Known to be away, it is not asked at all.
        let mut now = Box::pin(node.redis.load(learner(1)));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(now.as_mut().poll(cx))).await;
        let polled = matches!(polled, std::task::Poll::Ready(Err(RedisError::Away)));
        assert!(polled || !matches!(node.redis.health(), RedisHealth::Away(_)));
        server.go_on();
        node.wait_health(WELL).await;
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1])));
        // It was the same server with all it had: nothing to be shipped again.
        assert_eq!(node.count("lamplight_redis_lost", None), 0);
    });
}

#[test]
fn what_a_stopped_server_does_late_undoes_nothing() {
    let server = Server::start();
    block_on(async {
        let a = Node::connected(&config(&server.url())).await;
        let b = Node::connected(&config(&server.url())).await;
        a.ship(1, &enrolled([1])).await.unwrap();
        server.stop();
        // This is in the server's socket and will be carried out some time.
        let lost = within(
            "a shipment to a stopped server",
            a.ship(1, &enrolled([1, 2])),
        )
        .await;
        assert_eq!(lost.unwrap_err(), RedisError::Away);
        server.go_on();
        b.ship_at_last(1, &enrolled([1, 3])).await;
        a.ship_at_last(1, &enrolled([1, 2])).await;
        assert_eq!(b.load_at_last(1).await, Some(enrolled([1, 2, 3])));
    });
}

#[test]
fn emptied_while_connected_it_is_filled_again() {
    let server = Server::start();
    block_on(async {
        let mut node = Node::connected(&config(&server.url())).await;
        node.ship(1, &enrolled([1])).await.unwrap();
        server.say(&["FLUSHALL"]);
        node.behind().await;
        assert_eq!(node.count("lamplight_redis_lost", None), 1);
        node.ship_at_last(1, &enrolled([1])).await;
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1])));
    });
}

#[test]
fn full_it_is_still_read_and_written_again_when_there_is_room() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        node.ship(1, &enrolled([1])).await.unwrap();
        server.say(&["CONFIG", "SET", "maxmemory", "1"]);
        let refused = node.ship(2, &enrolled([2])).await.unwrap_err();
        assert_eq!(refused, RedisError::Refused("OOM".to_owned()));
        let health = node.wait_health(REFUSING).await.to_string();
        assert!(health.contains("raise maxmemory"), "{health}");
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1])));
        server.say(&["CONFIG", "SET", "maxmemory", "0"]);
        node.ship_at_last(2, &enrolled([2])).await;
        node.wait_health(WELL).await;
    });
}

#[test]
fn a_read_only_replica_is_read_and_its_promotion_is_noticed() {
    let server = Server::start();
    block_on(async {
        let node = Node::connected(&config(&server.url())).await;
        node.ship(1, &enrolled([1])).await.unwrap();
        // Of a primary that does not answer, so that it keeps what it has.
        server.say(&["REPLICAOF", "127.0.0.1", "1"]);
        let refused = node.ship(2, &enrolled([2])).await.unwrap_err();
        assert_eq!(refused, RedisError::Refused("READONLY".to_owned()));
        let health = node.wait_health(REFUSING).await.to_string();
        assert!(health.contains("read-only replica"), "{health}");
        assert_eq!(node.load_at_last(1).await, Some(enrolled([1])));
        server.say(&["REPLICAOF", "NO", "ONE"]);
        node.ship_at_last(2, &enrolled([2])).await;
        node.wait_health(WELL).await;
    });
}
