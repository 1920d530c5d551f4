//! Rescoring of stored answers with the current algorithms. A score that differs gets a new version; the old one is kept.

use std::collections::HashSet;

use painreg_domain::fault::{Fault, FaultCode};
use painreg_domain::ids::SubmissionId;
use painreg_domain::instrument::{Catalogue, Instrument, InstrumentItem, Options};
use painreg_domain::operation::OperationKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{StoreError, unreadable};
use crate::store::licences;
use crate::store::operations::{self, Operation, Stretch};
use crate::store::submissions::{self, Scored, StoredScore};
use crate::tx::Tx;

/// The input of a rescoring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescoring {
    /// The code of the instrument.
    pub instrument: String,
    /// EQ-5D only: the value sets of the index. By default those of the registry's settings at the time of each stretch.
    pub value_sets: Vec<String>,
}

/// The result: counts of submissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// Submissions with a score of the instrument that were scored again.
    examined: i64,
    /// Submissions with a new version of the score, because the result differs.
    rescored: i64,
}

/// The most submissions of a stretch.
const STRETCH: i64 = 500;

/// Queues the rescoring of every submission that has a score of the instrument.
pub fn request(tx: &mut Tx<'_>, rescoring: &Rescoring) -> Result<Operation, StoreError> {
    parts(rescoring)?;
    let input = serde_json::to_value(rescoring).map_err(unreadable)?;
    operations::queue(tx, OperationKind::Rescoring, &input)
}

/// Returns the instrument and the requested options.
fn parts(rescoring: &Rescoring) -> Result<(&'static Instrument, Option<Options>), StoreError> {
    let unknown = || StoreError::Invalid(vec![Fault::at("instrument", FaultCode::UnknownReference)]);
    let instrument = Catalogue::shipped().find(&rescoring.instrument).ok_or_else(unknown)?;
    let chosen = (!rescoring.value_sets.is_empty()).then(|| instrument.options(&rescoring.value_sets)).transpose();
    Ok((instrument, chosen.map_err(StoreError::Invalid)?))
}

/// Rescores the next submissions.
pub(super) fn stretch(tx: &mut Tx<'_>, operation: &Operation) -> Result<Stretch, StoreError> {
    let input: Rescoring = serde_json::from_value(operation.input.clone()).map_err(unreadable)?;
    let after: Option<SubmissionId> =
        operation.position.clone().map(serde_json::from_value).transpose().map_err(unreadable)?;
    let before: Counts =
        operation.result.clone().map(serde_json::from_value).transpose().map_err(unreadable)?.unwrap_or_default();
    let (instrument, chosen) = parts(&input)?;
    let licensing = licences::current(tx)?;
    let options = chosen.as_ref().unwrap_or(&licensing.options);
    let total = match operation.total {
        Some(total) => total,
        None => submissions::count_scored_with(tx, instrument.code())?,
    };
    let mut rescored = Vec::new();
    let code = instrument.code();
    let (last, examined) = submissions::each_scored_with(tx, code, after, STRETCH, |Scored { id, answers, score }| {
        let again = score_again(instrument, options, answers);
        if let Some(mut again) = again.filter(|again| !is_same(again, &score)) {
            again.version = score.version + 1;
            rescored.push((id, again));
        }
    })?;
    let last = last.filter(|_| examined == STRETCH);
    submissions::add_scores(tx, &rescored)?;
    let counts = Counts {
        examined: before.examined + examined,
        rescored: before.rescored + i64::try_from(rescored.len()).unwrap_or(STRETCH),
    };
    Ok(Stretch {
        done: counts.examined,
        total,
        next: last.map(serde_json::to_value).transpose().map_err(unreadable)?,
        result: serde_json::to_value(counts).map_err(unreadable)?,
    })
}

/// Returns the current score of these answers; `None` where an answer no longer fits the instrument, which keeps the score.
fn score_again(instrument: &Instrument, options: &Options, answers: Value) -> Option<StoredScore> {
    let Value::Object(answers) = answers else { return None };
    let items: HashSet<&str> = instrument.items().iter().map(InstrumentItem::code).collect();
    let of_it: Map<String, Value> = answers.into_iter().filter(|(code, _)| items.contains(code.as_str())).collect();
    let slots = instrument.parse(&of_it).ok()?;
    Some(StoredScore::from(&instrument.score(&slots, options)))
}

fn is_same(one: &StoredScore, other: &StoredScore) -> bool {
    (&one.algorithm, &one.status, &one.scales, &one.flags)
        == (&other.algorithm, &other.status, &other.scales, &other.flags)
}
