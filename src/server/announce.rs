//! What `serve` says on standard output: one line a listener with its URL, then `ready`.
//! Scripts wait for these lines; everything else goes to the log.

use crate::runtime::tls::Prints;
use crate::server::Server;
use std::io;
use std::io::Write;

/// Writes the listeners' lines and the certificate's.
pub(super) fn listeners(server: &Server, out: &mut impl Write) -> io::Result<()> {
    for address in server.addresses() {
        writeln!(
            out,
            "listening on https://{address}/ (HTTP/3, HTTP/2, HTTP/1.1)"
        )?;
    }
    for address in server.plain_addresses() {
        writeln!(
            out,
            "listening on http://{address}/ (HTTP/1.1 without TLS, for edges)"
        )?;
    }
    writeln!(out, "operations on http://{}/", server.ops_address())?;
    let Prints {
        certificate,
        spki,
        self_signed_until_s,
    } = server.prints();
    if self_signed_until_s.is_some() {
        writeln!(out, "self-signed certificate SHA-256 {certificate}")?;
        writeln!(out, "its public key SHA-256 {spki}")?;
    }
    out.flush()
}

/// Writes the line that scripts wait for.
pub(super) fn ready(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "ready")?;
    out.flush()
}
