//! Counts and mean scores of a registry.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text};

use super::IS_CURRENT;
use crate::error::StoreError;
use crate::statement::statement;
use crate::tx::Tx;

/// Counts and means of a registry. No mean is about fewer than [`FEWEST_PEOPLE`] patients.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The number of registered patients.
    pub patients: i64,
    /// The number of current submissions, without superseded revisions.
    pub submissions: i64,
    /// Mean scores of current submissions, by instrument, scale and value set.
    pub means: Vec<Mean>,
}

/// The mean of one scale.
#[derive(Clone, Debug, QueryableByName)]
pub struct Mean {
    /// The code of the instrument.
    #[diesel(sql_type = Text)]
    pub instrument: String,
    /// The code of the scale.
    #[diesel(sql_type = Text)]
    pub scale: String,
    /// The value set, where the scale has one.
    #[diesel(sql_type = Nullable<Text>)]
    pub value_set: Option<String>,
    /// The number of results.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// The mean, to two decimals: with more, two readings around one delivery would reveal the new patient's score.
    #[diesel(sql_type = Double)]
    pub mean: f64,
}

/// The smallest number of patients for which a mean is shown.
pub const FEWEST_PEOPLE: i64 = 5;

#[derive(QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = BigInt)]
    patients: i64,
    #[diesel(sql_type = BigInt)]
    submissions: i64,
}

/// Returns the counts and means of the registry.
pub fn summary(tx: &mut Tx<'_>) -> Result<Summary, StoreError> {
    let counts: CountsRow = statement(
        "SELECT (SELECT count(*) FROM patient WHERE merged_into IS NULL) AS patients, (SELECT count(*) FROM submission WHERE ",
    )
    .then(IS_CURRENT)
    .then(") AS submissions")
    .get_result(tx.conn)?;
    let means = statement(
        "SELECT instrument, scale ->> 'code' AS scale, scale ->> 'value_set' AS value_set, count(*) AS n, \
         round(avg((scale ->> 'value')::numeric), 2)::double precision AS mean \
         FROM score JOIN submission ON submission.id = score.submission_id, jsonb_array_elements(scales) AS scale \
         WHERE NOT EXISTS (SELECT FROM score again WHERE again.submission_id = score.submission_id \
         AND again.instrument = score.instrument AND again.version > score.version) AND jsonb_typeof(scale -> 'value') = 'number' AND ",
    )
    .then(IS_CURRENT)
    .then(
        " GROUP BY 1, 2, 3 HAVING count(DISTINCT patient_id) >= ? ORDER BY 1, 2, 3",
    )
    .bind::<BigInt, _>(FEWEST_PEOPLE)
    .load::<Mean>(tx.conn)?;
    Ok(Summary { patients: counts.patients, submissions: counts.submissions, means })
}
