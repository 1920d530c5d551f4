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
use painreg_tenants::store::entries::{FilterValue, Sort, Stored};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::Schema;

pub use list::Query;

use crate::problem::Problem;
use crate::routes::Takes;
use crate::wire::{etag, parameter};

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

/// The query of an operation: each name at most once; a value that no parameter uses is refused.
pub struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The pairs in the order of the query string.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        for (at, (name, value)) in pairs.iter().enumerate() {
            if pairs.iter().take(at).any(|(other, _)| other == name) || value.contains('\0') {
                return Err(parameter("query", name));
            }
        }
        Ok(Self(pairs))
    }

    /// Returns the value of a name; `None` without one.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Returns the parsed value of a name.
    pub fn read<V: std::str::FromStr>(&mut self, name: &str) -> Result<Option<V>, Problem> {
        self.take(name).map(|text| text.parse().map_err(|_| parameter("query", name))).transpose()
    }

    /// Returns an error for a pair that no parameter uses.
    pub fn end(self) -> Result<(), Problem> {
        self.0.first().map_or(Ok(()), |(name, _)| Err(parameter("query", name)))
    }
}

/// Reads the reason of a change or withdrawal from the query.
fn reason_of(pairs: Vec<(String, String)>, usual: ChangeReason) -> Result<ChangeReason, Problem> {
    let mut pairs = Pairs::new(pairs)?;
    let reason = pairs.read("reason")?.unwrap_or(usual);
    pairs.end()?;
    Ok(reason)
}

/// Returns the value of a filter: a reference, or a text of at most 200 characters.
fn wanted(member: &'static str, text: String) -> Result<FilterValue, Problem> {
    let refers = matches!(member, "episode_id" | "referral_id" | "implant_id");
    if refers {
        return text.parse().map(|id| FilterValue::Id(EntryId::existing(id))).map_err(|_| parameter("query", member));
    }
    if text.is_empty() || text.chars().count() > 200 {
        return Err(parameter("query", member));
    }
    Ok(FilterValue::Text(text))
}

fn sort_name(sort: Sort) -> &'static str {
    sort.into()
}

/// The fault of a change to a revision or explant that has marked components as removed.
const FIXED: FaultCode = FaultCode::Contradiction;
