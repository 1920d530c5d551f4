//! Answered questionnaires and their scores. Rows are never changed: a changed delivery becomes a new revision.

mod place;
mod read;
mod rescore;
mod stored;
mod summary;

pub use place::{AnsweredBy, Delivered, NewSubmission, Placed, place, place_each, recognise_each};
pub use read::{find, find_with_superseded, of_patient, scores};
pub(crate) use rescore::{Scored, add_scores, count_scored_with, each_scored_with};
pub use stored::{Source, StoredScore, Submission};
pub use summary::{FEWEST_PEOPLE, Mean, Summary, summary};
