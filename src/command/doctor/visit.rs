//! Connections to the origin, made anew where one has ended.

use crate::command::doctor::finding::Report;
use crate::command::doctor::finding::Rule;
use crate::runtime::client::Answer;
use crate::runtime::client::Ask;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Connection;
use crate::runtime::client::Origin;
use crate::runtime::client::Protocol;

/// A visit to one origin.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) client: Client,
    pub(super) origin: Origin,
    http1: Connection,
    http2: Option<Connection>,
}

impl Visit {
    /// Connects over both versions; HTTP/2 may be missing, and is not asked for without TLS.
    pub(super) async fn begin(
        client: Client,
        origin: Origin,
        report: &mut Report,
    ) -> Result<Self, ClientError> {
        let http1 = client.connect(&origin, Protocol::Http1).await?;
        let mut http2 = None;
        if origin.secure {
            let made = client.connect(&origin, Protocol::Http2).await;
            let missing = made.as_ref().err().map(super::told);
            report.advise(Rule::Http2, "/", missing);
            http2 = made.ok();
        }
        Ok(Self {
            client,
            origin,
            http1,
            http2,
        })
    }

    /// Whether HTTP/2 can be asked.
    pub(super) const fn has_http2(&self) -> bool {
        self.http2.is_some()
    }

    /// GET over HTTP/1.1.
    pub(super) async fn get(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        self.ask("GET", path, fields).await
    }

    /// Any method over HTTP/1.1.
    pub(super) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, ClientError> {
        if !self.http1.is_open().await {
            self.http1 = self.client.connect(&self.origin, Protocol::Http1).await?;
        }
        self.http1
            .ask(Ask {
                method,
                path,
                fields,
            })
            .await
    }

    /// GET over HTTP/2, if it is spoken.
    pub(super) async fn get_http2(&mut self, path: &str) -> Option<Result<Answer, ClientError>> {
        let http2 = self.http2.as_mut()?;
        if !http2.is_open().await {
            match self.client.connect(&self.origin, Protocol::Http2).await {
                Ok(again) => *http2 = again,
                Err(error) => return Some(Err(error)),
            }
        }
        let method = "GET";
        Some(
            http2
                .ask(Ask {
                    method,
                    path,
                    fields: &[],
                })
                .await,
        )
    }

    /// Whether the HTTP/1.1 connection is kept open after an exchange.
    pub(super) async fn is_kept(&mut self) -> bool {
        self.http1.is_open().await
    }
}
