//! Claiming what is to be sent by one channel, under a lease.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Text, Timestamptz, Uuid as SqlUuid};
use jiff::{SignedDuration, Timestamp};
use jiff_diesel::ToDiesel as _;
use painreg_domain::event;
use painreg_domain::followup::{Channel, Decision, Plan};
use painreg_domain::ids::{InvitationId, PatientId};
use uuid::Uuid;

use super::change::emit;
use super::token::{token, token_hash};
use crate::columns::Columns;
use crate::error::StoreError;
use crate::statement::statement;
use crate::store::{decisions, patients, plans};
use crate::tx::Tx;

/// The time after the lease during which a holder may still be sending what was handed over.
const GRACE: SignedDuration = SignedDuration::from_secs(120);

/// The number of candidates read for each invitation requested: other transactions may hold the first of them.
const ABUNDANCE: i64 = 8;

/// A sender's request for invitations.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRequest {
    /// The channel that the sender serves.
    pub channel: Channel,
    /// The maximal number of invitations.
    pub limit: i64,
    /// The length of the lease.
    pub lease: Duration,
}

/// The invitations leased to a sender.
#[derive(Debug)]
pub struct Claim {
    /// The claim's id.
    pub id: Uuid,
    /// The end of the lease.
    pub lease_until: Timestamp,
    /// The instant when sending is allowed again; `None` where it is allowed now.
    pub next_at: Option<Timestamp>,
    /// The invitations to send.
    pub invitations: Vec<ClaimedInvitation>,
}

/// One claimed invitation, with everything that sending it needs.
#[derive(Debug)]
pub struct ClaimedInvitation {
    /// The invitation's id, to be used as reference at the gateway.
    pub id: InvitationId,
    /// The patient it is sent to.
    pub patient: PatientId,
    /// The rule of the plan.
    pub rule: String,
    /// The number of the attempt for the occurrence, from 1.
    pub attempt: u32,
    /// The number of the reminder; 0 for the invitation itself.
    pub reminder: u32,
    /// The telephone number, e-mail address or national id, by channel.
    pub address: String,
    /// The patient's language.
    pub language: String,
    /// The text of the message.
    pub text: String,
    /// Whether an earlier holder may have sent it: the gateway must be asked first.
    pub check_first: bool,
    /// The version, which the hand-over must name, so that an earlier holder cannot hand it over.
    pub version: i64,
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

/// Claims what is to be sent by one channel. Every candidate's follow-up is decided again first, from current facts.
pub fn claim(tx: &mut Tx<'_>, request: &ClaimRequest) -> Result<Claim, StoreError> {
    let now = tx.now();
    let id = tx.random_id();
    tx.about(format!("invitation_claim/{id}"));
    let lease = SignedDuration::try_from(request.lease).unwrap_or(SignedDuration::from_secs(60));
    let lease_until = now.saturating_add(lease).unwrap_or(now);
    let nothing = |next_at| Ok(Claim { id, lease_until, next_at, invitations: Vec::new() });
    let generation = tx.generation()?;
    let Some(plan) = plans::in_force(tx, generation)? else { return nothing(None) };
    if let Some(next_at) = plan.sends_again_at(now) {
        return nothing(Some(next_at));
    }
    let today = tx.today();
    let decided = tx.as_system(|tx| {
        let candidates = request.limit.saturating_mul(ABUNDANCE);
        let locked = decisions::lock_due(tx, request.channel, request.limit, candidates)?;
        if locked.patients().is_empty() { Ok(Vec::new()) } else { decisions::redecide(tx, &locked) }
    })?;
    let mut wanted: Vec<(Uuid, &decisions::Stored, &Decision)> = Vec::new();
    for record in &decided {
        for (stored, decision) in &record.decisions {
            let sends = decision.next.is_some_and(|next| next.channel == request.channel)
                && decision.send_on.is_some_and(|day| day <= today);
            if sends {
                wanted.push((record.patient, stored, decision));
            }
        }
    }
    // A newer plan may have been published since.
    let Some(plan) = decided.first().map(|record| Arc::clone(&record.plan)) else { return nothing(None) };
    let invitations = hand_out(tx, &plan, request, id, lease_until, &wanted)?;
    Ok(Claim { id, lease_until, next_at: None, invitations })
}

fn hand_out(
    tx: &mut Tx<'_>,
    plan: &Plan,
    request: &ClaimRequest,
    claim: Uuid,
    lease_until: Timestamp,
    wanted: &[(Uuid, &decisions::Stored, &Decision)],
) -> Result<Vec<ClaimedInvitation>, StoreError> {
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
    let addresses = patients::addresses(tx, &patients, request.channel)?;
    let (mut again, mut new, mut handed) = (Vec::new(), Vec::new(), Vec::new());
    // Several invitations may be due to one patient.
    let most = usize::try_from(request.limit).unwrap_or(0);
    for (patient, stored, decision) in wanted {
        if handed.len() == most {
            break;
        }
        let (Some(next), Some(to)) = (decision.next, addresses.get(patient)) else { continue };
        let Some(track) = plan.rule(&decision.rule).and_then(|rule| plan.track(rule)) else { continue };
        let (id, check_first, version) = if let Some(row) = open.get(&stored.id) {
            // After a hand-over the holder may still be sending shortly after the lease.
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
        handed.push(ClaimedInvitation {
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
    renew_claims(tx, &again, claim, lease_until)?;
    insert(tx, &new, claim, lease_until)?;
    let shown: BTreeSet<Uuid> = handed.iter().map(|it| it.patient.uuid()).collect();
    tx.log_shown(shown.iter().copied())?;
    for patient in shown {
        tx.mark_follow_up_stale(patient);
    }
    Ok(handed)
}

fn renew_claims(tx: &mut Tx<'_>, ids: &[Uuid], claim: Uuid, lease_until: Timestamp) -> Result<(), StoreError> {
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
    let shared = Columns::default()
        .column::<SqlUuid, _>("claim_id", claim)
        .column::<Text, _>("claimed_by", tx.principal().actor.as_str())
        .column::<Timestamptz, _>("claimed_at", now)
        .column::<Timestamptz, _>("lease_until", lease_until.to_diesel())
        .column::<Timestamptz, _>("created_at", now)
        .column::<Timestamptz, _>("updated_at", now)
        .column::<Text, _>("updated_by", tx.trace.action());
    let rows = Columns::default()
        .column::<Array<SqlUuid>, _>("id", new.iter().map(|it| it.0).collect::<Vec<_>>())
        .column::<Array<SqlUuid>, _>("patient_id", new.iter().map(|it| it.1.patient_id).collect::<Vec<_>>())
        .column::<Array<SqlUuid>, _>("decision_id", new.iter().map(|it| it.1.id).collect::<Vec<_>>())
        .column::<Array<Text>, _>("rule", new.iter().map(|it| it.2.rule.as_str()).collect::<Vec<_>>())
        .column::<Array<SqlUuid>, _>(
            "start_id",
            new.iter().map(|it| it.2.start.unwrap_or_default()).collect::<Vec<_>>(),
        )
        .column::<Array<Integer>, _>("number", new.iter().map(|it| number(it.2.number)).collect::<Vec<_>>())
        .column::<Array<Integer>, _>("attempt", new.iter().map(|it| number(next(it).0)).collect::<Vec<_>>())
        .column::<Array<Integer>, _>("reminder", new.iter().map(|it| number(next(it).1)).collect::<Vec<_>>())
        .column::<Array<Text>, _>("channel", new.iter().map(|it| next(it).2).collect::<Vec<_>>())
        .column::<Array<Text>, _>("form", new.iter().map(|it| it.3).collect::<Vec<_>>())
        .column::<Array<Text>, _>("language", new.iter().map(|it| it.4.as_str()).collect::<Vec<_>>())
        .column::<Array<Bytea>, _>("token_hash", hashes);
    let query = statement("INSERT INTO invitation (state, version, ").names(&shared).then(", ").names(&rows);
    let query = query.then(") SELECT 'claimed', 1, ").values(shared).then(", new.* FROM ").unnest(rows, "new");
    query.execute(tx.conn)?;
    for it in new {
        emit(tx, event::EventType::InvitationClaimed, it.1.patient_id, it.0, 1);
    }
    Ok(())
}
