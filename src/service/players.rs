//! What players tell of themselves (CMCD), counted by HTTP version: whether pictures stop, how
//! soon they begin, what bitrate arrives. One a worker.

use crate::base::metrics::Counter;
use crate::base::metrics::Histogram;
use crate::base::metrics::Sample;
use crate::base::metrics::Source;
use crate::http::Cmcd;
use crate::http::IllFormed;
use crate::http::Version;

/// What was told over all versions.
#[derive(Debug)]
pub(crate) struct Players {
    by_version: [Told; 3],
    ill_formed: Counter,
}

/// What was told over one version.
#[derive(Debug)]
struct Told {
    requests: Counter,
    second_version: Counter,
    stalls: Counter,
    startups: Counter,
    bitrate: Histogram,
    top_bitrate: Histogram,
    buffer: Histogram,
    throughput: Histogram,
    stall: Histogram,
    start_delay: Histogram,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            requests: Counter::default(),
            second_version: Counter::default(),
            stalls: Counter::default(),
            startups: Counter::default(),
            bitrate: Histogram::new(&BITRATES_KBPS),
            top_bitrate: Histogram::new(&BITRATES_KBPS),
            buffer: Histogram::new(&TIMES_MS),
            throughput: Histogram::new(&THROUGHPUTS_KBPS),
            stall: Histogram::new(&TIMES_MS),
            start_delay: Histogram::new(&TIMES_MS),
        }
    }
}

impl Default for Players {
    fn default() -> Self {
        Self {
            by_version: [(); 3].map(|()| Told::default()),
            ill_formed: Counter::default(),
        }
    }
}

/// From sound alone to full HD.
const BITRATES_KBPS: [u64; 9] = [64, 128, 250, 500, 1000, 2000, 4000, 8000, 16_000];
/// From GPRS to fibre.
const THROUGHPUTS_KBPS: [u64; 9] = [100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000];
/// From what nobody notices to what makes people leave.
const TIMES_MS: [u64; 9] = [100, 250, 500, 1000, 2000, 4000, 8000, 16_000, 60_000];

impl Players {
    /// Counts what came with a request of this version.
    pub(crate) fn told(&self, version: Version, told: Result<Cmcd, IllFormed>) {
        let Ok(told) = told else {
            self.ill_formed.add_one();
            return;
        };
        let [first, second, third] = &self.by_version;
        let into = match version {
            Version::Http1 => first,
            Version::Http2 => second,
            Version::Http3 => third,
        };
        into.count(&told);
    }
}

impl Told {
    fn count(&self, told: &Cmcd) {
        self.requests.add_one();
        for (yes, counter) in [
            (told.version == Some(2), &self.second_version),
            (told.starved, &self.stalls),
            (told.startup, &self.startups),
        ] {
            if yes {
                counter.add_one();
            }
        }
        for (value, histogram) in [
            (told.bitrate_kbps, &self.bitrate),
            (told.top_bitrate_kbps, &self.top_bitrate),
            (told.buffer_ms, &self.buffer),
            (told.throughput_kbps, &self.throughput),
            (told.stall_ms, &self.stall),
            (told.start_delay_ms, &self.start_delay),
        ] {
            if let Some(value) = value {
                histogram.observe(value);
            }
        }
    }

    fn sample(&self, version: &'static str, into: &mut Vec<Sample>) {
        let counters = [
            (
                "lamplight_cmcd_requests",
                "Requests with CMCD, by HTTP version.",
                &self.requests,
            ),
            (
                "lamplight_cmcd_v2_requests",
                "Those of CMCD version 2.",
                &self.second_version,
            ),
            (
                "lamplight_cmcd_stalls",
                "Times a player's buffer ran empty (bs).",
                &self.stalls,
            ),
            (
                "lamplight_cmcd_startups",
                "Requests a player needed at once: start, seek, recovery (su).",
                &self.startups,
            ),
        ];
        for (name, help, counter) in counters {
            into.push(Sample::counter(name, help, counter).labelled("version", version));
        }
        let histograms = [
            (
                "lamplight_cmcd_bitrate_kbps",
                "Bitrates asked for (br).",
                &self.bitrate,
            ),
            (
                "lamplight_cmcd_top_bitrate_kbps",
                "Highest bitrates that players may choose (tb).",
                &self.top_bitrate,
            ),
            (
                "lamplight_cmcd_buffer_ms",
                "Content in players' buffers (bl).",
                &self.buffer,
            ),
            (
                "lamplight_cmcd_throughput_kbps",
                "Throughput measured by players (mtp).",
                &self.throughput,
            ),
            (
                "lamplight_cmcd_stall_ms",
                "How long pictures stood still (bsd, version 2).",
                &self.stall,
            ),
            (
                "lamplight_cmcd_start_delay_ms",
                "From the wish to play to the first picture (msd, version 2).",
                &self.start_delay,
            ),
        ];
        for (name, help, histogram) in histograms {
            let from = into.len();
            histogram.sample(name, help, into);
            for sample in into.iter_mut().skip(from) {
                sample.label = Some(("version", version));
            }
        }
    }
}

impl Source for Players {
    fn sample(&self, into: &mut Vec<Sample>) {
        for (told, version) in self.by_version.iter().zip(["1", "2", "3"]) {
            told.sample(version, into);
        }
        let (name, help) = (
            "lamplight_cmcd_ill_formed",
            "Requests whose CMCD cannot be read; they are served all the same.",
        );
        into.push(Sample::counter(name, help, &self.ill_formed));
    }
}
