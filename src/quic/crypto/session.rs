//! One connection's handshake, and what little is kept of it afterwards.
//!
//! rustls' connection is some 4 KB. It is dropped when the handshake is complete and has nothing
//! left to write: on a server after the tickets, on a client when a ticket came (or at once if it
//! does not resume). The secrets stay, so that keys can be updated (RFC 9001, 6).

use crate::quic::crypto::retry;
use crate::quic::crypto::suites;
use bytes::BytesMut;
use quinn_proto::ConnectError;
use quinn_proto::ConnectionId;
use quinn_proto::Side;
use quinn_proto::TransportError;
use quinn_proto::TransportErrorCode;
use quinn_proto::crypto;
use quinn_proto::crypto::CryptoError;
use quinn_proto::crypto::ExportKeyingMaterialError;
use quinn_proto::crypto::KeyPair;
use quinn_proto::crypto::Keys;
use quinn_proto::crypto::UnsupportedVersion;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::pki_types::ServerName;
use rustls::quic;
use std::any::Any;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::Mutex;

/// QUIC version 1 (RFC 9000); the only one offered.
pub(in crate::quic) const VERSION: u32 = 1;

/// Starts server sessions.
pub(in crate::quic) struct ServerCrypto(pub(in crate::quic) Arc<rustls::ServerConfig>);

/// Starts client sessions.
pub(in crate::quic) struct ClientCrypto {
    /// TLS as configured by the client.
    pub(in crate::quic) tls: Arc<rustls::ClientConfig>,
    /// Whether a ticket is worth waiting for.
    pub(in crate::quic) resumes: bool,
}

/// A handshake under way, then its remains.
struct Session {
    tls: Option<Box<quic::Connection>>,
    secrets: Option<Box<quic::Secrets>>,
    side: Side,
    agreed: Option<Agreed>,
    /// What the client still waits for before the TLS state may go.
    awaits_ticket: bool,
    /// The peer's transport parameters if the TLS state went before a client was asked for them;
    /// quinn-proto asks once, after the last flight was written. Taken through `&self`, unshared.
    parameters: Mutex<Option<Box<[u8]>>>,
}

/// What was agreed, as `Session::handshake_data` gives it.
#[derive(Debug, Clone, Copy)]
pub(in crate::quic) struct Agreed {
    /// Key exchange used; none in a resumption without one.
    pub(in crate::quic) group: Option<rustls::NamedGroup>,
    /// Whether the session was resumed.
    pub(in crate::quic) resumed: bool,
}

impl crypto::ServerConfig for ServerCrypto {
    fn initial_keys(&self, version: u32, id: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        (version == VERSION)
            .then_some(())
            .ok_or(UnsupportedVersion)?;
        Ok(initial_keys(id, Side::Server))
    }

    fn retry_tag(&self, _version: u32, original: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        retry::tag(original, packet)
    }

    fn start_session(
        self: Arc<Self>,
        _version: u32,
        params: &TransportParameters,
    ) -> Box<dyn crypto::Session> {
        let tls =
            quic::ServerConnection::new(Arc::clone(&self.0), quic::Version::V1, bytes(params));
        #[expect(
            clippy::expect_used,
            reason = "fails only without TLS 1.3 or with a wrong early \
            data size, and the configuration is made by this room"
        )]
        let tls = tls.expect("a TLS 1.3 configuration for QUIC");
        Box::new(Session::new(tls.into(), Side::Server, false))
    }
}

impl crypto::ClientConfig for ClientCrypto {
    fn start_session(
        self: Arc<Self>,
        _version: u32,
        name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn crypto::Session>, ConnectError> {
        let invalid = || ConnectError::InvalidServerName(name.to_owned());
        let server = ServerName::try_from(name)
            .map_err(|_ignored| invalid())?
            .to_owned();
        let config = Arc::clone(&self.tls);
        let tls = quic::ClientConnection::new(config, quic::Version::V1, server, bytes(params));
        let tls = tls.map_err(|_ignored| ConnectError::EndpointStopping)?;
        Ok(Box::new(Session::new(
            tls.into(),
            Side::Client,
            self.resumes,
        )))
    }
}

impl Session {
    fn new(tls: quic::Connection, side: Side, awaits_ticket: bool) -> Self {
        Self {
            tls: Some(Box::new(tls)),
            secrets: None,
            side,
            agreed: None,
            awaits_ticket,
            parameters: Mutex::new(None),
        }
    }

    /// Drops the TLS state if it has nothing left to do.
    fn shed(&mut self) {
        let over = self.secrets.is_some() && !self.awaits_ticket;
        let quiet = |tls: &mut Box<quic::Connection>| !tls.is_handshaking();
        if over && self.tls.as_mut().is_some_and(quiet) {
            let tls = self.tls.take().filter(|_| self.side == Side::Client);
            let parameters = tls.as_ref().and_then(|tls| tls.quic_transport_parameters());
            self.parameters = Mutex::new(parameters.map(Into::into));
        }
    }

    fn read(&mut self, flight: &[u8]) -> Result<(), TransportError> {
        let Some(tls) = &mut self.tls else {
            // Later tickets of the server; anything else cannot be valid any more (RFC 9001, 8.3).
            return Ok(());
        };
        let read = tls.read_hs(flight);
        let alert = tls.alert();
        read.map_err(|error| {
            let unread = matches!(error, rustls::Error::InvalidMessage(_));
            // rustls keeps silent about bytes that are no message at all (RFC 9001, 4.8).
            let alert = alert.or_else(|| unread.then_some(rustls::AlertDescription::DecodeError));
            let code = alert.map_or(TransportErrorCode::PROTOCOL_VIOLATION, |alert| {
                TransportErrorCode::crypto(alert.into())
            });
            failure(code, error.to_string())
        })?;
        let unspoken = tls.quic_transport_parameters().is_some() && tls.alpn_protocol().is_none();
        if self.side == Side::Server && unspoken {
            // rustls accepts a client without ALPN; HTTP/3 does not (RFC 9001, 8.1).
            let code =
                TransportErrorCode::crypto(rustls::AlertDescription::NoApplicationProtocol.into());
            return Err(failure(
                code,
                "the client names no application protocol".to_owned(),
            ));
        }
        Ok(())
    }
}

fn failure(code: TransportErrorCode, reason: String) -> TransportError {
    TransportError {
        code,
        frame: None,
        reason,
    }
}

impl crypto::Session for Session {
    fn initial_keys(&self, id: &ConnectionId, side: Side) -> Keys {
        initial_keys(id, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.agreed.map(|agreed| Box::new(agreed) as Box<dyn Any>)
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        None
    }

    fn early_crypto(&self) -> Option<(Box<dyn crypto::HeaderKey>, Box<dyn crypto::PacketKey>)> {
        let keys = self.tls.as_ref()?.zero_rtt_keys()?;
        Some((Box::new(keys.header), Box::new(keys.packet)))
    }

    fn early_data_accepted(&self) -> Option<bool> {
        match self.tls.as_deref() {
            Some(quic::Connection::Client(tls)) => Some(tls.is_early_data_accepted()),
            None if self.side == Side::Client => Some(false),
            Some(quic::Connection::Server(_)) | None => None,
        }
    }

    fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    fn read_handshake(&mut self, flight: &[u8]) -> Result<bool, TransportError> {
        self.read(flight)?;
        let Some(tls) = &self.tls else {
            return Ok(false);
        };
        if self.side == Side::Client && self.secrets.is_some() {
            // A flight after the handshake: the ticket that was awaited.
            self.awaits_ticket = false;
        }
        let known = tls.alpn_protocol().is_some() || !tls.is_handshaking();
        let ready = self.agreed.is_none() && known;
        if self.agreed.is_none() || !tls.is_handshaking() {
            self.agreed = known.then(|| agreed(tls));
        }
        Ok(ready)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        let left = || self.parameters.lock().ok()?.take();
        let params = match &self.tls {
            Some(tls) => tls.quic_transport_parameters().map(Into::into),
            None => left(),
        };
        let read = |bytes: Box<[u8]>| TransportParameters::read(self.side, &mut Cursor::new(bytes));
        params.map(read).transpose().map_err(Into::into)
    }

    fn write_handshake(&mut self, out: &mut Vec<u8>) -> Option<Keys> {
        let change = self.tls.as_mut().and_then(|tls| tls.write_hs(out));
        let keys = change.map(|change| match change {
            quic::KeyChange::Handshake { keys } => keys,
            quic::KeyChange::OneRtt { keys, next } => {
                self.secrets = Some(Box::new(next));
                keys
            }
        });
        if keys.is_none() {
            // Called until it gives no keys, so by now everything is in `out`.
            self.shed();
        }
        keys.map(whole)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn crypto::PacketKey>>> {
        let keys = self.secrets.as_mut()?.next_packet_keys();
        Some(KeyPair {
            local: Box::new(keys.local),
            remote: Box::new(keys.remote),
        })
    }

    fn is_valid_retry(&self, original: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        retry::is_valid(original, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        let tls = self.tls.as_ref().ok_or(ExportKeyingMaterialError)?;
        let done = tls.export_keying_material(output, label, Some(context));
        done.map(|_| ())
            .map_err(|_ignored| ExportKeyingMaterialError)
    }
}

fn agreed(tls: &quic::Connection) -> Agreed {
    let kind = match tls {
        quic::Connection::Client(c) => c.handshake_kind(),
        quic::Connection::Server(c) => c.handshake_kind(),
    };
    Agreed {
        group: tls.negotiated_key_exchange_group().map(|g| g.name()),
        resumed: kind == Some(rustls::HandshakeKind::Resumed),
    }
}

/// Keys of Initial packets, derived from the id the client chose (RFC 9001, 5.2).
fn initial_keys(id: &ConnectionId, side: Side) -> Keys {
    let side = match side {
        Side::Client => rustls::Side::Client,
        Side::Server => rustls::Side::Server,
    };
    let keys = suites::initial().keys(id, side, quic::Version::V1);
    Keys {
        header: KeyPair {
            local: Box::new(keys.local.header),
            remote: Box::new(keys.remote.header),
        },
        packet: KeyPair {
            local: Box::new(keys.local.packet),
            remote: Box::new(InitialKey(keys.remote.packet)),
        },
    }
}

fn whole(keys: quic::Keys) -> Keys {
    Keys {
        header: KeyPair {
            local: Box::new(keys.local.header),
            remote: Box::new(keys.remote.header),
        },
        packet: KeyPair {
            local: Box::new(keys.local.packet),
            remote: Box::new(keys.remote.packet),
        },
    }
}

fn bytes(params: &TransportParameters) -> Vec<u8> {
    let mut bytes = Vec::new();
    params.write(&mut bytes);
    bytes
}

/// Opens Initial packets and cuts their padding, which is most of a client's first flight and
/// which quinn-proto would otherwise take for a thousand frames of one byte.
struct InitialKey(Box<dyn quic::PacketKey>);

impl crypto::PacketKey for InitialKey {
    fn encrypt(&self, packet: u64, buf: &mut [u8], header_len: usize) {
        crypto::PacketKey::encrypt(&self.0, packet, buf, header_len);
    }

    fn decrypt(
        &self,
        packet: u64,
        header: &[u8],
        payload: &mut BytesMut,
    ) -> Result<(), CryptoError> {
        crypto::PacketKey::decrypt(&self.0, packet, header, payload)?;
        payload.truncate(unpadded(payload));
        Ok(())
    }

    fn tag_len(&self) -> usize {
        self.0.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.0.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.0.integrity_limit()
    }
}

/// Bytes of an Initial payload without the PADDING at its end (RFC 9000, 12.4 says which frames
/// there may be). One byte of padding is left, so that a packet of nothing else stays one.
fn unpadded(payload: &[u8]) -> usize {
    let mut rest = payload;
    while let [kind, after @ ..] = rest {
        let next = match kind {
            0x00 if after.iter().all(|b| *b == 0) => return payload.len() - after.len(),
            0x00 | 0x01 => Some(after),
            0x02 => past_ack(after),
            0x06 => past_crypto(after),
            _ => None,
        };
        let Some(next) = next else { break };
        rest = next;
    }
    payload.len()
}

fn past_crypto(frame: &[u8]) -> Option<&[u8]> {
    let (_offset, frame) = varint(frame)?;
    let (length, data) = varint(frame)?;
    data.get(usize::try_from(length).ok()?..)
}

fn past_ack(frame: &[u8]) -> Option<&[u8]> {
    let (_largest, frame) = varint(frame)?;
    let (_delay, frame) = varint(frame)?;
    let (ranges, frame) = varint(frame)?;
    let (_first, mut frame) = varint(frame)?;
    for _gap_and_length in 0..ranges.checked_mul(2)? {
        frame = varint(frame)?.1;
    }
    Some(frame)
}

/// A variable-length integer (RFC 9000, 16) and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let (head, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = head.iter().fold(0, |v, b| v << 8 | u64::from(*b));
    let unused_bits = 64 - (8 * head.len() - 2);
    Some((value << unused_bits >> unused_bits, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quic::client::Resume;
    use crate::quic::client::Tls;
    use crate::quic::client::Trust;
    use crate::quic::crypto::KeyExchange;
    use crate::runtime::keyring::Keyring;
    use crate::runtime::keyring::Purpose;
    use crate::runtime::tls::Identity;
    use crate::runtime::tls::Tickets;

    /// Both ends of a connection; the client's resumes if asked to.
    fn ends(resume: Resume) -> [Session; 2] {
        let data = tempfile::tempdir().unwrap();
        let identity = Identity::open(crate::runtime::tls::Config::default(), data.path());
        let tickets = Tickets::new(Keyring::ephemeral().accepted(Purpose::QuicTicket));
        let config = crate::quic::Config::default();
        let identity = Arc::new(identity.unwrap());
        let tls = crate::quic::server::tls(&config, identity, Arc::new(tickets)).unwrap();
        // Nobody here reads the transport parameters.
        let params = Vec::new();
        let server = quic::ServerConnection::new(tls, quic::Version::V1, params.clone()).unwrap();
        let resumes = resume != Resume::Never;
        let tls = Tls::new(Trust::Anybody, KeyExchange::Hybrid, resume).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let config = Arc::clone(tls.config());
        let client = quic::ClientConnection::new(config, quic::Version::V1, name, params);
        [
            Session::new(client.unwrap().into(), Side::Client, resumes),
            Session::new(server.into(), Side::Server, false),
        ]
    }

    /// Carries flights to and fro until both are silent.
    fn shake(ends: &mut [Session; 2]) {
        for turn in 0..12 {
            let (mut flights, mut more) = (Vec::new(), true);
            while more {
                // One of each level of encryption.
                let mut flight = Vec::new();
                more = crypto::Session::write_handshake(&mut ends[turn % 2], &mut flight).is_some();
                flights.push(flight);
            }
            for flight in flights.into_iter().filter(|flight| !flight.is_empty()) {
                crypto::Session::read_handshake(&mut ends[(turn + 1) % 2], &flight).unwrap();
            }
        }
    }

    #[test]
    fn after_the_handshake_the_tls_state_is_gone_and_keys_can_still_be_updated() {
        for resume in [Resume::Never, Resume::Tickets] {
            let mut ends = ends(resume);
            assert!(ends.iter().all(|end| end.tls.is_some()));
            shake(&mut ends);
            for end in &mut ends {
                assert!(end.tls.is_none(), "{:?} {resume:?}", end.side);
                assert!(crypto::Session::next_1rtt_keys(end).is_some());
            }
        }
    }

    #[test]
    fn zeros_at_the_end_of_crypto_data_are_not_taken_for_padding() {
        let crypto = [0x06, 0x00, 0x04, 1, 0, 0, 0];
        assert_eq!(unpadded(&crypto), crypto.len());
        let padded = [&crypto[..], &[0; 900]].concat();
        assert_eq!(unpadded(&padded), crypto.len() + 1);
        let ack_first = [&[0x02, 5, 0, 1, 0, 0, 1][..], &padded].concat();
        assert_eq!(unpadded(&ack_first), 7 + crypto.len() + 1);
    }

    #[test]
    fn malformed_initials_are_left_as_they_are() {
        for bytes in [
            &[0x06, 0x00, 0x44][..],
            &[0x1c, 0, 0, 0],
            &[0x02, 0xff],
            &[0x06, 0, 9, 0],
        ] {
            assert_eq!(unpadded(bytes), bytes.len(), "{bytes:x?}");
        }
        assert_eq!(
            unpadded(&[0; 1000]),
            1,
            "a packet of padding stays a packet"
        );
    }
}
