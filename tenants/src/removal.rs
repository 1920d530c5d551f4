//! What a revision or an explant does to the components it removes: they are marked, and what the event is called must
//! agree with what stays.

use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{EventClass, ImplantComponent, ImplantEvent, Kind, removal_class};
use painreg_domain::fault::{Fault, FaultCode};

use crate::error::StoreError;
use crate::scope::{PatientAccess, Standing, Tx};
use crate::store::entries::{self, Narrowing, Stored, Wanted};

/// No implant has more components.
const MOST: i64 = 200;

/// Marks the components that a surgical event names as removed on its day. Refused is what is not in place in this
/// implant, what was there for the trial only, and an event that is called a revision although nothing stays, or an
/// explant although something does.
pub fn remove_components<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &Standing,
    event: &ImplantEvent,
) -> Result<(), StoreError> {
    if event.event.class() != EventClass::Surgical {
        return Ok(());
    }
    let narrowing = Narrowing {
        equal: vec![("implant_id", Wanted::Id(event.implant_id))],
        ongoing: Some(true),
        ..Narrowing::default()
    };
    let in_place = entries::of_patient(tx, access, Kind::ImplantComponent, &narrowing, None, MOST)?.items;
    let in_place: Vec<(Stored, ImplantComponent)> = in_place
        .into_iter()
        .map(|stored| entries::content(&stored).map(|component| (stored, component)))
        .collect::<Result<_, _>>()?;
    let implanted = in_place.iter().filter(|(_, component)| !component.trial).count();
    let mut faults = Vec::new();
    let mut removed = Vec::new();
    for (at, id) in event.component_ids.iter().enumerate() {
        match in_place.iter().find(|(stored, _)| stored.id == *id) {
            Some((_, component)) if component.trial => {
                faults.push(Fault::new(format!("/component_ids/{at}"), FaultCode::Contradiction));
            }
            Some(found) => removed.push(found),
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
        let examined = entries::examine(tx, standing, &gone)
            .map_err(|_| StoreError::Invalid(vec![Fault::at("happened_on", FaultCode::WrongOrder)]))?;
        entries::change(tx, access, stored, stored.version, examined, ChangeReason::Update)?;
    }
    Ok(())
}

/// Takes back what a surgical event that is taken back did: what it removed is in place again.
pub fn restore_components<'t>(
    tx: &mut Tx<'t>,
    access: &PatientAccess<'t>,
    standing: &Standing,
    event: &ImplantEvent,
) -> Result<(), StoreError> {
    if event.event.class() != EventClass::Surgical {
        return Ok(());
    }
    for id in &event.component_ids {
        let stored = match entries::find(tx, access, Kind::ImplantComponent, *id, None) {
            Ok(stored) => stored,
            // Taken back by itself meanwhile.
            Err(StoreError::NotFound) => continue,
            Err(error) => return Err(error),
        };
        let component: ImplantComponent = entries::content(&stored)?;
        if component.removed_on == Some(event.happened_on) {
            let back = ImplantComponent { removed_on: None, ..component };
            let examined = entries::examine(tx, standing, &back)?;
            entries::change(tx, access, &stored, stored.version, examined, ChangeReason::Correction)?;
        }
    }
    Ok(())
}
