//! Counts of what was refused, by code.

use crate::base::metrics::Counter;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::h3::Code;
use crate::h3::Fault;

/// Errors by scope and code, and field sections over the bound. One instance a worker.
#[derive(Debug, Default)]
pub struct Metrics {
    connection: [Counter; Code::ALL.len()],
    stream: [Counter; Code::ALL.len()],
    too_large: Counter,
}

impl Metrics {
    /// Counts an error that the driver is about to act on.
    pub fn count(&self, error: &Fault) {
        let counters = match error {
            Fault::Connection { .. } => &self.connection,
            Fault::Stream { .. } => &self.stream,
        };
        let at = Code::ALL.iter().position(|c| *c == error.code());
        if let Some(counter) = at.and_then(|at| counters.get(at)) {
            counter.add_one();
        }
    }

    /// Counts an [`Event::TooLarge`](crate::h3::Event::TooLarge).
    pub fn count_too_large(&self) {
        self.too_large.add_one();
    }
}

impl Source for Metrics {
    fn sample(&self, into: &mut Vec<Sample>) {
        let scopes = [
            ("lamplight_h3_connection_errors", &self.connection),
            ("lamplight_h3_stream_errors", &self.stream),
        ];
        for (name, counters) in scopes {
            let help = "HTTP/3 errors of peers, by the code they were answered with";
            let used = counters
                .iter()
                .zip(Code::ALL)
                .filter(|(c, _)| c.value() > 0);
            into.extend(
                used.map(|(c, code)| Sample::counter(name, help, c).labelled("code", code.name())),
            );
        }
        into.push(Sample::counter(
            "lamplight_h3_fields_too_large",
            "HTTP/3 messages refused because their field section is over the bound",
            &self.too_large,
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_counted_under_its_scope_and_code() {
        let metrics = Metrics::default();
        metrics.count(&Fault::malformed("x"));
        metrics.count_too_large();
        let mut samples = Vec::new();
        metrics.sample(&mut samples);
        let shown: Vec<_> = samples.iter().map(|s| (s.name, s.label, s.value)).collect();
        let message = Some(("code", "H3_MESSAGE_ERROR"));
        assert_eq!(shown[0], ("lamplight_h3_stream_errors", message, 1));
        assert_eq!(shown[1], ("lamplight_h3_fields_too_large", None, 1));
        assert_eq!(shown.len(), 2);
    }
}
