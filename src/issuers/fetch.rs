//! Fetching an issuer's key set, for as long as the server runs.

use crate::identity::KeySet;
use crate::identity::KeySetError;
use crate::issuers::kept::Kept;
use crate::issuers::metrics::Metrics;
use crate::issuers::source::Place;
use crate::issuers::source::Source;
use crate::runtime;
use crate::runtime::Shutdown;
use crate::runtime::client::Ask;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Origin;
use crate::runtime::client::Protocol;
use bytes::Bytes;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

/// Pause after the first failure; it doubles up to [`FAILED_MAX`].
const FAILED_MIN: Duration = Duration::from_secs(1);
const FAILED_MAX: Duration = Duration::from_secs(60);

/// Why no set was had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the answer is {0}, not 200")]
    Status(u16),
    #[error(transparent)]
    Set(#[from] KeySetError),
}

/// Fetches the set of `source` now, every `every` and when it is wanted, until `closed`.
pub(super) async fn keep(
    source: Arc<Source>,
    client: Client,
    every: Duration,
    metrics: Arc<Metrics>,
    mut closed: Shutdown,
) {
    let Place::Url { origin, path, kept } = &source.place else {
        return;
    };
    let mut failures = 0;
    loop {
        source.begin();
        let fetched = tokio::select! {
            () = closed.closed() => return,
            fetched = fetch(&client, origin, path) => fetched,
        };
        let failed = fetched.is_err();
        match fetched {
            Ok((keys, bytes)) => {
                failures = 0;
                took(&source, keys, &metrics);
                keep_bytes(kept, bytes).await;
            }
            Err(error) => {
                failures += 1;
                tell(&source, &error, &metrics);
            }
        }
        source.end(failed);
        let pause = if failed { backoff(failures) } else { every };
        tokio::select! {
            () = closed.closed() => return,
            () = tokio::time::sleep(pause) => {}
            () = source.wanted() => {}
        }
    }
}

async fn fetch(
    client: &Client,
    origin: &Origin,
    path: &str,
) -> Result<(KeySet, Bytes), FetchError> {
    let mut connection = Box::pin(client.connect(origin, Protocol::Http1)).await?;
    let ask = Ask {
        method: "GET",
        path,
        fields: &[("accept", "application/jwk-set+json, application/json")],
    };
    let answer = Box::pin(connection.ask(ask)).await?;
    if answer.status != 200 {
        return Err(FetchError::Status(answer.status));
    }
    let keys = KeySet::parse(&answer.body)?;
    Ok((keys, answer.body))
}

fn took(source: &Source, keys: KeySet, metrics: &Metrics) {
    metrics.fetched.add_one();
    let issuer = source.name();
    for what in keys.passed_over() {
        tracing::debug!(issuer, what, "a key of the issuer's set is of no use here");
    }
    let names = |keys: &KeySet| keys.names().map(str::to_owned).collect::<Vec<_>>();
    let (former, now) = (names(source.issuer.load().keys()), names(&keys));
    if former != now {
        tracing::info!(issuer, keys = ?now, "an issuer's keys changed");
    }
    if !source.has_keys() {
        metrics.keyless.add(-1);
    }
    source.take(keys);
}

fn tell(source: &Source, error: &FetchError, metrics: &Metrics) {
    metrics.failed.add_one();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let issuer = source.name();
    if source.has_keys() {
        tracing::warn!(issuer, %error, cause, "its key set cannot be fetched; the former stays");
    } else {
        tracing::error!(issuer, %error, cause, "no keys of its can be fetched: nobody logs in");
    }
}

async fn keep_bytes(kept: &Kept, bytes: Bytes) {
    let kept = kept.clone();
    let kept = runtime::blocking("key set", move || kept.write(&bytes)).await;
    if let Ok(Err(error)) = kept {
        tracing::warn!(%error, "a key set cannot be kept in the data directory");
    }
}

/// 1 s, 2 s, 4 s … a minute; up to a quarter sooner, so that nodes that failed together do not come
/// back together.
fn backoff(failures: u32) -> Duration {
    let doubled = FAILED_MIN.saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX));
    let pause = doubled.min(FAILED_MAX);
    let sooner = u32::try_from(runtime::random::number() % 256).unwrap_or_default();
    pause - pause * sooner / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_stays_away_is_asked_ever_less_often_but_never_forgotten() {
        for failures in 1..80 {
            let pause = backoff(failures);
            let at_most = FAILED_MIN * 2_u32.pow((failures - 1).min(6));
            assert!(pause <= at_most.min(FAILED_MAX), "{failures}: {pause:?}");
            assert!(
                pause * 4 >= at_most.min(FAILED_MAX) * 3,
                "{failures}: {pause:?}"
            );
        }
    }
}
