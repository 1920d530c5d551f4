//! Diagnoses, ICD-10 and ICD-11. An ICD-11 chronic-pain code (MG30) is expected first, because the code of the disease
//! does not classify the pain.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Examination, Remark};
use crate::code::{Checked, PainClass, System};
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The systems that diagnoses are coded in.
    DiagnosisSystem {
        /// The Norwegian ICD-10.
        Icd10,
        /// ICD-11, including clusters.
        Icd11,
    }
}

/// A diagnosis with its code and rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Diagnosis {
    /// The episode it was set in.
    #[serde(default)]
    pub episode_id: Option<EntryId>,
    /// The code system of the code.
    pub system: DiagnosisSystem,
    /// The code, valid on the day it was set.
    #[schema(max_length = 200, example = "MG30.02")]
    pub code: String,
    /// The rank among the patient's diagnoses, from 1.
    #[schema(minimum = 1, maximum = 20)]
    pub rank: i32,
    /// The day of the diagnosis.
    pub set_on: Date,
}

/// The derived members of a diagnosis.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Diagnosed {
    /// The code in its canonical spelling.
    #[schema(max_length = 200)]
    pub code: String,
    /// The code's title in the edition that was valid then.
    #[schema(max_length = 500)]
    pub title: Option<String>,
    /// The edition of the code system.
    #[schema(max_length = 40)]
    pub edition: Option<String>,
    /// Whether the pain is the disease (primary) or follows from one (secondary); null for codes outside MG30.
    pub chronic_pain: Option<PainClass>,
}

impl Entry for Diagnosis {
    const KIND: EntryKind = EntryKind::Diagnosis;
    type Derived = Diagnosed;

    fn examine(&self, exam: &mut Examination<'_>) -> Diagnosed {
        exam.day("set_on", self.set_on);
        exam.whole("rank", Some(self.rank), 1..=20);
        let system = match self.system {
            DiagnosisSystem::Icd10 => System::Icd10,
            DiagnosisSystem::Icd11 => System::Icd11,
        };
        let checked = exam.coded("code", system, &self.code, self.set_on);
        let chronic_pain = if system == System::Icd11 { PainClass::of(&self.code) } else { None };
        if self.rank == 1 && chronic_pain.is_none() {
            exam.remark(Remark::ChronicPainCodeExpectedFirst);
        }
        match checked {
            Some(Checked { code, title, edition }) => {
                Diagnosed { code, title: Some(title), edition: Some(edition), chronic_pain }
            }
            None => Diagnosed { code: self.code.clone(), title: None, edition: None, chronic_pain },
        }
    }
}
