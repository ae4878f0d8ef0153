//! The rules of a well-formed head (RFC 9114, 4.1.2 to 4.3), line by line.

use crate::base::limits::HEADER_FIELDS_MAX;
use crate::h3::field;
use crate::h3::field::Kind;
use crate::h3::qpack::Line;
use crate::h3::reject::Reject;
use crate::http::Fields;
use crate::http::Method;
use crate::http::Priority;
use crate::http::Status;

/// A head under construction, and then as it was decoded.
#[derive(Debug)]
pub(crate) struct Head {
    section: Section,
    /// A set of the [`Kind`]s seen that may come only once.
    seen: u16,
    /// Bytes so far as RFC 9114, 4.2.2 counts them, and lines.
    pub(crate) bytes: usize,
    lines: usize,
    bytes_max: usize,
    pub(crate) method: Method,
    connect: bool,
    pub(crate) authority: String,
    pub(crate) target: String,
    pub(crate) status: Status,
    pub(crate) fields: Fields,
    cookie: Vec<u8>,
    pub(crate) priority: Priority,
    pub(crate) content_length: Option<u64>,
}

/// What a field section is part of; decides what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// The head of a request.
    Request,
    /// The head of a reply.
    Response,
    /// Trailers of either; checked, not kept.
    Trailers,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            section: Section::Trailers,
            seen: 0,
            bytes: 0,
            lines: 0,
            bytes_max: 0,
            method: Method::Other,
            connect: false,
            authority: String::new(),
            target: String::new(),
            status: Status(0),
            fields: Fields::new(),
            cookie: Vec::new(),
            priority: Priority::default(),
            content_length: None,
        }
    }
}

impl Head {
    /// Forgets the last head and keeps the memory; at most `bytes_max` bytes (RFC 9114, 4.2.2)
    /// are taken.
    pub(crate) fn clear(&mut self, section: Section, bytes_max: usize) {
        self.section = section;
        self.bytes_max = bytes_max;
        (self.seen, self.bytes, self.lines) = (0, 0, 0);
        (self.method, self.connect) = (Method::Other, false);
        self.authority.clear();
        self.target.clear();
        self.status = Status(0);
        self.fields.clear();
        self.cookie.clear();
        self.priority = Priority::default();
        self.content_length = None;
    }

    /// Takes the next line.
    pub(crate) fn accept(&mut self, line: &Line<'_>) -> Result<(), Reject> {
        let kind = Kind::of(line);
        self.bytes += line.name.len() + line.value.len() + LINE_OVERHEAD;
        self.lines += 1;
        if self.bytes > self.bytes_max || self.lines > HEADER_FIELDS_MAX {
            return Err(Reject::TooLarge);
        }
        if kind.is_pseudo() {
            return self.accept_pseudo(kind, line.value);
        }
        if line.index.is_none() && !field::is_lowercase_token(line.name) {
            return malformed("a field name is not a lowercase token");
        }
        if !line.known_value && !field::is_field_content(line.value) {
            return malformed("a field value holds a control character");
        }
        self.see(Kind::Plain);
        // White space around a value is no part of it (RFC 9110, 5.5).
        self.accept_field(kind, line.name, line.value.trim_ascii())
    }

    fn accept_field(&mut self, kind: Kind, name: &[u8], value: &[u8]) -> Result<(), Reject> {
        match kind {
            Kind::Forbidden => return malformed("a connection-specific field"),
            Kind::Te if !value.eq_ignore_ascii_case(b"trailers") => {
                return malformed("te holds something else than trailers");
            }
            Kind::ContentLength => self.accept_content_length(value)?,
            _ if self.section == Section::Trailers => return Ok(()),
            Kind::Cookie => {
                if !self.cookie.is_empty() {
                    self.cookie.extend_from_slice(b"; ");
                }
                self.cookie.extend_from_slice(value);
                return Ok(());
            }
            Kind::Host if self.section == Section::Request => self.accept_host(value)?,
            Kind::Priority => self.priority = Priority::parse(value),
            Kind::Te | Kind::Host | Kind::Plain => {}
            Kind::Method
            | Kind::Scheme
            | Kind::Authority
            | Kind::Path
            | Kind::Status
            | Kind::UnknownPseudo => return malformed("a pseudo-header field among fields"),
        }
        self.fields.push(name, value);
        Ok(())
    }

    fn accept_pseudo(&mut self, kind: Kind, value: &[u8]) -> Result<(), Reject> {
        if self.has(Kind::Plain) {
            return malformed("a pseudo-header field after a regular field");
        }
        if self.has(kind) {
            return malformed("a pseudo-header field comes twice");
        }
        self.see(kind);
        match (self.section, kind) {
            (Section::Request, Kind::Method) => self.accept_method(value),
            (Section::Request, Kind::Scheme) if field::is_scheme(value) => Ok(()),
            (Section::Request, Kind::Authority) if field::is_authority(value) => {
                put(&mut self.authority, value)
            }
            (Section::Request, Kind::Path) if field::is_path(value) || value == b"*" => {
                put(&mut self.target, value)
            }
            (Section::Response, Kind::Status) => self.accept_status(value),
            (Section::Request, Kind::Scheme | Kind::Authority | Kind::Path) => {
                malformed("the value of a pseudo-header field is not well-formed")
            }
            _ => malformed("a pseudo-header field that is not defined here"),
        }
    }

    fn accept_method(&mut self, value: &[u8]) -> Result<(), Reject> {
        self.method = Method::parse(value);
        self.connect = value == b"CONNECT";
        if self.method == Method::Other && !field::is_token(value) {
            return malformed("the method is not a token");
        }
        Ok(())
    }

    fn accept_status(&mut self, value: &[u8]) -> Result<(), Reject> {
        let number = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
        match number {
            // HTTP/3 has no 101 (RFC 9114, 4.5).
            Some(status @ (100 | 102..=599)) if value.len() == 3 => self.status = Status(status),
            _ => return malformed("the status is not a number from 100 to 599, or is 101"),
        }
        Ok(())
    }

    fn accept_content_length(&mut self, value: &[u8]) -> Result<(), Reject> {
        let digits = value.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(value).ok().filter(|_| digits);
        let length = text.and_then(|v| v.parse().ok());
        if length.is_none() || self.content_length.is_some_and(|l| Some(l) != length) {
            return malformed("content-length is not one number");
        }
        if self.section != Section::Trailers {
            self.content_length = length;
        }
        Ok(())
    }

    fn accept_host(&mut self, value: &[u8]) -> Result<(), Reject> {
        if !field::is_authority(value) {
            return malformed("host is not a host and port");
        }
        if self.authority.is_empty() {
            return put(&mut self.authority, value);
        }
        if !value.eq_ignore_ascii_case(self.authority.as_bytes()) {
            return malformed("host and :authority differ");
        }
        Ok(())
    }

    /// Checks what only the whole section shows.
    pub(crate) fn finish(&mut self) -> Result<(), Reject> {
        if !self.cookie.is_empty() {
            self.fields.push(b"cookie", &self.cookie);
        }
        match self.section {
            Section::Trailers => Ok(()),
            Section::Response if self.has(Kind::Status) => Ok(()),
            Section::Response => malformed("a reply without :status"),
            Section::Request => self.finish_request(),
        }
    }

    fn finish_request(&mut self) -> Result<(), Reject> {
        let places = (self.has(Kind::Scheme), self.has(Kind::Path));
        if !self.has(Kind::Method) {
            return malformed("a request without :method");
        }
        if self.connect {
            put(&mut self.target, b"*")?;
            // RFC 9114, 4.4.
            return match places {
                (false, false) if self.has(Kind::Authority) => Ok(()),
                _ => malformed("CONNECT has :authority and neither :scheme nor :path"),
            };
        }
        if places != (true, true) {
            return malformed("a request without :scheme or :path");
        }
        if self.authority.is_empty() {
            return malformed("a request without :authority or host");
        }
        if self.target == "*" && self.method != Method::Options {
            return malformed("the target * belongs to OPTIONS");
        }
        Ok(())
    }

    const fn see(&mut self, kind: Kind) {
        self.seen |= 1 << kind as u16;
    }

    const fn has(&self, kind: Kind) -> bool {
        self.seen & (1 << kind as u16) != 0
    }
}

/// Replaces `place` by `value`, which was checked to be ASCII.
fn put(place: &mut String, value: &[u8]) -> Result<(), Reject> {
    let Ok(text) = std::str::from_utf8(value) else {
        return malformed("a pseudo-header field is not ASCII");
    };
    place.clear();
    place.push_str(text);
    Ok(())
}

const fn malformed<T>(reason: &'static str) -> Result<T, Reject> {
    Err(Reject::Malformed(reason))
}

/// What RFC 9114, 4.2.2 adds to each line's name and value.
const LINE_OVERHEAD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h3::Message;
    use crate::h3::qpack;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    const GET: [(&str, &str); 4] = [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "a.example"),
        (":path", "/x?y"),
    ];

    fn decode(section: Section, lines: Pairs<'_>) -> Result<Message, Reject> {
        let mut encoded = qpack::PREFIX.to_vec();
        for (name, value) in lines {
            qpack::encode_line(name.as_bytes(), value.as_bytes(), &mut encoded);
        }
        let mut message = Message::new();
        message.decode(&encoded, section, 1000)?;
        Ok(message)
    }

    /// GET with some fields behind it.
    fn get(fields: Pairs<'_>) -> Result<Message, Reject> {
        decode(Section::Request, &[&GET[..], fields].concat())
    }

    /// GET with one line left out and others put first.
    fn without(name: &str, lines: Pairs<'_>) -> Result<Message, Reject> {
        let kept = GET.iter().filter(|(n, _)| *n != name).copied();
        let all: Vec<_> = lines.iter().copied().chain(kept).collect();
        decode(Section::Request, &all)
    }

    #[test]
    fn a_request_is_understood_and_leaves_nothing_for_the_next() {
        let fields = [
            ("priority", "u=1"),
            ("cookie", "a=1"),
            ("content-length", "7"),
        ];
        let mut message =
            get(&[&fields[..], &[("accept", " */* "), ("cookie", "b=2")]].concat()).unwrap();
        let head = message.request();
        assert_eq!(
            (head.method, head.authority, head.target),
            (Method::Get, "a.example", "/x?y")
        );
        assert_eq!(
            head.fields.get_str("cookie"),
            Some("a=1; b=2"),
            "crumbs become one field"
        );
        assert_eq!(
            head.fields.get_str("accept"),
            Some("*/*"),
            "outer space is no part of it"
        );
        assert_eq!(
            (message.priority().urgency, message.content_length()),
            (1, Some(7))
        );
        let again = [0, 0, 0xc0 | 19, 0xc0 | 23, 0x50, 1, b'b', 0x51, 1, b'*'];
        message.decode(&again, Section::Request, 1000).unwrap();
        let head = message.request();
        assert_eq!(
            (head.method, head.authority, head.target),
            (Method::Options, "b", "*")
        );
        assert!(head.fields.is_empty());
        assert_eq!(
            (message.priority(), message.content_length()),
            (Priority::default(), None)
        );
    }

    #[test]
    fn unusual_but_well_formed_requests_pass() {
        assert_eq!(without(":authority", &[]).unwrap_err(), missing_authority());
        let lines = [
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/"),
            ("host", "h:1"),
        ];
        let by_host = decode(Section::Request, &lines).unwrap();
        assert_eq!(by_host.request().authority, "h:1");
        assert!(get(&[("host", "A.example"), ("te", "trailers")]).is_ok());
        assert!(get(&[("content-length", "3"), ("content-length", "3")]).is_ok());
        let connect = [(":method", "CONNECT"), (":authority", "a.example:443")];
        let connect = decode(Section::Request, &connect).unwrap();
        assert_eq!(
            (connect.request().method, connect.request().target),
            (Method::Other, "*")
        );
    }

    fn missing_authority() -> Reject {
        Reject::Malformed("a request without :authority or host")
    }

    #[test]
    fn malformed_fields_are_told_from_good_ones() {
        for fields in [
            [("Accept", "x")],
            [("a b", "x")],
            [("", "x")],
            [("x\0", "y")],
            [("x", "a\rb")],
            [("x", "a\nb")],
            [("x", "a\0b")],
            [("x", "\x7f")],
            [("connection", "close")],
            [("keep-alive", "1")],
            [("proxy-connection", "x")],
            [("transfer-encoding", "chunked")],
            [("upgrade", "h2c")],
            [("te", "gzip")],
            [("te", "trailers, gzip")],
            [("content-length", "-1")],
            [("content-length", "+1")],
            [("content-length", "")],
            [("content-length", "1, 1")],
            [("content-length", "99999999999999999999")],
            [("host", "b.example")],
            [("host", "a@b")],
            [(":late", "x")],
            [(":path", "/again")],
        ] {
            assert!(
                matches!(get(&fields), Err(Reject::Malformed(_))),
                "{fields:?}"
            );
        }
        let lengths = [("content-length", "3"), ("content-length", "4")];
        assert!(get(&lengths).is_err());
        assert!(
            get(&[("x", "1"), (":authority", "a")]).is_err(),
            "late pseudo-header field"
        );
    }

    #[test]
    fn malformed_pseudo_header_fields_are_told_from_good_ones() {
        for (missing, lines) in [
            (":method", &[][..]),
            (":scheme", &[]),
            (":path", &[]),
            (":method", &[(":method", "GE T")]),
            (":method", &[(":method", "")]),
            (":method", &[(":method", "CONNECT")]),
            (":scheme", &[(":scheme", "ht tp")]),
            (":path", &[(":path", "")]),
            (":path", &[(":path", "x")]),
            (":path", &[(":path", "*")]),
            (":path", &[(":path", "/a b")]),
            (":path", &[(":path", "/a#b")]),
            (":path", &[(":path", "/\r\n")]),
            (":path", &[(":path", "/\u{e9}")]),
            (":authority", &[(":authority", "")]),
            (":authority", &[(":authority", "u@a")]),
            ("", &[(":status", "200")]),
            ("", &[(":protocol", "websocket")]),
            ("", &[(":method", "GET")]),
            ("", &[(":", "GET")]),
        ] {
            assert!(
                matches!(without(missing, lines), Err(Reject::Malformed(_))),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn malformed_replies_and_trailers_are_told_from_good_ones() {
        let reply = |lines| decode(Section::Response, lines);
        assert_eq!(
            reply(&[(":status", "204"), ("x", "y")]).unwrap().status(),
            Status(204)
        );
        for wrong in ["101", "099", "20", "2000", "600", "abc", "+20", ""] {
            assert!(
                decode(Section::Response, &[(":status", wrong)]).is_err(),
                "{wrong}"
            );
        }
        assert!(reply(&[]).is_err() && reply(&[(":method", "GET")]).is_err());
        assert!(reply(&[(":status", "200"), (":status", "200")]).is_err());
        let trailers = |lines| decode(Section::Trailers, lines);
        assert!(
            trailers(&[("x", "y"), ("cookie", "c")])
                .unwrap()
                .fields()
                .is_empty()
        );
        for wrong in [
            (":status", "200"),
            (":path", "/"),
            ("X", "y"),
            ("connection", "x"),
        ] {
            assert!(decode(Section::Trailers, &[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_section_over_the_bound_is_too_large_not_broken() {
        let value = "v".repeat(1000);
        assert_eq!(get(&[("x", &value)]).unwrap_err(), Reject::TooLarge);
        let mut encoded = qpack::PREFIX.to_vec();
        encoded.extend([0xc0 | 29; HEADER_FIELDS_MAX + 1]);
        let mut message = Message::new();
        let decoded = message.decode(&encoded, Section::Trailers, usize::MAX);
        assert_eq!(decoded, Err(Reject::TooLarge));
        encoded.pop();
        assert_eq!(
            message.decode(&encoded, Section::Trailers, usize::MAX),
            Ok(())
        );
    }
}
