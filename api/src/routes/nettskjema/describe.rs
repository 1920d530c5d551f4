//! Stores a Nettskjema form definition.

use actix_web::{HttpResponse, post, web};
use painreg_domain::nettskjema::NettskjemaDefinition;
use painreg_tenants::store::nettskjema::{self, DefinitionVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Body, IdempotencyKey, ListedCode, reply};

/// A form definition in a format of Nettskjema: API v3 `definition` or `elements`, TSD `metadata`, or the older one
/// with pages.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = NettskjemaDefinition, example = json!({"generatedDate": "2026-11-20T09:15:00+01:00", "elements": [
    {"elementId": 1, "elementType": "RADIO", "externalElementId": "isi_01", "answerOptions": [{"answerOptionId": 2, "externalAnswerOptionId": "0"}]}]}))]
pub struct DescribeNettskjema(Value);

/// One version of a Nettskjema form definition.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NettskjemaDefinitionVersion)]
pub struct DefinitionView {
    /// The number of the version, from 1.
    #[schema(minimum = 1)]
    version: i64,
    /// The time when Nettskjema generated it; null where the document does not say.
    generated_at: Option<jiff::Timestamp>,
    /// The time when the registry received it.
    received_at: jiff::Timestamp,
    /// All paths of the codebook: `key`, or `matrix.row`.
    #[schema(value_type = Vec<ListedCode>, max_items = 5000)]
    paths: Vec<String>,
}

impl From<DefinitionVersion> for DefinitionView {
    fn from(it: DefinitionVersion) -> Self {
        Self {
            version: it.version,
            generated_at: it.generated_at,
            received_at: it.received_at,
            paths: it.definition.paths().collect(),
        }
    }
}

/// Store a Nettskjema form definition.
///
/// Answers in matrices of API v3 cannot be read without it, and for a key that has changed it has the previous name.
/// Every version is kept; a known version changes nothing.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("DescribeNettskjema"))),
    params(IdempotencyKey),
    request_body = DescribeNettskjema,
    responses((status = 201, description = "The definition was stored.", body = DefinitionView),
        (status = 200, description = "The definition is already stored.", body = DefinitionView), Problems))]
#[post("/{form_id}/definitions")]
pub async fn describe_nettskjema(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, String)>,
    body: Body<DescribeNettskjema>,
) -> Result<HttpResponse, Problem> {
    let (tenant, form_id) = path.into_inner();
    let Body { value: DescribeNettskjema(document), bytes } = body;
    let place = format!("/v1/tenants/{tenant}/nettskjema/{form_id}/definitions");
    caller
        .run_once(key, bytes, &place, move |tx| {
            super::check_form_id(&form_id)?;
            let mut versions = NettskjemaDefinition::read(&document)?;
            // The oldest first, so that the numbers follow time.
            versions.sort_by_key(NettskjemaDefinition::generated_at);
            let mut last = None;
            let mut any_new = false;
            for version in &versions {
                let (described, new) = nettskjema::describe(tx, &form_id, version)?;
                any_new |= new;
                last = Some(described);
            }
            let last = last.ok_or_else(|| Problem::internal("a document without a version"))?;
            Ok(reply(if any_new { 201 } else { 200 }, None, None, &DefinitionView::from(last)))
        })
        .await
}
