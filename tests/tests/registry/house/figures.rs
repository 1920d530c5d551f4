//! Figures of the layout for comparison over time: they are printed and assert nothing.

use std::collections::BTreeMap;
use std::process::Command;

use super::language::{self, Density};
use super::modules::Modules;
use super::sources::{Source, hand_written, root, rust_files};
use super::{CIRCLE, LONGEST};

/// Types of these names are private to their files by convention.
const CONVENTIONAL: [&str; 2] = ["Row", "RouteError"];

/// The subject of the commit that added one endpoint; the files that it touched are counted.
const ENDPOINT: &str = "alerts: read one alert";

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

/// Prints how many types of these files share their name with another, and the most frequent names.
fn print_shared_types(title: &str, files: &[Source]) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for name in files.iter().flat_map(|file| types(&file.text)).filter(|name| !CONVENTIONAL.contains(name)) {
        *names.entry(name).or_default() += 1;
    }
    let (all, shared) = (names.values().sum(), names.values().filter(|count| **count > 1).sum());
    println!("types that share their name in {title}: {shared} of {all} ({:.1} %)", share(shared, all));
    let mut often: Vec<_> = names.into_iter().filter(|(_, count)| *count > 2).collect();
    often.sort_by_key(|(name, count)| (usize::MAX - count, *name));
    println!("  {}", often.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", "));
}

/// Returns the output of git in the repository; empty without git.
fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(root()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
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
    print_shared_types("the program", &program);
    for name in ["domain", "tenants", "api"] {
        print_shared_types(name, &rust_files(&[&format!("{name}/src")]));
    }
    println!("idioms in 1,000 words of comments: {:.1}", language::comments(&files).per_thousand());
    println!("  of the program only: {:.1}", language::comments(&program).per_thousand());
    println!("  of the specification: {:.1}", language::specification().per_thousand());
    println!("  of the problem table: {:.1}", language::problems().per_thousand());
    let subjects = git(&["log", "--format=%s", "-n", "300"]);
    println!("  of the last 300 commit subjects: {:.1}", Density::of(&subjects).per_thousand());
    let short: usize = files.iter().map(|file| file.short_docs().len()).sum();
    println!("one-line doc comments of at most two words: {short}");
    println!("summaries without a verb of the list: {}", language::summaries_without_verb().len());
    let commit = git(&["log", "--format=%H", "-n", "1", "--grep", &format!("^{ENDPOINT}$")]);
    if commit.is_empty() {
        println!("files touched for one endpoint: no commit \"{ENDPOINT}\"");
    } else {
        let touched = git(&["show", "--format=", "--name-only", commit.trim()]);
        println!("files touched for one endpoint (\"{ENDPOINT}\"): {}", touched.lines().count());
        println!("  {}", touched.lines().collect::<Vec<_>>().join(" "));
    }
}
