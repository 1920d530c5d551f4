//! Compares two versions of a form.

use actix_web::{HttpResponse, get, web};
use painreg_domain::questionnaire::FormChange;
use painreg_tenants::StoreError;
use painreg_tenants::store::forms;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::problem::{Problem, Problems};
use crate::wire::{Query, parameter};

/// The versions to compare.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Versions {
    /// The earlier version; absent: the version published before the later one.
    #[param(min_length = 1, max_length = 32)]
    from: Option<String>,
    /// The later version; absent: the newest.
    #[param(min_length = 1, max_length = 32)]
    to: Option<String>,
}

/// The differences between two versions of a form.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FormDifferences {
    /// The earlier version.
    #[schema(max_length = 32)]
    from: String,
    /// The later version.
    #[schema(max_length = 32)]
    to: String,
    /// The parts that were added, removed or changed.
    #[schema(max_items = 10_000)]
    items: Vec<FormChange>,
}

/// Compare two versions of a form, part by part.
#[utoipa::path(tag = "Questionnaires", extensions(("x-action" = json!("ReadForms"))),
    params(Versions),
    responses((status = 200, description = "The differences.", body = FormDifferences), Problems))]
#[get("/{form}/differences")]
pub async fn read_form_differences(
    caller: Caller,
    path: web::Path<(String, String)>,
    Query(Versions { from, to }): Query<Versions>,
) -> Result<HttpResponse, Problem> {
    let (_, code) = path.into_inner();
    let found = caller
        .run(move |tx| {
            // A missing form is reported before a missing version.
            let newest = forms::newest(tx, &code)?;
            let mut named = |version: Option<String>, name| {
                let named = version.map(|version| forms::version(tx, &code, &version)).transpose();
                named.map_err(|error| match error {
                    StoreError::NotFound => parameter("query", name),
                    other => other.into(),
                })
            };
            let (from, to) = (named(from, "from")?, named(to, "to")?.unwrap_or(newest));
            let from = match from {
                Some(from) => from,
                None => forms::before(tx, &to)?.unwrap_or_else(|| to.clone()),
            };
            let items = from.differences(&to);
            Ok(FormDifferences { from: from.version().to_owned(), to: to.version().to_owned(), items })
        })
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
