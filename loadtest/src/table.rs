//! The result as a table for people.

use crate::honesty::Loop;
use crate::honesty::Verdict;
use crate::report::Report;
use crate::report::Requests;
use crate::report::Server;
use std::fmt;

const MIB: f64 = 1024.0 * 1024.0;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        writeln!(
            f,
            "{} · {} · {} URL(s) · seed {}",
            plan.mode, plan.target, plan.resources, plan.seed
        )?;
        self.write_connections(f)?;
        if self.load.answered + self.load.failed > 0 {
            self.write_load(f)?;
        }
        write_requests(f, "final check", &self.check)?;
        if let Some(server) = &self.server {
            self.write_server(f, server)?;
        }
        self.write_generator(f)?;
        for (kind, count) in &self.faults {
            writeln!(f, "  fault        {count} × {kind}")?;
        }
        for example in &self.fault_examples {
            writeln!(f, "               {example}")?;
        }
        self.write_verdict(f)
    }
}

/// Whether learners stay on the connections, so that their memory counts.
fn is_of_learners(mode: &str) -> bool {
    matches!(mode, "login" | "beats" | "answers" | "exam-start")
}

impl Report {
    fn write_connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.connections;
        write!(
            f,
            "  connections  {} opened ({} resumed, {}), {} refused, {} lost",
            c.connected, c.resumed, self.plan.key_exchange, c.refused, c.lost
        )?;
        match self.plan.mode {
            "handshakes" => writeln!(f)?,
            _ => writeln!(f, " · {:.1} s", c.opening_seconds)?,
        }
        writeln!(f, "  handshakes   {}", c.handshake_ms)?;
        let first = if is_of_learners(self.plan.mode) {
            "preparation"
        } else {
            "first GET"
        };
        write_requests(f, first, &self.opening)
    }

    fn write_load(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = &self.load;
        writeln!(
            f,
            "  load         {} answers in {:.1} s: {:.0}/s, {:.2} Gbit/s · {} failed · {} over 250 ms",
            load.measured,
            self.window_seconds,
            load.per_second,
            load.gbit_per_second,
            load.failed,
            load.stalls_over_250_ms
        )?;
        let meaning = match self.plan.arrivals {
            Loop::Closed if self.plan.mode == "exam-start" => "from the moment the exam opened",
            Loop::Open => "open loop, from the intended send time",
            Loop::Closed => "closed loop, service time only",
        };
        writeln!(f, "  latency      {} ({meaning})", load.latency_ms)
    }

    fn write_server(&self, f: &mut fmt::Formatter<'_>, server: &Server) -> fmt::Result {
        if self.window_seconds > 0.0 {
            write!(
                f,
                "  server       {:.2} cpu-s in {:.1} s · per cpu-second: ",
                server.cpu_seconds, self.window_seconds
            )?;
            match self.plan.mode {
                "handshakes" => writeln!(
                    f,
                    "{:.0} handshakes with GET",
                    server.requests_per_cpu_second
                )?,
                _ => writeln!(
                    f,
                    "{:.0} requests, {:.2} Gbit",
                    server.requests_per_cpu_second, server.gbit_per_cpu_second
                )?,
            }
        }
        if self.plan.mode != "idle" && !is_of_learners(self.plan.mode) {
            return Ok(());
        }
        writeln!(
            f,
            "  memory       server {:.1} → {:.1} MiB, {} bytes a connection · generator {:.1} MiB, \
             {} bytes a connection",
            server.rss_bytes_start as f64 / MIB,
            server.rss_bytes_resting.max(server.rss_bytes_end) as f64 / MIB,
            server.rss_bytes_per_connection,
            self.generator.rss_bytes_end as f64 / MIB,
            self.generator.rss_bytes_per_connection
        )
    }

    fn write_generator(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = &self.generator;
        writeln!(
            f,
            "  generator    lag p99 {:.2} max {:.2} ms · stood still {:.1} ms at most · busy {:.0} % \
             · {} datagrams dropped",
            own.lag_p99_ms,
            own.lag_max_ms,
            own.stall_max_ms,
            own.busy * 100.0,
            own.socket_drops
        )
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for missed in &self.missed {
            writeln!(f, "  missed       {missed}")?;
        }
        for doubt in &self.doubts {
            writeln!(f, "  in doubt     {doubt}")?;
        }
        let word = match self.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Withheld => "withheld: the generator was the bottleneck",
        };
        writeln!(f, "  verdict      {word}")
    }
}

fn write_requests(f: &mut fmt::Formatter<'_>, name: &str, requests: &Requests) -> fmt::Result {
    if requests.answered + requests.failed == 0 {
        return Ok(());
    }
    writeln!(
        f,
        "  {name:<12} {} right, {} failed · {}",
        requests.answered, requests.failed, requests.latency_ms
    )
}
