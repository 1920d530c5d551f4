//! Clinical entries of every kind: seven operations per kind, written once. The kinds, their paths, rights and filters
//! are in `painreg_domain::clinical`; a new kind is a row there, a table, and a line in the route list.

mod change;
mod list;
mod read;
mod record;
mod specification;
mod versions;
mod withdraw;

use std::marker::PhantomData;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header;
use actix_web::{HttpResponse, guard, web};
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{Entry, EntryKind};
use painreg_domain::fault::FaultCode;
use painreg_domain::ids::{EntryId, PatientId};
use painreg_tenants::store::entries::{Sort, Stored};
use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::Schema;

use crate::routes::Takes;
use crate::wire::etag;

/// The seven operations of one kind of entry.
struct Entries<T>(PhantomData<T>);

/// The operations of every kind.
pub fn all(config: &mut impl Takes) {
    macro_rules! serve {
        ($($kind:ident: $structure:ty),+) => { $(config.service(Entries::<$structure>(PhantomData));)+ };
    }
    crate::entry_kinds::of_every_kind!(serve);
}

/// Returns the path of a patient's entries of a kind; `{patient}` and `{entry}` are path parameters.
fn path(kind: EntryKind, rest: &str) -> String {
    format!("/v1/tenants/{{tenant}}/patients/{{patient}}/{}{rest}", kind.row().path)
}

/// Returns the path of all entries of a kind in the registry.
fn registry_path(kind: EntryKind) -> String {
    format!("/v1/tenants/{{tenant}}/{}", kind.row().path)
}

impl<T: Entry> HttpServiceFactory for Entries<T> {
    fn register(self, config: &mut AppService) {
        let all = registry_path(T::KIND);
        let of_patient = path(T::KIND, "");
        let one = path(T::KIND, "/{entry}");
        let states = path(T::KIND, "/{entry}/versions");
        web::resource(all).guard(guard::Get()).to(list::of_registry::<T>).register(config);
        web::resource(of_patient.clone()).guard(guard::Get()).to(list::of_patient::<T>).register(config);
        web::resource(of_patient).guard(guard::Post()).to(record::record::<T>).register(config);
        web::resource(one.clone()).guard(guard::Get()).to(read::read::<T>).register(config);
        web::resource(one.clone()).guard(guard::Patch()).to(change::change::<T>).register(config);
        web::resource(one).guard(guard::Delete()).to(withdraw::withdraw::<T>).register(config);
        web::resource(states).guard(guard::Get()).to(versions::versions::<T>).register(config);
    }
}

impl<T: Entry> utoipa_actix_web::OpenApiFactory for Entries<T> {
    fn paths(&self) -> Paths {
        specification::paths::<T>()
    }

    fn schemas(&self, schemas: &mut Vec<(String, RefOr<Schema>)>) {
        specification::schemas::<T>(schemas);
    }
}

/// The path of one entry.
pub(super) type OnePath = web::Path<(String, PatientId, EntryId)>;

/// An entry in a response: the members as the database serialises them.
fn answer(stored: Stored) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, etag(stored.version)))
        .content_type("application/json")
        .body(stored.json)
}

/// The query of a change or withdrawal.
#[derive(Deserialize)]
pub(super) struct ReasonParams {
    reason: Option<ChangeReason>,
}

fn sort_name(sort: Sort) -> &'static str {
    sort.into()
}

/// The fault of a change to a revision or explant that has marked components as removed.
const FIXED: FaultCode = FaultCode::Contradiction;
