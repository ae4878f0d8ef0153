//! What one reply to a plain GET says to a shared cache.

use crate::command::doctor::Cdn;
use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::command::doctor::resources::Kind;
use crate::command::doctor::resources::Resource;
use crate::http::HttpDate;
use crate::runtime::client::Answer;

/// The value of a field, several lines of it joined.
pub(super) fn field(answer: &Answer, name: &str) -> Option<String> {
    let values = answer.fields.get_all(name).into_iter();
    let values: Vec<_> = values
        .map(|v| String::from_utf8_lossy(v.as_bytes()))
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// A directive of `Cache-Control` and its kin; an empty text where it has no value.
pub(super) fn directive(value: &str, name: &str) -> Option<String> {
    let mut directives = value.split(',').map(|d| d.trim().to_ascii_lowercase());
    directives.find_map(|directive| match directive.split_once('=') {
        Some((key, value)) => (key == name).then(|| value.trim_matches('"').to_owned()),
        None => (directive == name).then(String::new),
    })
}

/// Seconds for which shared caches may keep it; `None` where nothing says so.
pub(super) fn shared_seconds(value: &str) -> Option<u64> {
    let of = |name| directive(value, name).and_then(|seconds| seconds.parse().ok());
    of("s-maxage").or_else(|| of("max-age"))
}

/// Judges the reply; `now_ms` is this machine's clock.
pub(super) fn judge(answer: &Answer, resource: &Resource, now_ms: u64, report: &mut Report) {
    let path = resource.path.as_str();
    report.check(Rule::Date, path, clock(answer, now_ms));
    let age =
        field(answer, "age").map(|age| format!("`Age: {age}` from an origin ages every copy"));
    report.check(Rule::AgeAbsent, path, age);
    report.check(Rule::ContentLength, path, length(answer));
    report.check(Rule::StrongEtag, path, tag(answer));
    let cookie = field(answer, "set-cookie");
    let cookie = cookie.map(|_| "sets a cookie, so it is cached nowhere or for somebody else");
    report.check(Rule::NoSetCookie, path, cookie.map(str::to_owned));
    report.check(Rule::Vary, path, vary(answer, resource));
    report.check(Rule::Cacheable, path, cacheable(answer, resource));
    if matches!(report.cdn, Cdn::Akamai | Cdn::Fastly) {
        let targeted =
            field(answer, "cdn-cache-control").or_else(|| field(answer, "surrogate-control"));
        let missing = "no `CDN-Cache-Control`: edges keep it as long as browsers do";
        let missing = targeted.is_none().then(|| missing.to_owned());
        report.advise(Rule::CdnCacheControl, path, missing);
    }
    if resource.kind == Kind::Fresh && report.cdn != Cdn::Akamai {
        report.advise(Rule::Stale, path, stale(answer));
    }
    tags(answer, path, report);
    report.check(Rule::HeadSize, path, head_size(answer, report.cdn));
}

fn clock(answer: &Answer, now_ms: u64) -> Option<String> {
    let Some(date) = field(answer, "date") else {
        return Some("no `Date`: caches cannot tell its age".to_owned());
    };
    let Some(HttpDate(seconds)) = HttpDate::parse(date.as_bytes()) else {
        return Some(format!("`Date: {date}` is no HTTP date"));
    };
    let apart = seconds.abs_diff(now_ms / 1000);
    (apart > CLOCK_S_MAX).then(|| format!("its clock is {apart} s away from this machine's"))
}

fn length(answer: &Answer) -> Option<String> {
    if let Some(coding) = field(answer, "transfer-encoding") {
        return Some(format!("`Transfer-Encoding: {coding}` instead of a length"));
    }
    let Some(length) = field(answer, "content-length") else {
        return Some("no `Content-Length`".to_owned());
    };
    let wrong = length.parse() != Ok(answer.body.len());
    wrong.then(|| format!("`Content-Length: {length}` for {} bytes", answer.body.len()))
}

pub(super) fn tag(answer: &Answer) -> Option<String> {
    match field(answer, "etag") {
        None => Some("no `ETag`: slices and copies cannot be told apart".to_owned()),
        Some(tag) if tag.starts_with("W/") => Some(format!("`ETag: {tag}` is weak")),
        Some(tag) if !tag.starts_with('"') => Some(format!("`ETag: {tag}` has no quotes")),
        Some(_) => None,
    }
}

fn vary(answer: &Answer, resource: &Resource) -> Option<String> {
    let vary = field(answer, "vary")?;
    let names: Vec<String> = vary
        .split(',')
        .map(|n| n.trim().to_ascii_lowercase())
        .collect();
    if names.iter().any(|name| name != "accept-encoding") {
        return Some(format!("`Vary: {vary}` splits or forbids the copy"));
    }
    let media = resource.kind == Kind::Media;
    media.then(|| format!("`Vary: {vary}` on media, which has one form"))
}

fn cacheable(answer: &Answer, resource: &Resource) -> Option<String> {
    let Some(value) = field(answer, "cache-control") else {
        return Some("no `Cache-Control`: every network guesses in its own way".to_owned());
    };
    let forbids = ["private", "no-store", "no-cache"];
    if let Some(word) = forbids
        .iter()
        .find(|word| directive(&value, word).is_some())
    {
        return Some(format!("`Cache-Control: {value}` with `{word}`"));
    }
    let least = match resource.kind {
        Kind::Fresh => 1,
        Kind::Text | Kind::Media => DAY_S,
    };
    let kept = shared_seconds(&value).unwrap_or(0);
    (kept < least).then(|| format!("`Cache-Control: {value}` keeps it for {kept} s only"))
}

fn stale(answer: &Answer) -> Option<String> {
    let values = [
        field(answer, "cache-control"),
        field(answer, "cdn-cache-control"),
    ];
    let has = |name| {
        values
            .iter()
            .flatten()
            .any(|v| directive(v, name).is_some())
    };
    let both = has("stale-while-revalidate") && has("stale-if-error");
    let weak = "without `stale-while-revalidate` and `stale-if-error` viewers wait for the origin";
    (!both).then(|| weak.to_owned())
}

/// Keys to purge by, within what the network takes.
fn tags(answer: &Answer, path: &str, report: &mut Report) {
    let (name, line_max, key_max, keys_max) = match report.cdn {
        Cdn::Fastly => ("surrogate-key", 16_384, 1024, usize::MAX),
        Cdn::Varnish => ("surrogate-key", 8192, 8192, usize::MAX),
        Cdn::Akamai => ("edge-cache-tag", 8192, 128, 128),
        Cdn::Nginx | Cdn::Cloudfront => return,
    };
    let (value, renamed) = match field(answer, name) {
        None if report.cdn == Cdn::Akamai => (field(answer, "cache-tag"), true),
        value => (value, false),
    };
    let Some(value) = value else {
        let weak = format!("no `{name}`: it can be purged by URL only");
        report.advise(Rule::Tags, path, Some(weak));
        return;
    };
    let keys = value.split([',', ' ']).filter(|key| !key.is_empty());
    let longest = keys.clone().map(str::len).max().unwrap_or(0);
    // Of its disallowed characters the one that our keys have.
    let slashed = report.cdn == Cdn::Akamai && value.contains('/');
    let wrong = if value.len() > line_max {
        Some(format!(
            "`{name}` has {} bytes, {line_max} are read",
            value.len()
        ))
    } else if longest > key_max {
        Some(format!("a key has {longest} bytes, {key_max} are read"))
    } else if keys.clone().count() > keys_max {
        Some(format!(
            "{} keys, {keys_max} are read",
            keys.clone().count()
        ))
    } else if slashed && !renamed {
        Some("a tag holds `/`, which is not allowed".to_owned())
    } else {
        None
    };
    if wrong.is_none() && renamed {
        let weak = "keys come as `Cache-Tag`; let the property copy them to `Edge-Cache-Tag`, \
                    with another sign for `/`";
        report.advise(Rule::Tags, path, Some(weak.to_owned()));
    } else {
        report.check(Rule::Tags, path, wrong);
    }
}

/// Whether the reply's head fits the network's buffers as they are by default.
fn head_size(answer: &Answer, cdn: Cdn) -> Option<String> {
    let (all_max, line_max, count_max) = match cdn {
        Cdn::Nginx => (4096, 4096, usize::MAX),
        Cdn::Akamai => (8192, 8192, usize::MAX),
        Cdn::Varnish => (32_768, 8192, 64),
        Cdn::Fastly => (69 * 1024, 69 * 1024, 85),
        Cdn::Cloudfront => (20_480, 20_480, usize::MAX),
    };
    let sizes = answer.fields.iter();
    let sizes: Vec<usize> = sizes.map(|(n, v)| n.as_str().len() + v.len() + 4).collect();
    // The status line and the empty line belong to it.
    let all = sizes.iter().sum::<usize>() + 19;
    let longest = sizes.iter().copied().max().unwrap_or(0);
    if all > all_max || longest > line_max {
        return Some(format!(
            "the head has {all} bytes, the longest line {longest}"
        ));
    }
    let count = answer.fields.len();
    (count > count_max).then(|| format!("{count} fields, {count_max} are taken"))
}

/// A cache computes ages from it; a minute is less than any lifetime here.
const CLOCK_S_MAX: u64 = 60;
const DAY_S: u64 = 86_400;
