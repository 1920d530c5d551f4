//! Reads the follow-up of one patient.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use jiff::Timestamp;
use painreg_domain::ids::{DecisionId, InvitationId, PatientId, SubmissionId};
use painreg_tenants::store::decisions::{self, FollowUp, Sent, Unmatched};
use serde::Serialize;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::follow_up::DecisionView;
use crate::wire::{AsOf, Query};

/// A patient's follow-up (oppfølging).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUp)]
pub struct FollowUpView {
    /// Every rule of the plan: the current decision, and the decisions of earlier occurrences.
    #[schema(max_items = 800)]
    rules: Vec<RuleView>,
    /// Answers to forms of follow-up that belong to no occurrence; they are stored like all answers.
    #[schema(max_items = 1000)]
    answers_without_invitation: Vec<UnmatchedView>,
}

/// One rule, with its decisions for the patient.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpRule)]
pub struct RuleView {
    /// The rule: a wave of a track.
    #[schema(max_length = 40, example = "closed_12")]
    rule: String,
    /// The current decision; null for a rule that is no longer in the plan.
    current: Option<OccurrenceView>,
    /// Earlier occurrences, the latest first.
    #[schema(max_items = 1000)]
    earlier: Vec<OccurrenceView>,
}

/// One occurrence: the decision and the invitations sent for it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpOccurrence)]
pub struct OccurrenceView {
    /// The decision of the occurrence.
    decision: DecisionView,
    /// The invitations, in order of sending.
    #[schema(max_items = 100)]
    invitations: Vec<SentView>,
}

/// An invitation or reminder of an occurrence.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FollowUpInvitation)]
pub struct SentView {
    /// The id of the invitation.
    id: InvitationId,
    /// The number among all messages of the occurrence, from 1.
    #[schema(minimum = 1)]
    attempt: i32,
    /// The number of the reminder (purring); 0: the invitation.
    #[schema(minimum = 0)]
    reminder: i32,
    /// The channel of the invitation.
    #[schema(max_length = 40, example = "sms")]
    channel: String,
    /// The state: `claimed`, `handed_over`, `sent`, `delivered`, `failed`, `unknown` or `withdrawn`.
    #[schema(max_length = 20, example = "delivered")]
    state: String,
    /// The time when a sender claimed the invitation.
    claimed_at: Timestamp,
    /// The time of sending; null before.
    sent_at: Option<Timestamp>,
    /// The time of delivery; null before.
    delivered_at: Option<Timestamp>,
    /// The time of the failure; null where there was none.
    failed_at: Option<Timestamp>,
    /// The reason of the failure; null where there was none.
    #[schema(max_length = 100)]
    failure: Option<String>,
}

/// An answer that matches no invitation.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UnmatchedAnswer)]
pub struct UnmatchedView {
    /// The id of the submission.
    submission_id: SubmissionId,
    /// The code of the form answered.
    #[schema(max_length = 64)]
    form: String,
    /// The time of the answer.
    submitted_at: Timestamp,
}

impl From<Sent> for SentView {
    fn from(it: Sent) -> Self {
        let Sent { id, attempt, reminder, channel, state, claimed_at, .. } = it;
        let Sent { sent_at, delivered_at, failed_at, failure, .. } = it;
        Self { id, attempt, reminder, channel, state, claimed_at, sent_at, delivered_at, failed_at, failure }
    }
}

impl From<Unmatched> for UnmatchedView {
    fn from(it: Unmatched) -> Self {
        Self { submission_id: it.submission_id, form: it.form, submitted_at: it.submitted_at }
    }
}

impl From<FollowUp> for FollowUpView {
    fn from(it: FollowUp) -> Self {
        let mut sent: BTreeMap<DecisionId, Vec<SentView>> = BTreeMap::new();
        for invitation in it.invitations {
            sent.entry(DecisionId::existing(invitation.decision_id)).or_default().push(invitation.into());
        }
        let mut rules: Vec<RuleView> = Vec::new();
        for stored in it.decisions {
            let decision = DecisionView::from(stored);
            let invitations = sent.remove(&decision.id).unwrap_or_default();
            if rules.last().is_none_or(|last| last.rule != decision.rule) {
                rules.push(RuleView { rule: decision.rule.clone(), current: None, earlier: Vec::new() });
            }
            let Some(rule) = rules.last_mut() else { continue };
            let occurrence = OccurrenceView { decision, invitations };
            if occurrence.decision.current {
                rule.current = Some(occurrence);
            } else {
                rule.earlier.push(occurrence);
            }
        }
        Self { rules, answers_without_invitation: it.unmatched.into_iter().map(UnmatchedView::from).collect() }
    }
}

/// Read the follow-up of a patient: every rule of the plan, its decision and the reasons.
///
/// Every rule has one current decision, with its reasons, the facts that were used and the version of the rule; with
/// `as_of` the decision at that instant, from the facts known then.
#[utoipa::path(tag = "Follow-up", extensions(("x-action" = json!("ReadFollowUp"))),
    params(AsOf),
    responses((status = 200, description = "The patient's follow-up.", body = FollowUpView), Problems))]
#[get("/follow-up")]
pub async fn read_follow_up(
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(AsOf { as_of }): Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let view = caller
        .run(move |tx| {
            let access = tx.open_patient(patient)?;
            Ok(FollowUpView::from(decisions::of_patient(tx, &access, as_of)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(view))
}
