//! The table of kinds and the tables of the database: members are columns, words are what a `CHECK` lists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::clinical::{body, history, legal_basis};
use crate::code::PainClass;
use crate::code_list::ProjectKind;
use crate::medication::{DoseUnit, Route, StopReason};

const FRAME: [&str; 7] = ["id", "patient_id", "remarks", "created_at", "updated_at", "updated_by", "version"];

/// A column or constraint, on one line.
type Line = String;

/// Every table of the migration with its lines, as they are written: each in one piece.
fn tables() -> BTreeMap<String, Vec<Line>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/tenant/2026-11-23-000002_clinical/up.sql");
    let text = std::fs::read_to_string(path).expect("the migration");
    let text: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let mut tables = BTreeMap::new();
    for definition in text.join("\n").split("CREATE TABLE ").skip(1) {
        let (name, rest) = definition.split_once(" (\n").expect("a table");
        let (body, _) = rest.split_once("\n);").expect("its end");
        let mut lines: Vec<Line> = Vec::new();
        for line in body.lines() {
            match (line.strip_prefix("     "), lines.last_mut()) {
                (Some(more), Some(last)) => *last = format!("{last} {}", more.trim()),
                _ => lines.push(line.trim().to_owned()),
            }
        }
        tables.insert(name.to_owned(), lines);
    }
    tables
}

/// The columns of a table, and whether they may be empty.
fn columns(lines: &[Line]) -> BTreeMap<String, bool> {
    let is_column = |line: &&Line| line.starts_with(|first: char| first.is_ascii_lowercase());
    let named = |line: &Line| (line.split(' ').next().unwrap_or_default().to_owned(), !line.contains(" NOT NULL"));
    lines.iter().filter(is_column).map(named).collect()
}

fn members_of<T: Entry>() -> &'static [&'static str] {
    members::<T>()
}

fn is_read<T: Entry>(entry: &Value) -> bool {
    serde_json::from_value::<T>(entry.clone()).is_ok()
}

fn derived_of(kind: EntryKind) -> Vec<String> {
    let Value::Object(derived) = say(kind, &json!({})).derived else { panic!("{kind}") };
    derived.keys().cloned().collect()
}

#[test]
fn members_of_every_kind_equal_the_columns_of_its_table() {
    let tables = tables();
    for kind in EntryKind::iter() {
        let table = kind.to_string();
        let row = kind.row();
        let mut expected: BTreeSet<String> = FRAME.map(str::to_owned).into();
        let own = of_kind!(kind, members_of());
        expected.extend(own.iter().map(|it| (*it).to_owned()).chain(derived_of(kind)));
        for sealed in row.free_text {
            assert!(expected.remove(*sealed), "{kind}: {sealed}");
            expected.insert("sealed".to_owned());
        }
        let columns: BTreeSet<String> = columns(&tables[&table]).into_keys().collect();
        assert_eq!(columns, expected, "{kind}");
        assert!(FRAME.iter().all(|name| !own.contains(name)), "{kind}");
    }
}

#[test]
fn members_are_nullable_where_their_columns_are() {
    let tables = tables();
    for kind in EntryKind::iter() {
        let columns = columns(&tables[&kind.to_string()]);
        for member in of_kind!(kind, members_of()) {
            let entry = changed(kind, &json!({*member: null}));
            match columns.get(*member) {
                Some(nullable) => assert_eq!(of_kind!(kind, is_read(&entry)), *nullable, "{kind}: {member}"),
                None => assert!(kind.row().free_text.contains(member), "{kind}: {member}"),
            }
        }
    }
}

#[test]
fn entry_serialises_all_members_and_refuses_others() {
    fn written<T: Entry>(entry: &Value) -> Result<Value, serde_json::Error> {
        serde_json::from_value::<T>(entry.clone()).map(|entry| serde_json::to_value(entry).expect("JSON"))
    }
    for kind in EntryKind::iter() {
        let entry = good(kind);
        let own: BTreeSet<&str> = of_kind!(kind, members_of()).iter().copied().collect();
        let given: BTreeSet<&str> = entry.as_object().expect("members").keys().map(String::as_str).collect();
        assert_eq!(given, own, "{kind}: the example fills in everything");
        assert_eq!(of_kind!(kind, written(&entry)).expect("an entry"), entry, "{kind}");
        // Optional members are null; derived members and members of the frame are refused.
        let needed: Vec<&str> = own
            .iter()
            .copied()
            .filter(|it| {
                let mut less = entry.clone();
                less.as_object_mut().expect("members").remove(*it);
                of_kind!(kind, written(&less)).is_err()
            })
            .collect();
        let mut least = entry.clone();
        least.as_object_mut().expect("members").retain(|name, _| needed.contains(&name.as_str()));
        let whole = of_kind!(kind, written(&least)).expect("an entry");
        assert_eq!(whole.as_object().expect("members").len(), own.len(), "{kind}");
        let others = derived_of(kind).into_iter().chain(["id", "version", "remarks"].map(str::to_owned));
        for other in others.filter(|other| !own.contains(other.as_str())) {
            assert!(of_kind!(kind, written(&changed(kind, &json!({other: null})))).is_err(), "{kind}");
        }
    }
}

#[test]
fn kind_rows_name_existing_members() {
    for kind in EntryKind::iter() {
        let row = kind.row();
        let own = of_kind!(kind, members_of());
        let derived = derived_of(kind);
        let entry = good(kind);
        let is_day = |name: &str| entry[name].as_str().is_none_or(|text| text.parse::<Date>().is_ok());
        assert!(own.contains(&row.day) && is_day(row.day), "{kind}: {}", row.day);
        if let Some(until) = row.until {
            assert!(own.contains(&until) && until != row.day && is_day(until), "{kind}: {until}");
        }
        if let Some((member, parent)) = row.parent {
            assert!(own.contains(&member) && member == format!("{parent}_id"), "{kind}: {member}");
            assert_ne!(parent, kind);
        }
        // Lists are filtered by members that are stored as text or reference.
        for (at, filter) in row.filters.iter().enumerate() {
            assert!(own.contains(filter) || derived.iter().any(|it| it == filter), "{kind}: {filter}");
            assert!(!row.free_text.contains(filter) && !row.filters[..at].contains(filter), "{kind}: {filter}");
            let value = entry.get(*filter).cloned().unwrap_or_else(|| say(kind, &json!({})).derived[*filter].clone());
            assert!(value.is_string() || value.is_null(), "{kind}: {filter}");
        }
        for text in row.free_text {
            assert!(own.contains(text) && entry[*text].is_string(), "{kind}: {text}");
        }
    }
}

#[test]
fn kind_rows_have_unique_paths_and_words() {
    let is_kebab =
        |path: &str| path.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let rows: Vec<KindRow> = EntryKind::iter().map(EntryKind::row).collect();
    assert!(rows.iter().all(|row| is_kebab(row.path)));
    for words in [|row: &KindRow| row.path, |row: &KindRow| row.en, |row: &KindRow| row.nb] {
        let unique: BTreeSet<&str> = rows.iter().map(words).collect();
        assert_eq!(unique.len(), EntryKind::COUNT);
        assert!(unique.iter().all(|word| !word.trim().is_empty()));
    }
    for kind in EntryKind::iter() {
        let name = kind.to_string();
        assert_eq!(name.parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).expect("a text"), name);
        assert!(tables().contains_key(&name), "{name}");
    }
}

/// An enumeration has the same words in columns and in bodies.
fn words_of<T>() -> BTreeSet<String>
where
    T: strum::IntoEnumIterator + Into<&'static str> + Serialize + Copy,
{
    let word = |it: T| {
        let word: &'static str = it.into();
        assert_eq!(serde_json::to_value(it).expect("a text"), word);
        word.to_owned()
    };
    T::iter().map(word).collect()
}

#[test]
fn checks_list_the_words_of_their_enumerations() {
    let mut reasons = words_of::<history::ChangeReason>();
    // Merges write these themselves.
    reasons.extend(["merge", "merge_undone"].map(str::to_owned));
    let mut known = BTreeMap::from([
        ("code_list_list_known", words_of::<List>()),
        ("project_kind_known", words_of::<ProjectKind>()),
        ("row_history_reason_known", reasons),
        ("consultation_sequence_known", words_of::<Sequence>()),
        ("consultation_mode_known", words_of::<Mode>()),
        ("consultation_attendance_known", words_of::<Attendance>()),
        ("diagnosis_system_known", words_of::<DiagnosisSystem>()),
        ("diagnosis_chronic_pain_known", words_of::<PainClass>()),
        ("procedure_system_known", words_of::<ProcedureSystem>()),
        ("pain_site_reported_by_known", words_of::<ReportedBy>()),
        ("treatment_goal_set_by_known", words_of::<SetBy>()),
        ("medication_route_known", words_of::<Route>()),
        ("medication_unit_known", words_of::<DoseUnit>()),
        ("medication_stop_reason_known", words_of::<StopReason>()),
        ("implant_modality_known", words_of::<Modality>()),
        ("implant_indication_known", words_of::<Indication>()),
        ("implant_screening_known", words_of::<Screening>()),
        ("implant_stages_known", words_of::<Stages>()),
        ("implant_trial_outcome_known", words_of::<TrialOutcome>()),
        ("implant_component_component_known", words_of::<ComponentKind>()),
        ("implant_component_side_known", words_of::<body::Side>()),
        ("implant_component_ipg_site_known", words_of::<IpgSite>()),
        ("implant_component_mri_known", words_of::<MriCondition>()),
        ("implant_programme_waveform_known", words_of::<Waveform>()),
        ("implant_programme_amplitude_unit_known", words_of::<AmplitudeUnit>()),
        ("implant_event_event_known", words_of::<EventKind>()),
        ("implant_event_class_known", words_of::<EventClass>()),
        ("implant_check_battery_known", words_of::<Battery>()),
        ("legal_basis_basis_known", words_of::<legal_basis::Basis>()),
        ("legal_basis_decision_known", words_of::<legal_basis::ConsentDecision>()),
        ("legal_basis_against_known", words_of::<legal_basis::Against>()),
        ("legal_basis_source_known", words_of::<legal_basis::BasisSource>()),
        ("sample_state_known", words_of::<SampleState>()),
    ]);
    for (table, lines) in tables() {
        for line in lines.iter().filter(|line| line.contains(" IN (")) {
            let (column, _) = line.split_once(' ').expect("a column");
            let name = format!("{table}_{column}_known");
            let (_, check) = line.split_once(&format!(" CONSTRAINT {name} CHECK ({column} IN (")).expect(line);
            let (listed, _) = check.split_once("))").expect(line);
            let listed: Vec<&str> = listed.split(", ").map(|word| word.trim_matches('\'')).collect();
            let words = known.remove(name.as_str()).unwrap_or_else(|| panic!("{name}: whose words are these?"));
            assert_eq!(listed.len(), words.len(), "{name}");
            assert_eq!(listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), words, "{name}");
        }
    }
    assert_eq!(known.keys().collect::<Vec<_>>(), Vec::<&&str>::new(), "no CHECK lists them");
}

#[test]
fn checks_exist_for_members_with_fixed_words_only() {
    let tables = tables();
    for kind in EntryKind::iter() {
        let lines = &tables[&kind.to_string()];
        for member in of_kind!(kind, members_of()) {
            let column = lines.iter().find_map(|line| line.strip_prefix(&format!("{member} ")));
            if let Some(definition) = column.map(str::trim_start).filter(|it| it.starts_with("text")) {
                let takes_any = of_kind!(kind, is_read(&changed(kind, &json!({*member: "no_such_word"}))));
                assert_eq!(definition.contains(" IN ("), !takes_any, "{kind}: {member}");
            }
        }
    }
}
