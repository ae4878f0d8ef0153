//! What can go wrong on a connection or a stream, and the code that tells the peer.

use std::fmt;

/// A code in CONNECTION_CLOSE, RESET_STREAM or STOP_SENDING (RFC 9114, 8.1; RFC 9204, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u64)]
pub enum Code {
    /// Nothing is wrong: closing, or content that is not needed.
    NoError = 0x100,
    /// A violation that no other code describes.
    GeneralProtocolError = 0x101,
    /// A fault of this end.
    InternalError = 0x102,
    /// A stream that must not be opened, or that is not wanted.
    StreamCreationError = 0x103,
    /// A control or QPACK stream ended.
    ClosedCriticalStream = 0x104,
    /// A frame where it is not permitted.
    FrameUnexpected = 0x105,
    /// A frame that breaks its layout.
    FrameError = 0x106,
    /// The peer causes more work than is reasonable.
    ExcessiveLoad = 0x107,
    /// A stream or push identifier used wrongly.
    IdError = 0x108,
    /// A wrong SETTINGS payload.
    SettingsError = 0x109,
    /// The control stream does not begin with SETTINGS.
    MissingSettings = 0x10a,
    /// A request that was not processed at all and may be repeated.
    RequestRejected = 0x10b,
    /// A request or its reply is no longer wanted.
    RequestCancelled = 0x10c,
    /// A request stream that ended without a whole request.
    RequestIncomplete = 0x10d,
    /// A malformed message (RFC 9114, 4.1.2).
    MessageError = 0x10e,
    /// The connection behind a CONNECT failed.
    ConnectError = 0x10f,
    /// To be repeated over HTTP/1.1.
    VersionFallback = 0x110,
    /// A field section that cannot be decoded.
    QpackDecompressionFailed = 0x200,
    /// A wrong instruction on the encoder stream.
    QpackEncoderStreamError = 0x201,
    /// A wrong instruction on the decoder stream.
    QpackDecoderStreamError = 0x202,
}

impl Code {
    /// Every code, in the order of values.
    pub const ALL: [Self; 20] = [
        Self::NoError,
        Self::GeneralProtocolError,
        Self::InternalError,
        Self::StreamCreationError,
        Self::ClosedCriticalStream,
        Self::FrameUnexpected,
        Self::FrameError,
        Self::ExcessiveLoad,
        Self::IdError,
        Self::SettingsError,
        Self::MissingSettings,
        Self::RequestRejected,
        Self::RequestCancelled,
        Self::RequestIncomplete,
        Self::MessageError,
        Self::ConnectError,
        Self::VersionFallback,
        Self::QpackDecompressionFailed,
        Self::QpackEncoderStreamError,
        Self::QpackDecoderStreamError,
    ];

    /// The value on the wire.
    pub const fn value(self) -> u64 {
        self as u64
    }

    /// The code of that value; an unknown one counts as [`Code::NoError`] (RFC 9114, 9).
    pub fn from_value(value: u64) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|c| c.value() == value).unwrap_or(Self::NoError)
    }

    /// The name in the RFC, e.g. `H3_FRAME_ERROR`; also the metric label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoError => "H3_NO_ERROR",
            Self::GeneralProtocolError => "H3_GENERAL_PROTOCOL_ERROR",
            Self::InternalError => "H3_INTERNAL_ERROR",
            Self::StreamCreationError => "H3_STREAM_CREATION_ERROR",
            Self::ClosedCriticalStream => "H3_CLOSED_CRITICAL_STREAM",
            Self::FrameUnexpected => "H3_FRAME_UNEXPECTED",
            Self::FrameError => "H3_FRAME_ERROR",
            Self::ExcessiveLoad => "H3_EXCESSIVE_LOAD",
            Self::IdError => "H3_ID_ERROR",
            Self::SettingsError => "H3_SETTINGS_ERROR",
            Self::MissingSettings => "H3_MISSING_SETTINGS",
            Self::RequestRejected => "H3_REQUEST_REJECTED",
            Self::RequestCancelled => "H3_REQUEST_CANCELLED",
            Self::RequestIncomplete => "H3_REQUEST_INCOMPLETE",
            Self::MessageError => "H3_MESSAGE_ERROR",
            Self::ConnectError => "H3_CONNECT_ERROR",
            Self::VersionFallback => "H3_VERSION_FALLBACK",
            Self::QpackDecompressionFailed => "QPACK_DECOMPRESSION_FAILED",
            Self::QpackEncoderStreamError => "QPACK_ENCODER_STREAM_ERROR",
            Self::QpackDecoderStreamError => "QPACK_DECODER_STREAM_ERROR",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The peer broke a rule. What the driver does is in the variant, which code it sends in the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Close the connection (CONNECTION_CLOSE of type 0x1d) with `code` and `reason`.
    #[error("connection error {code}: {reason}")]
    Connection {
        /// Code to close with.
        code: Code,
        /// What was wrong, for the peer's developer; also the close frame's reason phrase.
        reason: &'static str,
    },
    /// Reset and stop this stream with `code`; the connection and its other streams go on.
    #[error("stream error {code}: {reason}")]
    Stream {
        /// Code to reset and stop with.
        code: Code,
        /// What was wrong, for the log.
        reason: &'static str,
    },
}

impl Fault {
    /// The code, whatever the scope.
    pub const fn code(&self) -> Code {
        match self {
            Self::Connection { code, .. } | Self::Stream { code, .. } => *code,
        }
    }

    /// What was wrong.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Connection { reason, .. } | Self::Stream { reason, .. } => reason,
        }
    }

    pub(crate) const fn connection(code: Code, reason: &'static str) -> Self {
        Self::Connection { code, reason }
    }

    pub(crate) const fn malformed(reason: &'static str) -> Self {
        Self::Stream {
            code: Code::MessageError,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_values_of_the_registries() {
        for (code, value) in Code::ALL.into_iter().zip((0x100..=0x110).chain(0x200..)) {
            assert_eq!(code.value(), value, "{code}");
            assert_eq!(Code::from_value(value), code);
        }
        assert_eq!(Code::from_value(0x21), Code::NoError);
    }
}
