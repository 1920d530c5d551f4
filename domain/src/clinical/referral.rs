//! Referrals (henvisninger): how somebody came to the clinic, and by what right.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, Examination, Kind, Nothing, Remark};
use crate::code_list::{CodeLists, Flags, List};
use crate::fault::Fault;

/// A referral (henvisning).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// When the clinic received it (ansiennitetsdato).
    pub received_on: Date,
    /// Where it came from: a code of the list `referral_source`.
    #[serde(default)]
    #[schema(max_length = 40, example = "gp")]
    pub source: Option<String>,
    /// The treatment-right category (behandlingsrettkategori): a code of the list `treatment_right`. It decides which
    /// questionnaires are sent and whether the patient counts in the denominator of coverage.
    #[serde(default)]
    #[schema(max_length = 40, example = "right_granted")]
    pub category: Option<String>,
    /// When the right was assessed.
    #[serde(default)]
    pub assessed_on: Option<Date>,
    /// The unit it was sent to: a code of the list `unit`.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub unit: Option<String>,
    /// Its id in the patient administrative system (PAS).
    #[serde(default)]
    #[schema(max_length = 64)]
    pub pas_id: Option<String>,
}

impl Entry for Referral {
    const KIND: Kind = Kind::Referral;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("received_on", self.received_on);
        exam.day_from("assessed_on", self.assessed_on, self.received_on);
        exam.listed("source", List::ReferralSource, self.source.as_deref(), self.received_on);
        let assessed = self.assessed_on.unwrap_or(self.received_on);
        exam.listed("category", List::TreatmentRight, self.category.as_deref(), assessed);
        exam.listed("unit", List::Unit, self.unit.as_deref(), self.received_on);
        exam.text("pas_id", self.pas_id.as_deref(), 64);
        if self.category.is_none() {
            exam.remark(Remark::CategoryMissing);
        }
        Nothing {}
    }
}

/// What a category brings about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Consequence {
    /// The category that it was; null where there was none.
    #[schema(max_length = 40)]
    pub category_before: Option<String>,
    /// The category that it is.
    #[schema(max_length = 40)]
    pub category_after: String,
    /// Whether the patient was counted in the denominator of coverage.
    pub counted_before: bool,
    /// Whether the patient is counted now.
    pub counts_now: bool,
    /// Whether the baseline questionnaire was to be sent.
    pub baseline_before: bool,
    /// Whether it is to be sent now.
    pub baseline_now: bool,
    /// Whether follow-up questionnaires were to be sent.
    pub follow_up_before: bool,
    /// Whether they are to be sent now.
    pub follow_up_now: bool,
}

/// Gives the referral another category, and tells what that brings about.
pub fn recategorised(
    referral: &Referral,
    category: &str,
    assessed_on: Date,
    lists: &CodeLists,
) -> Result<(Referral, Consequence), Vec<Fault>> {
    let now = lists
        .check(List::TreatmentRight, category, assessed_on)
        .map_err(|refused| vec![refused.at("category")])?
        .flags
        .clone();
    let before = referral
        .category
        .as_deref()
        .and_then(|code| lists.find(List::TreatmentRight, code))
        .map_or_else(Flags::default, |listed| listed.flags.clone());
    let consequence = Consequence {
        category_before: referral.category.clone(),
        category_after: category.to_owned(),
        counted_before: before.counts_in_denominator,
        counts_now: now.counts_in_denominator,
        baseline_before: before.triggers_baseline,
        baseline_now: now.triggers_baseline,
        follow_up_before: before.triggers_follow_up,
        follow_up_now: now.triggers_follow_up,
    };
    let changed = Referral { category: Some(category.to_owned()), assessed_on: Some(assessed_on), ..referral.clone() };
    Ok((changed, consequence))
}
