//! Changes an entry; the previous state stays in the history.

use actix_web::HttpResponse;
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{Entry, EntryKind, EventClass, EventKind};
use painreg_domain::fault::Fault;
use painreg_tenants::app::record_entry;
use painreg_tenants::store::entries;
use serde_json::{Map, Value};

use super::{FIXED, OnePath, ReasonParams, answer};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::wire::{Document, IfMatch, Patch, Query};

pub(super) async fn change<T: Entry>(
    caller: Caller,
    path: OnePath,
    version: IfMatch,
    Query(ReasonParams { reason }): Query<ReasonParams>,
    body: Document<Patch<T>>,
) -> Result<HttpResponse, Problem> {
    let (_, patient, id) = path.into_inner();
    let reason = reason.unwrap_or(ChangeReason::Update);
    let changes = body.value;
    let stored = caller
        .run(move |tx| {
            tx.about(format!("{}/{id}", T::KIND));
            let (access, standing) = tx.open_to_record(patient)?;
            let before = entries::find(tx, &access, T::KIND, id, None)?;
            let version = version.against(before.version)?;
            let was = entries::content::<T>(&before)?;
            let entry = changes.apply(&was)?;
            if T::KIND == EntryKind::ImplantEvent {
                stays_removed(&members_of(&was)?, &members_of(&entry)?)?;
            }
            Ok(record_entry::change(tx, &access, &standing, &before, (version, reason), &entry)?)
        })
        .await?;
    Ok(answer(stored))
}

fn members_of<T: Entry>(entry: &T) -> Result<Map<String, Value>, Problem> {
    match serde_json::to_value(entry).map_err(Problem::internal)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

/// Refuses a change to a revision or explant that has marked components as removed: withdraw it and record it again.
fn stays_removed(was: &Map<String, Value>, is: &Map<String, Value>) -> Result<(), Problem> {
    let removes = |members: &Map<String, Value>| {
        let event = members.get("event").and_then(Value::as_str).and_then(|text| text.parse().ok());
        event.is_some_and(|event: EventKind| event.class() == EventClass::Surgical)
    };
    let fixed = ["event", "component_ids", "implant_id", "happened_on"];
    match fixed.into_iter().find(|name| was.get(*name) != is.get(*name)) {
        Some(name) if removes(was) || removes(is) => Err(Problem::invalid(vec![Fault::at(name, FIXED)])),
        _ => Ok(()),
    }
}
