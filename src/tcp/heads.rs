//! Heads of replies in hyper's form. What many ask for is turned into it once: cloning shared bytes
//! is a tenth of the work of checking and copying each name and value.

use crate::http::Fields;
use crate::http::Head;
use crate::http::HttpDate;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use std::cell::Cell;
use std::cell::RefCell;
use std::sync::Arc;

/// Heads a worker remembers, some 3 KiB each; a power of two.
const SLOTS: usize = 256;
const _: () = assert!(SLOTS.is_power_of_two());

/// One worker's heads, and the date they carry.
#[derive(Debug)]
pub(super) struct Heads {
    alt_svc: Option<HeaderValue>,
    slots: RefCell<Box<[Option<Slot>]>>,
    second: Cell<u64>,
    date: RefCell<HeaderValue>,
}

/// A head seen lately. Holding it keeps its address from meaning another.
#[derive(Debug)]
struct Slot {
    head: Arc<Head>,
    /// Made when it is asked for again: most heads of misses never are.
    map: Option<HeaderMap>,
}

impl Heads {
    /// With the `alt-svc` of every reply, if there is one.
    pub(super) fn new(alt_svc: Option<HeaderValue>) -> Self {
        let slots = std::iter::repeat_with(|| None).take(SLOTS);
        Self {
            alt_svc,
            slots: RefCell::new(slots.collect()),
            second: Cell::new(0),
            date: RefCell::new(date(0)),
        }
    }

    /// The fields of `head` and `extra`, with `date` and `alt-svc`.
    pub(super) fn fields(&self, head: &Arc<Head>, extra: &Fields, unix_ms: u64) -> HeaderMap {
        let mut map = self.of(head);
        if self.second.replace(unix_ms / 1000) != unix_ms / 1000 {
            *self.date.borrow_mut() = date(unix_ms / 1000);
        }
        if let Some(value) = map.get_mut(http::header::DATE) {
            value.clone_from(&self.date.borrow());
        }
        append(&mut map, extra);
        map
    }

    fn of(&self, head: &Arc<Head>) -> HeaderMap {
        let mut slots = self.slots.borrow_mut();
        // The low bits of an address are the same for all.
        let at = (Arc::as_ptr(head).addr() / align_of::<Head>()).wrapping_mul(0x9e37_79b1) >> 8;
        let Some(slot) = slots.get_mut(at % SLOTS) else {
            return self.made(head.fields());
        };
        match slot {
            Some(Slot { head: known, map }) if Arc::ptr_eq(known, head) => {
                map.get_or_insert_with(|| self.made(head.fields())).clone()
            }
            Some(_) | None => {
                let head = Arc::clone(head);
                let map = self.made(head.fields());
                *slot = Some(Slot { head, map: None });
                map
            }
        }
    }

    fn made(&self, fields: &Fields) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(fields.len() + 4);
        append(&mut map, fields);
        if let Some(alt_svc) = &self.alt_svc {
            map.insert(http::header::ALT_SVC, alt_svc.clone());
        }
        map.insert(http::header::DATE, HeaderValue::from_static(""));
        map
    }
}

/// Appends `fields`; their values share one allocation.
fn append(map: &mut HeaderMap, fields: &Fields) {
    if fields.is_empty() {
        return;
    }
    let mut all = BytesMut::new();
    fields
        .iter()
        .for_each(|(_, value)| all.extend_from_slice(value));
    let mut all: Bytes = all.freeze();
    for (name, value) in fields.iter() {
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_maybe_shared(all.split_to(value.len()));
        debug_assert!(
            name.is_ok() && value.is_ok(),
            "the service made an unsendable field"
        );
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
}

fn date(second: u64) -> HeaderValue {
    let text = HttpDate(second).format();
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Status;

    const NOW_MS: u64 = 784_111_777_000;

    fn text(map: &HeaderMap, name: &str) -> String {
        let all = map
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap());
        all.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_head_that_comes_again_is_the_same_with_the_date_of_now() {
        let heads = Heads::new(Some(HeaderValue::from_static("h3")));
        let head = Head::new(
            Status(200),
            Fields::new().with("etag", "\"a\"").with("x", "1"),
        );
        let extra = Fields::new().with("x", "2").with("x-request-id", "7");
        let first = heads.fields(&head, &extra, NOW_MS);
        assert_eq!(text(&first, "date"), "Sun, 06 Nov 1994 08:49:37 GMT");
        for _ in 0..3 {
            let again = heads.fields(&head, &extra, NOW_MS + 2500);
            assert_eq!(text(&again, "date"), "Sun, 06 Nov 1994 08:49:39 GMT");
            let told = ["etag", "x", "x-request-id", "alt-svc"].map(|name| text(&again, name));
            assert_eq!(told, ["\"a\"", "1|2", "7", "h3"]);
            assert_eq!(again.len(), first.len());
        }
    }

    #[test]
    fn heads_that_share_a_slot_are_not_taken_for_each_other() {
        let heads = Heads::new(None);
        let made = |n: usize| Head::new(Status(200), Fields::new().with("n", n.to_string()));
        let all: Vec<_> = (0..SLOTS * 3).map(made).collect();
        for _ in 0..3 {
            for (n, head) in all.iter().enumerate() {
                let map = heads.fields(head, &Fields::new(), NOW_MS);
                assert_eq!(text(&map, "n"), n.to_string());
            }
        }
        let kept = heads.slots.borrow().iter().flatten().count();
        assert!(kept <= SLOTS);
    }
}
