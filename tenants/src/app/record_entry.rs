//! Recording, changing and withdrawing an entry of any kind, with everything that follows from it. Whether the
//! patient's legal basis allows storing the entry is checked here.

use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{Entry, EntryKind};
use painreg_domain::ids::EntryId;

use super::implant_components;
use crate::access::{PatientAccess, RecordingContext};
use crate::error::StoreError;
use crate::store::entries::{self, Stored};
use crate::tx::Tx;

/// Checks the legal basis for storing an entry. Legal bases themselves may always be recorded.
fn may_keep(tx: &Tx<'_>, context: &RecordingContext, kind: EntryKind) -> Result<(), StoreError> {
    if kind == EntryKind::LegalBasis { Ok(()) } else { tx.may_keep(&context.grounds) }
}

/// Records an entry.
pub fn record<'t, T: Entry>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    id: EntryId,
    entry: &T,
) -> Result<Stored, StoreError> {
    may_keep(tx, context, T::KIND)?;
    let examined = entries::examine(tx, context, entry)?;
    let stored = entries::record(tx, access, id, examined)?;
    implant_components::check(tx, access, &stored)?;
    if T::KIND == EntryKind::ImplantEvent {
        implant_components::remove(tx, access, context, &stored)?;
    }
    Ok(stored)
}

/// Replaces the content of an entry. Corrections need no legal basis: they are the patient's right (GDPR Article 16).
pub fn change<'t, T: Entry>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    before: &Stored,
    (version, reason): (i64, ChangeReason),
    entry: &T,
) -> Result<Stored, StoreError> {
    if reason == ChangeReason::Update {
        may_keep(tx, context, T::KIND)?;
    }
    let examined = entries::examine(tx, context, entry)?;
    let stored = entries::change(tx, access, before, version, examined, reason)?;
    implant_components::check(tx, access, &stored)?;
    if T::KIND == EntryKind::ImplantComponent {
        implant_components::stays_removed(tx, before, &entries::content(&stored)?)?;
    }
    Ok(stored)
}

/// Withdraws an entry.
pub fn withdraw<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    context: &RecordingContext,
    before: &Stored,
    (version, reason): (i64, ChangeReason),
) -> Result<(), StoreError> {
    implant_components::unnamed(tx, access, before)?;
    entries::withdraw(tx, access, before, version, reason)?;
    if before.kind == EntryKind::ImplantEvent {
        implant_components::restore(tx, access, context, before)?;
    }
    Ok(())
}
