//! Firefox over WebDriver BiDi.

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
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;

/// A headless Firefox with a throw-away profile that trusts the test's authority.
pub struct Firefox {
    socket: Socket,
    context: Value,
    _process: Process,
    complaints: Vec<String>,
    _profile: TempDir,
}

impl Firefox {
    /// Starts it for `site`, told that the site speaks HTTP/3.
    pub fn start(site: &Site) -> Self {
        browser::require("firefox-esr", "firefox-esr");
        let dir = tempfile::tempdir().unwrap();
        trust(&site.authority(), dir.path());
        fs::write(dir.path().join("user.js"), preferences(site.port)).unwrap();
        let child = Command::new("firefox-esr")
            .args([
                "--headless",
                "--no-remote",
                "--new-instance",
                "--remote-debugging-port=0",
            ])
            .arg("--profile")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let process = Process(child);
        let said = browser::await_file(&dir.path().join("WebDriverBiDiServer.json"));
        let said: Value = serde_json::from_str(&said).unwrap();
        let port = u16::try_from(said["ws_port"].as_u64().unwrap()).unwrap();
        let socket = Socket::open(port, "/session");
        let mut this = Self {
            socket,
            context: Value::Null,
            _process: process,
            complaints: Vec::new(),
            _profile: dir,
        };
        this.tell("session.new", json!({ "capabilities": {} }));
        this.tell("session.subscribe", json!({ "events": ["log.entryAdded"] }));
        let tree = this.tell("browsingContext.getTree", json!({}));
        this.context = tree["contexts"][0]["context"].clone();
        this
    }

    fn tell(&mut self, method: &str, params: Value) -> Value {
        self.socket
            .call(json!({ "method": method, "params": params }))
            .unwrap()
    }
}

impl Browser for Firefox {
    fn go(&mut self, url: &str) {
        for next in ["about:blank", url] {
            let params = json!({ "context": self.context, "url": next, "wait": "complete" });
            self.tell("browsingContext.navigate", params);
        }
    }

    fn eval(&mut self, expression: &str) -> Value {
        // One string is simpler to bring over than the protocol's own tree of values.
        let whole = format!("(async () => JSON.stringify([await ({expression})]))()");
        let params = json!({ "expression": whole, "target": { "context": self.context },
            "awaitPromise": true, "userActivation": true });
        let got = self.tell("script.evaluate", params);
        let text = got["result"]["value"].as_str();
        let text = text.unwrap_or_else(|| panic!("{expression}: {got}"));
        serde_json::from_str::<Value>(text).unwrap()[0].take()
    }

    fn press(&mut self, key: Key) {
        let value = match key {
            Key::Tab => "\u{e004}",
            Key::Enter => "\u{e006}",
            Key::Space => " ",
            Key::Down => "\u{e015}",
            Key::Right => "\u{e014}",
        };
        let strokes = json!([{ "type": "keyDown", "value": value },
            { "type": "keyUp", "value": value }]);
        let actions = json!([{ "type": "key", "id": "keys", "actions": strokes }]);
        let params = json!({ "context": self.context, "actions": actions });
        self.tell("input.performActions", params);
    }

    fn resize(&mut self, width: u32, height: u32) {
        let params = json!({ "context": self.context,
            "viewport": { "width": width, "height": height } });
        self.tell("browsingContext.setViewport", params);
    }

    fn picture(&mut self) -> Vec<u8> {
        let params = json!({ "context": self.context, "origin": "document" });
        let shot = self.tell("browsingContext.captureScreenshot", params);
        BASE64
            .decode(shot["data"].as_str().unwrap().as_bytes())
            .unwrap()
    }

    fn complaints(&mut self) -> Vec<String> {
        let heard = self.socket.events.drain(..);
        let errors = heard.filter(|e| e["params"]["level"] == "error");
        self.complaints
            .extend(errors.map(|e| e["params"]["text"].to_string()));
        self.complaints.clone()
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        self.socket
            .call(json!({ "method": "browser.close", "params": {} }))
            .ok();
    }
}

/// Puts the authority into the profile's certificate store.
fn trust(authority: &Path, profile: &Path) {
    let store = format!("sql:{}", profile.display());
    let run = |args: &[&str]| {
        let done = Command::new("certutil")
            .args(args)
            .args(["-d", &store])
            .output();
        let done = done.expect("`certutil` is missing: install libnss3-tools, or run `make test`");
        assert!(done.status.success(), "certutil {args:?}: {done:?}");
    };
    run(&["-N", "--empty-password"]);
    run(&[
        "-A",
        "-n",
        "lamplight",
        "-t",
        "C,,",
        "-i",
        &authority.display().to_string(),
    ]);
}

fn preferences(port: u16) -> String {
    let mapping = format!("\"localhost;h3=:{port}\"");
    let set = [
        ("network.http.http3.enable", "true"),
        // Firefox gives HTTP/3 up where it finds an authority of the machine's owner; ours is one.
        (
            "network.http.http3.disable_when_third_party_roots_found",
            "false",
        ),
        (
            "network.http.http3.alt-svc-mapping-for-testing",
            mapping.as_str(),
        ),
        ("network.dns.disableIPv6", "true"),
        ("media.autoplay.default", "0"),
        ("app.update.enabled", "false"),
        ("browser.shell.checkDefaultBrowser", "false"),
        ("browser.startup.homepage_override.mstone", "\"ignore\""),
        ("datareporting.policy.dataSubmissionEnabled", "false"),
        ("extensions.update.enabled", "false"),
        ("network.captive-portal-service.enabled", "false"),
        ("network.connectivity-service.enabled", "false"),
        ("toolkit.telemetry.enabled", "false"),
        ("remote.active-protocols", "1"),
    ];
    let mut file = String::new();
    for (name, value) in set {
        writeln!(file, "user_pref(\"{name}\", {value});").unwrap();
    }
    file
}
