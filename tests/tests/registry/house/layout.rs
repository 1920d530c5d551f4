//! The layout: floors of `tenants`, import circles, routes apart from each other, short files.

use std::collections::BTreeSet;

use super::modules::Modules;
use super::sources::{hand_written, rust_files};
use super::{CIRCLE, LONGEST};

/// The floors of `tenants`, the lowest first: a module and all below it. A file imports its own floor and those below.
const FLOORS: [(&str, &[&str]); 7] = [
    (
        "ground",
        &[
            "cache",
            "clock",
            "columns",
            "connections",
            "crypt",
            "cursor",
            "database_check",
            "error",
            "issuer",
            "keys",
            "news",
            "place",
            "pool",
            "principal",
            "schema",
            "schema_version",
            "session",
            "settings",
            "statement",
            "template",
        ],
    ),
    ("transaction", &["transaction", "tx", "access", "reach", "audit", "history", "listing"]),
    ("stores", &["store"]),
    ("use cases", &["app"]),
    ("commit", &["commit"]),
    ("scope", &["scope", "once"]),
    ("top", &["registry", "provision", "migrate", "local", "proof", "readiness", "retention", "testing", "wake"]),
];

/// Names of files that may be longer than [`LONGEST`]: long, but one job each.
const LONG: [&str; 5] = ["national_id.rs", "decide.rs", "edition.rs", "book.rs", "problem.rs"];

fn floor(module: &str) -> Option<usize> {
    let first = module.split("::").next().unwrap_or_default();
    FLOORS.iter().position(|(_, modules)| modules.contains(&first))
}

/// The noun of a route: `webhooks` of `routes::webhooks::create`.
fn noun(module: &str) -> Option<&str> {
    module.strip_prefix("routes::").and_then(|rest| rest.split("::").next())
}

#[test]
fn tenants_import_no_higher_floor() {
    let tenants = Modules::of("tenants");
    let mut wrong = BTreeSet::new();
    for (from, to) in tenants.imports() {
        match (floor(from), floor(to)) {
            // The crate's root, which only re-exports.
            _ if to.is_empty() => {}
            (Some(lower), Some(higher)) if lower < higher => {
                wrong.insert(format!("{from} ({}) imports {to} ({})", FLOORS[lower].0, FLOORS[higher].0));
            }
            (Some(_), Some(_)) => {}
            (None, _) => {
                wrong.insert(format!("{from} is on no floor"));
            }
            (_, None) => {
                wrong.insert(format!("{to} is on no floor"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} imports against the floors:\n{}", wrong.len(), lines(wrong));
}

#[test]
fn tenants_have_no_import_circle() {
    no_circles("tenants");
}

#[test]
fn api_has_no_import_circle() {
    no_circles("api");
}

/// Fails where more than [`CIRCLE`] files of a crate import each other. The circles of `domain` are printed with the
/// figures: there a noun and its parts share a vocabulary.
#[track_caller]
fn no_circles(crate_name: &str) {
    let modules = Modules::of(crate_name);
    let long = modules.circles().into_iter().filter(|circle| circle.len() > CIRCLE);
    let found: Vec<String> = long.map(|circle| format!("{}: {}", circle.len(), circle.join(" "))).collect();
    assert!(found.is_empty(), "import circles in {crate_name}:\n{}", found.join("\n"));
}

#[test]
fn routes_import_no_routes_of_another_noun() {
    let api = Modules::of("api");
    let foreign = api.imports().filter_map(|(from, to)| {
        let (own, other) = (noun(from)?, noun(to)?);
        (own != other).then(|| format!("{from} imports {to}"))
    });
    let found: BTreeSet<String> = foreign.collect();
    assert!(found.is_empty(), "{} imports between routes:\n{}", found.len(), lines(found));
}

/// A file that no `mod` names is not compiled, and no tool says so.
#[test]
fn every_file_is_a_module() {
    let files = rust_files(&["domain/src", "tenants/src", "api/src"]);
    let is_declared = |path: &str| {
        let (folder, name) = path.rsplit_once('/').expect("a folder");
        let declaration = format!("mod {};", name.trim_end_matches(".rs"));
        let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
        files.iter().any(|file| parents.contains(&file.path) && file.text.contains(&declaration))
    };
    let roots = ["lib.rs", "main.rs"];
    let paths = files.iter().map(|file| file.path.clone());
    let apart: BTreeSet<String> =
        paths.filter(|path| !roots.iter().any(|root| path.ends_with(root)) && !is_declared(path)).collect();
    assert!(apart.is_empty(), "files that are no module:\n{}", lines(apart));
}

#[test]
fn files_are_short() {
    let long = rust_files(&hand_written()).into_iter().filter_map(|file| {
        let count = file.text.lines().count();
        (count > LONGEST && !LONG.iter().any(|name| file.path.ends_with(&format!("/{name}"))))
            .then(|| format!("{count} {}", file.path))
    });
    let found: BTreeSet<String> = long.collect();
    assert!(found.is_empty(), "{} files of more than {LONGEST} lines:\n{}", found.len(), lines(found));
}

/// `wire::Body` checks what `#[schema(..)]` states: a second statement of a limit could differ from it.
#[test]
fn limits_are_stated_in_the_schema_only() {
    let stated = |text: &str| ["#[validate(", "deserialize_with"].into_iter().find(|mark| text.contains(mark));
    let files = rust_files(&["api/src"]).into_iter();
    let found: BTreeSet<String> =
        files.filter_map(|file| stated(&file.text).map(|mark| format!("{} has {mark}", file.path))).collect();
    assert!(found.is_empty(), "{}", lines(found));
}

#[test]
fn every_patch_is_a_merge_patch() {
    let changes = |text: &str| text.contains("#[patch(") || text.contains("async fn change<T: Entry>");
    let files = rust_files(&["api/src/routes"]).into_iter().filter(|file| changes(&file.text));
    let (merged, other): (Vec<_>, Vec<_>) = files.partition(|file| file.text.contains(", Patch"));
    assert!(other.is_empty(), "{}", lines(other.into_iter().map(|file| file.path).collect()));
    assert!(merged.len() >= 6, "only {} patches", merged.len());
}

/// "Permission denied" alone does not say to what.
#[test]
fn file_operations_of_commands_name_their_path() {
    const OPERATIONS: [&str; 5] = ["std::fs::", "File::open(", "File::create(", "OpenOptions::new(", "File::options("];
    const NAMED: [&str; 3] = [".at(", "map_err(", ".ok()"];
    let files = rust_files(&["api/src/commands"]).into_iter().filter(|file| !file.path.ends_with("/tests.rs"));
    let found: BTreeSet<String> = files
        .flat_map(|file| {
            let program = file.program();
            let statements = program.split([';', '{', '}']).filter(|it| !it.trim_start().starts_with("use "));
            let unnamed = statements.filter(|it| {
                OPERATIONS.iter().any(|operation| it.contains(operation))
                    && it.contains('?')
                    && !NAMED.iter().any(|named| it.contains(named))
            });
            unnamed.map(|it| format!("{}: {}", file.path, it.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "errors without the path:\n{}", lines(found));
}

fn lines(found: BTreeSet<String>) -> String {
    found.into_iter().collect::<Vec<_>>().join("\n")
}
