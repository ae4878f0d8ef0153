//! Content of the calls of learners: hostile JSON.
//!
//! Promises: no panic; what is taken is one object that any JSON reader reads the same; a refusal
//! is one printable sentence of bounded length that names members and repeats no content.

use lamplight::base::id::DeviceId;
use lamplight::base::limits::BEATS_PER_CALL_MAX;
use lamplight::http::Fields;
use lamplight::service::json::Content;
use lamplight::service::json::ContentError;
use lamplight::service::json::Object;

pub(crate) fn run(bytes: &[u8]) {
    let fields = Fields::new().with("content-type", "application/json");
    let content = match Content::read(&fields, bytes) {
        Ok(content) => content,
        Err(error) => return said(&error),
    };
    let read = serde_json::from_slice::<serde_json::Value>(bytes);
    assert!(read.is_ok_and(|value| value.is_object()));
    let object = content.object();
    told(object.parsed_if_any("device", "a UUID", DeviceId::parse));
    told(object.parsed("course", "a text", Some));
    match object.objects("beats", BEATS_PER_CALL_MAX) {
        Ok(beats) => {
            assert!(beats.len() <= BEATS_PER_CALL_MAX);
            beats.into_iter().for_each(beat);
        }
        Err(error) => said(&error),
    }
}

fn beat(object: Object<'_>) {
    for name in ["seq", "from_ms", "to_ms"] {
        let narrow = object.whole::<u32>(name, "a whole number");
        let wide = object.whole::<u64>(name, "a whole number");
        if let (Ok(narrow), Ok(wide)) = (&narrow, &wide) {
            assert_eq!(u64::from(*narrow), *wide);
        }
        assert!(narrow.is_err() || wide.is_ok());
        told(narrow);
        told(wide);
    }
    told(object.whole_if_any::<u64>("at_ms", "milliseconds"));
    told(object.parsed("lesson", "a text", Some));
}

fn told<T>(read: Result<T, ContentError>) {
    if let Err(error) = read {
        said(&error);
    }
}

fn said(error: &ContentError) {
    let sentence = error.to_string();
    assert!(!sentence.is_empty() && sentence.len() < 200, "{sentence}");
    assert!(sentence.bytes().all(|b| (b' '..=b'~').contains(&b)), "{sentence:?}");
}
