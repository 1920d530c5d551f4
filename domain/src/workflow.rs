//! Workflows as pure functions: states, commands, the event that a command leads to, and the state after it. It stores
//! nothing: a store locks the row, decides, writes what the event changes and commits all of it in one transaction.

use std::fmt::Write as _;

use jiff::Timestamp;
use strum::IntoEnumIterator as _;

use crate::fault::Fault;
use crate::policy::{Action, Reach, Role, reach};

/// The caller of a command, as the access token describes the caller.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The role of the token.
    pub role: Role,
    /// The key of the principal, unique over all issuers; rules on conflict of interest compare it with stored keys.
    pub principal: &'a str,
}

/// The reason why a command is refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The caller's role may perform none of the command's actions.
    Forbidden,
    /// The command is not accepted in the current state.
    WrongState,
    /// The command is accepted in the current state, and a rule of the workflow refuses its content.
    Faults(Vec<Fault>),
}

/// A workflow. Its functions match exhaustively: a new state or command does not compile without a rule for it.
pub trait Workflow {
    /// The state: everything that a decision reads of the stored object.
    type State: Clone + PartialEq;
    /// A command with its content.
    type Command;
    /// The event that a command leads to, with everything that is stored of it.
    type Event;

    /// The heading of the workflow's table.
    const TITLE: &'static str;

    /// Returns the actions that permit a command; one of them suffices.
    fn actions(command: &Self::Command) -> &'static [Action];

    /// Decides a command of a caller with a permitted role. Callers use [`decide`], which checks the permission first.
    fn transition(
        state: &Self::State,
        command: &Self::Command,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Self::Event, Refused>;

    /// Returns the state after an event.
    fn apply(state: Self::State, event: &Self::Event) -> Self::State;

    /// A sample of every state with its name, for the table and the tests.
    fn states() -> Vec<(&'static str, Self::State)>;

    /// A sample of every command with its name, for the table and the tests.
    fn commands() -> Vec<(&'static str, Self::Command)>;
}

/// Decides a command: the permission first, then the state, then the rules of the workflow.
pub fn decide<W: Workflow>(
    state: &W::State,
    command: &W::Command,
    by: By<'_>,
    now: Timestamp,
) -> Result<W::Event, Refused> {
    if !permits::<W>(by.role, command) {
        return Err(Refused::Forbidden);
    }
    W::transition(state, command, by, now)
}

/// Whether a role may give a command, in some state.
pub fn permits<W: Workflow>(role: Role, command: &W::Command) -> bool {
    W::actions(command).iter().any(|action| reach(role, *action) != Reach::No)
}

/// The table of a workflow in Markdown: a row per state, a column per command, and in each cell the state after the
/// command. An empty cell: the command is refused.
pub fn table<W: Workflow>() -> String {
    let (states, commands) = (W::states(), W::commands());
    let mut text = format!("## {}\n\n| state |", W::TITLE);
    for (name, _) in &commands {
        let _ = write!(text, " {name} |");
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(commands.len()));
    for (name, state) in &states {
        let _ = write!(text, "| `{name}` |");
        for (_, command) in &commands {
            let next = after::<W>(state, command);
            let name = states.iter().find(|(_, state)| Some(state) == next.as_ref()).map(|(name, _)| *name);
            let _ = write!(text, " {} |", name.map(|name| format!("`{name}`")).unwrap_or_default());
        }
        text.push('\n');
    }
    text.push_str("\n| command | permitted by | roles |\n|---|---|---|\n");
    for (name, command) in &commands {
        let actions: Vec<&'static str> = W::actions(command).iter().map(Into::into).collect();
        let roles: Vec<&'static str> =
            Role::iter().filter(|role| permits::<W>(*role, command)).map(Into::into).collect();
        let _ = writeln!(text, "| {name} | {} | {} |", actions.join(", "), roles.join(", "));
    }
    text
}

/// Returns the state after a command by a permitted role, or `None` where the command is refused.
fn after<W: Workflow>(state: &W::State, command: &W::Command) -> Option<W::State> {
    let role = Role::iter().find(|role| permits::<W>(*role, command))?;
    let by = By { role, principal: "" };
    let event = decide::<W>(state, command, by, Timestamp::UNIX_EPOCH).ok()?;
    Some(W::apply(state.clone(), &event))
}
