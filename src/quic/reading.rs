//! Reading streams of quinn-proto piece by piece, and ending them.

use crate::h3::Code;
use bytes::Bytes;
use quinn_proto::Connection;
use quinn_proto::Dir;
use quinn_proto::ReadError;
use quinn_proto::StreamId;
use quinn_proto::VarInt;

/// What a stream has to read.
#[derive(Debug)]
pub(in crate::quic) enum Piece {
    /// Bytes, never empty; with `fin` nothing follows and the stream's receiving half is gone.
    Bytes { bytes: Bytes, fin: bool },
    /// The end.
    End,
    /// The peer gave up, with this code.
    Reset(u64),
    /// Nothing for now, or the stream is not there.
    None,
}

/// The next piece of a stream, in order. Looks one step ahead, so that a whole message in one
/// packet is one piece.
pub(in crate::quic) fn next(quic: &mut Connection, id: StreamId) -> Piece {
    let mut stream = quic.recv_stream(id);
    let Ok(mut chunks) = stream.read(true) else {
        return Piece::None;
    };
    let piece = match chunks.next(PIECE_BYTES) {
        Ok(Some(chunk)) => {
            // A length of 0 takes nothing, so this only asks whether the end was reached.
            let fin = matches!(chunks.next(0), Ok(None));
            Piece::Bytes {
                bytes: chunk.bytes,
                fin,
            }
        }
        Ok(None) => Piece::End,
        Err(ReadError::Reset(code)) => Piece::Reset(code.into_inner()),
        Err(ReadError::Blocked) => Piece::None,
    };
    // Credit for what was read goes out with the packets of this turn.
    let _transmit = chunks.finalize();
    piece
}

/// Asks the peer to stop sending; nothing if it has.
pub(in crate::quic) fn stop(quic: &mut Connection, id: StreamId, code: Code) {
    let _ended = quic.recv_stream(id).stop(varint(code));
}

/// Gives up our sending half; nothing if it has ended or was never ours.
pub(in crate::quic) fn reset(quic: &mut Connection, id: StreamId, code: Code) {
    if id.dir() == Dir::Bi || id.initiator() == quic.side() {
        let _ended = quic.send_stream(id).reset(varint(code));
    }
}

/// An error code as QUIC carries it.
pub(in crate::quic) fn varint(code: Code) -> VarInt {
    VarInt::from_u64(code.value()).unwrap_or(VarInt::MAX)
}

/// More than any datagram holds.
const PIECE_BYTES: usize = 64 * 1024;
