//! What was found, and how it is told.

use crate::command::doctor::Cdn;
use crate::command::doctor::sources;
use crate::command::print;
use serde::Serialize;

/// A rule, by the name it is reported under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Rule {
    Tls,
    Http2,
    KeepAlive,
    Date,
    Status,
    AgeAbsent,
    ContentLength,
    StrongEtag,
    NoSetCookie,
    Vary,
    Cacheable,
    CdnCacheControl,
    Stale,
    Tags,
    HeadSize,
    Conditional,
    Head,
    Codings,
    SameBytes,
    Query,
    Ranges,
    IfRange,
    Unsatisfiable,
    Slices,
    Errors,
}

/// How a resource stands to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Pass,
    /// It works, with less than the network could do, or with a setting there.
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Finding {
    rule: Rule,
    verdict: Verdict,
    path: String,
    /// What was seen; empty where it passed.
    reason: String,
    source: &'static str,
}

/// Everything found so far.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) cdn: Cdn,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    /// Why the visit ended early.
    ended: Option<&'a str>,
    findings: &'a [Finding],
}

impl Report {
    pub(super) const fn new(cdn: Cdn) -> Self {
        Self {
            cdn,
            findings: Vec::new(),
        }
    }

    /// `path` keeps the rule if there is no reason to say that it does not.
    pub(super) fn check(&mut self, rule: Rule, path: &str, wrong: Option<String>) {
        let verdict = if wrong.is_some() {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        self.push(rule, verdict, path, wrong.unwrap_or_default());
    }

    /// The same where the origin works all the same.
    pub(super) fn advise(&mut self, rule: Rule, path: &str, weak: Option<String>) {
        let verdict = if weak.is_some() {
            Verdict::Warn
        } else {
            Verdict::Pass
        };
        self.push(rule, verdict, path, weak.unwrap_or_default());
    }

    fn push(&mut self, rule: Rule, verdict: Verdict, path: &str, reason: String) {
        self.findings.push(Finding {
            rule,
            verdict,
            path: path.to_owned(),
            reason,
            source: sources::of(rule, self.cdn),
        });
    }

    pub(super) fn failed(&self) -> bool {
        self.count(Verdict::Fail) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        let all = self.findings.iter();
        all.filter(|finding| finding.verdict == verdict).count()
    }

    /// Prints all of it; `ended` says why there is no more.
    pub(super) fn print(&mut self, json: bool, ended: Option<&str>) {
        self.findings.sort_by_key(|finding| finding.rule);
        if json {
            let document = Document {
                ok: ended.is_none() && !self.failed(),
                ended,
                findings: &self.findings,
            };
            print::answer(serde_json::to_string_pretty(&document).unwrap_or_default());
            return;
        }
        for of_rule in self.findings.chunk_by(|a, b| a.rule == b.rule) {
            lines(of_rule);
        }
        let (passed, warned) = (self.count(Verdict::Pass), self.count(Verdict::Warn));
        let failed = self.count(Verdict::Fail);
        print::answer(format_args!(
            "{passed} passed, {warned} to look at, {failed} failed"
        ));
    }
}

/// One line for all resources of which the same is to be said.
fn lines(findings: &[Finding]) {
    let mut told: Vec<(Verdict, &str)> = Vec::new();
    for finding in findings {
        let what = (finding.verdict, finding.reason.as_str());
        if told.contains(&what) {
            continue;
        }
        told.push(what);
        let alike = findings
            .iter()
            .filter(|f| (f.verdict, f.reason.as_str()) == what);
        let place = match alike.count() {
            1 => finding.path.clone(),
            n if finding.verdict == Verdict::Pass => format!("{n} resources"),
            n => format!("{} and {} more", finding.path, n - 1),
        };
        let name = name(finding.rule);
        let Finding { reason, source, .. } = finding;
        match finding.verdict {
            Verdict::Pass => print::answer(format_args!("pass  {name:<18} {place}")),
            Verdict::Warn => print::answer(format_args!(
                "warn  {name:<18} {place}: {reason} [{source}]"
            )),
            Verdict::Fail => print::answer(format_args!(
                "FAIL  {name:<18} {place}: {reason} [{source}]"
            )),
        }
    }
}

fn name(rule: Rule) -> String {
    let name = serde_json::to_value(rule).ok();
    name.and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}
