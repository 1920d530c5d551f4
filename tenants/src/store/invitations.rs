//! What is sent: handed out to senders under a lease, checked again the moment before it is sent, and told the end of. The
//! same attempt is never handed out twice unless nobody knows whether it was sent: then whoever gets it is told to ask first.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::followup::{Channel, Decision, Failure, InvitationState, Plan, Receipt};
use painreg_domain::ids::{DecisionId, EntryId, InvitationId, PatientId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::store::{Listing, decisions, patients, plans};
use crate::tx::Tx;

/// How long after its lease somebody may still be busy with what was handed over.
const GRACE: SignedDuration = SignedDuration::from_secs(120);
/// How many candidates are looked at for each one asked for: others may be at work on the first of them.
const ABUNDANCE: i64 = 8;

/// What a sender asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// By which channel it sends.
    pub channel: Channel,
    /// How many at the most.
    pub limit: i64,
    /// For how long it wants them.
    pub lease: Duration,
}

/// What a sender was given.
#[derive(Debug)]
pub struct Claim {
    /// The claim: whoever hands over names it.
    pub id: Uuid,
    /// Until when everything in it is the sender's.
    pub lease_until: Timestamp,
    /// When there may be something to send; `None`: now.
    pub next_at: Option<Timestamp>,
    /// What is to be sent.
    pub invitations: Vec<Handed>,
}

/// One thing to be sent.
#[derive(Debug)]
pub struct Handed {
    /// Its id: the reference that a gateway is to know it by.
    pub id: InvitationId,
    /// To whom.
    pub patient: PatientId,
    /// For which rule.
    pub rule: String,
    /// Counts everything sent for the occurrence.
    pub attempt: u32,
    /// 0: the invitation itself.
    pub reminder: u32,
    /// Where to: a telephone number, an address, a national id.
    pub address: String,
    /// In which language.
    pub language: String,
    /// What is written.
    pub text: String,
    /// Whether somebody may have sent it already: the gateway is to be asked first.
    pub check_first: bool,
    /// Counts changes: whoever hands it over names it, so that nobody does who held it before.
    pub version: i64,
}

/// What became of a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It is to be sent now.
    Granted,
    /// It is not the caller's any more: the lease has run out, or it is over.
    NotHeld,
    /// Nothing is sent at this hour: it is offered again from then on.
    NotYet(Duration),
    /// It is not to be sent any more.
    Withdrawn,
}

/// An invitation as it is stored.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To whom.
    pub patient: PatientId,
    /// The decision it carries out.
    pub decision: DecisionId,
    /// The rule.
    pub rule: String,
    /// The entry that started the occurrence.
    pub start: EntryId,
    /// Which occurrence of it.
    pub number: i32,
    /// Counts everything sent for the occurrence.
    pub attempt: i32,
    /// 0: the invitation itself.
    pub reminder: i32,
    /// By which channel.
    pub channel: String,
    /// For which form.
    pub form: String,
    /// How far it has come.
    pub state: InvitationState,
    /// Who took it on last, as the access log shows them.
    pub claimed_by: String,
    /// When.
    pub claimed_at: Timestamp,
    /// Until when.
    pub lease_until: Timestamp,
    /// When it was handed over.
    pub handed_over_at: Option<Timestamp>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub failure: Option<String>,
    /// What the sender's system calls it.
    pub reference: Option<String>,
    /// Counts changes.
    pub version: i64,
}

/// Which invitations.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// In this state.
    pub state: Option<InvitationState>,
    /// By this channel.
    pub channel: Option<Channel>,
    /// Of this rule.
    pub rule: Option<String>,
    /// Taken on at this instant or later.
    pub from: Option<Timestamp>,
    /// Taken on before.
    pub to: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    decision_id: Uuid,
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = SqlUuid)]
    start_id: Uuid,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    reminder: i32,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    form: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    claimed_by: String,
    #[diesel(sql_type = Timestamptz)]
    claimed_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    lease_until: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    handed_over_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sent_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failed_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    failure: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reference: Option<String>,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    decision_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    lease_until: jiff_diesel::Timestamp,
    #[diesel(sql_type = Bool)]
    handed_over: bool,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

impl From<Row> for Invitation {
    fn from(row: Row) -> Self {
        let at = |at: Option<jiff_diesel::Timestamp>| at.map(jiff_diesel::Timestamp::to_jiff);
        Self {
            id: InvitationId::existing(row.id),
            patient: PatientId::existing(row.patient_id),
            decision: DecisionId::existing(row.decision_id),
            rule: row.rule,
            start: EntryId::existing(row.start_id),
            number: row.number,
            attempt: row.attempt,
            reminder: row.reminder,
            channel: row.channel,
            form: row.form,
            state: row.state.parse().unwrap_or(InvitationState::Unknown),
            claimed_by: row.claimed_by,
            claimed_at: row.claimed_at.to_jiff(),
            lease_until: row.lease_until.to_jiff(),
            handed_over_at: at(row.handed_over_at),
            sent_at: at(row.sent_at),
            delivered_at: at(row.delivered_at),
            failed_at: at(row.failed_at),
            failure: row.failure,
            reference: row.reference,
            version: row.version,
        }
    }
}

const INVITATIONS: &str = "SELECT invitation.id, invitation.patient_id, decision_id, rule, start_id, number, attempt, \
     reminder, channel, form, state, claimed_by, claimed_at, lease_until, handed_over_at, sent_at, delivered_at, \
     failed_at, failure, reference, invitation.version FROM invitation WHERE ";

/// Whose decisions ask for something to be sent by the channel today, and whom nobody else is at work on: from here on
/// nobody is until the transaction ends.
const CANDIDATES: &str = "WITH due AS MATERIALIZED (SELECT decision.patient_id FROM decision \
     WHERE channel = ? AND send_on <= ? AND NOT EXISTS (SELECT FROM invitation WHERE decision_id = decision.id \
     AND state IN ('claimed', 'handed_over') AND lease_until > ?) ORDER BY send_on, id LIMIT ?), \
     root AS MATERIALIZED (SELECT DISTINCT coalesce(merged_into, id) AS id FROM due \
     JOIN patient ON patient.id = due.patient_id) \
     SELECT id FROM root WHERE pg_try_advisory_xact_lock(hashtextextended(id::text, 7)) LIMIT ?";

/// Hands out what is to be sent by a channel. Everybody is decided on again first, from the facts of now.
pub fn claim(tx: &mut Tx<'_>, wish: &Wish) -> Result<Claim, StoreError> {
    let now = tx.now();
    let id = tx.random_id();
    tx.about(format!("invitation_claim/{id}"));
    let lease = SignedDuration::try_from(wish.lease).unwrap_or(SignedDuration::from_secs(60));
    let lease_until = now.saturating_add(lease).unwrap_or(now);
    let nothing = |next_at| Ok(Claim { id, lease_until, next_at, invitations: Vec::new() });
    let generation = tx.generation()?;
    let Some(plan) = plans::in_force(tx, generation)? else { return nothing(None) };
    if let Some(next_at) = plan.sends_again_at(now) {
        return nothing(Some(next_at));
    }
    let channel: &'static str = wish.channel.into();
    let today = tx.today();
    let decided = tx.as_system(|tx| {
        let ids: Vec<IdRow> = statement(CANDIDATES)
            .bind::<Text, _>(channel)
            .bind::<diesel::sql_types::Date, _>(today.to_diesel())
            .bind::<Timestamptz, _>(now.to_diesel())
            .bind::<BigInt, _>(wish.limit.saturating_mul(ABUNDANCE))
            .bind::<BigInt, _>(wish.limit)
            .load(tx.conn)?;
        let ids: Vec<Uuid> = ids.into_iter().map(|row| row.id).collect();
        if ids.is_empty() { Ok(Vec::new()) } else { decisions::redecide(tx, &ids) }
    })?;
    let mut wanted: Vec<(Uuid, &decisions::Stored, &Decision)> = Vec::new();
    for record in &decided {
        for (stored, decision) in &record.decisions {
            let sends = decision.next.is_some_and(|next| next.channel == wish.channel)
                && decision.send_on.is_some_and(|day| day <= today);
            if sends {
                wanted.push((record.patient, stored, decision));
            }
        }
    }
    // One may have been published since.
    let Some(plan) = decided.first().map(|record| Arc::clone(&record.plan)) else { return nothing(None) };
    let invitations = hand_out(tx, &plan, wish, id, lease_until, &wanted)?;
    Ok(Claim { id, lease_until, next_at: None, invitations })
}

fn hand_out(
    tx: &mut Tx<'_>,
    plan: &Plan,
    wish: &Wish,
    claim: Uuid,
    lease_until: Timestamp,
    wanted: &[(Uuid, &decisions::Stored, &Decision)],
) -> Result<Vec<Handed>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let open: Vec<OpenRow> = statement(
        "SELECT id, decision_id, lease_until, handed_over_at IS NOT NULL AS handed_over, version FROM invitation \
         WHERE decision_id = ANY (?) AND state IN ('claimed', 'handed_over')",
    )
    .bind::<Array<SqlUuid>, _>(wanted.iter().map(|(_, stored, _)| stored.id).collect::<Vec<_>>())
    .load(tx.conn)?;
    let open: HashMap<Uuid, OpenRow> = open.into_iter().map(|row| (row.decision_id, row)).collect();
    let patients: Vec<Uuid> = wanted.iter().map(|(patient, ..)| *patient).collect::<HashSet<_>>().into_iter().collect();
    let addresses = patients::addresses(tx, &patients, wish.channel)?;
    let (mut again, mut new, mut handed) = (Vec::new(), Vec::new(), Vec::new());
    // Several things may be due to one patient.
    let most = usize::try_from(wish.limit).unwrap_or(0);
    for (patient, stored, decision) in wanted {
        if handed.len() == most {
            break;
        }
        let (Some(next), Some(to)) = (decision.next, addresses.get(patient)) else { continue };
        let Some(track) = plan.rule(&decision.rule).and_then(|rule| plan.track(rule)) else { continue };
        let (id, check_first, version) = if let Some(row) = open.get(&stored.id) {
            // Whoever was told to hand it over may still be at it a moment after the lease.
            let grace = if row.handed_over { GRACE } else { SignedDuration::ZERO };
            if row.lease_until.to_jiff().saturating_add(grace).is_ok_and(|free_at| free_at > now) {
                continue;
            }
            again.push(row.id);
            (row.id, row.handed_over, row.version + 1)
        } else {
            let id = tx.ordered_id();
            new.push((id, *stored, *decision, track.form.as_str(), to.language.clone()));
            (id, false, 1)
        };
        let token = token(tx, id);
        handed.push(Handed {
            id: InvitationId::existing(id),
            patient: PatientId::existing(*patient),
            rule: decision.rule.clone(),
            attempt: next.attempt,
            reminder: next.reminder,
            address: to.address.clone(),
            language: to.language.clone(),
            text: plan.message(next.reminder > 0, &to.language, &track.form, &token),
            check_first,
            version,
        });
    }
    take_again(tx, &again, claim, lease_until)?;
    insert(tx, &new, claim, lease_until)?;
    let shown: BTreeSet<PatientId> = handed.iter().map(|it| it.patient).collect();
    let shown: Vec<PatientId> = shown.into_iter().collect();
    tx.open_all(&shown)?;
    for patient in shown {
        tx.mark_follow_up_stale(patient.uuid());
    }
    Ok(handed)
}

/// The invitation's token: 128 bits that only this registry can make, in base 32. It stands nowhere.
fn token(tx: &Tx<'_>, id: Uuid) -> String {
    let message = [b"invitation ".as_slice(), id.as_bytes()].concat();
    let whole = tx.place().keys.index.mac(&message);
    let (token, _) = whole.split_at(16);
    data_encoding::BASE32_NOPAD.encode(token).to_lowercase()
}

/// What is stored of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.trim().to_lowercase()).into()
}

fn take_again(tx: &mut Tx<'_>, ids: &[Uuid], claim: Uuid, lease_until: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    statement(
        "UPDATE invitation SET claim_id = ?, claimed_by = ?, claimed_at = ?, lease_until = ?, state = 'claimed', \
         updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ANY (?)",
    )
    .bind::<SqlUuid, _>(claim)
    .bind::<Text, _>(tx.principal().actor.as_str())
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Timestamptz, _>(lease_until.to_diesel())
    .bind::<Timestamptz, _>(tx.now().to_diesel())
    .bind::<Text, _>(tx.trace.action())
    .bind::<Array<SqlUuid>, _>(ids.to_vec())
    .execute(tx.conn)?;
    Ok(())
}

type New<'a> = (Uuid, &'a decisions::Stored, &'a Decision, &'a str, String);

fn insert(tx: &mut Tx<'_>, new: &[New<'_>], claim: Uuid, lease_until: Timestamp) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let next = |it: &New<'_>| it.2.next.map_or((1, 0, ""), |next| (next.attempt, next.reminder, next.channel.into()));
    let hashes: Vec<Vec<u8>> = new.iter().map(|it| token_hash(&token(tx, it.0)).to_vec()).collect();
    let now = tx.now().to_diesel();
    statement(
        "INSERT INTO invitation (id, patient_id, decision_id, rule, start_id, number, attempt, reminder, channel, form, \
         language, token_hash, state, claim_id, claimed_by, claimed_at, lease_until, created_at, updated_at, updated_by, \
         version) SELECT new.*, 'claimed', ?, ?, ?, ?, ?, ?, ?, 1 FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) new",
    )
    .bind::<SqlUuid, _>(claim)
    .bind::<Text, _>(tx.principal().actor.as_str())
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until.to_diesel())
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(tx.trace.action())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|it| it.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|it| it.1.patient_id).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|it| it.1.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|it| it.2.rule.as_str()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(new.iter().map(|it| it.2.start.unwrap_or_default()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(new.iter().map(|it| number(it.2.number)).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(new.iter().map(|it| number(next(it).0)).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(new.iter().map(|it| number(next(it).1)).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|it| next(it).2).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|it| it.3).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|it| it.4.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bytea>, _>(hashes)
    .execute(tx.conn)?;
    for it in new {
        told_of(tx, event::Kind::InvitationClaimed, it.1.patient_id, it.0, 1);
    }
    Ok(())
}

fn told_of(tx: &mut Tx<'_>, kind: event::Kind, patient: Uuid, id: Uuid, version: i64) {
    tx.emit(kind, Some(patient), format!("invitation/{id}"), Some(version));
}

/// What is told when an invitation has come to a state; being handed over is a sender's own business.
const fn news(state: InvitationState) -> Option<event::Kind> {
    match state {
        InvitationState::Claimed | InvitationState::HandedOver => None,
        InvitationState::Sent => Some(event::Kind::InvitationSent),
        InvitationState::Delivered => Some(event::Kind::InvitationDelivered),
        InvitationState::Failed => Some(event::Kind::InvitationFailed),
        InvitationState::Unknown => Some(event::Kind::InvitationUnknown),
        InvitationState::Withdrawn => Some(event::Kind::InvitationWithdrawn),
    }
}

/// One invitation. Opens the patient's record.
pub fn find(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    tx.about(format!("invitation/{id}"));
    let found = read(tx, id)?;
    let access = tx.open_patient(found.patient)?;
    Ok(Invitation { patient: access.id(), ..found })
}

/// One invitation, of a record that is open.
pub fn read(tx: &mut Tx<'_>, id: InvitationId) -> Result<Invitation, StoreError> {
    let row: Row =
        statement(INVITATIONS).then("invitation.id = ?").bind::<SqlUuid, _>(id.uuid()).get_result(tx.conn)?;
    Ok(row.into())
}

/// One invitation with the patient's record open and locked: nobody else decides about the patient meanwhile.
fn held(tx: &mut Tx<'_>, id: InvitationId) -> Result<(Invitation, Uuid), StoreError> {
    let access = {
        tx.about(format!("invitation/{id}"));
        let found = read(tx, id)?;
        tx.open_patient(found.patient)?
    };
    let patient = access.id().uuid();
    decisions::lock(tx, &[patient])?;
    Ok((read(tx, id)?, patient))
}

/// The last check, the moment before it is sent: whether it is still the caller's, who was given it in this version, and
/// still to be sent. What is not to be sent any more is withdrawn.
pub fn hand_over(tx: &mut Tx<'_>, id: InvitationId, version: i64) -> Result<Handover, StoreError> {
    let (found, patient) = held(tx, id)?;
    if found.version != version {
        return Err(StoreError::Stale);
    }
    // Once a claim: whoever is told to send it twice may send it twice.
    let held = found.state == InvitationState::Claimed && found.claimed_by == tx.principal().actor.as_str();
    if !held || found.lease_until <= tx.now() {
        return Ok(Handover::NotHeld);
    }
    let today = tx.today();
    let wanted = |decision: &Decision| {
        decision.rule == found.rule
            && decision.start == Some(found.start.uuid())
            && i32::try_from(decision.number) == Ok(found.number)
            && decision.send_on.is_some_and(|day| day <= today)
            && decision.next.is_some_and(|next| i32::try_from(next.attempt) == Ok(found.attempt))
    };
    let decided = tx.as_system(|tx| decisions::redecide(tx, &[patient]))?;
    if let Some(next_at) = decided.first().and_then(|record| record.plan.sends_again_at(tx.now())) {
        return Ok(Handover::NotYet(tx.now().duration_until(next_at).unsigned_abs()));
    }
    // What was handed out goes where the patient was to be reached then, perhaps to somebody else by now.
    let still_there = |record: &decisions::Decided| record.contact_changed_at.is_none_or(|at| at <= found.claimed_at);
    let granted = tx.has_no_last_check()
        || decided.iter().filter(|it| still_there(it)).flat_map(|it| &it.decisions).any(|(_, it)| wanted(it));
    // Whoever held it before may have sent it: then nobody can say that it was not.
    let state = match (granted, found.handed_over_at) {
        (true, _) => InvitationState::HandedOver,
        (false, None) => InvitationState::Withdrawn,
        (false, Some(_)) => InvitationState::Unknown,
    };
    let query = statement("UPDATE invitation SET state = ?").bind::<Text, _>(<&'static str>::from(state));
    let query =
        if granted { query.then(", handed_over_at = ?").bind::<Timestamptz, _>(tx.now().to_diesel()) } else { query };
    ended(tx, query, id)?;
    if let Some(kind) = news(state) {
        told_of(tx, kind, patient, id.uuid(), found.version + 1);
    }
    tx.mark_follow_up_stale(patient);
    Ok(if granted { Handover::Granted } else { Handover::Withdrawn })
}

/// Finishes a change of one invitation.
fn ended(tx: &mut Tx<'_>, query: Statement<'_>, id: InvitationId) -> Result<(), StoreError> {
    query
        .then(", updated_at = ?, updated_by = ?, version = version + 1 WHERE id = ?")
        .bind::<Timestamptz, _>(tx.now().to_diesel())
        .bind::<Text, _>(tx.trace.action())
        .bind::<SqlUuid, _>(id.uuid())
        .execute(tx.conn)?;
    Ok(())
}

/// What a sender says became of an invitation.
#[derive(Clone, Debug)]
pub struct Told {
    /// What became of it.
    pub receipt: Receipt,
    /// Why it failed; of failures only.
    pub failure: Option<Failure>,
    /// What the sender's system calls it.
    pub reference: Option<String>,
    /// When; `None`: now.
    pub at: Option<Timestamp>,
}

/// Takes what a sender says became of an invitation. Order does not matter and saying it twice changes nothing: what was
/// sent was sent, whoever's lease had run out; what arrived arrived.
pub fn told(tx: &mut Tx<'_>, id: InvitationId, told: &Told) -> Result<Invitation, StoreError> {
    let (found, patient) = held(tx, id)?;
    if let (Some(known), Some(said)) = (&found.reference, &told.reference)
        && known != said
    {
        return Err(StoreError::Conflict(vec![Fault::at("reference", FaultCode::Contradiction)]));
    }
    // Somebody else has it by now, who will say what became of it.
    let is_held = matches!(found.state, InvitationState::Claimed | InvitationState::HandedOver);
    if told.receipt == Receipt::Failed && is_held && found.claimed_by != tx.principal().actor.as_str() {
        return Ok(found);
    }
    // A sender's clock may be wrong: nothing was done before it was taken on, or later than now.
    let at = told.at.unwrap_or(tx.now()).max(found.claimed_at).min(tx.now().max(found.claimed_at));
    let state = found.state.after(told.receipt);
    let failure = told.failure.map(<&'static str>::from);
    let query = statement("UPDATE invitation SET state = ?, reference = coalesce(reference, ?)")
        .bind::<Text, _>(<&'static str>::from(state))
        .bind::<Nullable<Text>, _>(told.reference.clone());
    let query = match told.receipt {
        Receipt::Sent => query.then(", sent_at = coalesce(sent_at, ?)").bind::<Timestamptz, _>(at.to_diesel()),
        Receipt::Delivered => query
            .then(", sent_at = coalesce(sent_at, ?), delivered_at = coalesce(delivered_at, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Timestamptz, _>(at.to_diesel()),
        Receipt::Failed => query
            .then(", failed_at = coalesce(failed_at, ?), failure = coalesce(failure, ?)")
            .bind::<Timestamptz, _>(at.to_diesel())
            .bind::<Nullable<Text>, _>(failure),
        Receipt::Unknown => query,
    };
    ended(tx, query, id)?;
    if let Some(kind) = news(state).filter(|_| state != found.state) {
        told_of(tx, kind, patient, id.uuid(), found.version + 1);
    }
    tx.mark_follow_up_stale(patient);
    read(tx, id)
}

/// Invitations within the caller's reach, the newest first, after the place `after`; every patient shown is logged.
pub fn list(
    tx: &mut Tx<'_>,
    search: &Search,
    after: Option<(Timestamp, InvitationId)>,
    limit: i64,
) -> Result<Listing<Invitation>, StoreError> {
    let mut query = statement(INVITATIONS).then("true");
    if let Some(unit) = tx.unit_in_reach() {
        query = query
            .then(
                " AND EXISTS (SELECT FROM patient named JOIN patient ON patient.id = coalesce(named.merged_into, \
                 named.id) WHERE named.id = invitation.patient_id AND patient.unit = ?)",
            )
            .bind::<Text, _>(unit);
    }
    if let Some(state) = search.state {
        query = query.then(" AND state = ?").bind::<Text, _>(<&'static str>::from(state));
    }
    if let Some(channel) = search.channel {
        query = query.then(" AND channel = ?").bind::<Text, _>(<&'static str>::from(channel));
    }
    if let Some(rule) = &search.rule {
        query = query.then(" AND rule = ?").bind::<Text, _>(rule.clone());
    }
    if let Some(from) = search.from {
        query = query.then(" AND claimed_at >= ?").bind::<Timestamptz, _>(super::comparable(from));
    }
    if let Some(to) = search.to {
        query = query.then(" AND claimed_at < ?").bind::<Timestamptz, _>(super::comparable(to));
    }
    if let Some((at, id)) = after {
        query = query
            .then(" AND (claimed_at, id) < (?, ?)")
            .bind::<Timestamptz, _>(super::comparable(at))
            .bind::<SqlUuid, _>(id.uuid());
    }
    let rows: Vec<Row> =
        query.then(" ORDER BY claimed_at DESC, id DESC LIMIT ?").bind::<BigInt, _>(limit + 1).load(tx.conn)?;
    let found = Listing::cut(rows.into_iter().map(Invitation::from).collect::<Vec<_>>(), limit);
    let mut shown: Vec<PatientId> = found.items.iter().map(|it| it.patient).collect();
    shown.sort_unstable();
    shown.dedup();
    tx.open_all(&shown)?;
    Ok(found)
}

#[derive(QueryableByName)]
struct GoneRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// What nobody holds any more and nobody will ask for again: taken on and never handed over, and not to be sent any more or
/// an hour past its lease, for its sender or its address may be gone; or handed over and never heard of again for a day where
/// it is not to be sent any more, and for a week where it is, for nobody serves its channel.
const GONE: &str = "decision.id = decision_id AND invitation.state IN ('claimed', 'handed_over') AND lease_until < \
     CASE WHEN handed_over_at IS NULL THEN CASE WHEN send_on IS NULL THEN ?::timestamptz ELSE ?::timestamptz END \
     ELSE CASE WHEN send_on IS NULL THEN ?::timestamptz ELSE ?::timestamptz END END";

fn gone(query: Statement<'_>, now: Timestamp) -> Statement<'_> {
    let ago = |hours| now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::UNIX_EPOCH);
    query
        .then(GONE)
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Timestamptz, _>(ago(1).to_diesel())
        .bind::<Timestamptz, _>(ago(24).to_diesel())
        .bind::<Timestamptz, _>(ago(24 * 7).to_diesel())
}

/// Whether there is anything for [`let_go`] to do.
pub(super) fn is_any_gone(conn: &mut PgConnection, now: Timestamp) -> Result<bool, StoreError> {
    let query = statement("SELECT invitation.id FROM invitation, decision WHERE ");
    let found: Option<IdRow> = gone(query, now).then(" LIMIT 1").get_result(conn).optional()?;
    Ok(found.is_some())
}

/// Lets go of it: what was never handed over is offered afresh where it is still to be sent; of the rest nobody can say
/// whether it was sent. How many.
pub fn let_go(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    let now = tx.now();
    tx.as_system(|tx| {
        let query = statement("SELECT DISTINCT invitation.patient_id AS id FROM invitation, decision WHERE ");
        let patients: Vec<IdRow> = gone(query, now).then(" LIMIT 500").load(tx.conn)?;
        let patients: Vec<Uuid> = patients.into_iter().map(|row| row.id).collect();
        if patients.is_empty() {
            return Ok(0);
        }
        decisions::lock(tx, &patients)?;
        let query = statement(
            "UPDATE invitation SET state = CASE WHEN handed_over_at IS NULL THEN 'withdrawn' ELSE 'unknown' END, \
             updated_at = ?, updated_by = ?, version = invitation.version + 1 FROM decision \
             WHERE invitation.patient_id = ANY (?) AND ",
        )
        .bind::<Timestamptz, _>(now.to_diesel())
        .bind::<Text, _>(tx.trace.action().to_owned())
        .bind::<Array<SqlUuid>, _>(patients.clone());
        let gone: Vec<GoneRow> = gone(query, now)
            .then(" RETURNING invitation.id, invitation.patient_id, invitation.state, invitation.version")
            .load(tx.conn)?;
        for patient in patients {
            tx.mark_follow_up_stale(patient);
        }
        for row in &gone {
            let kind =
                if row.state == "unknown" { event::Kind::InvitationUnknown } else { event::Kind::InvitationWithdrawn };
            told_of(tx, kind, row.patient_id, row.id, row.version);
        }
        Ok(gone.len())
    })
}
