//! The table of operations: method, path pattern and action of each. Built from the specification; knows no route.

use std::collections::HashMap;

use actix_web::http::Method;
use painreg_domain::policy::Action;

use crate::wire::Documented;

/// An operation of the API.
pub struct Operation {
    /// The operation id, such as `listAlerts`.
    pub id: String,
    /// The method in capitals.
    pub method: &'static str,
    /// The path's pattern, `/v1/tenants/{tenant}`.
    pub path: String,
    /// The action of the operation; `None` where the specification names no action of the policy table.
    pub action: Option<Action>,
    /// Whether the operation needs no authentication.
    pub public: bool,
    /// The documented parameters of the query.
    pub query: Vec<Documented>,
    /// The names of the documented headers.
    pub headers: Vec<String>,
}

impl Operation {
    /// Returns method and pattern: `GET /v1/tenants/{tenant}/alerts`.
    pub fn name(&self) -> String {
        name_of(self.method, &self.path)
    }
}

fn name_of(method: &str, pattern: &str) -> String {
    format!("{method} {pattern}")
}

/// The operations of the API, indexed by method and pattern.
pub struct Operations {
    all: Vec<Operation>,
    by_pattern: HashMap<String, usize>,
}

impl Operations {
    /// Indexes the operations by method and pattern.
    pub fn new(all: Vec<Operation>) -> Self {
        Self { by_pattern: all.iter().enumerate().map(|(at, it)| (it.name(), at)).collect(), all }
    }

    /// Returns an operation by its method and pattern.
    pub fn find(&self, method: &Method, pattern: &str) -> Option<&Operation> {
        self.all.get(*self.by_pattern.get(&name_of(method.as_str(), pattern))?)
    }

    /// Returns the ids of the operations that do an action.
    pub fn of(&self, action: Action) -> Vec<&str> {
        self.all.iter().filter(|it| it.action == Some(action)).map(|it| it.id.as_str()).collect()
    }

    /// Returns an operation that is neither public nor has an action of the policy table, or claims both.
    pub fn unlisted(&self) -> Option<String> {
        self.all.iter().find(|it| it.public == it.action.is_some()).map(Operation::name)
    }

    /// Returns the methods of a path, empty where there is none. A path that has GET has HEAD.
    pub fn methods_at(&self, path: &str) -> Vec<&'static str> {
        let fits = |pattern: &str| {
            let mut given = path.split('/');
            pattern.split('/').all(|part| {
                given.next().is_some_and(|given| given == part || (part.starts_with('{') && !given.is_empty()))
            }) && given.next().is_none()
        };
        let with_head = |method| [Some(method), (method == "GET").then_some("HEAD")].into_iter().flatten();
        self.all.iter().filter(|it| fits(&it.path)).flat_map(|it| with_head(it.method)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &'static str, path: &str, action: Option<Action>, public: bool) -> Operation {
        Operation { id: "x".into(), method, path: path.into(), action, public, query: Vec::new(), headers: Vec::new() }
    }

    #[test]
    fn unlisted_finds_operations_without_action_and_public_ones_with_one() {
        for (action, public) in [(None, false), (Some(Action::ReadPatient), true)] {
            let listed = operation("GET", "/a", Some(Action::ReadPatient), false);
            let operations = Operations::new(vec![listed, operation("GET", "/x", action, public)]);
            assert_eq!(operations.unlisted().as_deref(), Some("GET /x"));
        }
    }

    #[test]
    fn action_is_found_by_method_and_pattern() {
        let operations = Operations::new(vec![operation("GET", "/a/{b}", Some(Action::ReadPatient), false)]);
        let action = |method| operations.find(&method, "/a/{b}").and_then(|it| it.action);
        assert_eq!(action(Method::GET), Some(Action::ReadPatient));
        assert_eq!(action(Method::PUT), None);
    }
}
