//! Reach: which patients a statement may be about. The one place that turns the policy's own, unit and all into SQL, and the
//! one place that follows a merged patient to the survivor for it. Restriction of processing (GDPR article 18) belongs here:
//! one more condition of [`Tx::within_patient`], whatever the reach.

use diesel::sql_types::{Bytea, Text, Uuid as SqlUuid};
use painreg_domain::policy::Reach;
use uuid::Uuid;

use crate::principal::OwnRecord;
use crate::statement::Statement;
use crate::tx::Tx;

/// Joins `patient`, the row that is shown and compared, to a table that refers to patients in the column `patient`: of a
/// merged patient the survivor's row.
pub(crate) fn join_survivor<'q>(query: Statement<'q>, patient: &'static str) -> Statement<'q> {
    query
        .then(" JOIN patient named ON named.id = ")
        .then(patient)
        .then(" JOIN patient ON patient.id = coalesce(named.merged_into, named.id)")
}

/// Begins a condition on the survivor of a patient: its row is `patient`.
fn survivor_of<'q>(query: Statement<'q>, patient: &'static str) -> Statement<'q> {
    query
        .then(
            " AND EXISTS (SELECT FROM patient named JOIN patient ON patient.id = coalesce(named.merged_into, named.id) \
             WHERE named.id = ",
        )
        .then(patient)
}

/// Narrows a query to the patients of a unit, if one is given: a filter that the caller asks for, beside the caller's reach.
/// `patient` is the SQL of a patient's id.
pub(crate) fn of_unit<'q>(query: Statement<'q>, patient: &'static str, unit: Option<&str>) -> Statement<'q> {
    match unit {
        Some(_) => of_unit_patient(survivor_of(query, patient), unit).then(")"),
        None => query,
    }
}

/// As [`of_unit`], for a query that has the survivor's row at hand as `patient`.
pub(crate) fn of_unit_patient<'q>(query: Statement<'q>, unit: Option<&str>) -> Statement<'q> {
    match unit {
        Some(unit) => query.then(" AND patient.unit = ?").bind::<Text, _>(unit.to_owned()),
        None => query,
    }
}

impl<'t> Tx<'t> {
    /// Narrows a query to the caller's reach: `patient` is the SQL of a patient's id, as in `x.patient_id`; of a merged
    /// patient the survivor counts. Adds nothing where the caller reaches every patient.
    pub(crate) fn within<'q>(&self, query: Statement<'q>, patient: &'static str) -> Statement<'q>
    where
        't: 'q,
    {
        if self.reach == Reach::All { query } else { self.within_patient(survivor_of(query, patient)).then(")") }
    }

    /// As [`Tx::within`], for a query that has the survivor's row at hand as `patient`. Only the columns that the caller's
    /// reach asks for are named, because an importer, for example, has no right to the others.
    pub(crate) fn within_patient<'q>(&self, query: Statement<'q>) -> Statement<'q>
    where
        't: 'q,
    {
        match self.reach {
            Reach::All => query,
            Reach::Unit => {
                query.then(" AND patient.unit = ?").bind::<Text, _>(self.unit_in_reach().unwrap_or_default())
            }
            Reach::Own => self.within_own(query),
            Reach::No => query.then(" AND false"),
        }
    }

    /// The unit whose patients the caller reaches; `None` where units do not limit the reach. A caller whose reach is a
    /// unit and whose token names none reaches no patient.
    pub(crate) fn unit_in_reach(&self) -> Option<&'t str> {
        (self.reach == Reach::Unit).then(|| self.principal().unit.as_deref().unwrap_or_default())
    }

    fn within_own<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        match &self.principal().own {
            Some(OwnRecord::NationalId(number)) => query
                .then(
                    " AND patient.id = (SELECT coalesce(own.merged_into, own.id) FROM patient own \
                     JOIN patient_identifier ON patient_identifier.patient_id = own.id WHERE blind_index = ?)",
                )
                .bind::<Bytea, _>(self.blind_index(number)),
            own => {
                // A patient's token that names no patient opens nothing.
                let own = if let Some(OwnRecord::Id(id)) = own { id.uuid() } else { Uuid::nil() };
                query
                    .then(
                        " AND patient.id = (SELECT coalesce(own.merged_into, own.id) FROM patient own \
                         WHERE own.id = ?)",
                    )
                    .bind::<SqlUuid, _>(own)
            }
        }
    }
}
