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
use utoipa_actix_web::OpenApiFactory;

use crate::routes::Takes;
use crate::wire::etag;

/// The list of a kind's entries in the whole registry.
struct EntriesOfRegistry<T>(PhantomData<T>);

/// The six operations of a patient's entries of one kind.
struct EntriesOfPatient<T>(PhantomData<T>);

/// The lists of every kind in the whole registry.
pub fn of_registry(config: &mut impl Takes) {
    macro_rules! serve {
        ($($kind:ident: $structure:ty),+) => { $(config.service(EntriesOfRegistry::<$structure>(PhantomData));)+ };
    }
    crate::entry_kinds::of_every_kind!(serve);
}

/// The operations of every kind of a patient's entries, and those that `more` adds to a kind.
pub fn of_patient<C: Takes>(config: &mut C, more: impl Fn(&mut C, EntryKind)) {
    macro_rules! serve {
        ($($kind:ident: $structure:ty),+) => { $(
            config.scope(&path(EntryKind::$kind), |config| {
                config.service(EntriesOfPatient::<$structure>(PhantomData));
                more(config, EntryKind::$kind);
            });
        )+ };
    }
    crate::entry_kinds::of_every_kind!(serve);
}

/// Returns the last segment of the path of a kind's entries.
fn path(kind: EntryKind) -> String {
    format!("/{}", kind.row().path)
}

/// The path of an entry among those of its kind.
const ONE: &str = "/{entry}";
/// The path of an entry's versions.
const VERSIONS: &str = "/{entry}/versions";

impl<T: Entry> HttpServiceFactory for EntriesOfRegistry<T> {
    fn register(self, config: &mut AppService) {
        web::resource(path(T::KIND)).guard(guard::Get()).to(list::of_registry::<T>).register(config);
    }
}

impl<T: Entry> HttpServiceFactory for EntriesOfPatient<T> {
    fn register(self, config: &mut AppService) {
        web::resource("").guard(guard::Get()).to(list::of_patient::<T>).register(config);
        web::resource("").guard(guard::Post()).to(record::record::<T>).register(config);
        web::resource(ONE).guard(guard::Get()).to(read::read::<T>).register(config);
        web::resource(ONE).guard(guard::Patch()).to(change::change::<T>).register(config);
        web::resource(ONE).guard(guard::Delete()).to(withdraw::withdraw::<T>).register(config);
        web::resource(VERSIONS).guard(guard::Get()).to(versions::versions::<T>).register(config);
    }
}

impl<T: Entry> OpenApiFactory for EntriesOfRegistry<T> {
    fn paths(&self) -> Paths {
        specification::paths_of_registry::<T>()
    }

    fn schemas(&self, _: &mut Vec<(String, RefOr<Schema>)>) {}
}

impl<T: Entry> OpenApiFactory for EntriesOfPatient<T> {
    fn paths(&self) -> Paths {
        specification::paths_of_patient::<T>()
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
