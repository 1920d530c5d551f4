//! Recalls (tilbakekallinger): the patients who carry a device.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use jiff::civil::Date;
use painreg_domain::ids::PatientId;
use uuid::Uuid;

use crate::error::StoreError;
use crate::reach::join_survivor;
use crate::schema::tenant::patient;
use crate::statement::statement;
use crate::store::Listing;
use crate::store::entries::with_utc_instants;
use crate::tx::Tx;

/// The recalled devices: every member given must match.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// The device identifier (UDI-DI), compared exactly.
    pub udi_di: Option<String>,
    /// Lot, as typed or as read from the UDI.
    pub lot: Option<String>,
    /// Serial number, as typed or as read from the UDI.
    pub serial: Option<String>,
    /// The model's name.
    pub model: Option<String>,
    /// The manufacturer's name.
    pub manufacturer: Option<String>,
    /// Whether only components still implanted count.
    pub in_place: bool,
}

/// A patient who has, or had, a recalled device.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// The patient's id.
    pub id: PatientId,
    /// Sequential number shown to staff; never reused.
    pub registry_number: i64,
    /// The unit that treats the patient.
    pub unit: String,
    /// The date of death; `None` while the patient is alive.
    pub deceased_on: Option<Date>,
    /// The components, as a JSON array.
    pub components: String,
}

#[derive(QueryableByName)]
#[diesel(table_name = patient)]
struct CarrierRow {
    id: Uuid,
    registry_number: i64,
    unit: String,
    deceased_on: Option<jiff_diesel::Date>,
    #[diesel(sql_type = Text)]
    components: String,
}

/// Returns the patients with a recalled device by registry number. Logs every patient shown.
pub fn carriers(tx: &mut Tx<'_>, recall: &Recall, after: i64, limit: i64) -> Result<Listing<Carrier>, StoreError> {
    let mut query = statement(
        "SELECT patient.id, patient.registry_number, patient.unit, patient.deceased_on, \
         json_agg(row_to_json(x) ORDER BY x.implanted_on, x.id)::text AS components FROM implant_component x",
    );
    query = join_survivor(query, "x.patient_id").then(" WHERE patient.registry_number > ?").bind::<BigInt, _>(after);
    let equal = [
        (" AND x.udi_di = ?", &recall.udi_di),
        (" AND x.model = ?", &recall.model),
        (" AND x.manufacturer = ?", &recall.manufacturer),
        (" AND coalesce(x.lot, x.udi_lot) = ?", &recall.lot),
        (" AND coalesce(x.serial, x.udi_serial) = ?", &recall.serial),
    ];
    for (text, value) in equal {
        if let Some(value) = value {
            query = query.then(text).bind::<Text, _>(value.clone());
        }
    }
    if recall.in_place {
        query = query.then(" AND x.removed_on IS NULL");
    }
    let query = tx.within_patient(query).then(" GROUP BY patient.id ORDER BY patient.registry_number");
    let found = tx.list(query, limit, |row: &CarrierRow| [row.id])?;
    Ok(found.map(|row| Carrier {
        id: PatientId::existing(row.id),
        registry_number: row.registry_number,
        unit: row.unit,
        deceased_on: row.deceased_on.map(jiff_diesel::Date::to_jiff),
        components: with_utc_instants(row.components),
    }))
}
