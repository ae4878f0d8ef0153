//! `/v1/courses` and `/v1/courses/{course}`: replies prepared once for a catalogue and a host.

use crate::base::digest::Digest;
use crate::base::limits::CATALOGUE_PAGE_MAX;
use crate::base::limits::CATALOGUE_QUERY_BYTES_MAX;
use crate::base::limits::CATALOGUE_REPLIES_MAX;
use crate::content::Catalogue;
use crate::http::About;
use crate::http::CachePolicy;
use crate::http::Content;
use crate::http::Fields;
use crate::http::HttpDate;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Resource;
use crate::http::Target;
use crate::service::document;
use crate::service::search;
use crate::service::search::Filter;
use bytes::Bytes;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Courses in a page when the client does not say.
const PAGE_DEFAULT: usize = 50;

/// What a list reply depends on beside the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ListQuery {
    limit: usize,
    after: String,
    filter: Filter,
}

impl ListQuery {
    /// Reads the known parameters; unknown ones are ignored.
    pub(crate) fn of(target: &Target<'_>) -> Result<Self, Problem> {
        let limit = match target.parameter("limit") {
            None => PAGE_DEFAULT,
            Some(text) => {
                let number = text.parse().ok().filter(|n| *n >= 1);
                number.ok_or_else(|| bad("limit", "a whole number from 1"))?
            }
        };
        let text = |name: &'static str| {
            let value = target.parameter(name).unwrap_or_default();
            if value.len() > CATALOGUE_QUERY_BYTES_MAX {
                return Err(bad(name, "at most 200 bytes"));
            }
            Ok(value.into_owned())
        };
        Ok(Self {
            limit: limit.min(CATALOGUE_PAGE_MAX),
            after: text("after")?,
            filter: Filter {
                lang: text("lang")?,
                audience: text("audience")?,
                text: search::fold(text("q")?.trim()),
            },
        })
    }

    fn is_plain(&self) -> bool {
        self.filter == Filter::default()
    }
}

fn bad(parameter: &str, wanted: &str) -> Problem {
    let detail = format!("`{parameter}` must be {wanted}");
    Problem::new(ProblemKind::BadQuery, detail)
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    List(ListQuery),
    /// Host and course: the URLs in the reply are absolute.
    Course(String, String),
}

/// Prepared replies of one worker, all of one catalogue. When it is full it starts anew: a client
/// that asks for ever new combinations costs time, never memory.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    catalogue: Option<Arc<Catalogue>>,
    searchable: Vec<String>,
    replies: HashMap<Key, Rc<Resource>>,
}

impl Prepared {
    /// The page of courses that `query` asks for.
    pub(crate) fn list(&mut self, now: &Arc<Catalogue>, query: &ListQuery) -> Rc<Resource> {
        self.keep_to(now);
        let key = Key::List(query.clone());
        if let Some(found) = self.replies.get(&key) {
            return Rc::clone(found);
        }
        let body = self.list_body(now, query);
        let made = Rc::new(resource(now, body, query.is_plain()));
        self.keep(key, made)
    }

    /// The course of that id, with URLs that begin with `base`; `None` if there is none.
    pub(crate) fn course(
        &mut self,
        now: &Arc<Catalogue>,
        id: &str,
        base: &str,
    ) -> Option<Rc<Resource>> {
        self.keep_to(now);
        let course = now.course(id)?;
        let key = Key::Course(base.to_owned(), id.to_owned());
        if let Some(found) = self.replies.get(&key) {
            return Some(Rc::clone(found));
        }
        let made = Rc::new(resource(now, document::course(course, base), true));
        Some(self.keep(key, made))
    }

    fn list_body(&self, now: &Catalogue, query: &ListQuery) -> Vec<u8> {
        let after = now
            .courses()
            .partition_point(|c| c.id.as_str() <= query.after.as_str());
        let after = if query.after.is_empty() { 0 } else { after };
        let rest = now.courses().iter().zip(&self.searchable).skip(after);
        let mut matching = rest.filter(|(c, text)| query.filter.matches(c, text));
        let page: Vec<_> = matching
            .by_ref()
            .take(query.limit)
            .map(|(c, _)| c)
            .collect();
        let more = matching.next().is_some();
        let next = page.last().filter(|_| more).map(|last| {
            let mut url = format!("/v1/courses?limit={}&after={}", query.limit, last.id);
            let filter = &query.filter;
            for (name, value) in [
                ("lang", &filter.lang),
                ("audience", &filter.audience),
                ("q", &filter.text),
            ] {
                if !value.is_empty() {
                    url.push_str(&format!("&{name}={}", document::escape(value)));
                }
            }
            url
        });
        document::list(&page, next)
    }

    fn keep_to(&mut self, now: &Arc<Catalogue>) {
        if self.catalogue.as_ref().is_some_and(|c| Arc::ptr_eq(c, now)) {
            return;
        }
        self.searchable = now.courses().iter().map(search::searchable).collect();
        self.replies.clear();
        self.catalogue = Some(Arc::clone(now));
    }

    fn keep(&mut self, key: Key, made: Rc<Resource>) -> Rc<Resource> {
        if self.replies.len() >= CATALOGUE_REPLIES_MAX {
            self.replies.clear();
        }
        self.replies.insert(key, Rc::clone(&made));
        made
    }
}

/// `text`: worth compressing; a search that nobody repeats is not.
fn resource(catalogue: &Catalogue, body: Vec<u8>, text: bool) -> Resource {
    let about = About {
        media_type: "application/json".into(),
        policy: CachePolicy::Manifest,
        modified: Some(HttpDate(catalogue.modified_unix_s())),
        text,
        fields: Fields::new().with("x-content-type-options", "nosniff"),
    };
    let hash = Digest::of(&[&body]).to_string();
    Resource::new(about, Content::Memory(Bytes::from(body)), &hash)
}
