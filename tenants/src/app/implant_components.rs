//! Components of implants and references to them. A reference names a component of the same implant; a referenced
//! component cannot be withdrawn; a revision or explant marks the removed components and has the class that they imply.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Uuid as SqlUuid};
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{
    Entry, EntryKind, EventClass, ImplantCheck, ImplantComponent, ImplantEvent, ImplantProgramme, removal_class,
};
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::EntryId;

use crate::access::{PatientAccess, RecordingContext};
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::entries::{self, FilterValue, ListFilter, Stored};
use crate::tx::Tx;

/// The most components of one implant.
const MOST: i64 = 1000;

/// Returns whether entries of this kind name components.
const fn refers(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::ImplantProgramme | EntryKind::ImplantEvent | EntryKind::ImplantCheck)
}

/// Refuses an entry that names a component of another implant.
pub fn check<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, stored: &Stored) -> Result<(), StoreError> {
    if !refers(stored.kind) {
        return Ok(());
    }
    let (implant, named): (EntryId, Vec<(String, EntryId)>) = match stored.kind {
        EntryKind::ImplantProgramme => {
            let it: ImplantProgramme = entries::content(stored)?;
            let leads = it.leads.iter().enumerate();
            (it.implant_id, leads.map(|(at, lead)| (format!("/leads/{at}/component_id"), lead.component_id)).collect())
        }
        EntryKind::ImplantCheck => {
            let it: ImplantCheck = entries::content(stored)?;
            let each = it.impedances.iter().enumerate();
            (
                it.implant_id,
                each.map(|(at, one)| (format!("/impedances/{at}/component_id"), one.component_id)).collect(),
            )
        }
        _ => {
            let it: ImplantEvent = entries::content(stored)?;
            let each = it.component_ids.iter().enumerate();
            (it.implant_id, each.map(|(at, id)| (format!("/component_ids/{at}"), *id)).collect())
        }
    };
    if named.is_empty() {
        return Ok(());
    }
    if stored.kind == EntryKind::ImplantEvent {
        // The implant is locked before its components, so that concurrent surgical events cannot deadlock.
        entries::lock(tx, access, EntryKind::Implant, implant)?;
    }
    let ids: Vec<EntryId> = named.iter().map(|(_, id)| *id).collect();
    let known = held(tx, access, implant, &ids)?;
    let unknown = named.into_iter().filter(|(_, id)| !known.contains(id));
    let faults: Vec<Fault> = unknown.map(|(place, _)| Fault::new(place, FaultCode::UnknownReference)).collect();
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Invalid(faults)) }
}

/// Returns those of the components that belong to the implant and locks them until the transaction ends.
fn held<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    implant: EntryId,
    ids: &[EntryId],
) -> Result<Vec<EntryId>, StoreError> {
    #[derive(QueryableByName)]
    struct HeldRow {
        #[diesel(sql_type = SqlUuid)]
        id: uuid::Uuid,
    }
    let rows: Vec<HeldRow> = statement(
        "SELECT id FROM implant_component WHERE implant_id = ? AND id = ANY (?) AND patient_id = ANY (?) ORDER BY id \
         FOR SHARE",
    )
    .bind::<SqlUuid, _>(implant.uuid())
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(access.rows())
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| EntryId::existing(row.id)).collect())
}

/// Returns the components of an implant: those in place, those removed, or all.
fn of_implant<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    implant: EntryId,
    ongoing: Option<bool>,
) -> Result<Vec<(Stored, ImplantComponent)>, StoreError> {
    let equal = vec![("implant_id", FilterValue::Id(implant))];
    let filter = ListFilter { equal, ongoing, ..ListFilter::default() };
    let found = entries::of_patient(tx, access, EntryKind::ImplantComponent, &filter, None, MOST)?.items;
    found.into_iter().map(|stored| entries::content(&stored).map(|component| (stored, component))).collect()
}

/// Refuses to withdraw a component that an event, programme or check names, and locks it until the transaction ends.
pub fn unnamed<'t>(tx: &mut Tx<'t>, access: &PatientAccess<'t>, stored: &Stored) -> Result<(), StoreError> {
    if stored.kind != EntryKind::ImplantComponent {
        return Ok(());
    }
    entries::lock(tx, access, stored.kind, stored.id)?;
    if named(tx, stored, false)? { Err(StoreError::InUse) } else { Ok(()) }
}

/// Refuses a manual change of what a revision or explant determines: the component's implant and last day.
pub fn stays_removed(tx: &mut Tx<'_>, before: &Stored, now: &ImplantComponent) -> Result<(), StoreError> {
    let was: ImplantComponent = entries::content(before)?;
    let differs = [("removed_on", was.removed_on != now.removed_on), ("implant_id", was.implant_id != now.implant_id)];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((member, _)) if named(tx, before, member == "removed_on")? => {
            Err(StoreError::Invalid(vec![Fault::at(member, FaultCode::InUse)]))
        }
        _ => Ok(()),
    }
}

/// Returns whether an entry names the component; where `surgical`, only revisions and explants count.
fn named(tx: &mut Tx<'_>, stored: &Stored, surgical: bool) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct NamedRow {
        #[diesel(sql_type = Bool)]
        named: bool,
    }
    let component: ImplantComponent = entries::content(stored)?;
    let row: NamedRow = statement(
        "SELECT EXISTS (SELECT FROM implant_event WHERE implant_id = ? AND ? = ANY (component_ids) \
         AND (class = 'surgical' OR NOT ?)) OR (NOT ? AND (\
         EXISTS (SELECT FROM implant_programme, jsonb_array_elements(leads) AS lead WHERE implant_id = ? \
         AND lead ->> 'component_id' = ?::text) OR \
         EXISTS (SELECT FROM implant_check, jsonb_array_elements(impedances) AS impedance WHERE implant_id = ? \
         AND impedance ->> 'component_id' = ?::text))) AS named",
    )
    .bind::<SqlUuid, _>(component.implant_id.uuid())
    .bind::<SqlUuid, _>(stored.id.uuid())
    .bind::<Bool, _>(surgical)
    .bind::<Bool, _>(surgical)
    .bind::<SqlUuid, _>(component.implant_id.uuid())
    .bind::<SqlUuid, _>(stored.id.uuid())
    .bind::<SqlUuid, _>(component.implant_id.uuid())
    .bind::<SqlUuid, _>(stored.id.uuid())
    .get_result(tx.conn)?;
    Ok(row.named)
}

/// Returns the event that an entry holds, if it is surgical.
fn surgical(stored: &Stored) -> Result<Option<ImplantEvent>, StoreError> {
    let event: ImplantEvent = entries::content(stored)?;
    Ok(Some(event).filter(|event| event.event.class() == EventClass::Surgical))
}

/// Marks the components that a surgical event names as removed on the day of the event. Refuses components that are not
/// in place, trial components, components that are not implanted, a revision that leaves nothing in place, and an
/// explant that leaves something.
pub fn remove<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    stored: &Stored,
) -> Result<(), StoreError> {
    let Some(event) = surgical(stored)? else { return Ok(()) };
    // No other transaction removes components now: `check` has locked the implant.
    let in_place = of_implant(tx, access, event.implant_id, Some(true))?;
    let counts = |component: &ImplantComponent| !component.trial && component.component.is_implanted();
    let implanted = in_place.iter().filter(|(_, component)| counts(component)).count();
    let mut faults = Vec::new();
    let mut removed = Vec::new();
    for (at, id) in event.component_ids.iter().enumerate() {
        match in_place.iter().find(|(stored, _)| stored.id == *id) {
            Some(found) if counts(&found.1) => removed.push(found),
            Some(_) => faults.push(Fault::new(format!("/component_ids/{at}"), FaultCode::Contradiction)),
            None => faults.push(Fault::new(format!("/component_ids/{at}"), FaultCode::UnknownReference)),
        }
    }
    if faults.is_empty() && removal_class(implanted, removed.len()) != Some(event.event) {
        faults.push(Fault::at("event", FaultCode::Contradiction));
    }
    if !faults.is_empty() {
        return Err(StoreError::Invalid(faults));
    }
    for (stored, component) in removed {
        let gone = ImplantComponent { removed_on: Some(event.happened_on), ..component.clone() };
        let marked = mark(tx, access, context, stored, &gone, ChangeReason::Update);
        marked.map_err(|error| match error {
            // A fault of the component's last day is a fault of the event's day.
            StoreError::Invalid(faults) if faults.iter().all(|fault| fault.pointer == "/removed_on") => {
                let at_event = |fault: Fault| Fault::at("happened_on", fault.code);
                StoreError::Invalid(faults.into_iter().map(at_event).collect())
            }
            other => other,
        })?;
    }
    Ok(())
}

/// Reverts a withdrawn surgical event: the components that it removed are in place again.
pub fn restore<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    stored: &Stored,
) -> Result<(), StoreError> {
    let Some(event) = surgical(stored)? else { return Ok(()) };
    for (stored, component) in of_implant(tx, access, event.implant_id, Some(false))? {
        if event.component_ids.contains(&stored.id) && component.removed_on == Some(event.happened_on) {
            let back = ImplantComponent { removed_on: None, ..component };
            mark(tx, access, context, &stored, &back, ChangeReason::Correction)?;
        }
    }
    Ok(())
}

fn mark<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    stored: &Stored,
    component: &ImplantComponent,
    reason: ChangeReason,
) -> Result<(), StoreError> {
    debug_assert!(ImplantComponent::KIND == stored.kind, "only components are marked");
    let examined = entries::examine(tx, context, component)?;
    entries::change(tx, access, stored, stored.version, examined, reason).map(|_| ())
}
