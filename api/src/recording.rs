//! Recording an entry of whatever kind with everything that follows from it, for every route that does. Whether the
//! patient's legal basis allows that something is kept is asked here.

use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{Entry, EntryKind};
use painreg_domain::ids::EntryId;
use painreg_tenants::store::entries::{self, Stored};
use painreg_tenants::{PatientAccess, RecordingContext, StoreError, Tx, components};
use serde_json::Value;

use crate::problem::Problem;
use crate::wire::deserialize;

/// Every kind and its structure, for what must be done for each of them.
macro_rules! of_every_kind {
    ($do:ident) => {
        $do! {
            Referral: ::painreg_domain::clinical::Referral,
            Episode: ::painreg_domain::clinical::Episode,
            Consultation: ::painreg_domain::clinical::Consultation,
            Diagnosis: ::painreg_domain::clinical::Diagnosis,
            Procedure: ::painreg_domain::clinical::Procedure,
            PainSite: ::painreg_domain::clinical::PainSite,
            TreatmentGoal: ::painreg_domain::clinical::TreatmentGoal,
            Medication: ::painreg_domain::clinical::Medication,
            Implant: ::painreg_domain::clinical::Implant,
            ImplantComponent: ::painreg_domain::clinical::ImplantComponent,
            ImplantProgramme: ::painreg_domain::clinical::ImplantProgramme,
            ImplantEvent: ::painreg_domain::clinical::ImplantEvent,
            ImplantCheck: ::painreg_domain::clinical::ImplantCheck,
            LegalBasis: ::painreg_domain::clinical::LegalBasis,
            ProjectParticipation: ::painreg_domain::clinical::ProjectParticipation,
            Sample: ::painreg_domain::clinical::Sample
        }
    };
}
pub(crate) use of_every_kind;

/// Grounds may always be recorded: they say what else may be.
fn may_keep(tx: &Tx<'_>, standing: &RecordingContext, kind: EntryKind) -> Result<(), StoreError> {
    if kind == EntryKind::LegalBasis { Ok(()) } else { tx.may_keep(&standing.grounds) }
}

/// Records an entry.
pub fn recorded<'t, T: Entry>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &RecordingContext,
    id: EntryId,
    entry: &T,
) -> Result<Stored, StoreError> {
    may_keep(tx, standing, T::KIND)?;
    let examined = entries::examine(tx, standing, entry)?;
    let stored = entries::record(tx, access, id, examined)?;
    components::check(tx, access, &stored)?;
    if T::KIND == EntryKind::ImplantEvent {
        components::remove(tx, access, standing, &stored)?;
    }
    Ok(stored)
}

/// Gives an entry other members. Corrections may always be made: they are the patient's right (GDPR Article 16).
pub fn changed<'t, T: Entry>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &RecordingContext,
    before: &Stored,
    (version, reason): (i64, ChangeReason),
    entry: &T,
) -> Result<Stored, StoreError> {
    if reason == ChangeReason::Update {
        may_keep(tx, standing, T::KIND)?;
    }
    let examined = entries::examine(tx, standing, entry)?;
    let stored = entries::change(tx, access, before, version, examined, reason)?;
    components::check(tx, access, &stored)?;
    if T::KIND == EntryKind::ImplantComponent {
        components::stays_removed(tx, before, &entries::content(&stored)?)?;
    }
    Ok(stored)
}

/// Takes an entry back.
pub fn withdrawn<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &RecordingContext,
    before: &Stored,
    (version, reason): (i64, ChangeReason),
) -> Result<(), StoreError> {
    components::unnamed(tx, access, before)?;
    entries::withdraw(tx, access, before, version, reason)?;
    if before.kind == EntryKind::ImplantEvent {
        components::restore(tx, access, standing, before)?;
    }
    Ok(())
}

/// Records an entry of a kind that only the request tells.
pub fn recorded_of<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &mut RecordingContext,
    kind: EntryKind,
    content: Value,
) -> Result<Stored, Problem> {
    let id = tx.new_entry_id();
    macro_rules! record {
        ($($kind:ident: $structure:ty),+) => {
            match kind { $(EntryKind::$kind => recorded::<$structure>(tx, access, standing, id, &deserialize(content)?)?),+ }
        };
    }
    let stored = of_every_kind!(record);
    if kind == EntryKind::LegalBasis {
        standing.grounds.push(entries::content(&stored)?);
    }
    Ok(stored)
}
