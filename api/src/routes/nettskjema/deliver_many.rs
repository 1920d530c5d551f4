//! Stores Nettskjema submissions in bulk, in their original formats.

use std::mem::take;

use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, post, web};
use painreg_domain::nettskjema::api_v3;
use painreg_tenants::app::intake::nettskjema::examine;
use painreg_tenants::app::intake::{Arrival, Corrections};
use painreg_tenants::store::nettskjema;

use super::deliver::NettskjemaSubmission;
use crate::caller::Caller;
use crate::intake::batch::{Batch, BatchParams, DeliveryResult, Group};
use crate::intake::nettskjema::payload;
use crate::problem::{Problem, Problems};
use crate::request_info::RequestInfo;
use crate::state::State;
use crate::wire::{CSV, Line, Lines, Query};

/// A file of CSV v1: a header of codebook paths, one row per submission.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, max_length = 1_000_000_000)]
pub struct CsvFile(#[expect(dead_code, reason = "for the specification; the body is read as it comes")] String);

/// Deliver Nettskjema submissions in bulk, in the formats of Nettskjema.
///
/// In NDJSON a line is a submission (TSD's survey API or API v3) or, as in API v3's `answers`, one answer: the lines
/// of one submission must follow each other. `text/csv` is CSV v1 in UTF-8: a header, then a row per submission, divided
/// by semicolons, tabs or commas as the header is. Rows end at a line feed, a carriage return or both, outside of a
/// quotation; a quotation mark opens a quotation at the beginning of a cell only, and is text elsewhere. A row with a
/// quotation that is not closed, or with text after it, is kept in quarantine with its column, and the rows after it are
/// read. A byte order mark, a first line `sep=;` and rows without any text are passed over.
///
/// Every submission is processed regardless of the others; the response has a result for each, in order, as soon as
/// available. A submission that cannot be placed is kept in quarantine. A repeated delivery changes nothing and needs
/// no `Idempotency-Key`. At most a million submissions; a client that sends more than 16 MiB must read the results
/// while sending.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("DeliverNettskjema"))),
    params(BatchParams),
    request_body(content((NettskjemaSubmission = "application/x-ndjson"), (CsvFile = "text/csv"))),
    responses((status = 200, description = "One result per submission.", body = DeliveryResult, content_type = "application/x-ndjson"), Problems))]
#[post("/{form_id}/delivery-batches")]
pub async fn deliver_many(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<(String, String)>,
    Query(params): Query<BatchParams>,
    state: web::Data<State>,
    lines: Lines,
) -> Result<HttpResponse, Problem> {
    let (_, form_id) = path.into_inner();
    let info = request.extensions().get::<RequestInfo>().cloned().unwrap_or_default();
    let acceptance = state.acceptance;
    let media_type = lines.media_type;
    let group: Group = if media_type == CSV { rows() } else { submissions() };
    let nettskjema_id = Some(form_id.clone());
    let batch = Batch { caller, nettskjema_id, dry_run: params.dry_run(), info };
    batch
        .run(lines, Some(group), move |tx, lines: &[Line]| {
            super::check_form_id(&form_id)?;
            let known = nettskjema::known(tx, &form_id)?;
            lines
                .iter()
                .map(|(_, line)| {
                    let what = payload(media_type, line)?;
                    let examined = examine(tx, &known, &form_id, what, &Corrections::default(), acceptance);
                    Ok(Arrival { media_type, payload: line, examined })
                })
                .collect()
        })
        .await
}

/// Groups a header and rows: each row becomes a separate file, so that its delivered form can be kept.
fn rows() -> Group {
    let mut header: Option<Bytes> = None;
    Box::new(move |lines| {
        let mut lines = lines.unwrap_or_default().into_iter();
        if header.is_none() {
            header = lines.next().map(|(_, line)| line);
        }
        let Some(header) = &header else { return Vec::new() };
        lines.map(|(number, row)| (number, joined(header, &row))).collect()
    })
}

/// Groups lines: one submission per line, or one answer per line with the answers of a submission combined.
fn submissions() -> Group {
    let mut waiting: Option<(u64, Line)> = None;
    Box::new(move |lines| {
        let Some(lines) = lines else { return take(&mut waiting).map(|(_, line)| line).into_iter().collect() };
        let mut whole = Vec::with_capacity(lines.len());
        for (number, line) in lines {
            let said = Said::by(&line);
            waiting = match take(&mut waiting) {
                // A line that cannot be read may be an answer of the submission around it: that submission is
                // incomplete.
                Some((of, (first, together)))
                    if (said == Said::Nothing || said == Said::Answer(of)) && together.len() < MOST =>
                {
                    Some((of, (first, joined(&together, &line))))
                }
                before => {
                    whole.extend(before.map(|(_, line)| line));
                    said.begins(number, line, &mut whole)
                }
            };
        }
        whole
    })
}

/// The maximum size in bytes of a submission with one answer per line.
const MOST: usize = 1024 * 1024;

/// The content of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// A complete submission.
    Submission,
    /// An answer of this submission.
    Answer(u64),
    /// A line that cannot be read.
    Nothing,
}

impl Said {
    fn by(line: &[u8]) -> Self {
        // A complete submission is not parsed a second time.
        let marked = |mark: &[u8]| line.windows(mark.len()).any(|part| part == mark);
        if marked(b"\"metadata\"") || marked(b"\"submissionMetadata\"") {
            return Self::Submission;
        }
        match serde_json::from_slice(line) {
            Ok(document) => api_v3::line_of(&document).map_or(Self::Submission, Self::Answer),
            Err(_) => Self::Nothing,
        }
    }

    /// Returns the submission and the line of its first answer; adds every other line to the complete ones.
    fn begins(self, number: usize, line: Bytes, whole: &mut Vec<Line>) -> Option<(u64, Line)> {
        match self {
            Self::Answer(id) => Some((id, (number, line))),
            Self::Submission | Self::Nothing => {
                whole.push((number, line));
                None
            }
        }
    }
}

fn joined(one: &[u8], other: &[u8]) -> Bytes {
    let mut both = BytesMut::with_capacity(one.len() + 1 + other.len());
    both.extend_from_slice(one);
    both.extend_from_slice(b"\n");
    both.extend_from_slice(other);
    both.freeze()
}
