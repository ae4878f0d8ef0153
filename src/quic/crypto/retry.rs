//! The integrity tag of Retry packets (RFC 9001, 5.8).

use aws_lc_rs::aead;
use quinn_proto::ConnectionId;

const KEY: [u8; 16] = [
    0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e,
];
const NONCE: [u8; 12] = [
    0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb,
];
const TAG_BYTES: usize = 16;

/// The tag of a Retry packet without its tag, sent in answer to `original`.
pub(super) fn tag(original: &ConnectionId, packet: &[u8]) -> [u8; TAG_BYTES] {
    let pseudo = [&[length(original)], &original[..], packet].concat();
    let nonce = aead::Nonce::assume_unique_for_key(NONCE);
    let tag = aead::UnboundKey::new(&aead::AES_128_GCM, &KEY)
        .map(aead::LessSafeKey::new)
        .and_then(|k| k.seal_in_place_separate_tag(nonce, aead::Aad::from(pseudo), &mut []));
    let tag = tag.ok().and_then(|t| t.as_ref().try_into().ok());
    tag.unwrap_or_default()
}

/// Whether the packet, split into header and payload with tag, answers `original`.
pub(super) fn is_valid(original: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
    let Some((token, sent)) = payload.split_last_chunk::<TAG_BYTES>() else {
        return false;
    };
    tag(original, &[header, token].concat()) == *sent
}

fn length(id: &ConnectionId) -> u8 {
    u8::try_from(id.len()).unwrap_or(u8::MAX)
}
