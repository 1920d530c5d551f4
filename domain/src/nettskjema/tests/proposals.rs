//! Differences between versions of a form, and proposals for its new keys.

use super::recorded::{DEFINITION, FORM, definition};
use super::*;

/// The recorded definition after a change to one element.
fn changed(key: &str, change: impl FnOnce(&mut Element)) -> NettskjemaDefinition {
    let mut now = definition(DEFINITION);
    change(now.elements.iter_mut().find(|element| element.key == key).expect("is there"));
    now
}

fn proposed(
    now: &NettskjemaDefinition,
    before: Option<&NettskjemaDefinition>,
    path: &str,
) -> Vec<(String, ProposalReason)> {
    let delivery = delivery(&everything(now));
    let found = propose(&book(&form(FORM)), [now].into_iter().chain(before), &delivery, path);
    assert!(found.len() <= 3);
    found.into_iter().map(|proposal| (proposal.item, proposal.because)).collect()
}

/// A delivery with every path of the form.
fn everything(now: &NettskjemaDefinition) -> Value {
    let mut answers = json!({});
    for path in now.paths() {
        match path.split_once('.') {
            Some((key, row)) => answers[key][row] = Value::Null,
            None => answers[path] = Value::Null,
        }
    }
    answers
}

fn first(
    now: &NettskjemaDefinition,
    before: Option<&NettskjemaDefinition>,
    path: &str,
) -> Option<(String, ProposalReason)> {
    proposed(now, before, path).into_iter().next()
}

#[test]
fn propose_follows_renamed_keys() {
    let before = definition(DEFINITION);
    let now = changed("duck_or_horse", |element| element.key = "creature".into());
    assert_eq!(first(&now, Some(&before), "creature"), Some(("animal".into(), ProposalReason::SameElement)));
    assert_eq!(first(&now, None, "creature"), Some(("animal".into(), ProposalReason::SameOptions)));
    let now = changed("isi", |element| element.rows[2].key = "third".into());
    assert_eq!(first(&now, Some(&before), "isi.third"), Some(("isi_03".into(), ProposalReason::SameElement)));
    assert_eq!(first(&now, None, "isi.third"), Some(("isi_03".into(), ProposalReason::SameOptions)));
    let now = changed("fnr", |element| element.key = "person".into());
    assert_eq!(proposed(&now, None, "person"), [(NATIONAL_ID_TARGET.to_owned(), ProposalReason::SameKind)]);
}

#[test]
fn propose_compares_normalised_names() {
    for (key, path, because) in [
        ("note", "NOTE", ProposalReason::SameName),
        ("weight", "Weight_", ProposalReason::SameName),
        ("weight", "wieght", ProposalReason::SimilarName),
        ("visit", "visitt", ProposalReason::SimilarName),
        ("weight", "mass", ProposalReason::SameKind),
        ("note", "remark", ProposalReason::SameKind),
    ] {
        let now = changed(key, |element| element.key = path.to_owned());
        assert_eq!(first(&now, None, path), Some((key.to_owned(), because)), "{path}");
    }
    let now = changed("isi", |element| element.rows[2].key = "3".into());
    assert_eq!(proposed(&now, None, "isi.3"), [("isi_03".to_owned(), ProposalReason::SameName)]);
}

#[test]
fn propose_omits_mapped_items() {
    let mut now = definition(DEFINITION);
    now.elements.push(Element::new("weight2".into(), ElementKind::Number));
    assert_eq!(proposed(&now, None, "weight2"), []);
    // Unknown to the definition: only the name speaks.
    assert_eq!(proposed(&now, None, "nothing"), []);
}

#[test]
fn propose_works_from_a_delivery_alone() {
    let delivery = delivery(&json!({"isi": {"1": "2", "02": "3"}, "Years": 3, "grid": {"row1": {"col1": true}}}));
    let proposed = |path| -> Vec<_> {
        let found = propose(&book(&form(FORM)), std::iter::empty(), &delivery, path).into_iter();
        found.map(|proposal| (proposal.item, proposal.because)).collect()
    };
    assert_eq!(proposed("isi.1"), [("isi_01".to_owned(), ProposalReason::SameName)]);
    assert_eq!(proposed("Years"), [("years".to_owned(), ProposalReason::SameName)]);
    assert_eq!(proposed("isi.2"), [], "that item is reached");
}

#[test]
fn differences_name_their_places() {
    let before = definition(DEFINITION);
    let mut now = changed("pain_sites", |element| {
        element.options.remove(1);
        element.options[1].key = "chin".into();
        element.kind = ElementKind::MatrixCheckbox;
    });
    now.elements[4].rows.push(Part { id: None, key: "08".into(), label: String::new() });
    now.elements[6].key = "years_of_pain".into();
    now.elements.remove(10);
    let expected = [
        ("pain_sites", Level::Element, DefinitionChange::Retyped { before: ElementKind::Checkbox }),
        ("pain_sites.chin", Level::Option, DefinitionChange::Renamed { before: "jaw".into() }),
        ("pain_sites.neck", Level::Option, DefinitionChange::Removed),
        ("isi.08", Level::Row, DefinitionChange::Added),
        ("years_of_pain", Level::Element, DefinitionChange::Renamed { before: "years".into() }),
        ("note", Level::Element, DefinitionChange::Removed),
    ];
    let expected = expected.map(|(path, level, change)| DefinitionDifference { path: path.into(), level, change });
    assert_eq!(differences(&before, &now), expected);
    assert_eq!(differences(&before, &before), []);
}
