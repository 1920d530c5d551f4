//! Referrals (henvisninger): the source, the unit and the treatment-right category.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Nothing, Remark};
use crate::code_list::{CodeListFlags, CodeLists, List};
use crate::fault::Fault;

/// A referral (henvisning).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// The day of receipt by the clinic (ansiennitetsdato).
    pub received_on: Date,
    /// The source: a code of the list `referral_source`.
    #[serde(default)]
    #[schema(max_length = 40, example = "gp")]
    pub source: Option<String>,
    /// The treatment-right category (behandlingsrettkategori): a code of the list `treatment_right`. It decides which
    /// questionnaires are sent and whether the patient counts in the denominator of coverage.
    #[serde(default)]
    #[schema(max_length = 40, example = "right_granted")]
    pub category: Option<String>,
    /// The day of the assessment of the right.
    #[serde(default)]
    pub assessed_on: Option<Date>,
    /// The unit it was sent to: a code of the list `unit`.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub unit: Option<String>,
    /// The id in the patient administrative system (PAS).
    #[serde(default)]
    #[schema(max_length = 64)]
    pub pas_id: Option<String>,
}

impl Entry for Referral {
    const KIND: EntryKind = EntryKind::Referral;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("received_on", self.received_on);
        // A wrong category is put right after a death too: coverage hangs on it.
        exam.past_day_from("assessed_on", self.assessed_on, self.received_on);
        exam.listed("source", List::ReferralSource, self.source.as_deref(), self.received_on);
        let assessed = self.assessed_on.unwrap_or(self.received_on);
        exam.listed("category", List::TreatmentRight, self.category.as_deref(), assessed);
        exam.listed("unit", List::Unit, self.unit.as_deref(), self.received_on);
        exam.label("pas_id", self.pas_id.as_deref(), 64);
        if self.category.is_none() {
            exam.remark(Remark::CategoryMissing);
        }
        Nothing {}
    }
}

/// The effects of a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Effect {
    /// The treatment-right category (behandlingsrettkategori).
    #[schema(max_length = 40)]
    pub category: String,
    /// Whether the patient counts in the denominator of coverage (dekningsgrad).
    pub counts_in_denominator: bool,
    /// Whether the baseline questionnaire is to be sent.
    pub triggers_baseline: bool,
    /// Whether follow-up questionnaires are to be sent.
    pub triggers_follow_up: bool,
}

impl Effect {
    fn of(category: &str, flags: &CodeListFlags) -> Self {
        Self {
            category: category.to_owned(),
            counts_in_denominator: flags.counts_in_denominator,
            triggers_baseline: flags.triggers_baseline,
            triggers_follow_up: flags.triggers_follow_up,
        }
    }
}

/// The effects of a change of category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Consequence {
    /// The effects before; null where the referral had no category.
    pub before: Option<Effect>,
    /// The effects after the change.
    pub after: Effect,
}

/// Changes the category of a referral, and returns the consequences.
pub fn recategorised(
    referral: &Referral,
    category: &str,
    assessed_on: Date,
    lists: &CodeLists,
) -> Result<(Referral, Consequence), Vec<Fault>> {
    let now =
        lists.check(List::TreatmentRight, category, assessed_on).map_err(|refused| vec![refused.at("category")])?;
    let effect = |code: &str| {
        Effect::of(code, &lists.find(List::TreatmentRight, code).map(|it| it.flags.clone()).unwrap_or_default())
    };
    let consequence =
        Consequence { before: referral.category.as_deref().map(effect), after: Effect::of(category, &now.flags) };
    let changed = Referral { category: Some(category.to_owned()), assessed_on: Some(assessed_on), ..referral.clone() };
    Ok((changed, consequence))
}
