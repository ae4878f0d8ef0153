//! One WebSocket to a browser: numbered calls, and the events that come between the answers.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use serde_json::Value;
use serde_json::json;
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::Message;
use tungstenite::WebSocket;

/// A browser's remote end. Both CDP and BiDi answer `{"id": …}` and speak up with `{"method": …}`.
pub struct Socket {
    inner: WebSocket<TcpStream>,
    next: u64,
    /// Events not yet looked at.
    pub events: Vec<Value>,
}

impl Socket {
    /// Connects to `ws://127.0.0.1:{port}{path}`.
    pub fn open(port: u16, path: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(ANSWER_WITHIN)).unwrap();
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (inner, _) = tungstenite::client::client(address, stream).unwrap();
        Self {
            inner,
            next: 0,
            events: Vec::new(),
        }
    }

    /// Sends `message` under a fresh id and waits for its answer; other messages are kept.
    pub fn call(&mut self, mut message: Value) -> Result<Value, String> {
        self.next += 1;
        message["id"] = json!(self.next);
        let sent = self.inner.send(Message::text(message.to_string()));
        sent.map_err(|e| format!("{message}: {e}"))?;
        loop {
            let heard = self
                .inner
                .read()
                .map_err(|e| format!("{}: {e}", message["method"]))?;
            let Message::Text(text) = heard else { continue };
            let value: Value = serde_json::from_str(text.as_str()).unwrap();
            if value["id"] == json!(self.next) {
                let failed = value.get("error").filter(|e| !e.is_null());
                return failed
                    .map_or_else(|| Ok(value["result"].clone()), |_| Err(value.to_string()));
            }
            self.events.push(value);
        }
    }
}

/// Longer than any wait inside the page (see `Browser::wait`).
const ANSWER_WITHIN: Duration = Duration::from_secs(300);
