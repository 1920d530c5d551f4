//! The catalogue of instruments in Markdown, rendered from the definitions that scoring uses. No item wording: that is
//! licensed.

use std::fmt::Write as _;

use painreg_domain::instrument::{Catalogue, Instrument, Scale};

const HEAD: &str = "<!-- Rendered by `painreg openapi write`; do not edit. -->\n# Instruments\n\nEvery answer is a whole number; one outside its range is refused, never clipped. Values are not rounded; bands and cut-offs are compared without rounding, and are aids for screening, not diagnoses. The arithmetic is free; wording is not here: `free`, `text_with_agreement` (with its holder), `text_never` (only under a paid or registered licence).\n\n";

/// The whole document: a table of all, then one section an instrument.
pub(super) fn catalogue() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| instrument | name | items | scales | algorithm | licence |\n|---|---|---|---|---|---|\n");
    for it in Catalogue::shipped().iter() {
        let scales: Vec<&str> = it.scales().map(Scale::code).collect();
        let licence: &str = it.about().licence.into();
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}) | {1} | {2} | {3} | `{4}` | {licence} |",
            it.code(),
            it.name(),
            it.items().len(),
            scales.join(", "),
            it.algorithm()
        );
    }
    for it in Catalogue::shipped().iter() {
        section(&mut text, it);
    }
    text
}

fn section(text: &mut String, it: &'static Instrument) {
    let about = it.about();
    let (direction, licence): (&str, &str) = (about.direction.into(), about.licence.into());
    let _ =
        writeln!(text, "\n## {}\n\n{}, {}. Algorithm `{}`.\n", it.code(), about.name, about.version, it.algorithm());
    let languages = about.languages.join(", ");
    let facts = [
        ("Recall", Some(about.recall.as_str())),
        ("Direction", Some(direction)),
        ("Coding", about.coding.as_deref()),
        ("Missing answers", Some(about.missing.as_str())),
        ("Smallest change that matters", about.mcid.as_deref()),
        ("Languages", Some(languages.as_str()).filter(|languages| !languages.is_empty())),
        ("Licence", Some(licence)),
        ("Licensor", Some(about.licensor.as_str())),
        ("Source", Some(about.source.as_str())),
    ];
    for (what, said) in facts.into_iter().filter_map(|(what, said)| Some((what, said?))) {
        let _ = writeln!(text, "- {what}: {said}");
    }
    let notes = about.notes.iter().map(|note| ("Note", note));
    for (what, said) in notes.chain(about.unconfirmed.iter().map(|what| ("Not confirmed in the publication", what))) {
        let _ = writeln!(text, "- {what}: {said}");
    }
    text.push('\n');
    for run in it.items().chunk_by(|one, next| (one.min(), one.max()) == (next.min(), next.max())) {
        let items: Vec<String> = run.iter().map(|item| format!("`{}` {}", item.code(), item.label())).collect();
        let range = run.first().map(|item| (item.min(), item.max())).unwrap_or_default();
        let _ = writeln!(text, "{} to {}: {}.\n", range.0, range.1, items.join(", "));
    }
    text.push_str("| scale | items | range | more is | bands |\n|---|---|---|---|---|\n");
    for scale in it.scales() {
        let range = match scale.range() {
            Some([low, high]) => format!("{low} to {high}"),
            None if scale.is_text() => "text".to_owned(),
            None => "by value set".to_owned(),
        };
        let direction: &str = match scale.direction().unwrap_or(about.direction) {
            _ if scale.is_text() => "",
            direction => direction.into(),
        };
        let bands: Vec<String> =
            scale.bands().iter().map(|band| format!("{} `{}`", band.name(), band.begins())).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {range} | {} | {} |",
            scale.code(),
            scale.n_items(),
            direction.trim_start_matches("higher_is_"),
            bands.join(", ")
        );
    }
    for (what, rules) in [
        ("Cut-offs", it.flags().iter().map(|flag| format!("{} `{}`", flag.name(), flag.when())).collect::<Vec<_>>()),
        (
            "Alerts",
            it.alert_rules().iter().map(|it| format!("{} `{} >= {}`", it.code(), it.item(), it.at_least())).collect(),
        ),
    ] {
        if !rules.is_empty() {
            let _ = writeln!(text, "\n{what}: {}.", rules.join(", "));
        }
    }
    let sets: Vec<String> = it.value_sets().map(|set| format!("- `{}` {}", set.code(), set.publication())).collect();
    if !sets.is_empty() {
        let _ = writeln!(text, "\nValue sets, the first where none is asked for:\n\n{}", sets.join("\n"));
    }
}
