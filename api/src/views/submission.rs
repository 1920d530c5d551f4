//! Views of submissions: source, scores, alerts, receipt.

use painreg_domain::ids::{InvitationId, PatientId, SubmissionId};
use painreg_domain::instrument::{ScaleScore, Status};
use painreg_domain::licence::LicenceWarning;
use painreg_tenants::Reply;
use painreg_tenants::app::intake::Stored;
use painreg_tenants::store::submissions::{Delivered, Source, StoredScore};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::reply;

/// The source of a submission: the same source is stored once.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Source)]
pub struct SourceBody {
    /// The system, such as `nettskjema`.
    #[schema(min_length = 1, max_length = 40, example = "nettskjema")]
    pub system: String,
    /// The id of the form in the system.
    #[schema(min_length = 1, max_length = 64, example = "1000001")]
    pub form_id: String,
    /// The id of the submission in the system.
    #[schema(min_length = 1, max_length = 64, example = "27685292")]
    pub submission_id: String,
}

impl From<Source> for SourceBody {
    fn from(it: Source) -> Self {
        // The source of a person contains the owner behind a colon, for internal use only.
        let system = it.system.split(':').next().unwrap_or_default().to_owned();
        Self { system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

impl From<SourceBody> for Source {
    fn from(it: SourceBody) -> Self {
        Self { system: it.system, form_id: it.form_id, submission_id: it.submission_id }
    }
}

/// The stored result of one instrument, in the structure of scoring without storing.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StoredScore)]
pub struct ScoreView {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "isi")]
    instrument: String,
    /// The scoring algorithm and its version.
    #[schema(max_length = 40, example = "isi/1")]
    algorithm: String,
    /// The completeness of the result.
    #[schema(value_type = Status)]
    status: String,
    /// The value of each scale.
    #[schema(value_type = Vec<ScaleScore>, max_items = 100)]
    scales: Value,
    /// The cut-offs, with whether each is reached.
    #[schema(value_type = Object)]
    flags: Value,
}

impl From<StoredScore> for ScoreView {
    fn from(it: StoredScore) -> Self {
        Self {
            instrument: it.instrument,
            algorithm: it.algorithm,
            status: it.status,
            scales: it.scales,
            flags: it.flags,
        }
    }
}

/// The outcome of a delivery, with the scores of its answers.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionReceipt)]
pub struct ReceiptView {
    /// The id of the stored revision.
    id: SubmissionId,
    /// The revision of the source's submission, from 1; also the ETag.
    #[schema(minimum = 1)]
    version: i32,
    /// The patient who answered.
    patient_id: PatientId,
    /// The wave of the course in which the form is asked for.
    #[schema(max_length = 40, example = "baseline")]
    wave: String,
    /// The invitation that it answers, by its token or its source's own reference; null where neither names one to
    /// this patient: then form and day decide which occurrence it answers.
    invitation_id: Option<InvitationId>,
    /// The outcome: `created`, `unchanged` (the same bytes were already stored) or `revised` (the source changed it).
    delivered: DeliveryOutcome,
    /// One result per instrument.
    #[schema(max_items = 100)]
    scores: Vec<ScoreView>,
    /// The alerts that the answers raised.
    #[schema(max_items = 100)]
    alerts: Vec<AlertNote>,
    /// The instruments of the form without a licence of the registry on the day of the answer.
    #[schema(max_items = 100)]
    warnings: Vec<LicenceWarning>,
    /// A signed receipt (JWS, compact): proof of the delivery, verified with the registry's receipt keys.
    #[schema(max_length = 2000)]
    receipt: String,
}

/// An answer that the clinic must see.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlertNote {
    /// The code of the instrument.
    #[schema(max_length = 40, example = "hscl25")]
    instrument: &'static str,
    /// The code of the alert within the instrument.
    #[schema(max_length = 40, example = "suicidal_thoughts")]
    code: &'static str,
}

impl From<(&'static str, &'static str)> for AlertNote {
    fn from((instrument, code): (&'static str, &'static str)) -> Self {
        Self { instrument, code }
    }
}

/// Returns the response to a stored questionnaire.
pub fn stored_reply(tenant: &str, stored: Stored) -> Reply {
    let Stored { placed, patient, wave, scores, alerts, warnings, receipt, .. } = stored;
    let status = if placed.delivered == Delivered::Unchanged { 200 } else { 201 };
    let view = ReceiptView {
        id: placed.id,
        version: placed.revision,
        patient_id: patient,
        wave: wave.to_owned(),
        invitation_id: placed.invitation,
        delivered: placed.delivered.into(),
        scores: scores.into_iter().map(ScoreView::from).collect(),
        alerts: alerts.into_iter().map(AlertNote::from).collect(),
        warnings,
        receipt,
    };
    let location = format!("/v1/tenants/{tenant}/submissions/{}", placed.id);
    let mut reply = reply(status, Some(location), Some(placed.revision.into()), &view);
    reply.patient = Some(patient);
    reply
}

/// The outcome of one questionnaire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The questionnaire was stored.
    Created,
    /// The source changed it: a new revision was stored beside the old one.
    Revised,
    /// The questionnaire was already stored; nothing was done.
    Unchanged,
    /// The delivery is kept in quarantine until it can be placed.
    Quarantined,
    /// Dry run: the questionnaire would be stored.
    Acceptable,
    /// Nothing of the delivery is stored.
    Refused,
}

impl From<Delivered> for DeliveryOutcome {
    fn from(it: Delivered) -> Self {
        match it {
            Delivered::Created => Self::Created,
            Delivered::Revised => Self::Revised,
            Delivered::Unchanged => Self::Unchanged,
        }
    }
}
