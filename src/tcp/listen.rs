//! Listening sockets, one per worker on the same address.

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

/// Connections the kernel finishes before we accept them; a burst beyond waits for SYN retries.
const BACKLOG: i32 = 4096;

/// A non-blocking listener on `address` that shares its port with other workers' listeners
/// (SO_REUSEPORT), so that the kernel spreads the newcomers.
///
/// # Errors
/// What the operating system says, `AddrInUse` above all.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // One listener per family, so that 127.0.0.1 and [::1] can be had apart.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_workers_share_one_port() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap();
        assert_eq!(bind(address).unwrap().local_addr().unwrap(), address);
    }
}
