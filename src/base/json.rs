//! JSON objects in which every member stands once, at every depth (RFC 8725, 2.4; RFC 8259, 4).

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Value;
use serde_json::error::Category;
use std::fmt;

/// Why bytes are not such an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two readers could read two things.
    #[error("a member stands twice")]
    Duplicate,
    /// Not JSON, not UTF-8, nested too deep, or no object; the sentence repeats nothing of it.
    #[error("{0}")]
    Malformed(String),
}

/// A value in which no object names a member twice.
struct Unique(Value);

/// Reads `bytes` as one object.
///
/// The caller bounds their number; nesting is bounded by the reader (128).
///
/// # Errors
/// [`Fault`].
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_slice::<Unique>(bytes) {
        Ok(Unique(Value::Object(members))) => Ok(members),
        Ok(_) => Err(Fault::Malformed("the value is no object".to_owned())),
        // The visitor below takes every type; all it can object to is a member twice.
        Err(error) if error.classify() == Category::Data => Err(Fault::Duplicate),
        Err(error) => Err(Fault::Malformed(error.to_string())),
    }
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk).map(Unique)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Unique(value) = members.next_value()?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parsers_can_read_two_things() {
        assert!(object(br#"{"a":[{"b":1}],"c":{"b":-1.5,"a":null}}"#).is_ok());
        for twice in [
            r#"{"iss":"a","iss":"b"}"#,
            r#"{"iss":"a","\u0069ss":"b"}"#,
            r#"{"x":[{"a":1,"a":1}]}"#,
        ] {
            let read = object(twice.as_bytes());
            assert!(matches!(read, Err(Fault::Duplicate)), "{twice}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let bad: [&[u8]; 6] = [
            b"",
            b"[]",
            b"{} {}",
            b"{\"a\":\"\xff\"}",
            b"{'a':1}",
            deep.as_bytes(),
        ];
        for bad in bad {
            assert!(matches!(object(bad), Err(Fault::Malformed(_))), "{bad:?}");
        }
    }
}
