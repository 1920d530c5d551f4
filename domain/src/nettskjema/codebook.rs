//! The mapping of one Nettskjema form's codebook to the items of one form. It is separate from the form: a codebook
//! changes while the form's version stays the same.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::fault::{Fault, FaultCode};
use crate::questionnaire::{Form, Mapping, NATIONAL_ID_TARGET};

/// The mapping target of an element that is deliberately not kept, such as an attachment or a name; of any number of them.
pub const IGNORED_TARGET: &str = "@ignored";

/// The mapping target of the element with the token of the invitation (invitasjon), from the link in the invitation. A
/// value that is no valid token is no fault: answers must not be lost because of a bad link.
pub const INVITATION_TARGET: &str = "@invitation";

/// A mapping, checked against its form and compiled. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Codebook(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    form: Form,
    mapping: Mapping,
    /// Items that a path of the mapping leads to: the identity rule no longer reaches them.
    taken: HashSet<String>,
    /// Item -> the path that the mapping leads to it.
    paths: HashMap<String, String>,
}

impl Codebook {
    /// Checks a mapping against its form. Every fault is reported, with a pointer into the mapping.
    pub fn new(form: &Form, mapping: Mapping) -> Result<Self, Vec<Fault>> {
        let mut faults = mapping.faults(|item| form.shape(item).is_some());
        if !faults.is_empty() {
            faults.sort();
            faults.dedup();
            return Err(faults);
        }
        let taken = mapping.keys.values().cloned().collect();
        let paths = mapping.keys.iter().map(|(path, item)| (item.clone(), path.clone())).collect();
        Ok(Self(Arc::new(Compiled { form: form.clone(), mapping, taken, paths })))
    }

    /// The form that is filled in.
    pub fn form(&self) -> &Form {
        &self.0.form
    }

    /// The form's number in Nettskjema.
    pub fn form_id(&self) -> &str {
        &self.0.mapping.form_id
    }

    /// The mapping of the codebook.
    pub fn mapping(&self) -> &Mapping {
        &self.0.mapping
    }

    /// Item code (or [`NATIONAL_ID_TARGET`], [`INVITATION_TARGET`], [`IGNORED_TARGET`]) that an element, or one row of a
    /// matrix, leads to. Where nothing is said, it leads to the item of the same name: `key`, or `matrix_row`.
    pub fn target(&self, key: &str, row: Option<&str>) -> Option<&str> {
        let joined = |joint: char| {
            let Some(row) = row else { return Cow::Borrowed(key) };
            let mut path = String::with_capacity(key.len() + 1 + row.len());
            path.push_str(key);
            path.push(joint);
            path.push_str(row);
            Cow::Owned(path)
        };
        if let Some(item) = self.0.mapping.keys.get(&*joined('.')) {
            return Some(item);
        }
        let item = self.0.form.item(&joined('_'))?;
        (!self.0.taken.contains(item)).then_some(item)
    }

    /// The codebook path that leads to an item: the opposite of [`Codebook::target`].
    pub fn path_to<'c>(&'c self, item: &'c str) -> &'c str {
        self.0.paths.get(item).map_or(item, String::as_str)
    }
}

impl Mapping {
    /// Returns the faults of the mapping, with pointers into it; `known` contains the form's items.
    pub(crate) fn faults(&self, known: impl Fn(&str) -> bool) -> Vec<Fault> {
        let mut faults = Vec::new();
        let digits = (1..=20).contains(&self.form_id.len()) && self.form_id.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            faults.push(Fault::at("form_id", FaultCode::InvalidFormat));
        }
        let mut taken = HashSet::new();
        for (path, item) in &self.keys {
            let mut fault = |code| faults.push(Fault::at(path, code).under("/keys"));
            let sound = match path.split_once('.') {
                Some((matrix, row)) => is_key(matrix) && is_key(row),
                None => is_key(path),
            };
            if !sound {
                fault(FaultCode::InvalidFormat);
            }
            if ![NATIONAL_ID_TARGET, INVITATION_TARGET, IGNORED_TARGET].contains(&item.as_str()) && !known(item) {
                fault(FaultCode::UnknownReference);
            }
            if item != IGNORED_TARGET && !taken.insert(item) {
                fault(FaultCode::Contradiction);
            }
        }
        faults
    }
}

/// A codebook key: `^[A-Za-z0-9_]{1,64}$`.
fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
