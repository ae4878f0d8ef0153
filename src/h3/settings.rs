//! SETTINGS (RFC 9114, 7.2.4).

use crate::h3::Code;
use crate::h3::Fault;
use crate::h3::frame;
use crate::h3::varint;

/// Bytes of a SETTINGS payload that are read; more is excessive.
pub(crate) const PAYLOAD_BYTES_MAX: u64 = 1024;

const QPACK_MAX_TABLE_CAPACITY: u64 = 0x01;
const MAX_FIELD_SECTION_SIZE: u64 = 0x06;
const QPACK_BLOCKED_STREAMS: u64 = 0x07;
/// Settings in one payload, known or not; enough to refuse duplicates without an allocation.
const COUNT_MAX: usize = 64;

/// What we use of the peer's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Bytes of a field section it accepts; unbounded if it says nothing.
    pub(crate) header_bytes_max: u64,
}

/// Appends a SETTINGS frame; the dynamic table is off in both directions (RFC 9204, 5).
pub(crate) fn write(header_bytes_max: u64, reserved: Option<u16>, out: &mut Vec<u8>) {
    let mut payload = Vec::with_capacity(24);
    let ours = [
        (MAX_FIELD_SECTION_SIZE, header_bytes_max),
        (QPACK_MAX_TABLE_CAPACITY, 0),
        (QPACK_BLOCKED_STREAMS, 0),
    ];
    let reserved = reserved.map(|n| (frame::reserved(n), u64::from(n)));
    for (id, value) in ours.into_iter().chain(reserved) {
        varint::write(id, &mut payload);
        varint::write(value, &mut payload);
    }
    frame::write_header(frame::SETTINGS, payload.len() as u64, out);
    out.extend_from_slice(&payload);
}

/// Reads a payload; unknown settings are ignored.
pub(crate) fn read(mut payload: &[u8]) -> Result<Settings, Fault> {
    let mut settings = Settings {
        header_bytes_max: u64::MAX,
    };
    let mut seen = [u64::MAX; COUNT_MAX];
    for place in &mut seen {
        if payload.is_empty() {
            break;
        }
        let (id, value, len) = frame::read_header(payload).ok_or(Fault::connection(
            Code::FrameError,
            "SETTINGS ends within a setting",
        ))?;
        payload = payload.get(len..).unwrap_or_default();
        // Settings of HTTP/2 that HTTP/3 does not have (RFC 9114, 7.2.4.1 and 11.2.2).
        if matches!(id, 0x00 | 0x02..=0x05) {
            let reason = "SETTINGS holds a setting of HTTP/2";
            return Err(Fault::connection(Code::SettingsError, reason));
        }
        if id == MAX_FIELD_SECTION_SIZE {
            settings.header_bytes_max = value;
        }
        *place = id;
    }
    if !payload.is_empty() {
        let reason = "SETTINGS holds more settings than are reasonable";
        return Err(Fault::connection(Code::ExcessiveLoad, reason));
    }
    seen.sort_unstable();
    let twice = |pair: &[u64]| matches!(pair, [a, b] if a == b && *a != u64::MAX);
    if seen.windows(2).any(twice) {
        let reason = "SETTINGS holds a setting twice";
        return Err(Fault::connection(Code::SettingsError, reason));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_settings_are_read_back_and_reserved_ones_ignored() {
        for reserved in [None, Some(0), Some(u16::MAX)] {
            let mut wire = Vec::new();
            write(65_536, reserved, &mut wire);
            let (kind, len, header) = frame::read_header(&wire).unwrap();
            assert_eq!((kind, len), (frame::SETTINGS, (wire.len() - header) as u64));
            assert_eq!(read(&wire[header..]).unwrap().header_bytes_max, 65_536);
        }
        assert_eq!(read(&[]).unwrap().header_bytes_max, u64::MAX);
    }

    #[test]
    fn wrong_settings_have_the_code_of_their_fault() {
        let many: Vec<u8> = (0..65_u8).flat_map(|n| [0x40, 0x40 + n, 0]).collect();
        for (payload, code) in [
            (&[0x06, 1, 0x06, 1][..], Code::SettingsError),
            (&[0x21, 1, 0x06, 1, 0x21, 2], Code::SettingsError),
            (&[0x00, 0], Code::SettingsError),
            (&[0x02, 0], Code::SettingsError),
            (&[0x03, 0], Code::SettingsError),
            (&[0x04, 0], Code::SettingsError),
            (&[0x05, 0], Code::SettingsError),
            (&[0x06], Code::FrameError),
            (&[0x06, 0x40], Code::FrameError),
            (&many, Code::ExcessiveLoad),
        ] {
            assert_eq!(read(payload).unwrap_err().code(), code, "{payload:?}");
        }
        assert!(read(&many[..many.len() - 3]).is_ok());
    }
}
