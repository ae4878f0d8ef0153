//! `/v1/courses` and `/v1/courses/{course}`: replies prepared once for a catalogue and a host.

use crate::base::digest::Digest;
use crate::base::limits::CATALOGUE_PAGE_MAX;
use crate::base::limits::CATALOGUE_QUERY_BYTES_MAX;
use crate::base::limits::CATALOGUE_REPLIES_MAX;
use crate::content::Catalogue;
use crate::course::fold;
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
                text: fold(text("q")?.trim()),
            },
        })
    }

    /// Whether it is one of the few questions that everybody asks: a first page of a usual size.
    pub(crate) fn is_usual(&self) -> bool {
        let size = [PAGE_DEFAULT, 100, CATALOGUE_PAGE_MAX].contains(&self.limit);
        size && self.after.is_empty() && self.filter == Filter::default()
    }
}

fn bad(parameter: &str, wanted: &str) -> Problem {
    let detail = format!("`{parameter}` must be {wanted}");
    Problem::new(ProblemKind::BadQuery, detail)
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A usual first page, by its size.
    List(usize),
    /// Base of the URLs and course: the URLs in the reply are absolute.
    Course(String, String),
}

/// Prepared replies of one worker, all of one catalogue.
///
/// Only what many ask for is kept and compressed: usual first pages, and courses with the bases
/// that were seen first. Whatever else a client makes up (host, cursor, search) is answered in
/// plain bytes and forgotten, so that it takes neither memory nor the place of what is useful.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    catalogue: Option<Arc<Catalogue>>,
    bases: Vec<String>,
    replies: HashMap<Key, Rc<Resource>>,
}

/// Bases of URLs that courses are kept for: the names a node is usually asked by.
const BASES_MAX: usize = 8;

impl Prepared {
    /// The page of courses that `query` asks for.
    pub(crate) fn list(&mut self, now: &Arc<Catalogue>, query: &ListQuery) -> Rc<Resource> {
        self.keep_to(now);
        if !query.is_usual() {
            return Rc::new(resource(now, LIST_KEY, list_body(now, query), Kept::No));
        }
        let key = Key::List(query.limit);
        if let Some(found) = self.replies.get(&key) {
            return Rc::clone(found);
        }
        let made = resource(now, LIST_KEY, list_body(now, query), Kept::Yes);
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
        if !self.is_usual(base) {
            let body = document::course(course, base);
            return Some(Rc::new(resource(now, id, body, Kept::No)));
        }
        let key = Key::Course(base.to_owned(), id.to_owned());
        if let Some(found) = self.replies.get(&key) {
            return Some(Rc::clone(found));
        }
        let made = resource(now, id, document::course(course, base), Kept::Yes);
        Some(self.keep(key, made))
    }

    /// Whether courses with that base are kept, so that asking for one costs next to nothing.
    pub(crate) fn keeps(&mut self, now: &Arc<Catalogue>, base: &str) -> bool {
        self.keep_to(now);
        self.is_usual(base)
    }

    fn is_usual(&mut self, base: &str) -> bool {
        if self.bases.iter().any(|b| b == base) {
            return true;
        }
        let room = self.bases.len() < BASES_MAX;
        if room {
            self.bases.push(base.to_owned());
        }
        room
    }

    fn keep_to(&mut self, now: &Arc<Catalogue>) {
        if self.catalogue.as_ref().is_some_and(|c| Arc::ptr_eq(c, now)) {
            return;
        }
        self.replies.clear();
        self.bases.clear();
        self.catalogue = Some(Arc::clone(now));
    }

    fn keep(&mut self, key: Key, made: Resource) -> Rc<Resource> {
        let made = Rc::new(made);
        if self.replies.len() >= CATALOGUE_REPLIES_MAX {
            self.replies.clear();
        }
        self.replies.insert(key, Rc::clone(&made));
        made
    }
}

fn list_body(now: &Catalogue, query: &ListQuery) -> Vec<u8> {
    let after = now
        .courses()
        .partition_point(|c| c.id.as_str() <= query.after.as_str());
    let after = if query.after.is_empty() { 0 } else { after };
    let rest = now.courses().iter().zip(now.searchable()).skip(after);
    let mut matching = rest.filter(|(c, text)| query.filter.matches(c, text));
    let page: Vec<_> = matching
        .by_ref()
        .take(query.limit)
        .map(|(c, _)| &**c)
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

/// Whether a reply is worth compressing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

/// What edges purge lists of courses by.
const LIST_KEY: &str = "courses";

/// `key` is what edges purge it by.
fn resource(catalogue: &Catalogue, key: &str, body: Vec<u8>, kept: Kept) -> Resource {
    let about = About {
        media_type: "application/json".into(),
        policy: CachePolicy::Manifest,
        modified: Some(HttpDate(catalogue.modified_unix_s())),
        text: kept == Kept::Yes,
        fields: Fields::new()
            .with("surrogate-key", key)
            .with("cache-tag", key)
            .with("edge-cache-tag", key)
            .with("x-content-type-options", "nosniff"),
    };
    let hash = Digest::of(&[&body]).to_string();
    Resource::quickly(about, Content::Memory(Bytes::from(body)), &hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use crate::course::Language;
    use crate::course::Slug;
    use crate::course::Texts;
    use crate::http::Body;
    use crate::http::Method;

    fn course(id: &str, title: &str, lang: &str, audience: &[&str]) -> Course {
        let lang = Language::parse(lang).unwrap();
        Course {
            id: Slug::parse(id).unwrap(),
            revision: 1,
            title: Texts::one(lang.clone(), title),
            summary: Texts::default(),
            languages: vec![lang],
            audience: audience.iter().filter_map(|a| Slug::parse(a)).collect(),
            prerequisites: Vec::new(),
            license: None,
            pass: 0.7,
            lessons: Vec::new(),
            quizzes: Vec::new(),
        }
    }

    fn catalogue() -> Arc<Catalogue> {
        let courses = vec![
            course("a", "Kỹ năng số", "vi", &[]),
            course("b", "Mật khẩu", "vi", &["hoc-sinh"]),
            course("c", "Passwords", "en", &["giao-vien"]),
            course("d", "Định danh", "vi", &[]),
        ];
        Arc::new(Catalogue::of(courses))
    }

    /// Ids of the courses in a page, and the URL of the next.
    fn page(
        prepared: &mut Prepared,
        now: &Arc<Catalogue>,
        url: &str,
    ) -> (Vec<String>, Option<String>) {
        let query = ListQuery::of(&Target::parse(url).unwrap()).unwrap();
        let reply = prepared.list(now, &query);
        let reply = reply.reply(Method::Get, &Fields::new()).unwrap();
        let Body::Slices(slices) = reply.body else {
            panic!("not held")
        };
        let json: serde_json::Value = serde_json::from_slice(&slices[0]).unwrap();
        let ids = json["courses"].as_array().unwrap().iter();
        let ids = ids.map(|c| c["id"].as_str().unwrap().to_owned()).collect();
        (ids, json["next"].as_str().map(str::to_owned))
    }

    #[test]
    fn following_next_shows_every_matching_course_once() {
        let (now, mut prepared) = (catalogue(), Prepared::default());
        for (url, wanted) in [
            ("/v1/courses?limit=1", "abcd"),
            ("/v1/courses?limit=3", "abcd"),
            ("/v1/courses", "abcd"),
            ("/v1/courses?lang=VI&limit=2", "abd"),
            ("/v1/courses?audience=hoc-sinh&limit=1", "abd"),
            ("/v1/courses?q=m%E1%BA%ACT+khau", "b"),
            ("/v1/courses?q=DINH&lang=vi&limit=1", "d"),
            ("/v1/courses?after=b", "cd"),
            ("/v1/courses?after=bb", "cd"),
            ("/v1/courses?after=zz", ""),
            ("/v1/courses?q=nothing", ""),
        ] {
            let (mut seen, mut next) = (String::new(), Some(url.to_owned()));
            while let Some(url) = next {
                let (ids, more) = page(&mut prepared, &now, &url);
                seen.extend(ids);
                next = more;
                assert!(seen.len() <= 4, "{url} does not end");
            }
            assert_eq!(seen, wanted, "{url}");
        }
    }

    #[test]
    fn made_up_hosts_and_cursors_neither_fill_nor_empty_the_cache() {
        let (now, mut prepared) = (catalogue(), Prepared::default());
        let first = prepared.course(&now, "a", "https://real").unwrap();
        let brotli = Fields::new().with("accept-encoding", "br");
        for n in 0..2 * CATALOGUE_REPLIES_MAX {
            let base = format!("https://h{n}");
            let made_up = prepared.course(&now, "a", &base).unwrap();
            let reply = made_up.reply(Method::Get, &brotli).unwrap();
            let coded = reply.head.fields().get("content-encoding").is_some();
            assert!(n < BASES_MAX || !coded, "compressed for {base}");
            page(
                &mut prepared,
                &now,
                &format!("/v1/courses?limit={}&after=a{n}", n + 1),
            );
            assert!(prepared.replies.len() <= BASES_MAX);
        }
        let again = prepared.course(&now, "a", "https://real").unwrap();
        assert!(Rc::ptr_eq(&first, &again));
        assert!(prepared.course(&now, "x", "").is_none());
    }

    #[test]
    fn a_reload_shows_at_once() {
        let (now, mut prepared) = (catalogue(), Prepared::default());
        assert_eq!(page(&mut prepared, &now, "/v1/courses").0.len(), 4);
        let empty = Arc::<Catalogue>::default();
        assert_eq!(page(&mut prepared, &empty, "/v1/courses").0.len(), 0);
        assert!(prepared.course(&empty, "a", "").is_none());
    }
}
