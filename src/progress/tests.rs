#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data of known size"
)]

use crate::base::id::DeviceId;
use crate::base::wire::Reader;
use crate::progress::Allowance;
use crate::progress::Beat;
use crate::progress::Config;
use crate::progress::Coverage;
use crate::progress::Grain;
use crate::progress::Judged;
use crate::progress::Position;
use crate::progress::Record;
use crate::progress::Refusal;
use crate::progress::Span;
use crate::progress::Totals;
use crate::progress::judge;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const DEVICE: DeviceId = DeviceId([1; 16]);
const START_MS: u64 = 1_800_000_000_000;
const WEEK_MS: u64 = 7 * 24 * 3600 * 1000;

fn span(from: u32, to: u32) -> Span {
    Span::of_ms(from, to, 1 << 24).unwrap()
}

fn grains() -> impl Strategy<Value = Grain> {
    prop_oneof![Just(Grain::Coarse), Just(Grain::Fine)]
}

/// Intervals that often end where a bucket or another interval ends.
fn spans() -> impl Strategy<Value = Vec<Span>> {
    let edge = prop_oneof![
        0..=1_u32 << 24,
        (0..=256_u32).prop_map(|bucket| bucket << 16),
        0..9_u32
    ];
    let pair = (edge.clone(), edge)
        .prop_filter_map("empty", |(a, b)| (a != b).then(|| span(a.min(b), a.max(b))));
    vec(pair, 0..12)
}

fn covering(grain: Grain, spans: &[Span]) -> Coverage {
    let mut coverage = Coverage::new(grain);
    spans.iter().for_each(|span| coverage.mark(*span));
    coverage
}

fn coverages() -> impl Strategy<Value = Coverage> {
    (grains(), spans()).prop_map(|(grain, spans)| covering(grain, &spans))
}

fn joined(a: &Coverage, b: &Coverage) -> Coverage {
    let mut both = a.clone();
    both.join(b);
    both
}

/// The union of intervals, told by a plain sweep.
fn union(spans: &[Span]) -> Vec<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (from, to) in sorted.iter().map(edges) {
        match runs.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => runs.push((from, to)),
        }
    }
    runs.into_iter().map(|(from, to)| span(from, to)).collect()
}

fn edges(span: &Span) -> (u32, u32) {
    let mut bytes = Vec::new();
    span.encode(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let from = reader.number32().unwrap();
    (from, from + reader.number32().unwrap())
}

fn encoded(coverage: &Coverage) -> Vec<u8> {
    let mut bytes = Vec::new();
    coverage.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn coverage_is_the_union_whatever_the_order_and_the_grain(
        (grain, spans) in (grains(), spans()),
        order in any::<u64>(),
    ) {
        let coverage = covering(grain, &spans);
        prop_assert_eq!(coverage.runs().collect::<Vec<_>>(), union(&spans));
        let mut shuffled = spans.clone();
        shuffled.sort_by_key(|span| edges(span).0.wrapping_mul(order as u32 | 1));
        shuffled.extend(spans);
        prop_assert_eq!(covering(grain, &shuffled), coverage);
    }

    #[test]
    fn coverages_join_in_any_order_and_twice(a in coverages(), b in coverages(), c in coverages()) {
        prop_assert_eq!(&joined(&a, &a), &a);
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
    }

    #[test]
    fn coverage_reads_back_unchanged(coverage in coverages(), tail: u8) {
        let mut bytes = encoded(&coverage);
        bytes.push(tail);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(Coverage::decode(&mut reader), Some(coverage));
        prop_assert_eq!(reader.rest(), &[tail]);
    }

    #[test]
    fn hostile_coverage_never_panics_and_settles(bytes in vec(any::<u8>(), 0..80)) {
        if let Some(coverage) = Coverage::decode(&mut Reader::new(&bytes)) {
            let again = encoded(&coverage);
            prop_assert_eq!(Coverage::decode(&mut Reader::new(&again)), Some(coverage));
        }
    }

    #[test]
    fn whoever_watches_straight_through_ends_at_exactly_one(
        length_ms in 1_000_u32..3 * 3600 * 1000,
        cuts in vec(any::<Index>(), 0..60),
        rate in 0.5_f64..=2.0,
        late in any::<bool>(),
        order in any::<u64>(),
    ) {
        let cut = |cut: &Index| cut.index(length_ms as usize) as u32;
        let mut cuts: Vec<u32> = cuts.iter().map(cut).collect();
        cuts.extend([0, length_ms]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut beats: Vec<Beat> = cuts.windows(2).map(|cut| beat(cut[0], cut[1], rate)).collect();
        if late {
            // Uploaded a week later, in any order, each twice.
            beats.sort_by_key(|beat| u64::from(beat.from_ms).wrapping_mul(order | 1));
            beats.extend(beats.clone());
        }
        let mut learner = Learner::new();
        for beat in &beats {
            let now_ms = if late { START_MS + WEEK_MS } else { beat.at_ms };
            let judged = learner.watch(beat, length_ms, now_ms);
            prop_assert!(matches!(judged, Ok(Judged { cut: None, .. })), "{judged:?}");
        }
        prop_assert!(learner.record.coverage.is_complete());
        prop_assert!((learner.record.coverage.fraction() - 1.0).abs() < f64::EPSILON);
        prop_assert_eq!(learner.record.coverage.pieces(), 0);
        prop_assert_eq!(learner.record.position.ms, Position::END);
        prop_assert_eq!(encoded(&learner.record.coverage).len(), 1);
    }

    #[test]
    fn nobody_covers_more_than_there_was_time_for(
        claims in vec((0_u32..600_000, 1_u32..600_000, 0_u64..30_000, any::<u32>()), 1..40),
    ) {
        let mut learner = Learner::new();
        let length_ms = 1_200_000;
        let mut now_ms = START_MS;
        for (from_ms, len_ms, wait_ms, total) in claims {
            now_ms += wait_ms;
            let to_ms = from_ms + len_ms;
            let totals = at(from_ms, now_ms);
            let beat = Beat { to_ms, played_total_ms: total, visible_total_ms: total, ..totals };
            // Refused or cut, as it deserves.
            let judged = learner.watch(&beat, length_ms, now_ms);
            let told = |refusal: Refusal| !refusal.reason().is_empty();
            prop_assert!(judged.is_ok() || judged.is_err_and(told));
            let plausible_ms = 60_000.0 + (now_ms - START_MS) as f64 * 2.0;
            let watched_ms = learner.record.coverage.fraction() * f64::from(length_ms);
            prop_assert!(watched_ms <= plausible_ms + 1.0, "{watched_ms} of {plausible_ms}");
            let played_ms = f64::from(learner.record.sum().played_ds) * 100.0;
            prop_assert!(played_ms <= plausible_ms + 1.0, "{played_ms} of {plausible_ms}");
            prop_assert!(learner.record.coverage.pieces() <= 128);
        }
    }

    #[test]
    fn a_record_remembers_few_devices_and_joins_lawfully(
        a in records(), b in records(), c in records(),
    ) {
        let joined = |a: &Record, b: &Record| {
            let mut both = a.clone();
            both.join(b);
            both
        };
        prop_assert_eq!(&joined(&a, &a), &a);
        prop_assert_eq!(joined(&a, &b), joined(&b, &a));
        prop_assert_eq!(joined(&joined(&a, &b), &c), joined(&a, &joined(&b, &c)));
        prop_assert!(joined(&a, &b).totals().len() <= 4);
    }
}

fn records() -> impl Strategy<Value = Record> {
    let totals = vec((0_u8..9, 0_u32..5, 0_u32..5), 0..9);
    (coverages(), totals, 0_u32..4, 0_u32..4).prop_map(|(coverage, totals, at_s, ms)| {
        let position = Position { at_s, ms };
        let mut record = Record::default();
        (record.coverage, record.position) = (coverage, position);
        for (device, played_ds, visible_ds) in totals {
            record.join_totals(
                DeviceId([device; 16]),
                Totals {
                    played_ds,
                    visible_ds,
                },
            );
        }
        record
    })
}

/// One learner and one lesson.
struct Learner {
    record: Record,
    allowance: Allowance,
}

impl Learner {
    fn new() -> Self {
        let allowance = Allowance::new(START_MS, &Config::default());
        Self {
            record: Record::default(),
            allowance,
        }
    }

    fn watch(&mut self, beat: &Beat, length_ms: u32, now_ms: u64) -> Result<Judged, Refusal> {
        let allowance = self.allowance.refilled(now_ms, &Config::default());
        let judged = judge(beat, (DEVICE, &self.record), length_ms, allowance, now_ms)?;
        self.record.apply(DEVICE, &judged.watched);
        self.allowance = judged.allowance;
        Ok(judged)
    }
}

/// A beat of somebody who began at the start and watches at this rate.
fn beat(from_ms: u32, to_ms: u32, rate: f64) -> Beat {
    let played_total_ms = (f64::from(to_ms) / rate) as u32;
    Beat {
        from_ms,
        to_ms,
        played_total_ms,
        visible_total_ms: played_total_ms,
        at_ms: START_MS + u64::from(played_total_ms),
    }
}

fn at(from_ms: u32, at_ms: u64) -> Beat {
    Beat {
        from_ms,
        to_ms: from_ms + 1000,
        played_total_ms: 0,
        visible_total_ms: 0,
        at_ms,
    }
}

#[test]
fn a_beat_twice_costs_nothing_and_adds_nothing() {
    let mut learner = Learner::new();
    let beat = beat(0, 20_000, 1.0);
    let first = learner.watch(&beat, 93_000, START_MS + 20_000).unwrap();
    let (record, allowance) = (learner.record.clone(), learner.allowance);
    let again = learner.watch(&beat, 93_000, START_MS + 20_000).unwrap();
    assert_eq!((again.watched, again.cut), (first.watched, None));
    assert_eq!((learner.record, learner.allowance), (record, allowance));
}

#[test]
fn bad_beats_are_refused_with_a_word_and_change_nothing() {
    let now_ms = START_MS + 60_000;
    let refused = |beat: Beat| {
        let mut learner = Learner::new();
        let refusal = learner.watch(&beat, 93_000, now_ms).unwrap_err();
        assert_eq!(learner.record, Record::default());
        refusal.reason()
    };
    let good = beat(10_000, 20_000, 1.0);
    assert_eq!(
        refused(Beat {
            to_ms: 10_000,
            ..good
        }),
        "reversed"
    );
    assert_eq!(
        refused(Beat {
            to_ms: 9_999,
            ..good
        }),
        "reversed"
    );
    assert_eq!(
        refused(Beat {
            to_ms: 93_501,
            ..good
        }),
        "beyond_the_end"
    );
    assert_eq!(
        refused(Beat {
            from_ms: 93_000,
            to_ms: 93_100,
            ..good
        }),
        "beyond_the_end"
    );
    assert_eq!(
        refused(Beat {
            from_ms: u32::MAX - 1,
            to_ms: u32::MAX,
            ..good
        }),
        "beyond_the_end"
    );
    let tomorrow = now_ms + 24 * 3600 * 1000 + 1;
    assert_eq!(
        refused(Beat {
            at_ms: tomorrow,
            ..good
        }),
        "from_the_future"
    );
    assert_eq!(
        refused(Beat {
            at_ms: u64::MAX,
            ..good
        }),
        "from_the_future"
    );
}

#[test]
fn a_wrong_clock_within_a_day_costs_no_progress_and_claims_no_future() {
    let mut learner = Learner::new();
    let now_ms = START_MS + 60_000;
    let fast = Beat {
        at_ms: now_ms + 3_600_000,
        ..beat(0, 20_000, 1.0)
    };
    learner.watch(&fast, 93_000, now_ms).unwrap();
    assert_eq!(u64::from(learner.record.position.at_s), now_ms / 1000);
}

#[test]
fn a_lesson_claimed_at_once_is_cut_to_what_is_plausible_and_told() {
    let mut learner = Learner::new();
    let whole = Beat {
        to_ms: 1_200_000,
        ..at(0, START_MS)
    };
    let judged = learner.watch(&whole, 1_200_000, START_MS).unwrap();
    assert_eq!(judged.cut, Some(Refusal::Implausible));
    assert!((learner.record.coverage.fraction() - 0.05).abs() < 0.001);
    assert_eq!(
        learner.watch(&whole, 1_200_000, START_MS),
        Err(Refusal::Implausible)
    );
}

#[test]
fn players_that_stop_short_of_the_announced_length_still_finish() {
    let mut learner = Learner::new();
    let almost = Beat {
        from_ms: 40,
        to_ms: 92_600,
        ..at(0, START_MS + 93_000)
    };
    learner.watch(&almost, 93_000, START_MS + 93_000).unwrap();
    assert!(learner.record.coverage.is_complete());
}

#[test]
fn jumping_about_keeps_whole_buckets_and_bounded_memory() {
    let mut learner = Learner::new();
    let length_ms = 1_200_000;
    let mut cut = 0;
    for half in 0..256_u32 {
        let from_ms = half * length_ms / 256 + 2000;
        let beat = Beat {
            to_ms: from_ms + 1000,
            ..at(from_ms, START_MS + WEEK_MS)
        };
        match learner.watch(&beat, length_ms, START_MS + WEEK_MS) {
            Ok(judged) => assert_eq!(judged.cut, None),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Scattered);
                cut += 1;
            }
        }
    }
    assert_eq!((learner.record.coverage.pieces(), cut), (128, 128));
    let whole = beat(0, length_ms, 1.0);
    learner
        .watch(&whole, length_ms, START_MS + WEEK_MS)
        .unwrap();
    assert!(learner.record.coverage.is_complete());
}
