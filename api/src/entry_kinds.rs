//! Every kind of entry with its structure, and recording of an entry of a kind that the request names.

use painreg_domain::clinical::EntryKind;
use painreg_tenants::app::record_entry;
use painreg_tenants::store::entries::{self, Stored};
use painreg_tenants::{PatientAccess, RecordingContext, Tx};
use serde_json::Value;

use crate::problem::Problem;
use crate::wire::{Extent, deserialize_checked};

/// Calls a macro with every kind of entry and its structure.
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

/// Parses the content of an entry by its kind and records it.
pub fn record_parsed<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    recording: &mut RecordingContext,
    kind: EntryKind,
    content: Value,
) -> Result<Stored, Problem> {
    let id = tx.new_entry_id();
    macro_rules! record {
        ($($kind:ident: $structure:ty),+) => {
            match kind { $(EntryKind::$kind => record_entry::record::<$structure>(tx, access, recording, id, &deserialize_checked(content, Extent::Shape)?)?),+ }
        };
    }
    let stored = of_every_kind!(record);
    if kind == EntryKind::LegalBasis {
        recording.grounds.push(entries::content(&stored)?);
    }
    Ok(stored)
}
