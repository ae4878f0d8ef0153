//! What the calls of attempts are told: the content of their requests.

use crate::base::id::DeviceId;
use crate::base::limits::ITEMS_PER_QUIZ_MAX;
use crate::course::Slug;
use crate::quiz::Answer;
use crate::quiz::FormFault;
use crate::service::json::ContentError;
use crate::service::json::Object;

/// An answer as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given {
    /// Its number on its device.
    pub(crate) seq: u32,
    /// The answer; `None` takes back what was answered before.
    pub(crate) answer: Option<Answer>,
    /// Milliseconds the learner took for the item.
    pub(crate) elapsed_ms: u32,
}

/// Course and quiz of `POST /v1/attempts`.
pub(crate) fn quiz(object: Object<'_>) -> Result<(Slug, Slug), ContentError> {
    Ok((
        object.parsed("course", "the id of a course", Slug::parse)?,
        object.parsed("quiz", "the id of a quiz of the course", Slug::parse)?,
    ))
}

/// The device that any of the calls may name.
pub(crate) fn device(object: Object<'_>) -> Result<Option<DeviceId>, ContentError> {
    object.parsed_if_any("device", "the UUID of a device", DeviceId::parse)
}

/// The answer of `PUT …/answers/{item}`.
pub(crate) fn answer(object: Object<'_>) -> Result<Given, ContentError> {
    let fault = |fault: FormFault| match fault {
        FormFault::Missing => {
            object.wrong("choice", "there, or the member of another kind of answer")
        }
        FormFault::Several(one, other) => {
            object.wrong(other, format!("left out, since `{one}` is there"))
        }
        FormFault::Wrong { member, wanted } => object.wrong(member, wanted),
    };
    // A device whose clock jumped loses no answer by it.
    let elapsed_ms: u64 = object.whole("elapsed_ms", "milliseconds spent on the item")?;
    Ok(Given {
        seq: object.whole("seq", "the answer's number on its device, from 1")?,
        answer: Answer::read(object.members()).map_err(fault)?,
        elapsed_ms: u32::try_from(elapsed_ms).unwrap_or(u32::MAX),
    })
}

/// What the device of `POST …/submit` says it answered: the number of the last answer to each item.
pub(crate) fn answered(object: Object<'_>) -> Result<Vec<(String, u32)>, ContentError> {
    let Some(value) = object.value("answered") else {
        return Ok(Vec::new());
    };
    let wrong = || object.wrong("answered", "an object with the last number of each item");
    let members = value.as_object().ok_or_else(wrong)?;
    if members.len() > usize::from(ITEMS_PER_QUIZ_MAX) {
        return Err(wrong());
    }
    let number = |seq: &serde_json::Value| u32::try_from(seq.as_u64()?).ok();
    let entries = members.iter().map(|(item, seq)| {
        let seq = number(seq).ok_or_else(wrong)?;
        Ok((item.clone(), seq))
    });
    entries.collect()
}
