//! The certificate made when none is configured: for a first look and for development.
//!
//! ECDSA P-256, 13 days at most (browsers accept the hash of a longer-lived one nowhere), kept
//! under the data directory so that a restart does not change it. A renewal keeps the key, so that
//! a pinned public key goes on to work.

use crate::runtime::tls::TlsError;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// Names a browser on this machine may use.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Validity. Some browsers refuse pinned certificates above 14 days; a day is kept for clocks.
const VALID_S: u64 = 13 * DAY_S - BEFORE_S;
/// How far the beginning lies in the past, for clients whose clocks are late.
const BEFORE_S: u64 = 3600;
/// Renewed when less than this is left.
const RENEW_S: u64 = 4 * DAY_S;
const DAY_S: u64 = 24 * 3600;
/// First line of the certificate file; PEM readers skip what lies outside the markers.
const UNTIL: &str = "valid until (unix seconds): ";

/// Where the pair lies and how long it is valid.
#[derive(Debug)]
pub(super) struct SelfSigned {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) until_s: u64,
}

/// The pair in `dir`, made or renewed if needed.
pub(super) fn ensure(dir: &Path, now_s: u64) -> Result<SelfSigned, TlsError> {
    let certificate = dir.join("certificate.pem");
    let key = dir.join("key.pem");
    let until_s = fs::read_to_string(&certificate)
        .ok()
        .as_deref()
        .and_then(until);
    // A clock set back by more than the validity also asks for a new one.
    let fresh = now_s + RENEW_S..now_s + VALID_S + 1;
    if let Some(until_s) = until_s.filter(|until| fresh.contains(until) && key.exists()) {
        return Ok(SelfSigned {
            certificate,
            key,
            until_s,
        });
    }
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    made.map_err(io_error("make", dir))?;
    let pair = match fs::read_to_string(&key) {
        Ok(text) => KeyPair::from_pem(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            replace(&key, &pair.serialize_pem())?;
            pair
        }
        Err(error) => return Err(io_error("read", &key)(error)),
    };
    let until_s = now_s + VALID_S;
    let text = make(&pair, now_s - BEFORE_S.min(now_s), until_s)?;
    replace(&certificate, &format!("{UNTIL}{until_s}\n{text}"))?;
    Ok(SelfSigned {
        certificate,
        key,
        until_s,
    })
}

fn make(pair: &KeyPair, from_s: u64, until_s: u64) -> Result<String, TlsError> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from_s);
    params.not_after = epoch + Duration::from_secs(until_s);
    params
        .distinguished_name
        .push(DnType::CommonName, "Lamplight (self-signed)");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(pair)?.pem())
}

fn until(text: &str) -> Option<u64> {
    text.lines().next()?.strip_prefix(UNTIL)?.parse().ok()
}

/// Writes beside and renames, so that no reader sees half a file; mode 0600.
fn replace(path: &Path, text: &str) -> Result<(), TlsError> {
    let fresh = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh);
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    });
    written.map_err(io_error("write", path))
}

fn io_error(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    move |source| TlsError::Io {
        verb,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_restart_keeps_the_certificate_and_a_renewal_keeps_the_key() {
        let temp = tempfile::tempdir().unwrap();
        let read = |made: &SelfSigned| {
            let text = |path| fs::read_to_string(path).unwrap();
            (text(&made.certificate), text(&made.key))
        };
        let first = ensure(temp.path(), NOW).unwrap();
        assert!(first.until_s - NOW + BEFORE_S <= 13 * DAY_S);
        let (certificate, key) = read(&first);
        let again = read(&ensure(temp.path(), NOW + 5 * DAY_S).unwrap());
        assert_eq!(again, (certificate.clone(), key.clone()));
        let renewed = read(&ensure(temp.path(), NOW + 10 * DAY_S).unwrap());
        assert_ne!(renewed.0, certificate);
        assert_eq!(renewed.1, key);
        let clock_set_back = ensure(temp.path(), NOW - 99 * DAY_S).unwrap();
        assert!(clock_set_back.until_s < NOW);
    }
}
