//! Contact data: sealed, indexed by keyed hashes, and opened for sending.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Bytea, Nullable, Text, Uuid as SqlUuid};
use painreg_domain::contact::{Email, Mobile};
use painreg_domain::followup::Channel;
use painreg_domain::ids::PatientId;
use painreg_domain::patient::Contact;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::{SealedId, identifier_aad, keys, open_json, seal_json};
use crate::crypt::{CryptError, Key};
use crate::error::StoreError;
use crate::place::TenantDatabase;
use crate::statement::statement;
use crate::tx::Tx;

/// The content sealed in `patient.contact`.
#[derive(Serialize, Deserialize)]
struct SealedContact {
    mobile: Option<String>,
    email: Option<String>,
}

/// The address of a message, and its language.
pub(crate) struct Address {
    pub(crate) address: String,
    pub(crate) language: String,
}

/// Returns the addresses of these patients for a channel; patients without one are absent. Two round trips.
pub(crate) fn addresses(
    tx: &mut Tx<'_>,
    patients: &[Uuid],
    channel: Channel,
) -> Result<HashMap<Uuid, Address>, StoreError> {
    #[derive(QueryableByName)]
    struct ReachedRow {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        language: String,
        #[diesel(sql_type = Nullable<Bytea>)]
        contact: Option<Vec<u8>>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        owner: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        identifier: Option<Uuid>,
        #[diesel(sql_type = Nullable<Bytea>)]
        number: Option<Vec<u8>>,
    }
    let rows: Vec<ReachedRow> = statement(
        "SELECT patient.id, language, contact, number.patient_id AS owner, number.id AS identifier, \
         number.sealed AS number FROM patient LEFT JOIN LATERAL (SELECT patient_identifier.* FROM patient_identifier \
         WHERE patient_id = ANY (ARRAY(SELECT id FROM patient merged WHERE merged.merged_into = patient.id) || patient.id) \
         AND kind IN ('fnr', 'dnr') ORDER BY kind DESC, patient_identifier.created_at DESC LIMIT 1) number ON true \
         WHERE patient.id = ANY (?)",
    )
    .bind::<Array<SqlUuid>, _>(patients.to_vec())
    .load(tx.conn)?;
    let owners: Vec<Uuid> = rows.iter().flat_map(|row| [Some(row.id), row.owner]).flatten().collect();
    let keys: HashMap<Uuid, Key> = keys(tx, &owners)?.into_iter().collect();
    let place = tx.place();
    let mut reached = HashMap::new();
    for row in rows {
        let id = PatientId::existing(row.id);
        let contact = match (&row.contact, keys.get(&row.id)) {
            (Some(sealed), Some(key)) => open_contact(place, key, id, sealed)?,
            _ => Contact::default(),
        };
        let address = match channel {
            Channel::Sms => contact.mobile.map(|it| it.as_str().to_owned()),
            Channel::Email => contact.email.map(|it| it.as_str().to_owned()),
            Channel::DigitalMailbox | Channel::Helsenorge => {
                match (row.identifier, &row.number, row.owner.and_then(|owner| keys.get(&owner))) {
                    (Some(identifier), Some(sealed), Some(key)) => {
                        Some(open_json::<SealedId>(key, sealed, &identifier_aad(place, identifier))?.value)
                    }
                    _ => None,
                }
            }
        };
        if let Some(address) = address {
            reached.insert(row.id, Address { address, language: row.language });
        }
    }
    Ok(reached)
}

/// Returns the channels that this contact data serves.
pub(super) fn channels(contact: &Contact) -> Vec<&'static str> {
    let known = [(contact.mobile.is_some(), Channel::Sms), (contact.email.is_some(), Channel::Email)];
    known.into_iter().filter(|(has, _)| *has).map(|(_, channel)| channel.into()).collect()
}

/// Returns a keyed hash of the mobile number, by which patients who share it are found without storing it.
pub(super) fn mobile_index(place: &TenantDatabase, contact: &Contact) -> Option<Vec<u8>> {
    contact.mobile.as_ref().map(|it| place.keys.index.mac(format!("mobile {}", it.as_str()).as_bytes()).to_vec())
}

pub(super) fn email_index(place: &TenantDatabase, contact: &Contact) -> Option<Vec<u8>> {
    let spelled_alike = |it: &Email| format!("email {}", it.as_str().to_lowercase());
    contact.email.as_ref().map(|it| place.keys.index.mac(spelled_alike(it).as_bytes()).to_vec())
}

fn contact_aad(place: &TenantDatabase, id: PatientId) -> [Vec<u8>; 4] {
    [place.id.clone(), b"patient".to_vec(), b"contact".to_vec(), id.uuid().into_bytes().to_vec()]
}

pub(super) fn seal_contact(place: &TenantDatabase, key: &Key, id: PatientId, contact: &Contact) -> Option<Vec<u8>> {
    (!contact.is_empty()).then(|| {
        let plain = SealedContact {
            mobile: contact.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()),
            email: contact.email.as_ref().map(|email| email.as_str().to_owned()),
        };
        seal_json(key, &plain, &contact_aad(place, id))
    })
}

pub(super) fn open_contact(
    place: &TenantDatabase,
    key: &Key,
    id: PatientId,
    sealed: &[u8],
) -> Result<Contact, CryptError> {
    let plain: SealedContact = open_json(key, sealed, &contact_aad(place, id))?;
    Ok(Contact {
        mobile: plain.mobile.as_deref().map(Mobile::parse).transpose().map_err(|_| CryptError::DoesNotOpen)?,
        email: plain.email.as_deref().map(Email::parse).transpose().map_err(|_| CryptError::DoesNotOpen)?,
    })
}
