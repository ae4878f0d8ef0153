//! The calls about what a learner has done: the state, beats, enrolments.

use crate::base::id::CourseId;
use crate::course::Slug;
use crate::http::Body;
use crate::http::EntityTag;
use crate::http::Head;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Reply;
use crate::http::Request;
use crate::http::Status;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::beats;
use crate::service::beats::Beats;
use crate::service::enrolments;
use crate::service::enrolments::EnrolRefusal;
use crate::service::enrolments::Entry;
use crate::service::json::Content;
use crate::service::learning::Learning;
use crate::service::learning::empty;
use crate::service::learning::json;
use crate::service::learning::private;
use crate::service::learning::saved;
use crate::service::learning::without_content;
use crate::service::session_state::View;
use crate::service::session_state::moment;
use crate::shards::Acted;
use crate::shards::Judged;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Enrolled {
    course: Slug,
    enrolled_at: String,
}

impl Core {
    /// `GET /v1/session`.
    pub(crate) fn session_state(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let catalogue = self.shared.library.catalogue();
        let conditions = request.head.fields.get("if-none-match").map(<[u8]>::to_vec);
        let (method, now_ms) = (request.head.method, request.unix_ms);
        let acting = learning.act_as(&session, |state| Judged::unchanged(state.clone()));
        let learning = Arc::clone(learning);
        Ok(Outcome::Later(Box::pin(async move {
            let Acted {
                outcome: state,
                durable,
            } = acting.await?;
            let view = View {
                learner: session.learner,
                state: &state,
                catalogue: &catalogue,
                attempt_key: &learning.attempt_key,
                // A node that cannot save any more still shows what it knows.
                saved: durable.await.is_ok(),
                now_ms,
            };
            let (body, digest) = view.json();
            let etag = EntityTag::new(&digest.to_string(), None);
            let known = conditions.is_some_and(|list| etag.is_in_weak(&list));
            Ok(without_content(tagged(body, &etag, known), method))
        })))
    }

    /// `POST /v1/session/beats`.
    pub(crate) fn beats(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let content = Content::read(request.head.fields, request.body)?;
        let device = session.device;
        if let Some(named) = beats::device(content.object())? {
            self.on_device(&session, named)?;
        }
        let now_ms = request.unix_ms;
        let Beats { known, rejected } =
            Beats::read(content.object(), &self.shared.library.catalogue(), now_ms)?;
        let (config, metrics) = (learning.progress, Arc::clone(&self.metrics));
        metrics.beats(known.len() + rejected.len());
        let acting = learning.act_as(&session, move |state| {
            let mut watching = state.watch(device, &known, &config, now_ms);
            let effects = std::mem::take(&mut watching.effects);
            Judged::changed(watching, effects)
        });
        Ok(Outcome::Later(Box::pin(async move {
            let Acted { outcome, durable } = acting.await?;
            saved(durable).await?;
            let taken = Beats::taken(rejected, &outcome);
            let rejected = taken.rejected.iter();
            rejected.for_each(|beat| metrics.beat_rejected(beat.reason));
            Ok(json(200, &taken))
        })))
    }

    /// `POST /v1/enrolments`.
    pub(crate) fn enrol(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let content = Content::read(request.head.fields, request.body)?;
        let course = content
            .object()
            .parsed("course", "the id of a course", Slug::parse)?;
        let catalogue = self.shared.library.catalogue();
        let known = catalogue.course(course.as_str());
        let entry = Entry::of(known.ok_or_else(no_course)?, &catalogue);
        let now_s = u32::try_from(request.unix_ms / 1000).unwrap_or(u32::MAX);
        let acting = learning.act_as(&session, move |state| match entry.enrol(state, now_s) {
            Ok((since_s, effect)) => {
                let fresh = effect.is_some();
                Judged::changed(Ok((since_s, fresh)), effect.into_iter().collect())
            }
            Err(refusal) => Judged::unchanged(Err(refusal)),
        });
        Ok(Outcome::Later(Box::pin(async move {
            let Acted { outcome, durable } = acting.await?;
            let (since_s, fresh) = outcome.map_err(|refusal| {
                let kind = match refusal {
                    EnrolRefusal::Before(_) => ProblemKind::NotEligible,
                    EnrolRefusal::TooMany(_) => ProblemKind::LimitReached,
                };
                Problem::new(kind, refusal.to_string())
            })?;
            saved(durable).await?;
            let enrolled_at = moment(since_s.into());
            let status = if fresh { 201 } else { 200 };
            Ok(json(
                status,
                &Enrolled {
                    course,
                    enrolled_at,
                },
            ))
        })))
    }

    /// `DELETE /v1/enrolments/{course}`, also of a course that is no more.
    pub(crate) fn leave(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
        course: &str,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let course = Slug::parse(course).ok_or_else(no_course)?;
        let (course, now_ms) = (CourseId::of(course.as_str()), request.unix_ms);
        let acting = learning.act_as(&session, move |state| {
            match enrolments::leave(state, course, now_ms) {
                Ok(effect) => Judged::changed(Ok(()), effect.into_iter().collect()),
                Err(open) => Judged::unchanged(Err(open)),
            }
        });
        Ok(Outcome::Later(Box::pin(async move {
            let Acted { outcome, durable } = acting.await?;
            outcome.map_err(|open| Problem::new(ProblemKind::Unfinished, open.to_string()))?;
            saved(durable).await?;
            Ok(empty())
        })))
    }
}

/// JSON with its tag, or 304.
fn tagged(body: Vec<u8>, etag: &EntityTag, known: bool) -> Reply {
    let fields = private().with("etag", etag.as_bytes());
    if known {
        return Reply::new(Head::new(Status(304), fields), Body::Empty);
    }
    let fields = fields
        .with("content-type", "application/json")
        .with("content-length", body.len().to_string());
    Reply::new(
        Head::new(Status(200), fields),
        Body::slice(Bytes::from(body)),
    )
}

fn no_course() -> Problem {
    let detail = "the catalogue has no course of this id";
    Problem::new(ProblemKind::NotFound, detail)
}
