//! A client and a server joined by in-memory streams.

use super::*;
use crate::h3::Line;
use crate::h3::encode_reply;
use crate::h3::encode_request;
use crate::http::Body;
use crate::http::Fields;
use crate::http::Head;
use crate::http::Method;
use crate::http::Reply;
use crate::http::Status;
use proptest::prelude::*;

/// Both ends after their preambles crossed.
struct Pair {
    client: Connection,
    server: Connection,
    message: Message,
    next_stream: u64,
    /// Bytes of each chunk on the way.
    chunk: usize,
}

impl Pair {
    fn new(chunk: usize) -> Self {
        let (mut client, mut server) = (client(), server());
        let (mut up, mut down) = (Vec::new(), Vec::new());
        client.preamble(1, &mut up);
        server.preamble(2, &mut down);
        for chunk in up.chunks(chunk) {
            control(&mut server, 2, chunk).unwrap();
        }
        for chunk in down.chunks(chunk) {
            control(&mut client, 3, chunk).unwrap();
        }
        Self {
            client,
            server,
            message: Message::new(),
            next_stream: 0,
            chunk,
        }
    }

    /// Sends a request, lets `answer` see it, and returns what the client saw.
    fn exchange(
        &mut self,
        method: &str,
        fields: &Fields,
        answer: impl FnOnce(&Message) -> Reply,
    ) -> Seen {
        let id = self.next_stream;
        self.next_stream += 4;
        let mut wire = Vec::new();
        encode_request(method, "a.example", "/lesson?n=1", fields, &mut wire);
        let chunks: Vec<_> = wire.chunks(self.chunk).collect();
        let mut up = Stream::request(id);
        let seen = feed(&mut self.server, &mut up, &chunks, &mut self.message);
        assert_eq!((seen.events, seen.fault), (vec!["head", "end"], None));
        let reply = answer(&self.message);
        let date = Line::new("date", "Mon, 02 Sep 2030 08:00:00 GMT");
        wire.clear();
        encode_reply(&reply, &date, &mut wire);
        if let Body::Slices(slices) = &reply.body {
            slices.iter().for_each(|s| wire.extend_from_slice(s));
        }
        let chunks: Vec<_> = wire.chunks(self.chunk).collect();
        let mut down = Stream::response(id, Method::parse(method.as_bytes()));
        feed(&mut self.client, &mut down, &chunks, &mut self.message)
    }
}

#[test]
fn replies_reach_the_client_byte_for_byte_whatever_the_chunks() {
    let body = Bytes::from(
        (0..100_000_u32)
            .map(|n| n.to_le_bytes()[0])
            .collect::<Vec<_>>(),
    );
    let fields = Fields::new().with("content-type", "video/mp4");
    let head = Head::new(Status(200), fields.with("content-length", "100000"));
    for chunk in [1, 7, 1200, 1 << 20] {
        let mut pair = Pair::new(chunk);
        for (method, content) in [("GET", &body[..]), ("HEAD", b""), ("GET", &body)] {
            let seen = pair.exchange(method, &Fields::new(), |message| {
                assert_eq!(message.request().target, "/lesson?n=1");
                let body = Bytes::copy_from_slice(content);
                Reply::new(head.clone(), Body::slice(body))
            });
            assert_eq!((seen.events, seen.fault), (vec!["head", "end"], None));
            assert_eq!(seen.content, content);
            assert_eq!(pair.message.status(), Status(200));
            let date = pair.message.fields().get_str("date");
            assert_eq!(date, Some("Mon, 02 Sep 2030 08:00:00 GMT"));
        }
    }
}

proptest! {
    #[test]
    fn any_fields_survive_both_ways(
        pairs in prop::collection::vec(("x-[a-z0-9!#$*.-]{0,20}", "([ -~]|\t|é){0,60}"), 0..20),
        chunk in 1_usize..50,
    ) {
        let mut fields = Fields::new();
        for (name, value) in &pairs {
            fields.push(name.as_bytes(), value.trim_ascii().as_bytes());
        }
        let mut pair = Pair::new(chunk);
        let seen = pair.exchange("GET", &fields, |message| {
            assert_eq!(message.fields(), &fields);
            Reply::new(Head::new(Status(200), fields.clone()), Body::Empty)
        });
        prop_assert_eq!(seen.events, ["head", "end"]);
        let got: Vec<_> = pair.message.fields().iter().collect();
        prop_assert_eq!(&got[..fields.len()], &fields.iter().collect::<Vec<_>>()[..]);
    }
}
