//! The sample packets of RFC 9001, appendix A, against our keys.

use crate::quic::crypto::keys;
use crate::quic::crypto::retry;
use crate::quic::crypto::suites;
use quinn_proto::ConnectionId;
use rustls::crypto::cipher::AeadKey;
use rustls::crypto::cipher::Iv;
use rustls::quic::Algorithm;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

const CLIENT_ID: &str = "8394c8f03e515708";

#[test]
fn client_initial_is_sealed_as_in_a_2() {
    let keys = suites::initial().keys(
        &hex(CLIENT_ID),
        rustls::Side::Client,
        rustls::quic::Version::V1,
    );
    let header = hex("c300000001088394c8f03e5157080000449e00000002");
    let hello = hex(
        "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
        04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578
        616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e
        000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753d
        e171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203
        080408050806002d00020101001c00024001003900320408ffffffffffffffff0504
        8000ffff07048000ffff0801100104800075300901100f088394c8f03e5157080604
        8000ffff",
    );
    let mut payload = hello;
    payload.resize(1162, 0);
    let tag = keys
        .local
        .packet
        .encrypt_in_place(2, &header, &mut payload)
        .unwrap();
    assert_eq!(payload[..16], hex("d1b1c98dd7689fb8ec11d242b123dc9b")[..]);
    assert_eq!(tag.as_ref(), hex("e221af44860018ab0856972e194cd934"));
    let (mut first, mut number) = (header[0], header[18..].to_vec());
    let sample = payload[..16].to_vec();
    keys.local
        .header
        .encrypt_in_place(&sample, &mut first, &mut number)
        .unwrap();
    assert_eq!((first, number), (0xc0, hex("7b9aec34")));
}

#[test]
fn server_initial_is_opened_as_in_a_3() {
    let server = rustls::Side::Client;
    let keys = suites::initial().keys(&hex(CLIENT_ID), server, rustls::quic::Version::V1);
    let packet = hex(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a
        5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3
        dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
        022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4
        2158407dd074ee",
    );
    let mut first = packet[0];
    let mut number = packet[18..22].to_vec();
    keys.remote
        .header
        .decrypt_in_place(&packet[22..38], &mut first, &mut number)
        .unwrap();
    assert_eq!((first, &number[..2]), (0xc1, &[0, 1][..]));
    let header = [&[first], &packet[1..18], &number[..2]].concat();
    let mut payload = packet[20..].to_vec();
    let plain = keys
        .remote
        .packet
        .decrypt_in_place(1, &header, &mut payload)
        .unwrap();
    assert_eq!(plain[..8], hex("02000000000600405a")[..8]);
    assert_eq!(plain.len(), 0x75 - 2 - 16);
    payload[3] ^= 1;
    assert!(
        keys.remote
            .packet
            .decrypt_in_place(1, &header, &mut payload)
            .is_err()
    );
}

#[test]
fn retry_tag_is_that_of_a_4() {
    let packet = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let (body, tag) = packet.split_last_chunk::<16>().unwrap();
    let original = ConnectionId::new(&hex(CLIENT_ID));
    assert_eq!(retry::tag(&original, body), *tag);
    assert!(retry::is_valid(&original, &packet[..15], &packet[15..]));
    assert!(!retry::is_valid(&original, &packet[..14], &packet[15..]));
}

#[test]
fn chacha_short_header_is_sealed_as_in_a_5() {
    let key = hex("c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8");
    let iv: [u8; 12] = hex("e0459b3474bdd0e44a41c144").try_into().unwrap();
    let hp = hex("25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4");
    let aead = |raw: &[u8]| AeadKey::from(<[u8; 32]>::try_from(raw).unwrap());
    let suite = &keys::CHACHA20_POLY1305;
    let packet = suite.packet_key(aead(&key), Iv::from(iv));
    let mut payload = vec![0x01];
    let tag = packet
        .encrypt_in_place(654_360_564, &hex("4200bff4"), &mut payload)
        .unwrap();
    let sealed = [&payload[..], tag.as_ref()].concat();
    assert_eq!(sealed, hex("655e5cd55c41f69080575d7999c25a5bfb"));
    let (mut first, mut number) = (0x42, hex("00bff4"));
    let header = suite.header_protection_key(aead(&hp));
    header
        .encrypt_in_place(&sealed[1..17], &mut first, &mut number)
        .unwrap();
    assert_eq!((first, number.clone()), (0x4c, hex("fe4189")));
    header
        .decrypt_in_place(&sealed[1..17], &mut first, &mut number)
        .unwrap();
    assert_eq!((first, number), (0x42, hex("00bff4")));
}

#[test]
fn more_keys_than_slots_still_open_their_own_packets() {
    let keys: Vec<_> = (0..3000u64)
        .map(|n| {
            let id = n.to_be_bytes();
            suites::initial().keys(&id, rustls::Side::Client, rustls::quic::Version::V1)
        })
        .collect();
    let seal = |n: usize| {
        let mut payload = n.to_be_bytes().to_vec();
        let tag = keys[n]
            .local
            .packet
            .encrypt_in_place(7, b"head", &mut payload)
            .unwrap();
        [&payload[..], tag.as_ref()].concat()
    };
    let first: Vec<_> = (0..keys.len()).map(seal).collect();
    let again: Vec<_> = (0..keys.len()).map(seal).collect();
    assert_eq!(first, again);
}
