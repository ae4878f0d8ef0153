//! Reading the content of requests: strict JSON, and members that say by name what is wrong.

use crate::base::json;
use crate::base::json::Fault;
use crate::http::Fields;
use crate::http::Problem;
use crate::http::ProblemKind;
use serde_json::Map;
use serde_json::Value;
use std::fmt;

/// The members of a request's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Content(Map<String, Value>);

/// One object of it. Members that nobody asks for are ignored, so that newer clients may send more
/// than this version knows; `null` is the same as leaving a member out.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    members: &'a Map<String, Value>,
    place: Place<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Whole,
    Entry(&'a str, usize),
}

/// Why content is not what a call takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Not JSON, or coded: 415.
    #[error("{0}")]
    Form(&'static str),
    /// Not one JSON object.
    #[error("the content cannot be read as JSON: {0}")]
    Json(#[from] Fault),
    /// A member is missing or of another kind.
    #[error("`{member}` must be {wanted}")]
    Member {
        /// Which, e.g. `beats[3].from_ms`.
        member: String,
        /// What it should be.
        wanted: String,
    },
}

impl Content {
    /// Reads content that came with these fields.
    ///
    /// # Errors
    /// [`ContentError::Form`] and [`ContentError::Json`].
    pub fn read(fields: &Fields, bytes: &[u8]) -> Result<Self, ContentError> {
        let media_type = fields.get_str("content-type").unwrap_or_default();
        if !is_json(media_type) {
            return Err(ContentError::Form("`content-type` is not application/json"));
        }
        let coding = fields.get_str("content-encoding").unwrap_or("identity");
        if !coding.trim().eq_ignore_ascii_case("identity") {
            return Err(ContentError::Form("the content is coded; send it plain"));
        }
        Ok(Self(json::object(bytes)?))
    }

    /// Its members.
    pub const fn object(&self) -> Object<'_> {
        Object {
            members: &self.0,
            place: Place::Whole,
        }
    }
}

impl<'a> Object<'a> {
    /// All members, those that are `null` too.
    pub const fn members(&self) -> &'a Map<String, Value> {
        self.members
    }

    /// A member, whatever it is.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// What is wrong with a member.
    pub fn wrong(&self, name: &str, wanted: impl Into<String>) -> ContentError {
        ContentError::Member {
            member: format!("{}{name}", self.place),
            wanted: wanted.into(),
        }
    }

    /// A text that `parse` understands.
    ///
    /// # Errors
    /// [`ContentError::Member`] if it is missing, no text, or not understood.
    pub fn parsed<T>(
        &self,
        name: &str,
        wanted: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, ContentError> {
        let text = self.value(name).and_then(Value::as_str);
        text.and_then(parse).ok_or_else(|| self.wrong(name, wanted))
    }

    /// The same of a member that may be left out.
    ///
    /// # Errors
    /// [`ContentError::Member`] if it is there and no text, or not understood.
    pub fn parsed_if_any<T>(
        &self,
        name: &str,
        wanted: &'static str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, ContentError> {
        match self.value(name) {
            None => Ok(None),
            Some(_) => self.parsed(name, wanted, parse).map(Some),
        }
    }

    /// A whole number that fits; `20000.0` is one too, as some languages write it.
    ///
    /// # Errors
    /// [`ContentError::Member`] if it is missing, no number, not whole, negative or too large.
    pub fn whole<T: TryFrom<u64>>(
        &self,
        name: &str,
        wanted: &'static str,
    ) -> Result<T, ContentError> {
        let number = self.value(name).and_then(whole);
        let fitting = number.and_then(|number| T::try_from(number).ok());
        fitting.ok_or_else(|| self.wrong(name, wanted))
    }

    /// The same of a member that may be left out.
    ///
    /// # Errors
    /// [`ContentError::Member`] if it is there and no such number.
    pub fn whole_if_any<T: TryFrom<u64>>(
        &self,
        name: &str,
        wanted: &'static str,
    ) -> Result<Option<T>, ContentError> {
        match self.value(name) {
            None => Ok(None),
            Some(_) => self.whole(name, wanted).map(Some),
        }
    }

    /// A list of at most `len_max` objects.
    ///
    /// # Errors
    /// [`ContentError::Member`] if it is missing, no list, longer, or holds something else.
    pub fn objects(&self, name: &'a str, len_max: usize) -> Result<Vec<Self>, ContentError> {
        let wanted = || self.wrong(name, format!("a list of at most {len_max} objects"));
        let list = self.value(name).and_then(Value::as_array);
        let list = list.filter(|list| list.len() <= len_max);
        let entries = list.ok_or_else(wanted)?.iter().enumerate();
        let objects = entries.map(|(at, entry)| {
            let members = entry.as_object().ok_or_else(wanted)?;
            let place = Place::Entry(name, at);
            Ok(Self { members, place })
        });
        objects.collect()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Entry(list, at) => write!(f, "{list}[{at}]."),
        }
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Form(what) => Self::new(ProblemKind::UnsupportedMediaType, what)
                .with_field("accept", "application/json")
                .with_field("accept-encoding", "identity"),
            ContentError::Json(_) | ContentError::Member { .. } => {
                Self::new(ProblemKind::BadContent, error.to_string())
            }
        }
    }
}

/// Whether a media type means JSON (RFC 8259, 11; RFC 6839, 3.1). A page of another origin can
/// send neither without a preflight.
fn is_json(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default().trim();
    let name = name.to_ascii_lowercase();
    name == "application/json" || (name.starts_with("application/") && name.ends_with("+json"))
}

fn whole(value: &Value) -> Option<u64> {
    /// Beyond it a float cannot tell neighbours apart.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let float = || {
        let float = value.as_f64()?;
        let exact = float.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&float);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative, below 2^53"
        )]
        exact.then_some(float as u64)
    };
    value.as_u64().or_else(float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::DeviceId;

    fn json_fields() -> Fields {
        Fields::new().with("content-type", "application/json")
    }

    fn read(text: &str) -> Content {
        Content::read(&json_fields(), text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let content = read(r#"{"beats":[{"seq":1},{"seq":-1}],"device":"x","n":null,"t":7}"#);
        let object = content.object();
        let said = |error: ContentError| error.to_string();
        let beats = object.objects("beats", 2).unwrap();
        assert_eq!(beats[0].whole::<u32>("seq", "a number"), Ok(1));
        let wrong = beats[1].whole::<u32>("seq", "a whole number").unwrap_err();
        assert_eq!(said(wrong), "`beats[1].seq` must be a whole number");
        let wrong = object.objects("beats", 1).unwrap_err();
        assert_eq!(said(wrong), "`beats` must be a list of at most 1 objects");
        let wrong = object.parsed("device", "a UUID", DeviceId::parse);
        assert_eq!(said(wrong.unwrap_err()), "`device` must be a UUID");
        assert_eq!(object.whole_if_any::<u32>("n", "a number"), Ok(None));
        assert!(object.parsed_if_any("t", "a text", Some).is_err());
        assert!(object.objects("t", 9).is_err() && object.value("other").is_none());
    }

    #[test]
    fn numbers_are_whole_however_they_are_written() {
        let content = read(r#"{"a":20000.0,"b":2e4,"c":1.5,"d":-0.0,"e":1e300,"f":"1","g":300}"#);
        let number = |name| content.object().whole::<u64>(name, "a whole number").ok();
        let numbers = ["a", "b", "c", "d", "e", "f", "g"].map(number);
        let wanted = [
            Some(20_000),
            Some(20_000),
            None,
            Some(0),
            None,
            None,
            Some(300),
        ];
        assert_eq!(numbers, wanted);
        assert!(content.object().whole::<u8>("g", "a small number").is_err());
    }

    #[test]
    fn content_that_a_form_could_send_is_not_taken() {
        for form in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "json",
        ] {
            let fields = Fields::new().with("content-type", form);
            let refused = Content::read(&fields, b"{}").unwrap_err();
            let problem = Problem::from(refused);
            assert_eq!(problem.kind, ProblemKind::UnsupportedMediaType, "{form}");
        }
        for json in ["Application/JSON; charset=utf-8", "application/x.y+json"] {
            let fields = Fields::new().with("content-type", json);
            assert!(Content::read(&fields, b"{}").is_ok(), "{json}");
        }
        let coded = json_fields().with("content-encoding", "gzip");
        assert!(Content::read(&coded, b"{}").is_err());
    }

    #[test]
    fn json_that_two_readers_could_read_differently_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        let bad: [&[u8]; 6] = [
            b"",
            b"[]",
            b"{\"a\":1,\"a\":1}",
            b"{\"a\":\"\xff\"}",
            b"{} x",
            deep.as_bytes(),
        ];
        for bad in bad {
            let refused = Content::read(&json_fields(), bad).unwrap_err();
            assert!(matches!(refused, ContentError::Json(_)), "{bad:?}");
            assert_eq!(Problem::from(refused).kind, ProblemKind::BadContent);
        }
    }
}
