//! Walking a delivered document: members are taken by name, and whatever is wrong with one is noted with its place; it must
//! not know any shape.

use serde_json::{Map, Value};

use crate::fault::{Fault, FaultCode, escape};
use crate::number::whole_number;

/// An object and its pointer.
pub(super) struct Node<'d> {
    pub(super) object: &'d Map<String, Value>,
    pub(super) pointer: String,
}

impl Node<'_> {
    pub(super) fn place(&self, member: &str) -> String {
        format!("{}/{}", self.pointer, escape(member))
    }
}

/// The faults found so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
}

impl Reader {
    /// Returns the value if it has no faults; else the faults, sorted.
    pub(super) fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<Fault>> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => {
                self.faults.sort();
                self.faults.dedup();
                Err(self.faults)
            }
        }
    }

    pub(super) fn fault(&mut self, node: &Node<'_>, member: &str, code: FaultCode) {
        self.faults.push(Fault::new(node.place(member), code));
    }

    /// Refuses members that the schema does not have.
    pub(super) fn only(&mut self, node: &Node<'_>, members: &[&str]) {
        for member in node.object.keys().filter(|member| !members.contains(&member.as_str())) {
            self.fault(node, member, FaultCode::UnknownItem);
        }
    }

    /// A member that may be absent or null, read by `read`.
    pub(super) fn optional<'d, T>(
        &mut self,
        node: &Node<'d>,
        member: &str,
        read: impl FnOnce(&'d Value) -> Option<T>,
    ) -> Option<T> {
        self.optional_as(node, member, FaultCode::WrongType, read)
    }

    /// The same, where what cannot be read is something else than of the wrong type.
    pub(super) fn optional_as<'d, T>(
        &mut self,
        node: &Node<'d>,
        member: &str,
        otherwise: FaultCode,
        read: impl FnOnce(&'d Value) -> Option<T>,
    ) -> Option<T> {
        let value = node.object.get(member).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.fault(node, member, otherwise);
        }
        read
    }

    /// A member that must be there, read by `read`.
    pub(super) fn required<'d, T>(
        &mut self,
        node: &Node<'d>,
        member: &str,
        read: impl FnOnce(&'d Value) -> Option<T>,
    ) -> Option<T> {
        if node.object.get(member).is_none_or(Value::is_null) {
            self.fault(node, member, FaultCode::Required);
            return None;
        }
        self.optional(node, member, read)
    }

    pub(super) fn required_node<'d>(&mut self, node: &Node<'d>, member: &str) -> Option<Node<'d>> {
        let object = self.required(node, member, Value::as_object)?;
        Some(Node { object, pointer: node.place(member) })
    }

    pub(super) fn optional_node<'d>(&mut self, node: &Node<'d>, member: &str) -> Option<Node<'d>> {
        let object = self.optional(node, member, Value::as_object)?;
        Some(Node { object, pointer: node.place(member) })
    }

    /// The objects of a list that may be absent.
    pub(super) fn nodes<'d>(&mut self, node: &Node<'d>, member: &str) -> Vec<Node<'d>> {
        let list = self.optional(node, member, Value::as_array).map_or(&[][..], Vec::as_slice);
        self.nodes_of(list, &node.place(member))
    }

    /// Returns the objects of a list at `pointer`.
    pub(super) fn nodes_of<'d>(&mut self, list: &'d [Value], pointer: &str) -> Vec<Node<'d>> {
        let places = list.iter().enumerate().map(|(index, value)| (value, format!("{pointer}/{index}")));
        places.filter_map(|(value, pointer)| self.node(value, pointer)).collect()
    }

    /// Returns the object at `pointer`, if it is one.
    pub(super) fn node<'d>(&mut self, value: &'d Value, pointer: String) -> Option<Node<'d>> {
        let Value::Object(object) = value else {
            self.faults.push(Fault::new(pointer, FaultCode::WrongType));
            return None;
        };
        Some(Node { object, pointer })
    }
}

/// Returns a whole number that is not negative, given as a number.
pub(super) fn count(value: &Value) -> Option<u64> {
    let Value::Number(number) = value else { return None };
    number.as_u64().or_else(|| whole_number(number).ok()?.try_into().ok())
}

/// Returns the same number, given as a number or as digits.
pub(super) fn id(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        other => count(other),
    }
}

/// `^[A-Za-z0-9_]+$`, to the very end.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
