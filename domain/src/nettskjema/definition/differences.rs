//! What differs between two versions of a Nettskjema form; not what to do about it.

use serde::Serialize;

use super::{Definition, ElementKind, Part};

/// One difference between two versions of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DefinitionDifference)]
pub struct Difference {
    /// The element's key, and after a point that of its option or row; in the later version, if it is there.
    #[schema(max_length = 130, example = "isi.01")]
    pub path: String,
    /// What it is that differs.
    pub level: Level,
    /// How it differs.
    pub change: Change,
}

/// What of a form it is that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DefinitionLevel)]
pub enum Level {
    /// An element.
    Element,
    /// An option of an element, or a column of a matrix.
    Option,
    /// A row of a matrix.
    Row,
}

/// How two versions differ in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DefinitionChange)]
pub enum Change {
    /// It is new.
    Added,
    /// It is no longer there.
    Removed,
    /// Its key was another one.
    Renamed {
        /// The key before.
        #[schema(max_length = 64, example = "isi_1")]
        before: String,
    },
    /// It was of another kind.
    Retyped {
        /// The kind before.
        #[schema(value_type = String, max_length = 40, example = "RADIO")]
        before: ElementKind,
    },
}

/// What differs in `after`: in its order, what was removed last. What has the same number is the same, else what has the
/// same key.
pub fn differences(before: &Definition, after: &Definition) -> Vec<Difference> {
    let mut found = Vec::new();
    let paired = pair(&before.elements, &after.elements, |element| (element.id, element.key.as_str()));
    for (old, new) in paired {
        let mut note = |path: &str, level, change| found.push(Difference { path: path.to_owned(), level, change });
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) => {
                note(&new.key, Level::Element, Change::Added);
                continue;
            }
            (Some(old), None) => {
                note(&old.key, Level::Element, Change::Removed);
                continue;
            }
            (None, None) => continue,
        };
        if old.key != new.key {
            note(&new.key, Level::Element, Change::Renamed { before: old.key.clone() });
        }
        if old.kind != new.kind {
            note(&new.key, Level::Element, Change::Retyped { before: old.kind });
        }
        for (level, old, parts) in [(Level::Option, &old.options, &new.options), (Level::Row, &old.rows, &new.rows)] {
            let path = |part: &Part| format!("{}.{}", new.key, part.key);
            for pair in pair(old, parts, |part| (part.id, part.key.as_str())) {
                match pair {
                    (Some(old), Some(new)) if old.key == new.key => {}
                    (Some(old), Some(new)) => note(&path(new), level, Change::Renamed { before: old.key.clone() }),
                    (None, Some(new)) => note(&path(new), level, Change::Added),
                    (Some(old), None) => note(&path(old), level, Change::Removed),
                    (None, None) => {}
                }
            }
        }
    }
    found
}

/// Who is the same in both, by number, else by key: in the later order, what is gone last.
fn pair<'d, T>(
    before: &'d [T],
    after: &'d [T],
    name: impl Fn(&T) -> (Option<u64>, &str),
) -> Vec<(Option<&'d T>, Option<&'d T>)> {
    let mut left: Vec<&T> = before.iter().collect();
    let mut take = |same: &dyn Fn(&T) -> bool| left.iter().position(|old| same(old)).map(|at| left.remove(at));
    let mut pairs: Vec<(Option<&T>, Option<&T>)> =
        after.iter().map(|new| (name(new).0.and_then(|id| take(&|old| name(old).0 == Some(id))), Some(new))).collect();
    for (old, new) in &mut pairs {
        if let (None, Some(new)) = (&old, new) {
            let (id, key) = name(new);
            // Another number under the same key is another thing, put where the first one was.
            *old = take(&|old| name(old).1 == key && (id.is_none() || name(old).0.is_none()));
        }
    }
    pairs.extend(left.into_iter().map(|gone| (Some(gone), None)));
    pairs
}
