//! Why a field section is not accepted, before it is known what that means for the connection.

use crate::h3::Code;
use crate::h3::Fault;
use crate::h3::qpack::Broken;

/// Why a field section is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reject {
    /// QPACK is broken: the connection ends.
    Broken(&'static str),
    /// The message is malformed: the stream ends.
    Malformed(&'static str),
    /// Over the bound of bytes or lines: 431.
    TooLarge,
}

impl From<Broken> for Reject {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.0)
    }
}

impl Reject {
    /// The fault to report, unless the section is only too large.
    pub(crate) const fn fault(self) -> Option<Fault> {
        match self {
            Self::Broken(reason) => {
                let code = Code::QpackDecompressionFailed;
                Some(Fault::Connection { code, reason })
            }
            Self::Malformed(reason) => Some(Fault::malformed(reason)),
            Self::TooLarge => None,
        }
    }
}
