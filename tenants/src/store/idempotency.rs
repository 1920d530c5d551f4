//! Idempotency keys: the reply to a request is stored with its effect, in the same transaction.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::ids::PatientId;
use uuid::Uuid;

use crate::audit::writer::Trace;
use crate::error::{AuditOutcome, StoreError};
use crate::place::TenantDatabase;
// Of the registry or of the platform, whichever the search path names: both tables have the same columns.
use crate::schema::tenant::idempotency_key;
use crate::statement::statement;

/// The retention period of a stored reply: thirty days.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A client's idempotency key and the request it was sent with.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// The client's key.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub request_hash: [u8; 32],
}

/// A reply that can be stored and returned again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code of the HTTP response.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `ETag` header.
    pub etag: Option<String>,
    /// The `Content-Type` header.
    pub media_type: Cow<'static, str>,
    /// The response body, not encrypted.
    pub body: Vec<u8>,
    /// The patient that the body is about, so that erasure of the patient deletes the reply.
    pub patient: Option<PatientId>,
    /// Whether this reply was read from the store.
    pub replayed: bool,
}

impl Reply {
    /// The media type of most replies.
    pub const JSON: Cow<'static, str> = Cow::Borrowed("application/json");
}

#[derive(QueryableByName)]
struct ReplyRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
    #[diesel(sql_type = Nullable<Bytea>)]
    request_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    status: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    location: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    etag: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    media_type: Option<String>,
    #[diesel(sql_type = Nullable<Bytea>)]
    body: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    patient_id: Option<Uuid>,
}

/// Returns the stored reply to the same request, if there is one, and logs the replay. Locks the key until the transaction
/// ends; [`StoreError::InProgress`] where another transaction holds it.
pub(crate) fn lookup(
    conn: &mut PgConnection,
    trace: &mut Trace<'_>,
    place: &TenantDatabase,
    key: &IdempotencyKey,
) -> Result<Option<Reply>, StoreError> {
    let principal = &trace.principal.key;
    let lock = place.keys.replay.mac(format!("{principal}\0{}", key.key).as_bytes());
    let lock = lock.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
    let row: ReplyRow = statement(
        "SELECT pg_try_advisory_xact_lock(?) AS locked, request_hash, status, location, etag, media_type, body, \
         patient_id FROM (SELECT) AS one LEFT JOIN idempotency_key ON principal = ? AND key = ? AND created_at > ?",
    )
    .bind::<BigInt, _>(lock)
    .bind::<Text, _>(principal)
    .bind::<Text, _>(&key.key)
    .bind::<Timestamptz, _>(oldest(trace.clock.now()).to_diesel())
    .get_result(conn)?;
    let (Some(hash), Some(status), Some(body)) = (row.request_hash, row.status, row.body) else {
        return if row.locked { Ok(None) } else { Err(StoreError::InProgress) };
    };
    if hash != key.request_hash {
        return Err(StoreError::KeyReused);
    }
    let body = place.keys.replay.open(&body, &reply_aad(place, principal, &key.key))?;
    let patient = row.patient_id.map(PatientId::existing);
    trace.write(conn, patient, Some("replayed".to_owned()), "ok")?;
    Ok(Some(Reply {
        status: u16::try_from(status).unwrap_or(500),
        location: row.location,
        etag: row.etag,
        media_type: row.media_type.map_or(Reply::JSON, Cow::Owned),
        body: body.to_vec(),
        patient,
        replayed: true,
    }))
}

/// Stores the reply to this request for thirty days.
pub(crate) fn store(
    conn: &mut PgConnection,
    trace: &Trace<'_>,
    place: &TenantDatabase,
    key: &IdempotencyKey,
    reply: &Reply,
) -> Result<(), StoreError> {
    let principal = &trace.principal.key;
    let sealed = place.keys.replay.seal(&reply.body, &reply_aad(place, principal, &key.key));
    diesel::insert_into(idempotency_key::table)
        .values((
            idempotency_key::principal.eq(principal),
            idempotency_key::key.eq(&key.key),
            idempotency_key::request_hash.eq(key.request_hash.as_slice()),
            idempotency_key::status.eq(i16::try_from(reply.status).unwrap_or(500)),
            idempotency_key::location.eq(&reply.location),
            idempotency_key::etag.eq(&reply.etag),
            idempotency_key::media_type.eq(reply.media_type.as_ref()),
            idempotency_key::body.eq(sealed),
            idempotency_key::patient_id.eq(reply.patient.map(PatientId::uuid)),
            idempotency_key::created_at.eq(trace.clock.now().to_diesel()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Looks up the reply once more after a conflict, which may be the effect of the same request: of two equal requests the first
/// may end between the lookup and the lock of the second, which are one statement.
pub(crate) fn after_lost_race<E: AuditOutcome>(
    done: Result<Reply, E>,
    lookup: impl FnOnce(E) -> Result<Reply, E>,
) -> Result<Reply, E> {
    match done {
        Err(error) if error.audit_outcome() == Some("conflict") => lookup(error),
        done => done,
    }
}

fn reply_aad<'a>(place: &'a TenantDatabase, principal: &'a str, key: &'a str) -> [&'a [u8]; 5] {
    [&place.id, b"idempotency_key", b"body", principal.as_bytes(), key.as_bytes()]
}

fn oldest(now: Timestamp) -> Timestamp {
    now.checked_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Removes replies older than thirty days and returns their number.
pub(crate) fn remove_expired(conn: &mut PgConnection, now: Timestamp) -> Result<usize, StoreError> {
    let expired = idempotency_key::table.filter(idempotency_key::created_at.le(oldest(now).to_diesel()));
    Ok(diesel::delete(expired).execute(conn)?)
}
