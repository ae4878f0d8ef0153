//! Chromium over the DevTools protocol.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use crate::browser;
use crate::browser::Browser;
use crate::browser::Key;
use crate::browser::Process;
use crate::site::Site;
use crate::socket::Socket;
use data_encoding::BASE64;
use serde_json::Value;
use serde_json::json;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;

/// How the profile meets the server's private certificate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Profile {
    /// As `make open` starts it: the key is known and QUIC is allowed.
    Open,
    /// As a learner's own: somebody clicked through the warning, QUIC stays forbidden.
    Ordinary,
}

/// A headless Chromium with a throw-away profile and one tab.
pub struct Chromium {
    socket: Socket,
    session: String,
    _process: Process,
    complaints: Vec<String>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts it for `site`.
    pub fn start(site: &Site, profile: Profile) -> Self {
        browser::require("chromium", "chromium");
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromium");
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", dir.path().display()))
            .arg(format!(
                "--ignore-certificate-errors-spki-list={}",
                site.spki
            ));
        if profile == Profile::Open {
            command.arg(format!("--origin-to-force-quic-on=localhost:{}", site.port));
        }
        let child = command
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let process = Process(child);
        let said = browser::await_file(&dir.path().join("DevToolsActivePort"));
        let (port, path) = said.trim().split_once('\n').unwrap();
        let socket = Socket::open(port.parse().unwrap(), path);
        let mut this = Self {
            socket,
            session: String::new(),
            _process: process,
            complaints: Vec::new(),
            _profile: dir,
        };
        this.attach();
        this
    }

    fn attach(&mut self) {
        let targets = self
            .socket
            .call(json!({ "method": "Target.getTargets" }))
            .unwrap();
        let targets = targets["targetInfos"].as_array().unwrap();
        let tab = targets.iter().find(|t| t["type"] == "page").unwrap();
        let attach = json!({ "targetId": tab["targetId"], "flatten": true });
        let attached = self
            .socket
            .call(json!({ "method": "Target.attachToTarget", "params": attach }));
        self.session = attached.unwrap()["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.tell(&format!("{domain}.enable"), json!({}));
        }
        self.tell(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": WATCH_POLICY }),
        );
    }

    /// A DevTools command to the tab.
    pub fn tell(&mut self, method: &str, params: Value) -> Value {
        let message = json!({ "method": method, "params": params, "sessionId": self.session });
        self.socket.call(message).unwrap()
    }

    /// Limits the network to `bytes` a second, or cuts it; `None` lifts the limit.
    pub fn network(&mut self, bytes: Option<i64>) {
        let params = json!({ "offline": bytes == Some(0), "latency": 0,
            "downloadThroughput": bytes.unwrap_or(-1), "uploadThroughput": -1 });
        self.tell("Network.emulateNetworkConditions", params);
    }

    /// `light` or `dark`, without motion so that nothing is measured half-way.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.tell(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    fn gather(&mut self) {
        for event in self.socket.events.drain(..) {
            let params = &event["params"];
            let said = match event["method"].as_str() {
                Some("Runtime.exceptionThrown") => params["exceptionDetails"].to_string(),
                Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                    params["args"].to_string()
                }
                Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                    params["entry"].to_string()
                }
                _ => continue,
            };
            self.complaints.push(said);
        }
    }

    /// Forgets the complaints so far, after a test provoked some.
    pub fn forgive(&mut self) {
        self.gather();
        self.complaints.clear();
    }
}

impl Browser for Chromium {
    fn go(&mut self, url: &str) {
        // A change of the fragment alone would not load the document anew.
        self.tell("Page.navigate", json!({ "url": "about:blank" }));
        let went = self.tell("Page.navigate", json!({ "url": url }));
        assert!(went["errorText"].is_null(), "{url}: {}", went["errorText"]);
    }

    fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true,
            "userGesture": true });
        let got = self.tell("Runtime.evaluate", params);
        let thrown = &got["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        got["result"]["value"].clone()
    }

    fn press(&mut self, key: Key) {
        let (name, code, text) = match key {
            Key::Tab => ("Tab", 9, ""),
            Key::Enter => ("Enter", 13, "\r"),
            Key::Space => (" ", 32, " "),
            Key::Down => ("ArrowDown", 40, ""),
            Key::Right => ("ArrowRight", 39, ""),
        };
        let code_name = if key == Key::Space { "Space" } else { name };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({ "type": kind, "key": name, "code": code_name,
                "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = json!(text);
            }
            self.tell("Input.dispatchKeyEvent", params);
        }
    }

    fn resize(&mut self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 500 });
        self.tell("Emulation.setDeviceMetricsOverride", params);
    }

    fn picture(&mut self) -> Vec<u8> {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.tell("Page.captureScreenshot", params);
        BASE64
            .decode(shot["data"].as_str().unwrap().as_bytes())
            .unwrap()
    }

    fn complaints(&mut self) -> Vec<String> {
        self.gather();
        self.complaints.clone()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.socket.call(json!({ "method": "Browser.close" })).ok();
    }
}

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--mute-audio",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
    "--window-size=1200,860",
    // The server of a test listens on one address only.
    "--host-resolver-rules=MAP localhost 127.0.0.1",
];
const WATCH_POLICY: &str = "addEventListener('securitypolicyviolation', \
    e => console.error('policy', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber))";
