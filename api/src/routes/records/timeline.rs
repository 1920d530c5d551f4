//! Reads the timeline of one patient.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use jiff::civil::Date;
use painreg_domain::ids::{PatientId, SubmissionId};
use painreg_tenants::store::entries::{self, Line, SUBMISSION};
use painreg_tenants::store::submissions;
use painreg_tenants::{Keyset, PatientAccess, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::views::submission::SubmissionView;
use crate::wire::{AsOf, Page, PageParams, Query, Raw, page_answer};

/// One line of a timeline.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TimelineLine)]
pub struct LineView {
    /// The kind of entry (`referral`, `episode`, ..) or `submission`.
    #[schema(max_length = 40, example = "consultation")]
    kind: String,
    /// The id of the entry or submission.
    #[schema(value_type = String, format = "uuid", min_length = 36, max_length = 36)]
    id: Uuid,
    /// The day of the event or its beginning.
    on: Date,
    /// The version of the entry, or the revision of the submission.
    #[schema(minimum = 1)]
    version: i64,
    /// The entry or submission, in the format of the operation that reads it.
    #[schema(value_type = Object)]
    entry: Raw,
}

/// Shows lines, each as the operation shows it that reads the entry or submission.
fn shown<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, lines: Vec<Line>) -> Result<Vec<LineView>, Problem> {
    let answered = lines.iter().filter(|line| line.kind == SUBMISSION);
    let answered: Vec<SubmissionId> = answered.map(|line| SubmissionId::existing(line.id)).collect();
    let mut submissions = HashMap::new();
    for submission in submissions::find_each(tx, access, &answered)? {
        let id = submission.id.uuid();
        let view = SubmissionView::of(tx, submission)?;
        submissions.insert(id, serde_json::to_string(&view).map_err(Problem::internal)?);
    }
    let line = |Line { kind, id, day, version, json }| {
        let entry = Raw::new(submissions.remove(&id).unwrap_or(json))?;
        Ok(LineView { kind, id, on: day, version, entry })
    };
    lines.into_iter().map(line).collect()
}

/// Read the timeline of a patient (tidslinje), the latest first.
///
/// Entries of every kind and answered questionnaires in one list; with `as_of` those that the registry stored at that
/// instant.
#[utoipa::path(tag = "Patients", extensions(("x-action" = json!("ReadTimeline"))),
    params(AsOf, PageParams<500, 1000>),
    responses((status = 200, description = "A page of the timeline.", body = Page<LineView>), Problems))]
#[get("/timeline")]
pub async fn read_timeline(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, PatientId)>,
    Query(AsOf { as_of }): Query<AsOf>,
    PageParams { limit, cursor }: PageParams<500, 1000>,
) -> Result<HttpResponse, Problem> {
    let (_, patient) = path.into_inner();
    let page = caller
        .run(move |tx| {
            let access = tx.open_patient(patient)?;
            let list = format!("timeline {patient} {as_of:?}");
            let after = tx.open_cursor(&list, cursor)?;
            let found = entries::timeline(tx, &access, as_of, after, limit)?;
            let next_cursor = found
                .items
                .last()
                .filter(|_| found.more)
                .map(|last| tx.seal_cursor(&list, &Keyset(last.day, last.id)).as_str().to_owned());
            Ok(Page { items: shown(tx, &access, found.items)?, next_cursor })
        })
        .await?;
    Ok(page_answer(&request, &page))
}
