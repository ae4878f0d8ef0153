//! The public chunk, as docs/protocol.md shows it.

use serde::Serialize;

/// A quiz without what is right. The version is the hash of this with an empty version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Chunk {
    pub(crate) v: u32,
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) lang: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) pass: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_limit_ms: Option<u64>,
    pub(crate) items: Vec<Item>,
}

/// One item. Only the members of its kind are present.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) right: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_chars: Option<u64>,
    #[serde(serialize_with = "plain")]
    pub(crate) weight: f64,
    pub(crate) skills: Vec<String>,
    /// `false` where options must stay in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shuffle: Option<bool>,
    /// `false` where a person reads the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) graded: Option<bool>,
}

impl Item {
    /// An item that lacks the members of its kind.
    pub(crate) const fn new(id: String, text: String, weight: f64) -> Self {
        Self {
            id,
            kind: "",
            text,
            options: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            unit: None,
            max_chars: None,
            weight,
            skills: Vec::new(),
            shuffle: None,
            graded: None,
        }
    }

    /// Says so where there are options to choose from that may not be shuffled.
    pub(crate) fn in_order(&mut self, may_shuffle: bool) {
        let choice = matches!(self.kind, "one" | "many");
        self.shuffle = (choice && !may_shuffle).then_some(false);
    }

    /// The weight in thousandths.
    pub(crate) fn weight_thousandths(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "weights lie between 0 and 1000"
        )]
        {
            (self.weight * 1000.0).round() as u32
        }
    }
}

/// A weight without `.0` where it is whole, as people write it.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn plain<S: serde::Serializer>(weight: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "weights lie between 0 and 1000"
    )]
    let whole = *weight as u64;
    if weight.fract() == 0.0 {
        serializer.serialize_u64(whole)
    } else {
        serializer.serialize_f64(*weight)
    }
}
