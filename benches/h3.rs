//! HTTP/3 and QPACK on one core: what a request costs before and after the service sees it.
//!
//! Method: a field section as current Chromium sends it for a media segment, encoded by the
//! static table and Huffman code as Chromium does against a table of capacity 0.

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use lamplight::h3::Config;
use lamplight::h3::Connection;
use lamplight::h3::Event;
use lamplight::h3::Input;
use lamplight::h3::Line;
use lamplight::h3::Message;
use lamplight::h3::Stream;
use lamplight::h3::encode_data_header;
use lamplight::h3::encode_reply;
use lamplight::h3::encode_request;
use lamplight::http::Body;
use lamplight::http::Fields;
use lamplight::http::Head;
use lamplight::http::Reply;
use lamplight::http::Status;
use std::hint::black_box;

const CHROMIUM: &[(&str, &str)] = &[
    ("sec-ch-ua-platform", "\"Linux\""),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "sec-ch-ua",
        "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\"",
    ),
    ("sec-ch-ua-mobile", "?0"),
    ("accept", "*/*"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("referer", "https://hoc.example.vn/"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7"),
    ("priority", "u=1, i"),
];

fn request(fields: &[(&str, &str)]) -> Bytes {
    let fields = fields
        .iter()
        .fold(Fields::new(), |all, (name, value)| all.with(name, value));
    let target = "/media/ky-nang-so/mat-khau/v720/3f9a1c0de5b74a61/17.m4s";
    let mut wire = Vec::new();
    encode_request("GET", "hoc.example.vn", target, &fields, &mut wire);
    wire.into()
}

fn decode(c: &mut Criterion) {
    let mut server = Connection::server(&Config::default());
    let mut message = Message::new();
    let mut id = 0;
    for (name, wire) in [
        ("request/chromium", request(CHROMIUM)),
        ("request/pseudo only", request(&[])),
    ] {
        c.bench_function(name, |b| {
            b.iter(|| {
                let mut stream = Stream::request(id);
                id += 4;
                let mut input = Input::new(wire.clone(), true);
                let event = server.next(&mut stream, &mut input, &mut message);
                assert_eq!(event, Ok(Some(Event::Head { end: true })));
                black_box(message.request().target.len())
            });
        });
    }
}

fn encode(c: &mut Criterion) {
    let fields = [
        ("content-type", "video/mp4"),
        ("content-length", "1048576"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("etag", "\"3f9a1c0de5b74a61\""),
        ("last-modified", "Mon, 02 Sep 2030 08:00:00 GMT"),
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
        ("accept-ranges", "bytes"),
    ];
    let fields = fields
        .iter()
        .fold(Fields::new(), |all, (name, value)| all.with(name, value));
    let head = Head::new(Status(200), fields.clone());
    let body = Body::slice(Bytes::from_static(&[0; 100]));
    let mut reply = Reply::new(head, body);
    let date = Line::new("date", "Mon, 02 Sep 2030 08:00:01 GMT");
    let mut out = Vec::with_capacity(1024);
    c.bench_function("reply/prepared head", |b| {
        b.iter(|| {
            out.clear();
            encode_reply(black_box(&reply), &date, &mut out);
            out.len()
        });
    });
    reply.extra.push(b"x-request-id", b"9f86d081884c7d65");
    c.bench_function("reply/prepared head and a request id", |b| {
        b.iter(|| {
            out.clear();
            encode_reply(black_box(&reply), &date, &mut out);
            out.len()
        });
    });
    c.bench_function("reply/head encoded anew", |b| {
        b.iter(|| {
            out.clear();
            let reply = Reply::new(Head::new(Status(200), fields.clone()), Body::Empty);
            encode_reply(&reply, &date, &mut out);
            out.len()
        });
    });
}

fn frames(c: &mut Criterion) {
    let mut wire = request(&[]).to_vec();
    for _ in 0..100 {
        encode_data_header(1000, &mut wire);
        wire.extend_from_slice(&[0; 1000]);
    }
    let wire = Bytes::from(wire);
    let mut server = Connection::server(&Config::default());
    let mut message = Message::new();
    c.bench_function("frames/100 DATA frames in datagram-sized chunks", |b| {
        b.iter(|| {
            let mut stream = Stream::request(0);
            let mut content = 0;
            for at in (0..wire.len()).step_by(1200) {
                let chunk = wire.slice(at..(at + 1200).min(wire.len()));
                let mut input = Input::new(chunk, false);
                while let Ok(Some(event)) = server.next(&mut stream, &mut input, &mut message) {
                    if let Event::Data(data) = event {
                        content += data.len();
                    }
                }
            }
            assert_eq!(content, 100_000);
        });
    });
}

criterion_group!(benches, decode, encode, frames);
criterion_main!(benches);
