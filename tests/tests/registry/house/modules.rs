//! The modules of a crate and their imports: `use` lines and paths in the program, followed through re-exports to the
//! file that defines the name. `mod x;` is no import.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::rust_files;

/// The modules of a crate; the root is the empty name.
pub struct Modules {
    imports: BTreeMap<String, BTreeSet<String>>,
}

/// A module's names that are defined elsewhere: the name and the path behind it.
type Exports = BTreeMap<String, BTreeMap<String, Vec<String>>>;

impl Modules {
    /// Reads the modules of the crate in this folder.
    pub fn of(crate_name: &str) -> Self {
        let folder = format!("{crate_name}/src");
        let sources: BTreeMap<String, String> = rust_files(&[&folder])
            .iter()
            .filter(|file| !file.path.ends_with("/main.rs") && !file.path.contains("/tests"))
            .map(|file| (module_of(&file.path[folder.len() + 1..]), file.program()))
            .collect();
        let names: BTreeSet<String> = sources.keys().cloned().collect();
        let mut exports = Exports::new();
        for (module, program) in &sources {
            for (name, path) in uses(program) {
                let path = absolute(module, &path, &names);
                if let (Some(name), Some(path)) = (name, path) {
                    exports.entry(module.clone()).or_default().insert(name, path);
                }
            }
        }
        let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, program) in &sources {
            let paths = uses(program).into_iter().map(|(_, path)| path).chain(inline(program));
            let found = paths.filter_map(|path| absolute(module, &path, &names));
            let files = found.map(|path| file_of(&path, &names, &exports, 8)).filter(|file| file != module);
            // The root may re-export everything.
            let files: BTreeSet<String> = if module.is_empty() { BTreeSet::new() } else { files.collect() };
            imports.insert(module.clone(), files);
        }
        Self { imports }
    }

    /// Returns every import: the importing module and the imported one.
    pub fn imports(&self) -> impl Iterator<Item = (&str, &str)> {
        self.imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from.as_str(), to.as_str())))
    }

    /// Returns the modules that import each other, directly or through others: strongly connected components of more
    /// than one.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.imports.keys().map(|module| (module.as_str(), self.reached(module))).collect();
        let mut circles: BTreeSet<Vec<&str>> = BTreeSet::new();
        for (module, all) in &reached {
            let circle = all.iter().copied().filter(|other| reached[other].contains(module)).collect::<Vec<_>>();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reached(&self, module: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = self.imports[module].iter().map(String::as_str).collect();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.imports[next].iter().map(String::as_str));
            }
        }
        found
    }
}

/// Returns the module of a file: `store::events` for `store/events.rs`, the root for `lib.rs`.
fn module_of(path: &str) -> String {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { String::new() } else { path.replace('/', "::") }
}

/// Returns the `use` lines of a program: the name that a line imports, and its path.
fn uses(program: &str) -> Vec<(Option<String>, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = program;
    while let Some(at) = rest.find("use ") {
        let starts = at == 0 || rest[..at].ends_with(['\n', ' ', ')']);
        rest = &rest[at + 4..];
        let Some(end) = rest.find(';').filter(|_| starts) else { continue };
        let line: String = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.contains(['(', '=']) {
            tree(&[], &line, &mut found);
        }
    }
    found
}

fn tree(prefix: &[String], text: &str, found: &mut Vec<(Option<String>, Vec<String>)>) {
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in text.char_indices().chain([(text.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                branch(prefix, text[start..at].trim(), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn branch(prefix: &[String], text: &str, found: &mut Vec<(Option<String>, Vec<String>)>) {
    if text.is_empty() {
        return;
    }
    let whole = |head: &str| {
        let parts =
            head.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty() && part != "self");
        prefix
            .iter()
            .cloned()
            .chain(if prefix.is_empty() && head.starts_with("self") { Some("self".to_owned()) } else { None })
            .chain(parts)
            .collect::<Vec<_>>()
    };
    if let Some((head, inner)) = text.split_once('{') {
        tree(&whole(head), inner.trim_end_matches('}'), found);
        return;
    }
    let (path, alias) = text.split_once(" as ").map_or((text, None), |(path, alias)| (path, Some(alias.to_owned())));
    let path = whole(path);
    found.push((alias.or_else(|| path.last().cloned()), path));
}

/// Returns paths in the program that begin with `crate::` or `super::`.
fn inline(program: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in program.match_indices(start) {
            let before = program[..at].chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
                continue;
            }
            let rest = &program[at..];
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
            let path = rest[..end.unwrap_or(rest.len())].split("::").map(str::to_owned);
            found.push(path.filter(|part| !part.is_empty()).collect());
        }
    }
    found
}

/// Returns the path from the crate's root; `None` for a path of another crate.
fn absolute(module: &str, path: &[String], names: &BTreeSet<String>) -> Option<Vec<String>> {
    let mut at: Vec<String> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
        }
        child if names.contains(&joined(&at, child)) => at.push(child.to_owned()),
        _ => return None,
    }
    for part in rest {
        if part == "super" {
            at.pop();
        } else {
            at.push(part.clone());
        }
    }
    Some(at)
}

fn joined(at: &[String], child: &str) -> String {
    at.iter().map(String::as_str).chain([child]).collect::<Vec<_>>().join("::")
}

/// Returns the file that defines the name of a path, through modules and re-exports.
fn file_of(path: &[String], names: &BTreeSet<String>, exports: &Exports, depth: usize) -> String {
    let mut at = String::new();
    for (index, part) in path.iter().enumerate() {
        let child = if at.is_empty() { part.clone() } else { format!("{at}::{part}") };
        if names.contains(&child) {
            at = child;
            continue;
        }
        if depth > 0
            && let Some(target) = exports.get(&at).and_then(|all| all.get(part)).filter(|target| *target != path)
        {
            let whole: Vec<String> = target.iter().chain(path.iter().skip(index + 1)).cloned().collect();
            return file_of(&whole, names, exports, depth - 1);
        }
        break;
    }
    at
}
