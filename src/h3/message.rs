//! The scratch into which heads are decoded, and the rules of a well-formed message
//! (RFC 9114, 4.1.2 to 4.3).

use crate::base::limits::HEADER_FIELDS_MAX;
use crate::h3::Code;
use crate::h3::Fault;
use crate::h3::field;
use crate::h3::field::Kind;
use crate::h3::qpack;
use crate::h3::qpack::Broken;
use crate::h3::qpack::Line;
use crate::h3::qpack::Scratch;
use crate::http::Fields;
use crate::http::Method;
use crate::http::Priority;
use crate::http::RequestHead;
use crate::http::Status;
use crate::http::Version;

/// The head of the message that was decoded last; keeps its memory for the next one.
///
/// One scratch serves all streams of a worker. A driver that needs a head after the next call of
/// [`Connection::next`](crate::h3::Connection::next), because the content is still to come, takes
/// the whole scratch with `mem::take` and keeps it with the stream.
#[derive(Debug, Default)]
pub struct Message {
    head: Head,
    scratch: Scratch,
}

#[derive(Debug)]
struct Head {
    section: Section,
    /// A set of the [`Kind`]s seen that may come only once.
    seen: u16,
    /// Bytes so far as RFC 9114, 4.2.2 counts them, and lines.
    bytes: usize,
    lines: usize,
    bytes_max: usize,
    method: Method,
    connect: bool,
    authority: String,
    target: String,
    status: Status,
    fields: Fields,
    cookie: Vec<u8>,
    priority: Priority,
    content_length: Option<u64>,
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

/// Why a field section is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reject {
    /// QPACK is broken: the connection ends.
    Broken(&'static str),
    /// The message is malformed: the stream ends.
    Malformed(&'static str),
    /// Over the bound of bytes or lines: 431.
    TooLarge,
}

impl From<Broken> for Reject {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.0)
    }
}

impl Reject {
    /// The fault to report, unless the section is only too large.
    pub(crate) const fn fault(self) -> Option<Fault> {
        match self {
            Self::Broken(reason) => {
                let code = Code::QpackDecompressionFailed;
                Some(Fault::Connection { code, reason })
            }
            Self::Malformed(reason) => Some(Fault::malformed(reason)),
            Self::TooLarge => None,
        }
    }
}

impl Message {
    /// An empty scratch, without an allocation.
    pub fn new() -> Self {
        Self::default()
    }

    /// The request (server role). Several `cookie` lines have become one (RFC 9114, 4.2.1).
    /// For CONNECT, which has no target, the target is `*`.
    pub fn request(&self) -> RequestHead<'_> {
        RequestHead {
            version: Version::Http3,
            method: self.head.method,
            authority: &self.head.authority,
            target: &self.head.target,
            fields: &self.head.fields,
        }
    }

    /// The status (client role).
    pub const fn status(&self) -> Status {
        self.head.status
    }

    /// The fields, without pseudo-header fields.
    pub const fn fields(&self) -> &Fields {
        &self.head.fields
    }

    /// The priority: PRIORITY_UPDATE if one overtook the request, else the `priority` field, else
    /// the default (RFC 9218, 7).
    pub const fn priority(&self) -> Priority {
        self.head.priority
    }

    /// `content-length`, if there is one.
    pub const fn content_length(&self) -> Option<u64> {
        self.head.content_length
    }

    pub(crate) const fn set_priority(&mut self, priority: Priority) {
        self.head.priority = priority;
    }

    /// Decodes an encoded field section of at most `bytes_max` bytes (RFC 9114, 4.2.2) and checks
    /// everything that can be checked without the content.
    pub(crate) fn decode(
        &mut self,
        encoded: &[u8],
        section: Section,
        bytes_max: usize,
    ) -> Result<(), Reject> {
        let head = &mut self.head;
        head.clear(section, bytes_max);
        qpack::decode(encoded, &mut self.scratch, |line| head.accept(&line))?;
        head.finish()
    }
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
    fn clear(&mut self, section: Section, bytes_max: usize) {
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

    fn accept(&mut self, line: &Line<'_>) -> Result<(), Reject> {
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

    fn finish(&mut self) -> Result<(), Reject> {
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
