//! The documents of the operations listener: readiness, status, OpenMetrics.

use crate::base::metrics::Kind;
use crate::base::metrics::Part;
use crate::base::metrics::Sample;
use crate::runtime;
use crate::runtime::keyring::hex;
use crate::server::learners::Glance;
use crate::server::state::State;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Bad lessons listed in one answer; `lamplight check` lists them all.
const PROBLEMS_SHOWN_MAX: usize = 100;

#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<String>,
    content_problems: Vec<String>,
}

#[derive(Serialize)]
struct Status<'a> {
    version: &'a str,
    node: u16,
    ready: bool,
    reasons: Vec<String>,
    uptime_ms: u64,
    listen: Vec<String>,
    workers: usize,
    connections: usize,
    connections_max: usize,
    courses: usize,
    content_problems: usize,
    learners: Glance,
    certificate_sha256: String,
    spki_sha256: String,
    metrics: BTreeMap<String, i64>,
}

/// Whether the server is ready, and the document that says why not. Problems of single lessons are
/// listed but do not make the server unready: the good lessons are served.
pub(super) fn ready(state: &State) -> (bool, String) {
    let reasons = state.not_ready();
    let ready = reasons.is_empty();
    let catalogue = state.library.catalogue();
    let shown = catalogue.problems().iter().take(PROBLEMS_SHOWN_MAX);
    let content_problems = shown.map(ToString::to_string).collect();
    (
        ready,
        json(&Ready {
            ready,
            reasons,
            content_problems,
        }),
    )
}

/// Everything at a glance.
pub(super) fn status(state: &State) -> String {
    let reasons = state.not_ready();
    let prints = state.identity.prints();
    let uptime = runtime::now().saturating_duration_since(state.started);
    let catalogue = state.library.catalogue();
    let samples = state.samples();
    let metrics = added_up(&samples).into_values();
    json(&Status {
        version: env!("CARGO_PKG_VERSION"),
        node: state.config.server.node,
        ready: reasons.is_empty(),
        reasons,
        uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
        listen: state.listen.iter().map(ToString::to_string).collect(),
        workers: state.workers,
        connections: state.budget.taken(),
        connections_max: state.budget.max(),
        courses: catalogue.courses().len(),
        content_problems: catalogue.problems().len(),
        learners: state.learners.glance(),
        certificate_sha256: prints.certificate,
        spki_sha256: prints.spki,
        metrics: metrics
            .map(|sample| (shown_name(&sample), sample.value))
            .collect(),
    })
}

/// The samples in the OpenMetrics text format, version 1.0.0.
pub(super) fn openmetrics(samples: &[Sample]) -> String {
    let mut text = String::new();
    let mut family = "";
    for sample in added_up(samples).into_values() {
        let name = sample.name;
        if name != family {
            family = name;
            let kind = match sample.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            // Writing to a string cannot fail.
            let _ok = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {}", sample.help);
        }
        let value = sample.value;
        if sample.kind == Kind::Histogram(Part::All) {
            let bucket = named(&sample, "_bucket", Some("+Inf"));
            let _ok = writeln!(text, "{bucket} {value}");
        }
        let _ok = writeln!(text, "{} {value}", shown_name(&sample));
    }
    text.push_str("# EOF\n");
    text
}

/// Name, label and part.
type Identity = (&'static str, Option<(&'static str, &'static str)>, Kind);

/// Samples of equal name, label and part as one, in the order of their names.
fn added_up(samples: &[Sample]) -> BTreeMap<Identity, Sample> {
    let mut sums = BTreeMap::new();
    for sample in samples {
        let sum = sums.entry((sample.name, sample.label, sample.kind));
        sum.and_modify(|sum: &mut Sample| sum.value = sum.value.saturating_add(sample.value))
            .or_insert_with(|| sample.clone());
    }
    sums
}

fn shown_name(sample: &Sample) -> String {
    match sample.kind {
        Kind::Counter => named(sample, "_total", None),
        Kind::Gauge => named(sample, "", None),
        Kind::Histogram(Part::UpTo(n)) => named(sample, "_bucket", Some(&format!("{n}.0"))),
        Kind::Histogram(Part::All) => named(sample, "_count", None),
        Kind::Histogram(Part::Sum) => named(sample, "_sum", None),
    }
}

/// The name with its labels; `le` is that of a bucket.
fn named(sample: &Sample, suffix: &str, le: Option<&str>) -> String {
    let name = sample.name;
    match (sample.label, le) {
        (None, None) => format!("{name}{suffix}"),
        (None, Some(le)) => format!("{name}{suffix}{{le=\"{le}\"}}"),
        (Some((label, value)), None) => format!("{name}{suffix}{{{label}=\"{value}\"}}"),
        (Some((label, value)), Some(le)) => {
            format!("{name}{suffix}{{{label}=\"{value}\",le=\"{le}\"}}")
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| {
        // Plain data serialises; if ever not, say so instead of an empty page.
        tracing::error!(%error, "an operations document cannot be written");
        format!("{{\"error\":\"{}\"}}", hex(error.to_string().as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::metrics::Counter;
    use crate::base::metrics::Histogram;

    #[test]
    fn a_histogram_of_two_workers_is_one_with_rising_buckets() {
        let mut samples = Vec::new();
        for value in [7, 70] {
            let histogram = Histogram::new(&[9, 100]);
            histogram.observe(value);
            histogram.sample("lamplight_x_ms", "Xs.", &mut samples);
        }
        let labelled: Vec<_> = samples
            .into_iter()
            .map(|s| s.labelled("version", "3"))
            .collect();
        let text = openmetrics(&labelled);
        let expected = "# TYPE lamplight_x_ms histogram\n# HELP lamplight_x_ms Xs.\n\
                        lamplight_x_ms_bucket{version=\"3\",le=\"9.0\"} 1\n\
                        lamplight_x_ms_bucket{version=\"3\",le=\"100.0\"} 2\n\
                        lamplight_x_ms_bucket{version=\"3\",le=\"+Inf\"} 2\n\
                        lamplight_x_ms_count{version=\"3\"} 2\n\
                        lamplight_x_ms_sum{version=\"3\"} 77\n# EOF\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_scrape_adds_the_workers_up_and_names_each_family_once() {
        let count = |n: u64| {
            let counter = Counter::default();
            counter.add(n);
            counter
        };
        let sample =
            |n, reason| Sample::counter("lamplight_x", "Xs.", &count(n)).labelled("reason", reason);
        let samples = [sample(1, "a"), sample(2, "b"), sample(40, "a")];
        let text = openmetrics(&samples);
        let expected = "# TYPE lamplight_x counter\n# HELP lamplight_x Xs.\n\
                        lamplight_x_total{reason=\"a\"} 41\n\
                        lamplight_x_total{reason=\"b\"} 2\n# EOF\n";
        assert_eq!(text, expected);
    }
}
