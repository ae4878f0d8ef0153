//! Parts of a resource, as networks with slices ask for them.

use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::command::doctor::replies::field;
use crate::command::doctor::visit::Visit;
use crate::runtime::client::Answer;
use crate::runtime::client::ClientError;

/// Judges parts of the resource at `path`, whose whole is `whole`.
pub(super) async fn judge(
    visit: &mut Visit,
    path: &str,
    whole: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let len = whole.body.len();
    if len < 2 {
        return Ok(());
    }
    let middle = len / 2;
    let mut wrong = None;
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        (format!("bytes={middle}-"), middle, len),
        (format!("bytes=-{}", len - middle), middle, len),
        (format!("bytes=1-{}", len * 2), 1, len),
    ] {
        let part = visit.get(path, &[("range", &range)]).await?;
        wrong = wrong.or_else(|| misfit(&part, whole, &range, from, to));
    }
    report.check(Rule::Ranges, path, wrong);
    if_range(visit, path, whole, report).await?;
    let beyond = format!("bytes={len}-");
    let none = visit.get(path, &[("range", &beyond)]).await?;
    let says = field(&none, "content-range");
    let right = none.status == 416 && says == Some(format!("bytes */{len}"));
    let wrong = || {
        format!(
            "`Range: {beyond}` is answered with {} and {says:?}",
            none.status
        )
    };
    report.check(Rule::Unsatisfiable, path, (!right).then(wrong));
    slices(visit, path, whole, report).await
}

/// What is wrong with `part`, which should be `from..to` of `whole`.
fn misfit(part: &Answer, whole: &Answer, range: &str, from: usize, to: usize) -> Option<String> {
    let len = whole.body.len();
    let other = || format!("`Range: {range}` brings other bytes than the whole has there");
    let same = whole.body.get(from..to) == Some(&part.body);
    sliced(part, whole, range, (from, to, len)).or_else(|| (!same).then(other))
}

async fn if_range(
    visit: &mut Visit,
    path: &str,
    whole: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let Some(tag) = field(whole, "etag") else {
        return Ok(());
    };
    let part = visit
        .get(path, &[("range", "bytes=0-0"), ("if-range", &tag)])
        .await?;
    let fields = [("range", "bytes=0-0"), ("if-range", "\"another\"")];
    let other = visit.get(path, &fields).await?;
    let wrong = if part.status != 206 {
        Some(format!(
            "with the current tag it is answered with {}",
            part.status
        ))
    } else if other.status != 200 || other.body != whole.body {
        let why = "with another tag it must bring the whole, or copies of two versions mix";
        Some(format!("{why}; it is answered with {}", other.status))
    } else {
        None
    };
    report.check(Rule::IfRange, path, wrong);
    Ok(())
}

/// The whole, put together from slices: the first and the last few of a long recording.
async fn slices(
    visit: &mut Visit,
    path: &str,
    whole: &Answer,
    report: &mut Report,
) -> Result<(), ClientError> {
    let len = whole.body.len();
    let count = len.div_ceil(SLICE_BYTES);
    let mut wrong = None;
    for n in (0..count).filter(|n| *n < SLICES || *n + SLICES >= count) {
        let (from, to) = (n * SLICE_BYTES, ((n + 1) * SLICE_BYTES).min(len));
        let range = format!("bytes={from}-{}", to - 1);
        let part = visit.get(path, &[("range", &range)]).await?;
        wrong = wrong.or_else(|| misfit(&part, whole, &range, from, to));
    }
    report.check(Rule::Slices, path, wrong);
    Ok(())
}

/// The same for one of `len` bytes of which only the head is known: slices from both ends, and one
/// across the border of two, which must agree.
pub(super) async fn long(
    visit: &mut Visit,
    path: &str,
    head: &Answer,
    len: usize,
    report: &mut Report,
) -> Result<(), ClientError> {
    let half = SLICE_BYTES / 2;
    let (mut parts, mut wrong) = (Vec::new(), None);
    for (from, to) in [
        (0, SLICE_BYTES),
        (SLICE_BYTES, 2 * SLICE_BYTES),
        (half, half + SLICE_BYTES),
        (len - SLICE_BYTES, len),
    ] {
        let range = format!("bytes={from}-{}", to - 1);
        let part = match visit.get(path, &[("range", &range)]).await {
            Err(ClientError::Large(_)) => {
                wrong = Some(format!("`Range: {range}` brings the whole"));
                break;
            }
            part => part?,
        };
        wrong = wrong.or_else(|| sliced(&part, head, &range, (from, to, len)));
        parts.push(part.body);
    }
    if let (None, [first, second, across, _]) = (&wrong, parts.as_slice()) {
        let tail = first.get(half..).unwrap_or_default();
        let begin = second.get(..half).unwrap_or_default();
        let agree = across.get(..half) == Some(tail) && across.get(half..) == Some(begin);
        wrong = (!agree).then(|| "two slices and one across their border differ".to_owned());
    }
    report.check(Rule::Slices, path, wrong);
    Ok(())
}

/// What is wrong with `part`, which should be `from..to` of `len` bytes.
fn sliced(
    part: &Answer,
    head: &Answer,
    range: &str,
    (from, to, len): (usize, usize, usize),
) -> Option<String> {
    let says = field(part, "content-range").unwrap_or_default();
    if part.status != 206 {
        return Some(format!("`Range: {range}` is answered with {}", part.status));
    }
    if says != format!("bytes {from}-{}/{len}", to - 1) || part.body.len() != to - from {
        let bytes = part.body.len();
        return Some(format!(
            "`Range: {range}` brings `Content-Range: {says}` and {bytes} bytes"
        ));
    }
    let same = field(part, "etag") == field(head, "etag");
    (!same).then(|| format!("`Range: {range}` brings another `ETag` than the whole has"))
}

/// nginx's usual slice.
const SLICE_BYTES: usize = 1024 * 1024;
/// Slices asked for from each end.
const SLICES: usize = 8;
