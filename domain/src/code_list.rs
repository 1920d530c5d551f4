//! The registry's own lists (kodelister) and projects: what each hospital names itself, with the flags that other rules
//! read. Data of the tenant, checked here.

mod project;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use project::{Field, FieldOption, Project};

use crate::code::Suggestion;
use crate::fault::{Fault, FaultCode};
use crate::words::words;

/// The earliest date that a registry stores.
const EARLIEST: Date = jiff::civil::date(1900, 1, 1);

words! {
    /// The lists that a registry keeps.
    List {
        /// Treatment-right categories (behandlingsrettkategorier).
        TreatmentRight,
        /// The sources of referrals.
        ReferralSource,
        /// The reasons for closing episodes.
        ClosingReason,
        /// Groups of procedures: they start follow-up.
        ProcedureGroup,
        /// Kinds of treatment goals.
        GoalCategory,
        /// Units (enheter) of the hospital.
        Unit,
        /// Kinds of biobank samples.
        SampleType,
    }
    /// The kinds of projects.
    ProjectKind {
        /// Quality improvement (kvalitetsprosjekt).
        Quality,
        /// A research project (forskningsprosjekt).
        Research,
    }
    /// The types of values of a project's fields.
    FieldKind {
        /// A whole number.
        Integer,
        /// A decimal number.
        Decimal,
        /// A date, `YYYY-MM-DD`.
        Date,
        /// Yes or no.
        Boolean,
        /// One of the field's options.
        Option,
    }
}

/// The flags of a listed code that other rules read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CodeListFlags {
    /// For treatment rights: whether the patient counts in the denominator of coverage (dekningsgrad).
    pub counts_in_denominator: bool,
    /// For treatment rights: whether the baseline questionnaire is sent.
    pub triggers_baseline: bool,
    /// For treatment rights and procedure groups: whether follow-up questionnaires are sent.
    pub triggers_follow_up: bool,
    /// For procedure groups: the codes, or prefixes of codes, of the group.
    #[schema(max_items = 200)]
    pub codes: Vec<CodePrefix>,
}

/// A code, or the beginning of codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 12)]
pub struct CodePrefix(pub String);

/// One code of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CodeListEntry)]
pub struct Listed {
    /// The code: lower-case letters, digits and underscores.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9_]{1,40}$")]
    pub code: String,
    /// The name in Norwegian.
    #[schema(min_length = 1, max_length = 200)]
    pub nb: String,
    /// The name in English.
    #[schema(min_length = 1, max_length = 200)]
    pub en: String,
    /// The flags that other rules read.
    #[serde(default)]
    pub flags: CodeListFlags,
    /// The first day it may be used; absent: always.
    #[serde(default)]
    pub valid_from: Option<Date>,
    /// The last day it may be used; absent: until further notice.
    #[serde(default)]
    pub valid_to: Option<Date>,
}

impl Listed {
    /// Returns the faults of the code, sorted by place.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let well_formed = (1..=40).contains(&self.code.len())
            && self.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !well_formed {
            faults.push(Fault::at("code", FaultCode::InvalidFormat));
        }
        for (member, text) in [("nb", &self.nb), ("en", &self.en)] {
            if text.trim().is_empty() {
                faults.push(Fault::at(member, FaultCode::InvalidFormat));
            } else if text.chars().count() > 200 {
                faults.push(Fault::at(member, FaultCode::TooLong));
            }
        }
        if self.valid_from.is_some_and(|from| from < EARLIEST) {
            faults.push(Fault::at("valid_from", FaultCode::InvalidDate));
        }
        if self.valid_from.zip(self.valid_to).is_some_and(|(from, to)| to < from) {
            faults.push(Fault::at("valid_to", FaultCode::WrongOrder));
        }
        if self.valid_to.is_some_and(|to| to < EARLIEST) {
            faults.push(Fault::at("valid_to", FaultCode::InvalidDate));
        }
        if self.flags.codes.len() > 200 {
            faults.push(Fault::new("/flags/codes", FaultCode::TooLong));
        }
        let is_prefix = |CodePrefix(text): &CodePrefix| {
            (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let wrong = self.flags.codes.iter().enumerate().filter(|(_, prefix)| !is_prefix(prefix));
        faults.extend(wrong.map(|(at, _)| Fault::new(format!("/flags/codes/{at}"), FaultCode::InvalidFormat)));
        faults
    }

    fn holds(&self, on: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= on) && self.valid_to.is_none_or(|to| on <= to)
    }
}

/// The reason for the refusal of a code, with the codes in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRefused {
    code: FaultCode,
    nearest: Vec<Suggestion>,
}

impl CodeRefused {
    /// The fault at that member.
    pub fn at(self, member: &str) -> Fault {
        Fault::at(member, self.code).with_suggestions(self.nearest)
    }
}

/// A list of a template: its codes in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    list: List,
    codes: Vec<Listed>,
}

/// All lists and projects of a registry.
#[derive(Clone, Debug, Default)]
pub struct CodeLists {
    lists: Vec<(List, Vec<Listed>)>,
    projects: Vec<Project>,
}

impl CodeLists {
    /// The lists and projects that a registry has stored.
    pub fn new(listed: impl IntoIterator<Item = (List, Listed)>, projects: Vec<Project>) -> Self {
        let mut lists = Self { lists: Vec::new(), projects };
        for (list, code) in listed {
            match lists.lists.iter_mut().find(|(known, _)| *known == list) {
                Some((_, codes)) => codes.push(code),
                None => lists.lists.push((list, vec![code])),
            }
        }
        lists
    }

    /// The lists of a template: `[[lists]]` with `list` and `codes`.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            lists: Vec<Written>,
        }
        let whole: Whole = toml::from_str(text)?;
        Ok(Self {
            lists: whole.lists.into_iter().map(|written| (written.list, written.codes)).collect(),
            projects: Vec::new(),
        })
    }

    /// Every list with its codes in order.
    pub fn all(&self) -> &[(List, Vec<Listed>)] {
        &self.lists
    }

    /// The codes of a list, in order.
    pub fn of(&self, list: List) -> &[Listed] {
        self.lists.iter().find(|(known, _)| *known == list).map_or(&[], |(_, codes)| codes.as_slice())
    }

    /// A code of a list, in force or not.
    pub fn find(&self, list: List, code: &str) -> Option<&Listed> {
        self.of(list).iter().find(|listed| listed.code == code)
    }

    /// A code of a list, in force on that day.
    pub fn check(&self, list: List, code: &str, on: Date) -> Result<&Listed, CodeRefused> {
        let found = self.find(list, code);
        if let Some(listed) = found.filter(|listed| listed.holds(on)) {
            return Ok(listed);
        }
        let nearest = self.of(list).iter().filter(|listed| listed.holds(on)).take(5);
        Err(CodeRefused {
            code: if found.is_some() { FaultCode::ExpiredCode } else { FaultCode::UnknownCode },
            nearest: nearest.map(|it| Suggestion { code: it.code.clone(), title: it.nb.clone() }).collect(),
        })
    }

    /// The group that a procedure's code belongs to: the one that names most of it.
    pub fn procedure_group(&self, code: &str, on: Date) -> Option<&str> {
        let matching = self.of(List::ProcedureGroup).iter().filter(|listed| listed.holds(on)).filter_map(|listed| {
            let fits = |CodePrefix(prefix): &&CodePrefix| {
                code.get(..prefix.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix))
            };
            Some((listed.flags.codes.iter().filter(fits).map(|it| it.0.len()).max()?, listed))
        });
        // Of groups that name equally much the first of the list counts.
        matching.rev().max_by_key(|(length, _)| *length).map(|(_, listed)| listed.code.as_str())
    }

    /// A project by its code.
    pub fn project(&self, code: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.code == code)
    }
}

#[cfg(test)]
mod tests;
