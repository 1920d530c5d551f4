//! Episodes of care (behandlingsforløp), from opening to closing.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Nothing};
use crate::code_list::List;
use crate::ids::EntryId;

/// An episode of care (behandlingsforløp).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Episode {
    /// The referral it follows from.
    #[serde(default)]
    pub referral_id: Option<EntryId>,
    /// The unit that treats: a code of the list `unit`.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub unit: Option<String>,
    /// The day of opening.
    pub opened_on: Date,
    /// The day of closing (avsluttet): the start of the follow-up a year later.
    #[serde(default)]
    pub closed_on: Option<Date>,
    /// The reason for closing: a code of the list `closing_reason`; required with `closed_on`.
    #[serde(default)]
    #[schema(max_length = 40, example = "completed")]
    pub closing_reason: Option<String>,
}

impl Entry for Episode {
    const KIND: EntryKind = EntryKind::Episode;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("opened_on", self.opened_on);
        // An episode may be closed after the death of the patient.
        exam.past_day_from("closed_on", self.closed_on, self.opened_on);
        exam.together(("closed_on", self.closed_on.is_some()), ("closing_reason", self.closing_reason.is_some()));
        exam.listed("unit", List::Unit, self.unit.as_deref(), self.opened_on);
        let closed = self.closed_on.unwrap_or(self.opened_on);
        exam.listed("closing_reason", List::ClosingReason, self.closing_reason.as_deref(), closed);
        Nothing {}
    }
}
