//! The connection itself: certificate, and whether it lasts.

use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::command::doctor::visit::Visit;
use crate::runtime::client::Trust;

/// Judges what lies below the replies. That the visit began at all is what the certificate had to
/// prove.
pub(super) async fn judge(visit: &mut Visit, trust: &Trust, report: &mut Report) {
    if visit.origin.secure {
        let unchecked = "the certificate was not checked (--insecure); networks check it";
        let weak = (*trust == Trust::Anybody).then(|| unchecked.to_owned());
        report.advise(Rule::Tls, "/", weak);
    } else {
        let open = "without TLS: only within a private network";
        report.advise(Rule::Tls, "/", Some(open.to_owned()));
    }
    let first = visit.get("/", &[]).await;
    let kept = first.is_ok() && visit.is_kept().await;
    let closed = "the connection is closed after one reply, so every request pays a handshake";
    report.check(Rule::KeepAlive, "/", (!kept).then(|| closed.to_owned()));
}
