//! A player's beat, judged once by the node that accepts it.

use crate::base::id::DeviceId;
use crate::progress::Allowance;
use crate::progress::Grain;
use crate::progress::Position;
use crate::progress::Record;
use crate::progress::Span;
use crate::progress::Totals;

/// What a player says every few seconds. Media times are milliseconds into the lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Where the interval begins.
    pub from_ms: u32,
    /// Where it ends.
    pub to_ms: u32,
    /// Time played on this device and lesson since the first beat.
    pub played_total_ms: u32,
    /// Time of it while the page could be seen.
    pub visible_total_ms: u32,
    /// When it was, unix milliseconds by the device's clock.
    pub at_ms: u64,
}

/// What of a beat counts: a fact, joined by [`Record::apply`] on every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Buckets of the lesson.
    pub grain: Grain,
    /// The interval that counts, if any of it is new or old but plausible.
    pub span: Option<Span>,
    /// The device's totals.
    pub totals: Totals,
    /// Where the learner was.
    pub position: Position,
}

/// A judged beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What counts.
    pub watched: Watched,
    /// What the learner may still claim.
    pub allowance: Allowance,
    /// Why less counts than was claimed.
    pub cut: Option<Refusal>,
}

/// Why a beat, or a part of it, does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It ends before or where it begins.
    #[error("the interval ends before it begins")]
    Reversed,
    /// It lies outside the lesson.
    #[error("the interval lies beyond the end of the lesson")]
    Beyond,
    /// The device's clock is more than a day ahead.
    #[error("the beat is from the future; set the device's clock")]
    Future,
    /// More media than there was time for.
    #[error("more was claimed than could be watched in the time")]
    Implausible,
    /// More loose edges than are kept.
    #[error("the lesson was watched in too many pieces; whole parts count")]
    Scattered,
}

impl Refusal {
    /// A word for replies and counters.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Reversed => "reversed",
            Self::Beyond => "beyond_the_end",
            Self::Future => "from_the_future",
            Self::Implausible => "implausible",
            Self::Scattered => "scattered",
        }
    }
}

/// A device clock may be so far ahead; its beats count as of now. Beyond, somebody is testing us.
const AHEAD_MS_MAX: u64 = 24 * 3600 * 1000;
/// Players stop a little before the length a container announces, and start a little after zero.
const EDGE_MS_MAX: u32 = 500;

/// Judges `beat` of a lesson of `length_ms`, of which `record` is known, by a learner with this
/// allowance, refilled until now; `now_ms` in unix milliseconds.
///
/// Repeating a beat costs nothing: what is charged is media that is newly covered or newly played.
///
/// # Errors
/// [`Refusal`] if nothing of the beat counts.
pub fn judge(
    beat: &Beat,
    (device, record): (DeviceId, &Record),
    length_ms: u32,
    allowance: Allowance,
    now_ms: u64,
) -> Result<Judged, Refusal> {
    let (from_ms, to_ms) = interval(beat, length_ms)?;
    if beat.at_ms > now_ms.saturating_add(AHEAD_MS_MAX) {
        return Err(Refusal::Future);
    }
    let known = record.totals_of(device);
    let claimed = Totals {
        played_ds: beat.played_total_ms / 100,
        visible_ds: beat.visible_total_ms.min(beat.played_total_ms) / 100,
    };
    let played_ms = u64::from(claimed.played_ds.saturating_sub(known.played_ds)) * 100;
    let budget_ms = allowance.media_ms();
    let whole = Span::of_ms(from_ms, to_ms, length_ms).ok_or(Refusal::Reversed)?;
    let new_ms = record.coverage.missing_ms(whole, length_ms);

    // An implausible interval keeps its beginning; of implausible totals the plausible part.
    let kept_ms =
        u32::try_from(budget_ms).map_or(to_ms, |ms| from_ms.saturating_add(ms).min(to_ms));
    let plausible = new_ms <= budget_ms;
    let span = if plausible {
        Some(whole)
    } else {
        Span::of_ms(from_ms, kept_ms, length_ms)
    };
    let kept = span.and_then(|span| record.coverage.admit(span));
    let (totals, charged_ms) = plausible_totals(claimed, known, played_ms.min(budget_ms));
    let covered_ms = kept.map_or(0, |span| record.coverage.missing_ms(span, length_ms));
    let cut = match (plausible && played_ms <= budget_ms, kept == span) {
        (false, _) => Some(Refusal::Implausible),
        (true, false) => Some(Refusal::Scattered),
        (true, true) => None,
    };
    if let (Some(cut), None, true) = (cut, kept, totals == known) {
        return Err(cut);
    }
    let at_ms = beat.at_ms.min(now_ms);
    let at_s = u32::try_from(at_ms / 1000).unwrap_or(u32::MAX);
    Ok(Judged {
        watched: Watched {
            grain: Grain::of(length_ms),
            span: kept,
            totals,
            position: Position::new(at_s, to_ms, length_ms),
        },
        allowance: allowance.spent(covered_ms.max(charged_ms)),
        cut,
    })
}

/// The interval inside the lesson, its edges drawn to the lesson's where they all but touch.
fn interval(beat: &Beat, length_ms: u32) -> Result<(u32, u32), Refusal> {
    if beat.from_ms >= beat.to_ms {
        return Err(Refusal::Reversed);
    }
    let edge_ms = EDGE_MS_MAX.min(length_ms / 64);
    if beat.to_ms > length_ms.saturating_add(EDGE_MS_MAX) || beat.from_ms >= length_ms {
        return Err(Refusal::Beyond);
    }
    let from_ms = if beat.from_ms <= edge_ms {
        0
    } else {
        beat.from_ms
    };
    let ends = beat.to_ms.saturating_add(edge_ms) >= length_ms;
    Ok((from_ms, if ends { length_ms } else { beat.to_ms }))
}

/// Totals that grow by no more than `budget_ms`, and by how much they grow.
fn plausible_totals(claimed: Totals, known: Totals, budget_ms: u64) -> (Totals, u64) {
    let growth = u32::try_from(budget_ms / 100).unwrap_or(u32::MAX);
    let played_ds = claimed
        .played_ds
        .min(known.played_ds.saturating_add(growth))
        .max(known.played_ds);
    let visible_ds = claimed.visible_ds.min(played_ds).max(known.visible_ds);
    let grown_ms = u64::from(played_ds - known.played_ds) * 100;
    let totals = Totals {
        played_ds,
        visible_ds,
    };
    (totals, grown_ms)
}
