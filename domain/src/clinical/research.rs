//! Projects that patients take part in, and samples that are kept of them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, EntryKind, Examination, Nothing};
use crate::code_list::List;
use crate::fault::FaultCode;
use crate::words::words;

/// Participation of a patient in a quality or research project (prosjektdeltakelse).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectParticipation {
    /// The code of the project.
    #[schema(max_length = 40)]
    pub project: String,
    /// The first day of participation.
    pub joined_on: Date,
    /// The last day of participation; absent while it goes on.
    #[serde(default)]
    pub left_on: Option<Date>,
    /// The arm of a trial.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub arm: Option<String>,
    /// The project's own fields, by their codes.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub field_values: BTreeMap<String, Value>,
}

/// The derived members of a participation.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Enrolled {
    /// Whether participants are excluded from the registry's own follow-up.
    pub excluded_from_follow_up: bool,
}

impl Entry for ProjectParticipation {
    const KIND: EntryKind = EntryKind::ProjectParticipation;
    type Derived = Enrolled;

    fn examine(&self, exam: &mut Examination<'_>) -> Enrolled {
        exam.day("joined_on", self.joined_on);
        exam.end_from("left_on", self.left_on, self.joined_on);
        exam.label("arm", self.arm.as_deref(), 40);
        let Some(project) = exam.lists().project(&self.project) else {
            exam.fault("project", FaultCode::UnknownReference);
            return Enrolled { excluded_from_follow_up: false };
        };
        if self.joined_on < project.starts_on || project.ends_on.is_some_and(|last| self.joined_on > last) {
            exam.fault("joined_on", FaultCode::OutsidePeriod);
        }
        exam.faults(project.faults_of(&self.field_values).into_iter().map(|fault| fault.under("/field_values")));
        Enrolled { excluded_from_follow_up: project.excludes_from_follow_up }
    }
}

words! {
    /// The state of a sample.
    SampleState {
        /// The sample is in storage.
        Stored,
        /// The sample was used up.
        Used,
        /// The sample was destroyed.
        Destroyed,
    }
}

/// A biobank sample (biobankprøve).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The type of the sample: a code of the list `sample_type`.
    #[schema(max_length = 40, example = "serum")]
    pub sample_type: String,
    /// The day of sampling.
    pub taken_on: Date,
    /// The storage reference of the biobank.
    #[schema(min_length = 1, max_length = 100)]
    pub storage_reference: String,
    /// The approval or consent for taking the sample.
    #[schema(min_length = 1, max_length = 100)]
    pub legal_basis: String,
    /// The code of the project that the sample belongs to; absent where there is none.
    #[serde(default)]
    #[schema(max_length = 40)]
    pub project: Option<String>,
    /// The state of the sample.
    pub state: SampleState,
}

impl Entry for Sample {
    const KIND: EntryKind = EntryKind::Sample;
    type Derived = Nothing;

    fn examine(&self, exam: &mut Examination<'_>) -> Nothing {
        exam.day("taken_on", self.taken_on);
        exam.listed("sample_type", List::SampleType, Some(&self.sample_type), self.taken_on);
        exam.label("storage_reference", Some(&self.storage_reference), 100);
        exam.label("legal_basis", Some(&self.legal_basis), 100);
        if self.project.as_deref().is_some_and(|code| exam.lists().project(code).is_none()) {
            exam.fault("project", FaultCode::UnknownReference);
        }
        Nothing {}
    }
}
