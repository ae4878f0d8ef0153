//! Questions that need more than one request.

use crate::command::doctor::Cdn;
use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::command::doctor::ranges;
use crate::command::doctor::replies;
use crate::command::doctor::replies::field;
use crate::command::doctor::resources::Kind;
use crate::command::doctor::resources::Resource;
use crate::command::doctor::visit::Visit;
use crate::runtime;
use crate::runtime::client::Answer;
use crate::runtime::client::ClientError;

/// Judges everything about one resource.
pub(super) async fn judge(
    visit: &mut Visit,
    resource: &Resource,
    report: &mut Report,
) -> Result<(), ClientError> {
    let path = resource.path.as_str();
    if resource.kind == Kind::Media {
        let head = visit.ask("HEAD", path, &[]).await?;
        let len = field(&head, "content-length").and_then(|len| len.parse::<usize>().ok());
        if let Some(len) = len.filter(|len| head.status == 200 && *len > WHOLE_BYTES_MAX) {
            return Box::pin(long(visit, path, &head, len, report)).await;
        }
    }
    let answer = visit.get(path, &[]).await?;
    report.check(Rule::Status, path, unexpected(&answer));
    if answer.status != 200 {
        return Ok(());
    }
    replies::judge(&answer, resource, runtime::unix_ms(), report);
    head(visit, path, &answer, report).await?;
    if let Some(tag) = field(&answer, "etag") {
        conditional(visit, path, &tag, report).await?;
    }
    codings(visit, resource, &answer, report).await?;
    if visit.has_http2() {
        same(visit, path, &answer, report).await;
    }
    if path.starts_with("/media/") {
        query(visit, path, &answer, report).await?;
    }
    if resource.kind == Kind::Media {
        Box::pin(ranges::judge(visit, path, &answer, report)).await?;
    }
    Ok(())
}

/// A recording that is too long to be fetched whole for the sake of a question.
async fn long(
    visit: &mut Visit,
    path: &str,
    head: &Answer,
    len: usize,
    report: &mut Report,
) -> Result<(), ClientError> {
    report.check(Rule::Status, path, None);
    report.check(Rule::StrongEtag, path, replies::tag(head));
    if let Some(tag) = field(head, "etag") {
        let same = visit.get(path, &[("if-none-match", &tag)]).await;
        let wrong = match same {
            Ok(same) if same.status == 304 => None,
            Ok(same) => Some(format!("If-None-Match is answered with {}", same.status)),
            Err(ClientError::Large(_)) => Some("If-None-Match brings the whole".to_owned()),
            Err(error) => return Err(error),
        };
        report.check(Rule::Conditional, path, wrong);
    }
    ranges::long(visit, path, head, len, report).await
}

fn unexpected(answer: &Answer) -> Option<String> {
    let status = answer.status;
    let to = field(answer, "location").unwrap_or_default();
    match status {
        200 => None,
        300..400 => Some(format!(
            "{status} to `{to}`: a redirect is another request at every edge"
        )),
        _ => Some(format!("the origin answers {status}")),
    }
}

async fn head(
    visit: &mut Visit,
    path: &str,
    get: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let head = visit.ask("HEAD", path, &[]).await?;
    let names = [
        "etag",
        "content-length",
        "content-type",
        "cache-control",
        "last-modified",
        "vary",
    ];
    let other = names
        .iter()
        .find(|name| field(&head, name) != field(get, name));
    let wrong = if head.status == get.status {
        other.map(|name| format!("HEAD has another `{name}` than GET"))
    } else {
        Some(format!("HEAD is answered with {}", head.status))
    };
    report.check(Rule::Head, path, wrong);
    Ok(())
}

async fn conditional(
    visit: &mut Visit,
    path: &str,
    tag: &str,
    report: &mut Report,
) -> Result<(), ClientError> {
    let same = visit.get(path, &[("if-none-match", tag)]).await?;
    let other = visit.get(path, &[("if-none-match", "\"another\"")]).await?;
    let wrong = if same.status != 304 {
        Some(format!(
            "If-None-Match with the current tag is answered with {}",
            same.status
        ))
    } else if field(&same, "etag").as_deref() != Some(tag) {
        Some("the 304 has another `ETag`".to_owned())
    } else if field(&same, "cache-control").is_none() {
        Some("the 304 has no `Cache-Control`, so the copy is not fresh again".to_owned())
    } else if !same.body.is_empty() {
        Some("the 304 has a body".to_owned())
    } else if other.status != 200 {
        Some(format!(
            "If-None-Match with another tag is answered with {}",
            other.status
        ))
    } else {
        None
    };
    report.check(Rule::Conditional, path, wrong);
    Ok(())
}

/// Texts may be coded, each coding under a tag of its own; media never are.
async fn codings(
    visit: &mut Visit,
    resource: &Resource,
    plain: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let path = resource.path.as_str();
    let mut wrong = None;
    for coding in ["gzip", "br"] {
        let coded = visit.get(path, &[("accept-encoding", coding)]).await?;
        let says = field(&coded, "content-encoding");
        let same_tag = field(&coded, "etag") == field(plain, "etag");
        let varies = field(&coded, "vary").is_some_and(|v| !v.is_empty());
        let plain_varies = field(plain, "vary").is_some_and(|v| !v.is_empty());
        wrong = wrong.or_else(|| match says {
            Some(says) if resource.kind == Kind::Media => {
                Some(format!("media is sent as {says}: its ranges are others"))
            }
            Some(says) if says != coding => Some(format!("{coding} was asked, {says} came")),
            Some(says) if same_tag => Some(format!("{says} has the `ETag` of the plain form")),
            Some(says) if !varies || !plain_varies => Some(format!(
                "is sent as {says} without `Vary: Accept-Encoding` on every form"
            )),
            _ => None,
        });
    }
    report.check(Rule::Codings, path, wrong);
    if report.cdn == Cdn::Akamai && resource.kind != Kind::Media {
        let gzip = visit.get(path, &[("accept-encoding", "gzip")]).await?;
        let uncoded = field(&gzip, "vary").is_some() && field(&gzip, "content-encoding").is_none();
        let weak = "varies though nothing is coded: set Remove Vary Header, or it is not cached";
        report.advise(Rule::Vary, path, uncoded.then(|| weak.to_owned()));
    }
    Ok(())
}

async fn same(visit: &mut Visit, path: &str, http1: &Answer, report: &mut Report) {
    let wrong = match visit.get_http2(path).await {
        None => return,
        Some(Err(error)) => Some(super::told(&error)),
        Some(Ok(http2)) => {
            let names = [
                "etag",
                "cache-control",
                "content-type",
                "last-modified",
                "vary",
            ];
            let other = names
                .iter()
                .find(|name| field(&http2, name) != field(http1, name));
            if http2.status != http1.status || http2.body != http1.body {
                Some("HTTP/2 sends other bytes than HTTP/1.1".to_owned())
            } else {
                other.map(|name| format!("HTTP/2 sends another `{name}` than HTTP/1.1"))
            }
        }
    };
    report.check(Rule::SameBytes, path, wrong);
}

/// Players report through the query (CMCD), which networks leave out of the key.
async fn query(
    visit: &mut Visit,
    path: &str,
    plain: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let asked = visit
        .get(
            &format!("{path}{sign}CMCD=bl%3D21300%2Csid%3D%22doctor%22"),
            &[],
        )
        .await?;
    let same = asked.status == plain.status && field(&asked, "etag") == field(plain, "etag");
    let wrong = "a `CMCD` query changes the reply, so it cannot stay out of the key";
    report.check(Rule::Query, path, (!same).then(|| wrong.to_owned()));
    Ok(())
}

/// What is missing must not stay missing in every edge for long.
pub(super) async fn errors(
    visit: &mut Visit,
    resources: &[Resource],
    report: &mut Report,
) -> Result<(), ClientError> {
    let media = resources.iter().find(|r| r.kind == Kind::Media);
    let Some(any) = media.or_else(|| resources.first()) else {
        return Ok(());
    };
    let folder = any.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = format!("{folder}/lamplight-doctor-asks-for-nothing");
    let missing = visit.get(&path, &[]).await?;
    let kept = field(&missing, "cache-control");
    let kept = kept
        .as_deref()
        .and_then(replies::shared_seconds)
        .unwrap_or(0);
    let wrong = if !matches!(missing.status, 404 | 410) {
        Some(format!(
            "what does not exist is answered with {}",
            missing.status
        ))
    } else if kept > ERROR_S_MAX {
        Some(format!("a {} may be kept for {kept} s", missing.status))
    } else if field(&missing, "set-cookie").is_some() {
        Some("an error sets a cookie".to_owned())
    } else {
        None
    };
    report.check(Rule::Errors, &path, wrong);
    Ok(())
}

/// Media beyond it is asked for in slices only.
const WHOLE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longer, and a segment that was asked for a moment too early is missing for an audience.
const ERROR_S_MAX: u64 = 60;
