//! The differences between two versions of a Nettskjema form.

use serde::Serialize;

use super::{ElementKind, NettskjemaDefinition, Part};

/// One difference between two versions of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DefinitionDifference {
    /// The key of the element, and after a point that of its option or row; in the later version, if present there.
    #[schema(max_length = 130, example = "isi.01")]
    pub path: String,
    /// The level of the difference.
    pub level: Level,
    /// The kind of difference.
    pub change: DefinitionChange,
}

/// The level at which two versions of a form differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DefinitionLevel)]
pub enum Level {
    /// An element of the form.
    Element,
    /// An option of an element, or a column of a matrix.
    Option,
    /// A row of a matrix.
    Row,
}

/// The change at one place between two versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionChange {
    /// Only the later version has it.
    Added,
    /// Only the earlier version has it.
    Removed,
    /// Its key was another one.
    Renamed {
        /// The key before.
        #[schema(max_length = 64, example = "isi_1")]
        before: String,
    },
    /// The kind of the element changed.
    Retyped {
        /// The kind before.
        #[schema(value_type = String, max_length = 40, example = "RADIO")]
        before: ElementKind,
    },
}

/// Returns the differences to `after`, in its order, removed parts last. Parts with the same number are the same, else
/// parts with the same key.
pub fn differences(before: &NettskjemaDefinition, after: &NettskjemaDefinition) -> Vec<DefinitionDifference> {
    let mut found = Vec::new();
    let paired = pair(&before.elements, &after.elements, |element| (element.id, element.key.as_str()));
    for (old, new) in paired {
        let mut note =
            |path: &str, level, change| found.push(DefinitionDifference { path: path.to_owned(), level, change });
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old, new),
            (None, Some(new)) => {
                note(&new.key, Level::Element, DefinitionChange::Added);
                continue;
            }
            (Some(old), None) => {
                note(&old.key, Level::Element, DefinitionChange::Removed);
                continue;
            }
            (None, None) => continue,
        };
        if old.key != new.key {
            note(&new.key, Level::Element, DefinitionChange::Renamed { before: old.key.clone() });
        }
        if old.kind != new.kind {
            note(&new.key, Level::Element, DefinitionChange::Retyped { before: old.kind });
        }
        for (level, old, parts) in [(Level::Option, &old.options, &new.options), (Level::Row, &old.rows, &new.rows)] {
            let path = |part: &Part| format!("{}.{}", new.key, part.key);
            for pair in pair(old, parts, |part| (part.id, part.key.as_str())) {
                match pair {
                    (Some(old), Some(new)) if old.key == new.key => {}
                    (Some(old), Some(new)) => {
                        note(&path(new), level, DefinitionChange::Renamed { before: old.key.clone() });
                    }
                    (None, Some(new)) => note(&path(new), level, DefinitionChange::Added),
                    (Some(old), None) => note(&path(old), level, DefinitionChange::Removed),
                    (None, None) => {}
                }
            }
        }
    }
    found
}

/// Pairs the members of both versions by number, else by key: in the later order, removed ones last.
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
