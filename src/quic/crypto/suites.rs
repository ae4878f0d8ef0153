//! The provider: aws-lc-rs' TLS 1.3 suites with our packet keys in them.

use crate::quic::crypto::keys;
use rustls::CipherSuite;
use rustls::SupportedCipherSuite;
use rustls::Tls13CipherSuite;
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use std::sync::Arc;
use std::sync::OnceLock;

/// Which key exchanges are offered, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum KeyExchange {
    /// X25519MLKEM768, then X25519: what servers offer, and clients that prefer post-quantum.
    #[default]
    Hybrid,
    /// X25519 only: 1.1 KB less in the first flight, no post-quantum secrecy.
    Classic,
}

/// The cryptographic provider of QUIC connections: AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305
/// with folded packet keys, and the given key exchanges.
pub fn provider(exchange: KeyExchange) -> Arc<CryptoProvider> {
    static HYBRID: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static CLASSIC: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let made = match exchange {
        KeyExchange::Hybrid => &HYBRID,
        KeyExchange::Classic => &CLASSIC,
    };
    Arc::clone(made.get_or_init(|| Arc::new(make(exchange))))
}

fn make(exchange: KeyExchange) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = suites()
        .iter()
        .map(|s| SupportedCipherSuite::Tls13(s))
        .collect();
    provider.kx_groups = match exchange {
        KeyExchange::Hybrid => vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
        ],
        KeyExchange::Classic => vec![aws_lc_rs::kx_group::X25519],
    };
    provider
}

/// The suite that protects Initial packets (RFC 9001, 5.2).
pub(super) fn initial() -> rustls::quic::Suite {
    #[expect(
        clippy::expect_used,
        reason = "the list below begins with AES-128-GCM for QUIC"
    )]
    let suite = suites()
        .first()
        .and_then(|s| s.quic_suite())
        .expect("a suite for QUIC");
    suite
}

/// Made once and kept for the life of the process: rustls wants `'static`.
fn suites() -> &'static [&'static Tls13CipherSuite] {
    static SUITES: OnceLock<Vec<&'static Tls13CipherSuite>> = OnceLock::new();
    SUITES.get_or_init(|| {
        let theirs = [
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ];
        let theirs = theirs.iter().filter_map(SupportedCipherSuite::tls13);
        theirs
            .map(|suite| &*Box::leak(Box::new(with_folded_keys(suite))))
            .collect()
    })
}

fn with_folded_keys(suite: &'static Tls13CipherSuite) -> Tls13CipherSuite {
    let folded: &'static keys::Algorithm = if suite.common.suite == AES_256 {
        &keys::AES_256_GCM
    } else if suite.common.suite == CHACHA20 {
        &keys::CHACHA20_POLY1305
    } else {
        &keys::AES_128_GCM
    };
    Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: suite.common.hash_provider,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: suite.aead_alg,
        quic: Some(folded),
    }
}

const AES_256: CipherSuite = CipherSuite::TLS13_AES_256_GCM_SHA384;
const CHACHA20: CipherSuite = CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
