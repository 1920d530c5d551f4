//! Treatment goals (behandlingsmål) by patient and clinician, and how far they were reached.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Nothing};
use crate::code_list::List;
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The origin of a goal.
    SetBy {
        /// The patient set the goal.
        Patient,
        /// The clinician set the goal.
        Clinician,
    }
}

/// A treatment goal (behandlingsmål).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TreatmentGoal {
    /// The episode it was set in.
    #[serde(default)]
    pub episode_id: Option<EntryId>,
    /// The day on which the goal was set.
    pub set_on: Date,
    /// The origin of the goal.
    pub set_by: SetBy,
    /// The category: a code of the list `goal_category`.
    #[serde(default)]
    #[schema(max_length = 40, example = "function")]
    pub category: Option<String>,
    /// The goal as free text. Encrypted under the patient's key in storage; it must contain neither names nor numbers.
    #[schema(min_length = 1, max_length = 2000, example = "Walk to the shop and back without a pause")]
    pub text: String,
    /// The day by which it should be reached.
    #[serde(default)]
    pub target_on: Option<Date>,
    /// The attainment: goal attainment scaling, -2 (much less than expected) to +2 (much more), 0 as expected (Kiresuk
    /// & Sherman, Community Mental Health Journal 1968;4:443-453); required with `assessed_on`.
    #[serde(default)]
    #[schema(minimum = -2, maximum = 2)]
    pub attainment: Option<i32>,
    /// The day of the assessment; absent before it.
    #[serde(default)]
    pub assessed_on: Option<Date>,
}

impl Entry for TreatmentGoal {
    const KIND: EntryKind = EntryKind::TreatmentGoal;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("set_on", self.set_on);
        exam.end_from("target_on", self.target_on, self.set_on);
        exam.day_from("assessed_on", self.assessed_on, self.set_on);
        exam.whole("attainment", self.attainment, -2..=2);
        exam.together(("attainment", self.attainment.is_some()), ("assessed_on", self.assessed_on.is_some()));
        exam.listed("category", List::GoalCategory, self.category.as_deref(), self.set_on);
        exam.text("text", Some(&self.text), 2000);
        Nothing {}
    }
}
