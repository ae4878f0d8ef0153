//! The certificate this server shows, and its replacement while connections are up.

use crate::runtime;
use crate::runtime::tls::provider;
use crate::runtime::tls::self_signed;
use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use serde::Deserialize;
use serde::Serialize;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// Which certificate to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// PEM file with the certificate chain, leaf first. Default: empty, which means a self-signed
    /// certificate for localhost, kept in the data directory and renewed by itself.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS#8, SEC1 or PKCS#1). Default: empty, see `certificate`.
    pub key: PathBuf,
}

/// What a person compares or pins, of the certificate in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prints {
    /// SHA-256 of the leaf certificate, colon-separated hexadecimal.
    pub certificate: String,
    /// SHA-256 of its public key (SPKI), base64: what Chromium's
    /// `--ignore-certificate-errors-spki-list` takes.
    pub spki: String,
    /// End of validity of a self-signed certificate, seconds since 1970 UTC.
    pub self_signed_until_s: Option<u64>,
}

/// The certificate in use; one value serves QUIC and TCP on all workers.
#[derive(Debug)]
pub struct Identity {
    config: Config,
    self_signed_dir: PathBuf,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    prints: Prints,
}

/// Why there is no certificate to show, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("tls: cannot {verb} {path}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file is not PEM or lacks what it should hold.
    #[error("tls: {path} holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What the reader said.
        source: pem::Error,
    },
    /// Certificate and key cannot be used together.
    #[error("tls: {certificate} and {key} cannot be used: the key must be the certificate's own")]
    Unusable {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What the TLS stack said.
        source: rustls::Error,
    },
    /// Only one of the two settings is there.
    #[error("tls: set both tls.certificate and tls.key, or neither for a self-signed certificate")]
    Half,
    /// No certificate could be made.
    #[error("tls: cannot make a self-signed certificate")]
    Made(#[from] rcgen::Error),
}

impl Identity {
    /// Loads the configured certificate, or the self-signed one kept under `data`, making or
    /// renewing it when needed.
    ///
    /// # Errors
    /// [`TlsError`] with the file and the remedy.
    pub fn open(config: Config, data: &Path) -> Result<Self, TlsError> {
        let self_signed_dir = data.join("self-signed");
        let current = load(&config, &self_signed_dir)?;
        let current = ArcSwap::from_pointee(current);
        Ok(Self {
            config,
            self_signed_dir,
            current,
        })
    }

    /// Reads the files again; on failure the present certificate stays in use.
    ///
    /// # Errors
    /// As [`Identity::open`].
    pub fn reload(&self) -> Result<Prints, TlsError> {
        let fresh = load(&self.config, &self.self_signed_dir)?;
        let prints = fresh.prints.clone();
        self.current.store(Arc::new(fresh));
        Ok(prints)
    }

    /// Hashes of the certificate in use.
    pub fn prints(&self) -> Prints {
        self.current.load().prints.clone()
    }

    /// The leaf certificate in use, DER.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.current.load().key.cert.first().cloned()
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

fn load(config: &Config, self_signed_dir: &Path) -> Result<Current, TlsError> {
    match (
        config.certificate.as_os_str().is_empty(),
        config.key.as_os_str().is_empty(),
    ) {
        (false, false) => from_files(&config.certificate, &config.key, None),
        (true, true) => {
            let made = self_signed::ensure(self_signed_dir, runtime::unix_ms() / 1000)?;
            from_files(&made.certificate, &made.key, Some(made.until_s))
        }
        _ => Err(TlsError::Half),
    }
}

fn from_files(certificate: &Path, key: &Path, until_s: Option<u64>) -> Result<Current, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|chain| {
            if chain.is_empty() {
                Err(pem::Error::NoItemsFound)
            } else {
                Ok(chain)
            }
        })
        .map_err(|source| pem_error(certificate, "certificate", source))?;
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|source| pem_error(key, "private key", source))?;
    let certified = CertifiedKey::from_der(chain, secret, &provider());
    let certified = certified.map_err(|source| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })?;
    let prints = prints(&certified, until_s);
    Ok(Current {
        key: Arc::new(certified),
        prints,
    })
}

fn prints(key: &CertifiedKey, until_s: Option<u64>) -> Prints {
    let sha256 = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes);
    let leaf = key.cert.first().map(|leaf| sha256(leaf));
    let leaf = leaf.as_ref().map_or(&[][..], |sum| sum.as_ref());
    let hex: Vec<_> = leaf.iter().map(|byte| format!("{byte:02x}")).collect();
    let spki = key
        .key
        .public_key()
        .map(|spki| base64(sha256(&spki).as_ref()));
    Prints {
        certificate: hex.join(":"),
        spki: spki.unwrap_or_default(),
        self_signed_until_s: until_s,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = std::fs::read(path);
    read.map_err(|source| TlsError::Io {
        verb: "read",
        path: path.to_owned(),
        source,
    })
}

fn pem_error(path: &Path, what: &'static str, source: pem::Error) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        what,
        source,
    }
}

/// Base64 with padding (RFC 4648, 4), for the one hash that Chromium wants in that form.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let joined = group
            .iter()
            .fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
        let joined = joined << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = ALPHABET
                .get(joined >> (18 - 6 * at) & 63)
                .copied()
                .unwrap_or(b'=');
            text.push(char::from(if at <= group.len() { digit } else { b'=' }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem_pair(dir: &Path, name: &str) -> Config {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Config { certificate, key }
    }

    #[test]
    fn hashes_are_written_as_base64_readers_expect() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, text) in cases {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }

    #[test]
    fn a_bad_replacement_leaves_the_good_certificate_in_use() {
        let temp = tempfile::tempdir().unwrap();
        let config = pem_pair(temp.path(), "one.example");
        let identity = Identity::open(config.clone(), temp.path()).unwrap();
        let before = identity.prints();
        std::fs::write(&config.certificate, "no certificate").unwrap();
        let error = identity.reload().unwrap_err().to_string();
        assert!(error.contains("cert.pem holds no certificate"), "{error}");
        assert_eq!(identity.prints(), before);
        pem_pair(temp.path(), "two.example");
        assert_ne!(identity.reload().unwrap(), before);
    }

    #[test]
    fn a_foreign_key_half_a_pair_and_a_missing_file_are_named() {
        let temp = tempfile::tempdir().unwrap();
        let config = pem_pair(temp.path(), "one.example");
        let other = tempfile::tempdir().unwrap();
        let foreign = Config {
            key: pem_pair(other.path(), "x").key,
            ..config.clone()
        };
        let error = |config| Identity::open(config, temp.path()).unwrap_err().to_string();
        assert!(error(foreign).contains("the certificate's own"));
        assert!(
            error(Config {
                key: PathBuf::new(),
                ..config.clone()
            })
            .contains("set both")
        );
        let missing = Config {
            certificate: "/nowhere/cert.pem".into(),
            ..config
        };
        assert!(error(missing).contains("cannot read /nowhere/cert.pem"));
    }
}
