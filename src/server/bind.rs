//! All sockets of all workers, before anything runs.

use crate::config::Config;
use crate::quic;
use crate::tcp;
use std::io;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;

/// How often a free port is looked for that both UDP and TCP can have.
const FREE_PORT_TRIES: usize = 20;

/// One worker's sockets, the same addresses in the same order on every worker.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) tcp: Vec<TcpListener>,
    /// HTTP/1.1 without TLS.
    pub(super) plain: Vec<TcpListener>,
    pub(super) quic: Vec<quic::Socket>,
}

/// An address that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process has it.
    #[error(
        "{protocol} port {address} is taken by another program; \
         stop it or choose another address with {flag}"
    )]
    Taken {
        /// "TCP" or "UDP".
        protocol: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// The system refuses it for another reason.
    #[error("cannot listen on {protocol} {address}; choose another address with {flag}")]
    Refused {
        /// "TCP" or "UDP".
        protocol: &'static str,
        /// The address.
        address: SocketAddr,
        /// The flag that changes it.
        flag: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Loopback addresses alone were asked for and none is there.
    #[error("none of the addresses of server.listen exists on this machine")]
    Nowhere,
}

/// Binds every address of `config.server.listen` for each of `workers`; returns the addresses
/// with their ports and the sockets per worker.
pub(super) fn all(
    config: &Config,
    workers: usize,
) -> Result<(Vec<SocketAddr>, Vec<Sockets>), BindError> {
    let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
    let mut bound = Vec::new();
    for wanted in &config.server.listen {
        let address = match probe(*wanted) {
            Ok(address) => address,
            // A machine without IPv6 still serves the default `localhost` addresses.
            Err(BindError::Refused {
                address, source, ..
            }) if is_absent(address, &source) => {
                tracing::warn!(%address, "this machine has no such address; going on without it");
                continue;
            }
            Err(error) => return Err(error),
        };
        for worker in &mut sockets {
            worker
                .tcp
                .push(tcp::bind(address).map_err(refused("TCP", address))?);
            worker.quic.push(udp(config, address)?);
        }
        bound.push(address);
    }
    if bound.is_empty() {
        Err(BindError::Nowhere)
    } else {
        Ok((bound, sockets))
    }
}

/// Binds every address of `config.tcp.plain_listen` for each worker; returns them with their ports.
pub(super) fn plain(
    config: &Config,
    sockets: &mut [Sockets],
) -> Result<Vec<SocketAddr>, BindError> {
    let mut bound = Vec::new();
    for wanted in &config.tcp.plain_listen {
        let refused = |address| move |source| refusal("TCP", address, "tcp.plain_listen", source);
        let probe = TcpListener::bind(wanted).map_err(refused(*wanted))?;
        let address = probe.local_addr().map_err(refused(*wanted))?;
        drop(probe);
        for worker in &mut *sockets {
            let listener = tcp::bind(address).map_err(refused(address))?;
            worker.plain.push(listener);
        }
        bound.push(address);
    }
    Ok(bound)
}

fn udp(config: &Config, address: SocketAddr) -> Result<quic::Socket, BindError> {
    let receive = config.quic.receive_buffer.as_len();
    let send = config.quic.send_buffer.as_len();
    quic::Socket::bind(address, receive, send).map_err(refused("UDP", address))
}

/// Makes sure that no other process has the address: our own sockets share it among workers
/// (SO_REUSEPORT), and so would another Lamplight, silently taking half of the learners. Finds a
/// port free for both protocols if none is given.
fn probe(wanted: SocketAddr) -> Result<SocketAddr, BindError> {
    let mut outcome = probe_once(wanted);
    for _ in 1..FREE_PORT_TRIES {
        if outcome.is_ok() || wanted.port() != 0 {
            break;
        }
        outcome = probe_once(wanted);
    }
    outcome
}

fn probe_once(wanted: SocketAddr) -> Result<SocketAddr, BindError> {
    let tcp = TcpListener::bind(wanted).map_err(refused("TCP", wanted))?;
    let address = tcp.local_addr().map_err(refused("TCP", wanted))?;
    let _udp = UdpSocket::bind(address).map_err(refused("UDP", address))?;
    Ok(address)
}

fn refused(protocol: &'static str, address: SocketAddr) -> impl FnOnce(io::Error) -> BindError {
    move |source| refusal(protocol, address, "--listen", source)
}

fn refusal(
    protocol: &'static str,
    address: SocketAddr,
    flag: &'static str,
    source: io::Error,
) -> BindError {
    if source.kind() == io::ErrorKind::AddrInUse {
        BindError::Taken {
            protocol,
            address,
            flag,
        }
    } else {
        BindError::Refused {
            protocol,
            address,
            flag,
            source,
        }
    }
}

/// The operations listener.
pub(super) fn ops(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| refusal("TCP", address, "--ops", source))
}

fn is_absent(address: SocketAddr, error: &io::Error) -> bool {
    /// "Address family not supported", which std has no name for.
    const EAFNOSUPPORT: i32 = 97;
    address.ip() == Ipv6Addr::LOCALHOST
        && (error.kind() == io::ErrorKind::AddrNotAvailable
            || error.raw_os_error() == Some(EAFNOSUPPORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_port_is_refused_not_given_half_the_learners() {
        let mut config = Config::default();
        config.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
        let (bound, first) = all(&config, 2).unwrap();
        assert_eq!(
            (first.len(), first[1].tcp.len(), first[1].quic.len()),
            (2, 1, 1)
        );
        config.server.listen = bound;
        let error = all(&config, 1).unwrap_err().to_string();
        assert!(error.contains("is taken by another program"), "{error}");
        assert!(error.contains("--listen"), "{error}");
        drop(first);
        assert!(all(&config, 1).is_ok());
    }

    #[test]
    fn a_plain_port_that_is_taken_is_named_with_its_key() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.tcp.plain_listen = vec![taken.local_addr().unwrap()];
        let mut sockets = [Sockets::default()];
        let error = plain(&config, &mut sockets).unwrap_err().to_string();
        assert!(error.contains("tcp.plain_listen"), "{error}");
        drop(taken);
        assert_eq!(
            plain(&config, &mut sockets).unwrap(),
            config.tcp.plain_listen
        );
        assert_eq!(sockets[0].plain.len(), 1);
    }

    #[test]
    fn a_port_taken_for_udp_alone_is_named_as_that() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.server.listen = vec![taken.local_addr().unwrap()];
        let error = all(&config, 1).unwrap_err().to_string();
        assert!(error.starts_with("UDP port 127.0.0.1:"), "{error}");
    }
}
