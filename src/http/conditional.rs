//! Conditional requests (RFC 9110, 13): whether the client already has what it asks for.

use crate::http::EntityTag;
use crate::http::Fields;
use crate::http::HttpDate;

/// What identifies the representation that a plain GET would send.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'a> {
    /// Its entity tag.
    pub etag: &'a EntityTag,
    /// When it last changed, if that is known.
    pub modified: Option<HttpDate>,
}

/// What the conditions of a GET or HEAD decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// The fields that shape the reply to a GET, found in one pass over the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `accept-encoding`; the last line if there are several.
    pub accept_encoding: Option<&'a [u8]>,
    /// Lines of `accept-encoding`; several are one list (RFC 9110, 5.3).
    pub accept_encoding_lines: u32,
    /// `range`.
    pub range: Option<&'a [u8]>,
    /// `origin`.
    pub origin: Option<&'a [u8]>,
    if_range: Option<&'a [u8]>,
    if_modified_since: Option<&'a [u8]>,
    if_unmodified_since: Option<&'a [u8]>,
    if_match: bool,
    if_none_match: bool,
}

impl<'a> Asked<'a> {
    /// Looks at every field once.
    pub fn of(fields: &'a Fields) -> Self {
        let mut asked = Self::default();
        for (name, value) in fields.iter() {
            // By length first: hardly any field of a request gets to a comparison of bytes.
            match name.len() {
                5 if name == b"range" => asked.range = Some(value),
                6 if name == b"origin" => asked.origin = Some(value),
                8 if name == b"if-range" => asked.if_range = Some(value),
                8 if name == b"if-match" => asked.if_match = true,
                13 if name == b"if-none-match" => asked.if_none_match = true,
                15 if name == b"accept-encoding" => {
                    asked.accept_encoding_lines += 1;
                    asked.accept_encoding = Some(value);
                }
                17 if name == b"if-modified-since" => asked.if_modified_since = Some(value),
                19 if name == b"if-unmodified-since" => asked.if_unmodified_since = Some(value),
                _ => {}
            }
        }
        asked
    }

    /// Evaluates the preconditions of a GET or HEAD in the order of RFC 9110, 13.2.2. `fields` are
    /// those that `self` was made from: tag lists may span several lines.
    pub fn verdict(&self, fields: &Fields, have: &Validators<'_>) -> Verdict {
        if self.if_match {
            let mut lists = fields.get_all("if-match");
            if !lists.any(|list| have.etag.is_in_strong(list)) {
                return Verdict::Failed;
            }
        } else if let (Some(since), Some(modified)) = (self.if_unmodified_since, have.modified)
            && HttpDate::parse(since).is_some_and(|since| modified > since)
        {
            return Verdict::Failed;
        }
        if self.if_none_match {
            let mut lists = fields.get_all("if-none-match");
            if lists.any(|list| have.etag.is_in_weak(list)) {
                return Verdict::NotModified;
            }
        } else if let (Some(since), Some(modified)) = (self.if_modified_since, have.modified)
            && HttpDate::parse(since).is_some_and(|since| modified <= since)
        {
            return Verdict::NotModified;
        }
        Verdict::Proceed
    }

    /// The `Range` to honour: none when `If-Range` names another representation, so that a client
    /// never joins parts of two (RFC 9110, 13.1.5: strong comparison, exact date).
    pub fn effective_range(&self, have: &Validators<'_>) -> Option<&'a [u8]> {
        let range = self.range?;
        let Some(condition) = self.if_range else {
            return Some(range);
        };
        let same = if condition.starts_with(b"\"") {
            condition == have.etag.as_bytes()
        } else {
            let date = HttpDate::parse(condition);
            date.is_some() && date == have.modified
        };
        same.then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn verdict(fields: &Fields) -> Verdict {
        let etag = EntityTag::new("a", None);
        let have = Validators {
            etag: &etag,
            modified: HttpDate::parse(DATE.as_bytes()),
        };
        Asked::of(fields).verdict(fields, &have)
    }

    fn range(fields: &Fields) -> bool {
        let etag = EntityTag::new("a", None);
        let have = Validators {
            etag: &etag,
            modified: HttpDate::parse(DATE.as_bytes()),
        };
        Asked::of(fields).effective_range(&have).is_some()
    }

    #[test]
    fn a_tag_decides_before_a_date() {
        let both = |tag: &str, date: &str| {
            verdict(
                &Fields::new()
                    .with("if-none-match", tag)
                    .with("if-modified-since", date),
            )
        };
        assert_eq!(both("\"b\"", DATE), Verdict::Proceed);
        assert_eq!(both("\"a\"", EARLIER), Verdict::NotModified);
        let fields = Fields::new().with("if-match", "\"a\"");
        assert_eq!(
            verdict(&fields.with("if-unmodified-since", EARLIER)),
            Verdict::Proceed
        );
    }

    #[test]
    fn dates_alone_decide_to_the_second() {
        let since = |date: &str| verdict(&Fields::new().with("if-modified-since", date));
        assert_eq!(since(DATE), Verdict::NotModified);
        assert_eq!(since(EARLIER), Verdict::Proceed);
        assert_eq!(since("yesterday"), Verdict::Proceed);
        let until = |date: &str| verdict(&Fields::new().with("if-unmodified-since", date));
        assert_eq!(until(DATE), Verdict::Proceed);
        assert_eq!(until(EARLIER), Verdict::Failed);
        assert_eq!(until("never"), Verdict::Proceed);
    }

    #[test]
    fn a_changed_representation_fails_if_match_even_beside_if_none_match() {
        assert_eq!(
            verdict(&Fields::new().with("if-match", "\"b\", \"c\"")),
            Verdict::Failed
        );
        assert_eq!(
            verdict(&Fields::new().with("if-match", "W/\"a\"")),
            Verdict::Failed
        );
        assert_eq!(
            verdict(&Fields::new().with("if-match", "*")),
            Verdict::Proceed
        );
        let fields = Fields::new()
            .with("if-match", "\"b\"")
            .with("if-none-match", "\"a\"");
        assert_eq!(verdict(&fields), Verdict::Failed);
    }

    #[test]
    fn a_tag_list_over_two_lines_is_one_list() {
        let fields = Fields::new().with("if-none-match", "\"b\"");
        assert_eq!(
            verdict(&fields.with("if-none-match", "\"a\"")),
            Verdict::NotModified
        );
    }

    #[test]
    fn parts_of_two_representations_are_never_joined() {
        let asked = |condition: &str| {
            range(
                &Fields::new()
                    .with("range", "bytes=0-1")
                    .with("if-range", condition),
            )
        };
        assert!(range(&Fields::new().with("range", "bytes=0-1")));
        assert!(asked("\"a\"") && asked(DATE));
        for other in ["\"b\"", "W/\"a\"", EARLIER, "junk", ""] {
            assert!(!asked(other), "{other}");
        }
    }
}
