//! Answered questionnaires and their scores. Answers are never changed: what the source changed becomes another revision.

mod payload;
mod place;
mod read;
mod rescore;
mod stored;
mod summary;

pub use payload::{WithPayload, with_payload};
pub use place::{AnsweredBy, Ids, NewSubmission, imprint, name_each, place, place_each, recognise_each};
pub use read::{find, find_each, find_with_superseded, of_patient, scores};
pub(crate) use rescore::{Scored, add_scores, count_scored_with, each_scored_with};
pub use stored::{Delivered, Placed, Source, StoredScore, Submission};
pub use summary::{FEWEST_PEOPLE, Mean, Summary, summary};

/// The condition of a row of `submission`: no revision of the same source submission is later.
pub(crate) const IS_CURRENT: &str = "submission.superseded_by IS NULL \
     AND NOT EXISTS (SELECT FROM submission later WHERE later.supersedes = submission.id)";
