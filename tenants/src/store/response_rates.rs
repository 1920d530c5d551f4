//! Response rates: occurrences that were asked about and answered, counted by dimension. Every count can be listed as decisions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date as SqlDate, Text, Timestamptz, Uuid as SqlUuid};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff_diesel::ToDiesel as _;
use painreg_domain::calendar::{days_after, norwegian_hour};
use painreg_domain::report::response::{Cell, Dimension, Figure, People};
use uuid::Uuid;

use crate::error::{StoreError, unreadable};
use crate::reach::join_survivor;
use crate::statement::{Statement, statement};
use crate::store::decisions::Stored;
use crate::store::{Listing, comparable, comparable_day, submissions};
use crate::tx::Tx;

/// The filter of the counts: the period of the first invitation, the unit and the rule.
#[derive(Clone, Debug, Default)]
pub struct Period {
    /// The first day in Norway.
    pub from: Option<Date>,
    /// The last day in Norway, included.
    pub to: Option<Date>,
    /// The unit that treats the patient.
    pub unit: Option<String>,
    /// The code of the follow-up rule.
    pub rule: Option<String>,
}

/// The number of occurrences that were due and not asked about, for one reason.
#[derive(Clone, Debug, QueryableByName)]
pub struct NotSent {
    /// The code of the rule.
    #[diesel(sql_type = Text)]
    pub rule: String,
    /// The state of the decisions.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// The deciding reason.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The number of occurrences.
    #[diesel(sql_type = BigInt)]
    pub occurrences: i64,
}

/// The number of answers a number of days after the first invitation.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct OnDay {
    /// Days since the first invitation; 0 is the same day.
    #[diesel(sql_type = BigInt)]
    pub day: i64,
    /// The number of answers on that day.
    #[diesel(sql_type = BigInt)]
    pub answered: i64,
}

/// The number of short baselines with one reason.
#[derive(Clone, Debug, QueryableByName)]
pub struct ShortForm {
    /// The code of the reason.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The number of short baselines.
    #[diesel(sql_type = BigInt)]
    pub answers: i64,
}

#[derive(QueryableByName)]
struct CellRow {
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = Array<BigInt>)]
    people_asked: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    people_answered: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    people_silent: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    people_reached: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    people_unreached: Vec<i64>,
}

#[derive(QueryableByName)]
struct JsonRow {
    #[diesel(sql_type = SqlUuid)]
    patient_id: Uuid,
    #[diesel(sql_type = Text)]
    json: String,
}

/// The occurrences that were asked about, each once: with the first invitation, its channel, and the answer.
const OCCURRENCES: &str = "WITH occurrence AS (SELECT decision.id, decision.rule, patient.id AS patient_id, patient.sex, \
     patient.unit, patient.birth_date, asked.sent_at, asked.channel, asked.delivered, asked.reminders, \
     answer.submitted_at AS answered_at FROM decision";
const ASKED: &str = " LEFT JOIN submission answer ON answer.id = decision.submission_id \
     JOIN LATERAL (SELECT min(at) AS sent_at, (array_agg(channel ORDER BY at, attempt))[1] AS channel, \
     bool_or(delivered_at IS NOT NULL) AS delivered, \
     coalesce(max(reminder) FILTER (WHERE at <= coalesce(answer.submitted_at, 'infinity')), 0) AS reminders \
     FROM (SELECT *, ";
const OF_THEM: &str = " AS at FROM invitation WHERE decision_id = decision.id) told WHERE at IS NOT NULL) asked \
     ON asked.sent_at IS NOT NULL WHERE true";
/// The instant an invitation was sent or may have been: handed over to a sender that never reported the result.
const SENT_AT: &str = "coalesce(sent_at, CASE WHEN state = 'unknown' THEN handed_over_at END)";

/// Returns the SQL of the group of an `occurrence` in one dimension.
const fn key(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Rule => "occurrence.rule",
        Dimension::Track => "regexp_replace(occurrence.rule, '_[0-9]+$', '')",
        Dimension::Wave => "substring(occurrence.rule FROM '[0-9]+$')",
        Dimension::Channel => "occurrence.channel",
        Dimension::Reminder => "occurrence.reminders::text",
        Dimension::Month => "to_char(occurrence.sent_at AT TIME ZONE 'Europe/Oslo', 'YYYY-MM')",
        Dimension::AgeBand => {
            "(SELECT CASE WHEN years < 18 THEN '0-17' WHEN years < 30 THEN '18-29' WHEN years >= 80 THEN '80-' \
             ELSE years / 10 * 10 || '-' || years / 10 * 10 + 9 END FROM (SELECT date_part('year', \
             age((occurrence.sent_at AT TIME ZONE 'Europe/Oslo')::date, occurrence.birth_date))::integer AS years) age)"
        }
        Dimension::Sex => "occurrence.sex",
        Dimension::DiagnosisGroup => {
            "coalesce((SELECT coalesce('mg30_' || chronic_pain, system || '_' || left(code, 1)) FROM diagnosis \
             WHERE diagnosis.patient_id = ANY (ARRAY(SELECT id FROM patient merged \
             WHERE merged.merged_into = occurrence.patient_id) || occurrence.patient_id) \
             ORDER BY rank, set_on DESC, diagnosis.id LIMIT 1), 'none')"
        }
        Dimension::Unit => "occurrence.unit",
    }
}

/// Returns the first instant of a day in Norway.
fn midnight(day: Date) -> Timestamp {
    norwegian_hour(day, 0)
}

fn of_period<'a>(tx: &Tx<'a>, period: &Period) -> Statement<'a> {
    let mut query =
        join_survivor(statement(OCCURRENCES), "decision.patient_id").then(ASKED).then(SENT_AT).then(OF_THEM);
    if let Some(from) = period.from {
        query = query.then(" AND asked.sent_at >= ?").bind::<Timestamptz, _>(comparable(midnight(from)));
    }
    if let Some(to) = period.to {
        query = query.then(" AND asked.sent_at < ?").bind::<Timestamptz, _>(comparable(midnight(days_after(to, 1))));
    }
    if let Some(rule) = &period.rule {
        query = query.then(" AND decision.rule = ?").bind::<Text, _>(rule.clone());
    }
    within_unit(tx, query, period).then(") ")
}

/// Narrows a query of patients to the caller's reach and to the unit of the request.
fn within_unit<'a>(tx: &Tx<'a>, query: Statement<'a>, period: &Period) -> Statement<'a> {
    let query = tx.within_patient(query);
    match &period.unit {
        Some(unit) => query.then(" AND patient.unit = ?").bind::<Text, _>(unit.clone()),
        None => query,
    }
}

fn keys<'a>(mut query: Statement<'a>, by: &[Dimension]) -> Statement<'a> {
    query = query.then("ARRAY[");
    for (at, dimension) in by.iter().enumerate() {
        query = query.then(if at > 0 { ", " } else { "" }).then(key(*dimension));
    }
    query.then("]::text[]")
}

/// Returns the numbers of invitations sent, delivered and answered by group, within the caller's reach.
pub fn cells(tx: &mut Tx<'_>, period: &Period, by: &[Dimension]) -> Result<Vec<Cell>, StoreError> {
    let query = keys(of_period(tx, period).then("SELECT "), by);
    let rows: Vec<CellRow> = query
        .then(
            " AS keys, count(*) AS sent, count(*) FILTER (WHERE delivered) AS delivered, count(answered_at) AS answered, \
             array_agg(DISTINCT person) AS people_asked, \
             coalesce(array_agg(DISTINCT person) FILTER (WHERE answered_at IS NOT NULL), '{}') AS people_answered, \
             coalesce(array_agg(DISTINCT person) FILTER (WHERE answered_at IS NULL), '{}') AS people_silent, \
             coalesce(array_agg(DISTINCT person) FILTER (WHERE delivered), '{}') AS people_reached, \
             coalesce(array_agg(DISTINCT person) FILTER (WHERE NOT delivered), '{}') AS people_unreached \
             FROM (SELECT *, dense_rank() OVER (ORDER BY patient_id) AS person FROM occurrence) occurrence \
             GROUP BY 1 ORDER BY 1",
        )
        .load(tx.conn)?;
    let cell = |row: CellRow| {
        let CellRow { keys, sent, delivered, answered, .. } = row;
        let people = People {
            asked: row.people_asked.into_iter().collect(),
            answered: row.people_answered.into_iter().collect(),
            silent: row.people_silent.into_iter().collect(),
            reached: row.people_reached.into_iter().collect(),
            unreached: row.people_unreached.into_iter().collect(),
        };
        Cell { group: Some(keys), sent, delivered, answered, people }
    };
    Ok(rows.into_iter().map(cell).collect())
}

/// Returns the decisions that one figure of a group counts. Logs every patient shown.
pub fn decisions(
    tx: &mut Tx<'_>,
    period: &Period,
    by: &[Dimension],
    group: &[String],
    figure: Figure,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Listing<Stored>, StoreError> {
    let query = of_period(tx, period)
        .then("SELECT decision.patient_id, row_to_json(decision)::text AS json FROM decision JOIN occurrence USING (id) WHERE decision.id > ? AND ")
        .bind::<SqlUuid, _>(after.unwrap_or_default());
    let query = keys(query, by).then(" = ?").bind::<Array<Text>, _>(group.to_vec());
    let query = query
        .then(match figure {
            Figure::Sent => "",
            Figure::Delivered => " AND delivered",
            Figure::Answered => " AND answered_at IS NOT NULL",
        })
        .then(" ORDER BY decision.id");
    let found = tx.list(query, limit, |row: &JsonRow| [row.patient_id])?;
    found.try_map(|row| serde_json::from_str(&row.json).map_err(unreadable))
}

/// Returns the number of answers by the number of days since the first invitation.
pub fn by_day(tx: &mut Tx<'_>, period: &Period) -> Result<Vec<OnDay>, StoreError> {
    Ok(of_period(tx, period)
        .then(
            "SELECT greatest((answered_at AT TIME ZONE 'Europe/Oslo')::date - (sent_at AT TIME ZONE 'Europe/Oslo')::date, \
             0)::bigint AS day, count(*) AS answered FROM occurrence WHERE answered_at IS NOT NULL GROUP BY 1 ORDER BY 1",
        )
        .load(tx.conn)?)
}

/// Returns the number of occurrences that fell due in the period and were not asked about, by rule, state and reason.
pub fn not_sent(tx: &mut Tx<'_>, period: &Period) -> Result<Vec<NotSent>, StoreError> {
    let query =
        statement("SELECT rule, state, coalesce(reasons[1], state) AS reason, count(*) AS occurrences FROM decision");
    let mut query = join_survivor(query, "decision.patient_id")
        .then(
            " WHERE due_on IS NOT NULL \
         AND NOT EXISTS (SELECT FROM invitation WHERE decision_id = decision.id AND ",
        )
        .then(SENT_AT)
        .then(" IS NOT NULL)");
    if let Some(from) = period.from {
        query = query.then(" AND due_on >= ?").bind::<SqlDate, _>(comparable_day(from));
    }
    let to = period.to.unwrap_or_else(|| tx.today());
    query = query.then(" AND due_on <= ?").bind::<SqlDate, _>(to.to_diesel());
    if let Some(rule) = &period.rule {
        query = query.then(" AND rule = ?").bind::<Text, _>(rule.clone());
    }
    Ok(within_unit(tx, query, period).then(" GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3").load(tx.conn)?)
}

/// Returns the number of short baselines (kortversjon) by the reason that the patient or the clinic gave.
pub fn short_form_reasons(tx: &mut Tx<'_>, period: &Period) -> Result<Vec<ShortForm>, StoreError> {
    let query = statement(
        "SELECT coalesce(answers ->> 'short_form_reason', 'not_said') AS reason, count(*) AS answers FROM submission",
    );
    let mut query = join_survivor(query, "submission.patient_id")
        .then(" WHERE wave = 'baseline_short' AND ")
        .then(submissions::IS_CURRENT);
    if let Some(from) = period.from {
        query = query.then(" AND submitted_at >= ?").bind::<Timestamptz, _>(comparable(midnight(from)));
    }
    if let Some(to) = period.to {
        query = query.then(" AND submitted_at < ?").bind::<Timestamptz, _>(comparable(midnight(days_after(to, 1))));
    }
    Ok(within_unit(tx, query, period).then(" GROUP BY 1 ORDER BY 2 DESC, 1").load(tx.conn)?)
}
