//! Procedures (prosedyrer), coded in NCMP, NCSP or NCRP. Which group one belongs to (`rf`, `scs`, ..) starts its follow-up.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::body::{Area, faults_of};
use super::{Entry, EntryKind, Examination, Remark};
use crate::code::{Checked, System};
use crate::code_list::List;
use crate::ids::EntryId;
use crate::words::words;

words! {
    /// The systems that procedures are coded in: together the Norwegian list of procedures (NKPK).
    ProcedureSystem {
        /// Medical procedures (NCMP).
        Ncmp,
        /// Surgical procedures (NCSP).
        Ncsp,
        /// Radiological procedures (NCRP).
        Ncrp,
    }
}

/// A procedure (prosedyre).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// The episode it was done in.
    #[serde(default)]
    pub episode_id: Option<EntryId>,
    /// The code system of the code.
    pub system: ProcedureSystem,
    /// The code, valid on the day it was done.
    #[schema(max_length = 12)]
    pub code: String,
    /// The day of the procedure.
    pub performed_on: Date,
    /// The group of the procedure, a code of the list `procedure_group`; absent: the group that lists its code.
    #[serde(default)]
    #[schema(max_length = 40, example = "rf")]
    pub procedure_group: Option<String>,
    /// The places on the body, each at most once.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub sites: Vec<Area>,
}

/// The derived members of a procedure.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Performed {
    /// The code in its canonical spelling.
    #[schema(max_length = 12)]
    pub code: String,
    /// The code's title in the edition that was valid then.
    #[schema(max_length = 500)]
    pub title: Option<String>,
    /// The edition of the code system.
    #[schema(max_length = 40)]
    pub edition: Option<String>,
    /// The effective group: the given one, else the group that lists its code.
    #[schema(max_length = 40)]
    pub effective_group: Option<String>,
}

impl Entry for Procedure {
    const KIND: EntryKind = EntryKind::Procedure;
    type Derived = Performed;

    fn examine(&self, exam: &mut Examination<'_>) -> Performed {
        exam.day("performed_on", self.performed_on);
        exam.listed("procedure_group", List::ProcedureGroup, self.procedure_group.as_deref(), self.performed_on);
        let sites = exam.many("sites", &self.sites, 0..=20);
        exam.faults(faults_of("/sites", sites));
        if self.sites.is_empty() {
            exam.remark(Remark::SiteMissing);
        }
        let system = match self.system {
            ProcedureSystem::Ncmp => System::Ncmp,
            ProcedureSystem::Ncsp => System::Ncsp,
            ProcedureSystem::Ncrp => System::Ncrp,
        };
        let (code, title, edition) = match exam.coded("code", system, &self.code, self.performed_on) {
            Some(Checked { code, title, edition }) => (code, Some(title), Some(edition)),
            None => (self.code.clone(), None, None),
        };
        let of_codes = || exam.lists().procedure_group(&code, self.performed_on).map(str::to_owned);
        let effective_group = self.procedure_group.clone().or_else(of_codes);
        Performed { code, title, edition, effective_group }
    }
}
