//! A course being written: entries made of the real structures, with names in place of the ids that a registry will
//! give.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::CourseEntry;
use crate::clinical::{Entry, EntryKind};
use crate::ids::EntryId;

/// Members that refer to entries.
const REFERENCES: [&str; 5] = ["referral_id", "episode_id", "implant_id", "component_id", "component_ids"];

/// The entries so far.
#[derive(Default)]
pub(super) struct Line {
    entries: Vec<CourseEntry>,
    counts: BTreeMap<EntryKind, u32>,
}

/// Returns the name of an entry of a kind in its line, without its number.
const fn initial(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Referral => "r",
        EntryKind::Episode => "e",
        EntryKind::Consultation => "c",
        EntryKind::Diagnosis => "d",
        EntryKind::Procedure => "p",
        EntryKind::PainSite => "s",
        EntryKind::TreatmentGoal => "g",
        EntryKind::Medication => "m",
        EntryKind::Implant => "i",
        EntryKind::ImplantComponent => "ic",
        EntryKind::ImplantProgramme => "ip",
        EntryKind::ImplantEvent => "ie",
        EntryKind::ImplantCheck => "ik",
        EntryKind::LegalBasis => "l",
        EntryKind::ProjectParticipation => "pp",
        EntryKind::Sample => "b",
    }
}

impl Line {
    /// Adds an entry, and returns the id by which later ones refer to it: its index in the line.
    pub(super) fn add<T: Entry>(&mut self, entry: &T) -> EntryId {
        let place = u128::try_from(self.entries.len()).unwrap_or(u128::MAX);
        let mut content = serde_json::to_value(entry).unwrap_or_default();
        self.put_names(&mut content, false);
        let count = self.counts.entry(T::KIND).or_default();
        *count += 1;
        let name = format!("{}{count}", initial(T::KIND));
        self.entries.push(CourseEntry { kind: T::KIND, r#as: name, content });
        EntryId::existing(Uuid::from_u128(place))
    }

    /// Replaces ids by names, and leaves out members without value.
    fn put_names(&self, content: &mut Value, refers: bool) {
        match content {
            Value::String(text) if refers => {
                if let Some(name) = self.name_of(text) {
                    *text = format!("#{name}");
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.put_names(item, refers)),
            Value::Object(members) => {
                members.retain(|_, value| !value.is_null());
                for (name, value) in members {
                    self.put_names(value, REFERENCES.contains(&name.as_str()));
                }
            }
            _ => {}
        }
    }

    fn name_of(&self, id: &str) -> Option<&str> {
        let place = usize::try_from(id.parse::<Uuid>().ok()?.as_u128()).ok()?;
        self.entries.get(place).map(|entry| entry.r#as.as_str())
    }

    pub(super) fn into_entries(self) -> Vec<CourseEntry> {
        self.entries
    }
}
