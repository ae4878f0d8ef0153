//! Servers that are not Redis, or not any more.

use crate::node::Node;
use crate::node::config;
use crate::node::learner;
use lamplight::runtime::block_on;
use lamplight::store::RedisError;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;

/// Answers whatever comes with `answer`, for as long as anybody connects.
fn stranger(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut socket, mut bytes) = (socket, [0; 4096]);
                while let Ok(1..) = socket.read(&mut bytes) {
                    if answer.is_empty() || socket.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[test]
fn whatever_a_stranger_says_it_is_away_and_everything_goes_on() {
    let strangers: [&'static [u8]; 8] = [
        b"-ERR I do not want to\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"$99999999999\r\n",
        b"*-7\r\n:x\r\n",
        b"+OK\r\n",
        b":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n",
        b"\xff\xfe\0\0\r\n\r\n",
        b"",
    ];
    block_on(async {
        for answer in strangers {
            let node = Node::start(&config(&stranger(answer)));
            let why = node.away().await;
            assert!(why.starts_with("away: "), "{why}");
            let loaded = node.redis.load(learner(1)).await;
            assert_eq!(loaded, Err(RedisError::Away), "{answer:?}");
            node.end();
        }
    });
}

#[test]
fn nobody_there_is_told_with_the_place() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    block_on(async {
        let node = Node::start(&config(&format!("redis://127.0.0.1:{port}")));
        let why = node.away().await;
        assert!(why.contains(&format!("127.0.0.1 port {port}")), "{why}");
        node.end();
    });
}
