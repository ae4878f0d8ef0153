//! Whose bytes go first.

use super::*;
use lamplight::http::Priority;
use lamplight::quic::client::ConnId;
use lamplight::quic::client::StreamId;

/// Asks for `target` with a priority field; the stream.
fn ask(client: &mut Client, conn: ConnId, target: &str, priority: &str) -> StreamId {
    let fields = Fields::new().with("priority", priority);
    let request = Request {
        method: "GET",
        authority: "localhost",
        target,
        fields: &fields,
        body: Bytes::new(),
    };
    client.request(conn, &request).unwrap()
}

/// Asks for `each` bytes twice with these priorities in one flight; how much of the other reply was
/// there when the first one was whole, and which one that was.
fn race(server: &Server, priorities: [&str; 2], each: usize) -> (usize, usize) {
    let mut client = OwnClient::new(server);
    let target = format!("/bytes/{each}");
    let conn = client.conn;
    let streams = priorities.map(|priority| ask(&mut client.client, conn, &target, priority));
    let mut received = [0; 2];
    loop {
        match support::next(&mut client.client) {
            Event::Body { stream, bytes, .. } => {
                received[usize::from(stream == streams[1])] += bytes.len();
            }
            Event::Done { stream, .. } => {
                let first = usize::from(stream == streams[1]);
                return (first, received[1 - first]);
            }
            Event::Head { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}

#[test]
fn replies_are_ordered_by_priority() {
    const EACH: usize = 4_000_000;
    let server = Server::start(Options::default());
    let (first, other) = race(&server, ["u=5", "u=1"], EACH);
    assert!(
        first == 1 && other < EACH / 4,
        "urgent overtakes: {first}, {other}"
    );
    let (first, other) = race(&server, ["u=3", "u=3"], EACH);
    assert!(
        first == 0 && other < EACH / 4,
        "one after the other: {first}, {other}"
    );
    let (_, other) = race(&server, ["u=3, i", "u=3, i"], EACH);
    assert!(other > EACH / 4 * 3, "incremental ones take turns: {other}");
}

#[test]
fn an_update_moves_a_reply_that_is_on_its_way() {
    const EACH: usize = 8_000_000;
    let server = Server::start(Options::default());
    let mut client = OwnClient::new(&server);
    let conn = client.conn;
    let target = format!("/bytes/{EACH}");
    let [first, second] = ["u=3", "u=4"].map(|p| ask(&mut client.client, conn, &target, p));
    let mut moved = false;
    let mut received = 0;
    loop {
        match support::next(&mut client.client) {
            // Far more is left of both than the server hands to the transport ahead.
            Event::Body { stream, .. } if stream == first && !moved => {
                let urgent = Priority {
                    urgency: 0,
                    incremental: false,
                };
                client.client.reprioritise(conn, second, urgent);
                moved = true;
            }
            Event::Body { stream, bytes, .. } if stream == first => received += bytes.len(),
            Event::Done { stream, .. } => {
                assert_eq!(stream, second, "what became urgent is whole first");
                break;
            }
            Event::Body { .. } | Event::Head { .. } => {}
            event => panic!("{event:?}"),
        }
    }
    assert!(received < EACH / 2, "{received} bytes of what could wait");
    assert_eq!(
        support::collect(&mut client.client, first).unwrap().status,
        0
    );
}

/// Told by what comes in which order, not by the time it takes.
#[test]
fn many_downloads_do_not_starve_a_neighbour() {
    const BULK: usize = 12;
    let server = Server::start(Options::default());
    let config = own_config(KeyExchange::Classic, Resume::Never);
    let mut client = Client::new(config).unwrap();
    let connect = |client: &mut Client| support::connect(client, server.address).0;
    let bulk: Vec<_> = (0..BULK).map(|_| connect(&mut client)).collect();
    for conn in bulk {
        ask(&mut client, conn, "/bytes/10000000", "u=3");
    }
    // The neighbour's handshake happens among the downloads already.
    let neighbour = client.connect(runtime::now(), server.address, "localhost");
    let neighbour = neighbour.unwrap();
    let (mut left, mut waits) = (5, None);
    let mut connected = false;
    while left > 0 {
        if connected && waits.is_none() {
            waits = Some(ask(&mut client, neighbour, "/hello", "u=3"));
        }
        match support::next(&mut client) {
            Event::Connected { conn, .. } => connected |= conn == neighbour,
            Event::Done { conn, stream } if conn == neighbour => {
                assert_eq!(Some(stream), waits.take());
                left -= 1;
            }
            Event::Done { .. } => panic!("a download overtook {left} small requests"),
            Event::Body { .. } | Event::Head { .. } | Event::StreamsAvailable { .. } => {}
            event => panic!("{event:?}"),
        }
    }
}
