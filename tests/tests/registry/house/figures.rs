//! Figures of the layout for comparison over time: they are printed and assert nothing.

use std::collections::BTreeMap;
use std::process::Command;

use super::language::{self, Density};
use super::modules::Modules;
use super::sources::{hand_written, root, rust_files};
use super::{CIRCLE, LONGEST};

/// Types of these names are private to their files by convention.
const CONVENTIONAL: [&str; 2] = ["Row", "RouteError"];

/// The names of the operation whose files are counted.
const ENDPOINT: [&str; 3] = ["acknowledgeAlert", "AcknowledgeAlert", "acknowledge"];

fn share(part: usize, whole: usize) -> f64 {
    let count = |number: usize| u32::try_from(number).map_or(f64::INFINITY, f64::from);
    100.0 * count(part) / count(whole.max(1))
}

/// Returns the names of the structs and enums of a text.
fn types(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let rest = line.trim_start_matches("pub ");
        let name = rest.strip_prefix("struct ").or_else(|| rest.strip_prefix("enum "))?;
        name.split(|letter: char| !letter.is_alphanumeric()).next()
    })
}

#[test]
fn figures_of_the_house() {
    let files = rust_files(&hand_written());
    let program = rust_files(&["domain/src", "tenants/src", "api/src"]);
    let long = files.iter().filter(|file| file.text.lines().count() > LONGEST).count();
    println!("files of more than {LONGEST} lines: {long} of {} ({:.1} %)", files.len(), share(long, files.len()));
    for name in ["domain", "tenants", "api"] {
        let modules = Modules::of(name);
        let circles = modules.circles();
        let long: Vec<_> = circles.iter().filter(|circle| circle.len() > CIRCLE).collect();
        let imports = modules.imports().count();
        println!("import circles of more than {CIRCLE} files in {name}: {} ({imports} imports)", long.len());
        for circle in long {
            println!("  {}: {}", circle.len(), circle.join(" "));
        }
    }
    let tenants = rust_files(&["tenants/src"]);
    let count = |marks: &[&str]| -> usize {
        tenants.iter().map(|file| marks.iter().map(|mark| file.program().matches(mark).count()).sum::<usize>()).sum()
    };
    let raw = count(&["statement("]);
    let built = count(&["insert_into(", "diesel::update(", "diesel::delete(", "::table.", "::table\n", "::table)"]);
    println!("statements as text in tenants: {raw} of {} ({:.0} %)", raw + built, share(raw, raw + built));
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for name in program.iter().flat_map(|file| types(&file.text)).filter(|name| !CONVENTIONAL.contains(name)) {
        *names.entry(name).or_default() += 1;
    }
    let (all, shared) = (names.values().sum(), names.values().filter(|count| **count > 1).sum());
    println!("types that share their name: {shared} of {all} ({:.1} %)", share(shared, all));
    let mut often: Vec<_> = names.into_iter().filter(|(_, count)| *count > 2).collect();
    often.sort_by_key(|(name, count)| (usize::MAX - count, *name));
    println!("  {}", often.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "));
    println!("idioms in 1,000 words of comments: {:.1}", language::comments(&files).per_thousand());
    println!("  of the program only: {:.1}", language::comments(&program).per_thousand());
    println!("  of the specification: {:.1}", language::specification().per_thousand());
    println!("  of the problem table: {:.1}", language::problems().per_thousand());
    let log = Command::new("git").args(["log", "--format=%s", "-n", "300"]).current_dir(root()).output();
    let subjects = log.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    println!("  of the last 300 commit subjects: {:.1}", Density::of(&subjects).per_thousand());
    let short: usize = files.iter().map(|file| file.short_docs().len()).sum();
    println!("one-line doc comments of at most two words: {short}");
    println!("summaries without a verb of the list: {}", language::summaries_without_verb().len());
    let touched: Vec<&str> = files
        .iter()
        .filter(|file| {
            ENDPOINT.iter().any(|name| file.program().contains(name) || file.text.contains(&format!("\"{name}\"")))
        })
        .map(|file| file.path.as_str())
        .collect();
    println!("files that name one endpoint ({}): {}", ENDPOINT[0], touched.len());
    println!("  {}", touched.join(" "));
}
