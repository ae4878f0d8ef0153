//! Coming in and going out: sessions begun with an issuer's token, renewed, ended.

use crate::base::id::DeviceId;
use crate::base::limits::CLAIM_BYTES_MAX;
use crate::base::limits::DEVICES_PER_LEARNER_MAX;
use crate::base::limits::SIGN_INS_PER_LEARNER_MAX;
use crate::course::Moment;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Reply;
use crate::http::Request;
use crate::http::Target;
use crate::identity::Claims;
use crate::identity::DevIssuer;
use crate::identity::Level;
use crate::identity::Session;
use crate::identity::TokenError;
use crate::identity::Verified;
use crate::issuers::Mode;
use crate::issuers::Refused;
use crate::runtime;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::app::not_found;
use crate::service::doorkeeper::later;
use crate::service::identify::COOKIE;
use crate::service::identify::Carrier;
use crate::service::identify::INVALID;
use crate::service::identify::Pass;
use crate::service::identify::bearer;
use crate::service::identify::challenged;
use crate::service::identify::seconds;
use crate::service::json::Content;
use crate::service::learning::Learning;
use crate::service::learning::empty;
use crate::service::learning::json;
use crate::service::learning::refused;
use crate::service::learning::saved;
use crate::service::resume::Resume;
use crate::service::resume::resume;
use crate::session::Profile;
use crate::session::State;
use crate::shards::Acted;
use crate::shards::Judged;
use serde::Serialize;
use std::rc::Rc;
use std::sync::Arc;

/// A learner's devices that were used so many seconds ago count as used at once.
const AT_ONCE_S: u32 = 60;

/// `POST /v1/sessions` and `POST /v1/session/renew`.
#[derive(Serialize)]
struct Ticket {
    /// Left out where it travels as a cookie: no script of the page can read it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    learner: String,
    level: Level,
    expires_at: String,
    beat_every_ms: u64,
    #[serde(flatten)]
    begun: Option<Welcome>,
}

/// What only the beginning of a session tells.
#[derive(Serialize)]
struct Welcome {
    resume: Option<Resume>,
    /// The highest number of this device's beats that is on the disk.
    durable_through: u32,
}

#[derive(Serialize)]
struct DevToken {
    token: String,
    expires_at: String,
}

/// What a learner wants who signs in.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    device: DeviceId,
    by: Carrier,
    now_ms: u64,
}

/// What signing in decided under the learner's lock.
struct Begun {
    session: Session,
    welcome: Welcome,
}

impl Core {
    /// `POST /v1/sessions`.
    pub(crate) fn sign_in(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        if learning.issuers.config().mode == Mode::Off {
            let detail = "nobody can sign in here: [identity] mode is \"off\"";
            return Err(Problem::new(ProblemKind::NotFound, detail));
        }
        let token = bearer(request.head.fields).ok_or_else(|| {
            let detail = "`authorization` holds no bearer token of an issuer";
            challenged(Problem::new(ProblemKind::TokenMissing, detail), None)
        })?;
        let arrival = Arrival::read(request)?;
        let network = self.shared.client(request);
        if !self.door.admits(network, request.now) {
            self.metrics.door.limited_network.add_one();
            return Err(later("too many log-ins from this network failed of late"));
        }
        let token = token.to_owned();
        let (shared, metrics) = (Arc::clone(&self.shared), Arc::clone(&self.metrics));
        let (learning, door) = (Arc::clone(learning), Rc::clone(&self.door));
        Ok(Outcome::Later(Box::pin(async move {
            let claims = learning.issuers.verify(&token).await.map_err(unbelieved)?;
            door.welcomed(network);
            let catalogue = shared.library.catalogue();
            let lifetime_s = learning.issuers.config().lifetime_s();
            let learner = claims.learner;
            let acting = learning.shards.act(learner, move |state| {
                let resume = resume(state, &catalogue);
                judge(state, &claims, arrival, lifetime_s, resume)
            });
            let Acted { outcome, durable } =
                acting.wait().await.map_err(|error| refused(&error))?;
            let begun = outcome.ok_or_else(|| {
                metrics.door.limited_learner.add_one();
                later("this learner signs in on many devices at once")
            })?;
            saved(durable).await?;
            metrics.door.begun.add_one();
            let beat_every_ms = shared.config.beat_every.as_ms();
            let pass = Pass {
                session: begun.session,
                by: arrival.by,
            };
            let reply = ticket(
                &learning,
                pass,
                beat_every_ms,
                arrival.now_ms,
                Some(begun.welcome),
            );
            Ok(with_field(reply, "location", "/v1/session"))
        })))
    }

    /// `POST /v1/session/renew`: the same session for longer. It changes nothing that is known of
    /// the learner.
    pub(crate) fn renew(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        let Pass { session, by } = self.pass(request)?;
        let config = learning.issuers.config();
        let now_s = seconds(request.unix_ms);
        let renewed = session.renewed(now_s, config.lifetime_s(), config.age_max_s());
        let session = renewed.map_err(|fault| {
            challenged(
                Problem::new(ProblemKind::SessionExpired, fault.to_string()),
                Some(INVALID),
            )
        })?;
        let acting = learning.act_as(&session, |_state| Judged::unchanged(()));
        let (shared, metrics) = (Arc::clone(&self.shared), Arc::clone(&self.metrics));
        let (learning, now_ms) = (Arc::clone(learning), request.unix_ms);
        Ok(Outcome::Later(Box::pin(async move {
            // Nothing is acknowledged but the session itself, so no disk is waited for.
            let _still_admitted = acting.await?;
            metrics.door.renewed.add_one();
            let beat_every_ms = shared.config.beat_every.as_ms();
            Ok(ticket(
                &learning,
                Pass { session, by },
                beat_every_ms,
                now_ms,
                None,
            ))
        })))
    }

    /// `DELETE /v1/session`, with `?everywhere=true` on all devices.
    pub(crate) fn sign_out(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
        target: &Target<'_>,
    ) -> Result<Outcome, Problem> {
        let Pass { session, by } = self.pass(request)?;
        let asked = everywhere(target)?;
        let now_s = seconds(request.unix_ms);
        let lifetime_s = learning.issuers.config().lifetime_s();
        let acting = learning.act_as(&session, move |state| {
            let everywhere = asked || is_crowded(state, session.device, now_s, lifetime_s);
            let effect = if everywhere {
                state.sign_out_everywhere()
            } else {
                // A session may have begun a second ahead: see `State::sign_in`.
                state.sign_out(session.device, now_s.max(session.started_s))
            };
            Judged::changed((), vec![effect])
        });
        let metrics = Arc::clone(&self.metrics);
        Ok(Outcome::Later(Box::pin(async move {
            let Acted { durable, .. } = acting.await?;
            saved(durable).await?;
            if asked {
                metrics.door.ended_everywhere.add_one();
            } else {
                metrics.door.ended.add_one();
            }
            Ok(match by {
                Carrier::Bearer => empty(),
                Carrier::Cookie => with_field(empty(), "set-cookie", &cookie("", 0)),
            })
        })))
    }
}

/// `POST /v1/dev/token`, in the mode `dev` alone.
pub(crate) fn dev_token(learning: &Learning, request: &Request<'_>) -> Result<Outcome, Problem> {
    if learning.issuers.config().mode != Mode::Dev {
        return Err(not_found());
    }
    let content = Content::read(request.head.fields, request.body)?;
    let object = content.object();
    let named = |text: &'_ str| {
        (1..=CLAIM_BYTES_MAX)
            .contains(&text.len())
            .then(|| text.to_owned())
    };
    let learner = object.parsed("learner", "a text of 1 to 255 bytes", named)?;
    let level: Option<u8> = object.whole_if_any("level", LEVELS)?;
    let level = level.map_or(Some(Level::LOWEST), Level::new);
    let level = level.ok_or_else(|| object.wrong("level", LEVELS))?;
    let now_s = i64::from(seconds(request.unix_ms));
    let token = learning.issuers.dev_token(&learner, level, now_s);
    let unix_s = now_s.saturating_add(DevIssuer::LIFETIME_S);
    let reply = DevToken {
        token: token.ok_or_else(not_found)?,
        expires_at: Moment { unix_s }.to_string(),
    };
    Ok(Outcome::Now(json(200, &reply)))
}

const LEVELS: &str = "a whole number from 1 to 4";

impl Arrival {
    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let content = Content::read(request.head.fields, request.body)?;
        let object = content.object();
        let device = object.parsed("device", "a UUID, not the nil one", DeviceId::parse)?;
        let by = match object.value("cookie") {
            None | Some(serde_json::Value::Bool(false)) => Carrier::Bearer,
            Some(serde_json::Value::Bool(true)) => Carrier::Cookie,
            Some(_) => return Err(object.wrong("cookie", "true or false").into()),
        };
        Ok(Self {
            device,
            by,
            now_ms: request.unix_ms,
        })
    }
}

/// Begins a session; `None` if the learner does so on too many devices at once.
fn judge(
    state: &mut State,
    claims: &Verified<Claims>,
    arrival: Arrival,
    lifetime_s: u32,
    resume: Option<Resume>,
) -> Judged<Option<Begun>> {
    let (device, now_s) = (arrival.device, seconds(arrival.now_ms));
    let others = state
        .devices
        .iter()
        .filter(|(id, known)| *id != device && known.seen_s.saturating_add(AT_ONCE_S) > now_s);
    if others.count() >= SIGN_INS_PER_LEARNER_MAX {
        return Judged::unchanged(None);
    }
    let profile = Profile {
        at_s: now_s,
        locality: claims.locality.clone(),
        unit: claims.unit.clone(),
    };
    let (effects, started_s) = state.sign_in(device, profile, now_s);
    let session = Session::start(claims, device, state.epoch, started_s, lifetime_s);
    let durable_through = state.devices.get(device).map_or(0, |known| known.accepted);
    let welcome = Welcome {
        resume,
        durable_through,
    };
    Judged::changed(Some(Begun { session, welcome }), effects)
}

/// Whether remembering that this device signed out would forget it of one whose sessions could
/// still be good; then all end, which needs no memory.
fn is_crowded(state: &State, device: DeviceId, now_s: u32, lifetime_s: u32) -> bool {
    let oldest_s = state.signed_out.iter().map(|(_, at_s)| *at_s).min();
    let still_good = oldest_s.is_some_and(|at_s| at_s.saturating_add(lifetime_s) > now_s);
    let full = state.signed_out.len() >= DEVICES_PER_LEARNER_MAX;
    full && still_good && state.signed_out.get(device).is_none()
}

fn everywhere(target: &Target<'_>) -> Result<bool, Problem> {
    match target.parameter("everywhere").as_deref() {
        Some("true") => Ok(true),
        None | Some("false") => Ok(false),
        Some(_) => {
            let detail = "`everywhere` is true or false";
            Err(Problem::new(ProblemKind::BadQuery, detail))
        }
    }
}

/// The reply that carries a session: 201 where it begins.
fn ticket(
    learning: &Learning,
    pass: Pass,
    beat_every_ms: u64,
    now_ms: u64,
    begun: Option<Welcome>,
) -> Reply {
    let Pass { session, by } = pass;
    let token = learning
        .session_keys
        .seal(&session, runtime::random::bytes());
    let set = cookie(&token, session.expires_s.saturating_sub(seconds(now_ms)));
    let status = if begun.is_some() { 201 } else { 200 };
    let document = Ticket {
        session: (by == Carrier::Bearer).then_some(token),
        learner: session.learner.to_string(),
        level: session.level,
        expires_at: moment(session.expires_s),
        beat_every_ms,
        begun,
    };
    let reply = json(status, &document);
    match by {
        Carrier::Bearer => reply,
        Carrier::Cookie => with_field(reply, "set-cookie", &set),
    }
}

/// `SameSite=Strict`: pages of other sites do not even cause it to be sent.
fn cookie(token: &str, age_s: u32) -> String {
    format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={age_s}")
}

fn with_field(mut reply: Reply, name: &str, value: &str) -> Reply {
    reply.extra.push(name.as_bytes(), value.as_bytes());
    reply
}

fn moment(unix_s: u32) -> String {
    let unix_s = i64::from(unix_s);
    Moment { unix_s }.to_string()
}

fn unbelieved(refused: Refused) -> Problem {
    match refused {
        Refused::Away { retry_after_ms } => {
            let detail = "the keys of the token's issuer cannot be had at the moment";
            let spread = runtime::random::number() % 4000;
            let problem = Problem::new(ProblemKind::IssuerAway, detail);
            problem.with_retry_after_ms(retry_after_ms.saturating_add(1000 + spread))
        }
        Refused::Token(error) => {
            let expired = matches!(error, TokenError::Expired { .. });
            let kind = if expired {
                ProblemKind::TokenExpired
            } else {
                ProblemKind::TokenInvalid
            };
            challenged(Problem::new(kind, error.to_string()), Some(INVALID))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u32 = 1_800_000_000;
    const LIFETIME_S: u32 = 3600;

    fn device(n: usize) -> DeviceId {
        DeviceId([u8::try_from(n).unwrap_or(u8::MAX); 16])
    }

    #[test]
    fn a_session_that_was_signed_out_is_never_forgotten_while_its_token_lasts() {
        let mut state = State::default();
        for n in 1..=DEVICES_PER_LEARNER_MAX {
            assert!(!is_crowded(&state, device(n), NOW_S, LIFETIME_S));
            let at_s = NOW_S - LIFETIME_S + u32::try_from(n).unwrap();
            state.sign_out(device(n), at_s);
        }
        let newcomer = device(100);
        assert!(is_crowded(&state, newcomer, NOW_S, LIFETIME_S));
        // One that is remembered already takes nobody's place.
        assert!(!is_crowded(&state, device(3), NOW_S, LIFETIME_S));
        // Once the oldest token has ended by itself it may be forgotten.
        assert!(!is_crowded(&state, newcomer, NOW_S + 1, LIFETIME_S));
        let old = NOW_S - LIFETIME_S;
        assert!(!state.admits(0, device(1), old));
        state.sign_out_everywhere();
        assert!(!state.admits(0, device(1), old) && !state.admits(0, newcomer, NOW_S));
    }
}
