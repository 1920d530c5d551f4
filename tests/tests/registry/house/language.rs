//! The language of comments, specification and problems: plain technical English. Thresholds are the measured state, to
//! be lowered to the goals: 4 idioms in 1,000 words, no short doc comment, every summary an imperative.

use serde_json::Value;

use super::sources::{Source, hand_written, root, rust_files};

/// The idioms that are counted. Each is correct in some places; the measure is their density.
const IDIOMS: [&str; 32] = [
    "whoever",
    "whom",
    "whose",
    "nobody",
    "somebody",
    "everybody",
    "deed",
    "deeds",
    "told",
    "tell",
    "tells",
    "learnt",
    "stands",
    "stood",
    "meanwhile",
    "afresh",
    "anew",
    "it is",
    "what is",
    "where it",
    "mended",
    "reckon",
    "reckoned",
    "lies",
    "lie",
    "of its own",
    "by itself",
    "alike",
    "at the most",
    "hands",
    "rung",
    "ring",
];

/// Most idioms in 1,000 words of comments.
const COMMENTS: f64 = 4.0;
/// Most idioms in 1,000 words of the specification's summaries and descriptions.
const SPECIFICATION: f64 = 4.0;
/// Most idioms in 1,000 words of the problem table.
const PROBLEMS: f64 = 4.0;

/// The verbs that summaries of operations begin with.
const VERBS: [&str; 36] = [
    "Acknowledge",
    "Add",
    "Apply",
    "Begin",
    "Change",
    "Check",
    "Claim",
    "Close",
    "Compare",
    "Count",
    "Create",
    "Delete",
    "Discard",
    "Export",
    "Find",
    "Import",
    "List",
    "Look",
    "Merge",
    "Publish",
    "Read",
    "Record",
    "Register",
    "Remove",
    "Replace",
    "Replay",
    "Report",
    "Resume",
    "Run",
    "Score",
    "Search",
    "Send",
    "Simulate",
    "Store",
    "Submit",
    "Update",
];

/// Verbs of operations that there is one of.
const RARE: [&str; 15] = [
    "Cancel", "Deliver", "Dismiss", "Drop", "Hand", "Load", "Migrate", "Rescore", "Rotate", "Save", "Set", "Start",
    "Suspend", "Undo", "Withdraw",
];

/// The number of idioms and words of a text.
#[derive(Clone, Copy, Default)]
pub struct Density {
    idioms: usize,
    words: usize,
}

impl Density {
    /// Counts the idioms and words of a text.
    pub fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '\'';
        let words: Vec<&str> = lower.split(|letter| !word(letter)).filter(|word| !word.is_empty()).collect();
        let spaced = format!(" {} ", words.join(" "));
        let idioms = IDIOMS.iter().map(|idiom| spaced.matches(&format!(" {idiom} ")).count()).sum();
        Self { idioms, words: words.len() }
    }

    /// Returns the idioms in 1,000 words.
    pub fn per_thousand(self) -> f64 {
        let count = |number: usize| u32::try_from(number).map_or(f64::INFINITY, f64::from);
        1000.0 * count(self.idioms) / count(self.words.max(1))
    }
}

/// Returns the density of idioms in all comments.
pub fn comments(files: &[Source]) -> Density {
    Density::of(&files.iter().flat_map(Source::comments).collect::<Vec<_>>().join("\n"))
}

fn document() -> Value {
    let text = std::fs::read_to_string(root().join("openapi/openapi.json")).expect("the specification");
    serde_json::from_str(&text).expect("JSON")
}

/// Returns the density of idioms in every summary and description of the specification.
pub fn specification() -> Density {
    let mut texts = Vec::new();
    collect(&document(), &mut texts);
    Density::of(&texts.join("\n"))
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if ["summary", "description"].contains(&name.as_str()) => {
                        texts.push(text.clone())
                    }
                    _ => collect(value, texts),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        _ => {}
    }
}

/// Returns the density of idioms in the problem table.
pub fn problems() -> Density {
    Density::of(&std::fs::read_to_string(root().join("openapi/problems.md")).expect("the problem table"))
}

/// Returns summaries of operations that begin with no verb of the lists.
pub fn summaries_without_verb() -> Vec<String> {
    let document = document();
    let operations = document["paths"].as_object().expect("paths").values();
    let operations = operations.flat_map(|item| item.as_object().into_iter().flat_map(|item| item.values()));
    let summaries = operations.map(|operation| operation["summary"].as_str().unwrap_or_default().to_owned());
    let first =
        |summary: &str| summary.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default().to_owned();
    summaries
        .filter(|summary| !VERBS.contains(&first(summary).as_str()) && !RARE.contains(&first(summary).as_str()))
        .collect()
}

#[test]
fn language_of_comments_is_plain() {
    let found = comments(&rust_files(&hand_written())).per_thousand();
    assert!(found <= COMMENTS, "{found:.1} idioms in 1,000 words of comments");
}

#[test]
fn language_of_the_specification_is_plain() {
    let found = specification().per_thousand();
    assert!(found <= SPECIFICATION, "{found:.1} idioms in 1,000 words of summaries and descriptions");
    let found = problems().per_thousand();
    assert!(found <= PROBLEMS, "{found:.1} idioms in 1,000 words of the problem table");
}

#[test]
fn doc_comments_say_more_than_two_words() {
    let files = rust_files(&hand_written());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| file.short_docs().into_iter().map(|doc| format!("{}: {doc}", file.path)))
        .collect();
    assert!(found.is_empty(), "{} doc comments of at most two words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn summaries_begin_with_a_verb() {
    let found = summaries_without_verb();
    assert!(found.is_empty(), "{} summaries without a verb of the list:\n{}", found.len(), found.join("\n"));
}

#[test]
fn density_counts_whole_words() {
    let found = Density::of("Nobody is told. The lies, the liege; it is so");
    assert_eq!((found.idioms, found.words), (4, 10));
}
