//! Records one entry.

use actix_web::{HttpResponse, web};
use painreg_domain::clinical::Entry;
use painreg_domain::ids::PatientId;
use painreg_tenants::Reply;
use painreg_tenants::app::record_entry;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Document, IdempotencyKey, etag};

pub(super) async fn record<T: Entry>(
    caller: Caller,
    key: IdempotencyKey,
    path: web::Path<(String, PatientId)>,
    body: Document<T>,
) -> Result<HttpResponse, Problem> {
    let (tenant, patient) = path.into_inner();
    let Document { value: entry, bytes } = body;
    let place = format!("/v1/tenants/{tenant}/patients/{patient}/{}", T::KIND.row().path);
    let at = place.clone();
    caller
        .run_once(key, bytes, &place, move |tx| {
            let id = tx.new_entry_id();
            tx.about(format!("{}/{id}", T::KIND));
            let (access, standing) = tx.open_to_record(patient)?;
            let stored = record_entry::record(tx, &access, &standing, id, &entry)?;
            Ok(Reply {
                status: 201,
                location: Some(format!("{at}/{}", stored.id)),
                etag: Some(etag(stored.version)),
                media_type: Reply::JSON,
                body: stored.json.into_bytes(),
                patient: Some(access.id()),
                replayed: false,
            })
        })
        .await
}
