//! The repository holds no real person's number: every eleven digits that could be a national id are synthetic.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::catalogue::in_repository;

/// The file that quotes published test vectors, including ones with the pattern of real persons.
const EXCEPT: &[&str] = &["domain/src/national_id.rs"];

/// Returns whether these digits could be a real person's: a date without a mark, and both check digits of 1964.
fn could_be_real(digits: &str) -> bool {
    let digits: Vec<u32> = digits.chars().filter_map(|letter| letter.to_digit(10)).collect();
    let [d1, d2, m1, m2, ..] = digits.as_slice() else { return false };
    let (day, month) = (10 * d1 + d2, 10 * m1 + m2);
    // D-numbers have the day + 40. Month + 40 and + 80 mark people who do not exist.
    let dated = (matches!(day, 1..=31) || matches!(day, 41..=71)) && matches!(month, 1..=12);
    let sum = |weights: [u32; 11]| digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    dated && sum([3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0]) == 0 && sum([5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) == 0
}

/// Returns every eleven digits of a text, in one piece or as six digits, a space and five.
fn elevens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut runs: Vec<(usize, String)> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        match runs.last_mut() {
            Some((start, run)) if letter.is_ascii_digit() && *start + run.len() == at => run.push(*letter),
            _ if letter.is_ascii_digit() => runs.push((at, letter.to_string())),
            _ => {}
        }
    }
    for (index, (start, run)) in runs.iter().enumerate() {
        if run.len() == 11 {
            found.push(run.clone());
        }
        if run.len() == 6
            && let Some((next, rest)) = runs.get(index + 1)
            && rest.len() == 5
            && *next == start + 7
        {
            found.push(format!("{run}{rest}"));
        }
    }
    found
}

/// Returns the files of the repository: those that git tracks or would add; without git, all files.
fn repository() -> Vec<PathBuf> {
    let root = in_repository("");
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect(),
        _ => {
            let mut found = Vec::new();
            walk(&root, &root, &mut found);
            found
        }
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let skipped = ["target", ".git", ".painreg"].iter().any(|name| path.ends_with(name));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !skipped => walk(root, &path, found),
            Ok(kind) if kind.is_file() => found.extend(path.strip_prefix(root).map(Path::to_path_buf)),
            _ => {}
        }
    }
}

#[test]
fn repository_holds_no_real_national_id() {
    let files = repository();
    assert!(files.len() > 100, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !EXCEPT.iter().any(|except| file.as_path() == Path::new(except))) {
        let Ok(text) = std::fs::read_to_string(in_repository("").join(file)) else { continue };
        let count = elevens(&text).iter().filter(|digits| could_be_real(digits)).count();
        if count > 0 {
            // The number is not printed: a test's output is stored too.
            wrong.push(format!("{}: {count}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "numbers that could be a real person's:\n{}", wrong.join("\n"));
}

#[test]
fn national_id_search_finds_planted_numbers() {
    let text = std::fs::read_to_string(in_repository(EXCEPT[0])).expect("a file");
    let real: Vec<String> = elevens(&text).into_iter().filter(|digits| could_be_real(digits)).collect();
    assert!(real.len() >= 3, "published vectors are found");
    let spaced = format!("x {} {} y", &real[0][..6], &real[0][6..]);
    assert!(elevens(&spaced).iter().any(|digits| could_be_real(digits)));
    assert!(!could_be_real("01818012337"), "month + 80 is synthetic");
}
