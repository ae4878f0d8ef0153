//! The binary on a data directory that outlives it.

use std::io::BufRead as _;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

/// A serving process; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    data: PathBuf,
}

/// How learners reach it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
}

impl Process {
    /// Starts it and waits for `ready`.
    pub(crate) fn start(folder: &Path) -> Self {
        let (data, log) = (folder.join("data"), folder.join("log"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_lamplight"))
            .args(["serve", "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0"])
            .args(["--workers", "2", "--set", "identity.mode=dev"])
            .args(["--set", "sessions.snapshot_after=1s"])
            .args(["--set", "journal.segment=4 MiB", "--data"])
            .arg(&data)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut address = None;
        for line in out.lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix("listening on https://") {
                address = rest.split('/').next().map(|a| a.parse().unwrap());
            }
            if line == "ready" {
                let address = address.unwrap();
                return Self {
                    child,
                    address,
                    data,
                };
            }
        }
        let code = child.wait().unwrap();
        let log = std::fs::read_to_string(&log).unwrap();
        panic!("{code} before `ready`: {log}");
    }

    /// A client over HTTP/2 that trusts its certificate.
    pub(crate) fn client(&self) -> Client {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let pem = std::fs::read(self.data.join("self-signed/certificate.pem")).unwrap();
        let root = reqwest::Certificate::from_pem(&pem).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .http2_prior_knowledge()
            .resolve("localhost", self.address)
            .timeout(Duration::from_secs(120))
            .build()
            .unwrap();
        let base = format!("https://localhost:{}", self.address.port());
        Client { http, base }
    }

    /// SIGKILL: it cannot write another word.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
