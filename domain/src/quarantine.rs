//! The workflow of a delivery that could not be placed (karantene). It knows no payload: reading and examining what was
//! delivered is the work of the intake.

use jiff::Timestamp;
use strum::{EnumCount, IntoEnumIterator as _, IntoStaticStr};
use uuid::Uuid;

use crate::ids::SubmissionId;
use crate::policy::Action;
use crate::words::words;
use crate::workflow::{By, Refused, Workflow};

words! {
    /// The state of a delivery in quarantine.
    QuarantineState {
        /// The delivery waits to be replayed or set aside.
        Open,
        /// The delivery is stored as a submission.
        Placed,
        /// The same source submission was delivered with another payload that the source changed later.
        Superseded,
        /// A person decided that the delivery is not to be placed.
        SetAside,
    }
}

/// A command to a delivery in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumCount, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Command {
    /// The same payload was delivered again.
    Redeliver,
    /// The same source submission was delivered with another payload, which could not be placed either.
    Supersede,
    /// A replay, with or without corrections, found reasons against placing the delivery.
    Retry,
    /// A replay, or a later delivery of the same source submission, was stored as this submission.
    Place(SubmissionId),
    /// A person decided that the delivery is not to be placed.
    SetAside,
}

/// An event of a delivery in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Another delivery of the same payload was counted.
    Redelivered,
    /// The delivery was replaced by a newer one.
    Superseded,
    /// Corrections and reasons of a replay were stored.
    Retried,
    /// The delivery was placed as this submission.
    Placed(SubmissionId),
    /// The delivery was set aside.
    SetAside,
    /// The command had been carried out before; nothing is written.
    Unchanged,
}

/// The workflow of quarantine.
pub enum Quarantine {}

impl Workflow for Quarantine {
    type State = QuarantineState;
    type Command = Command;
    type Event = Event;

    const TITLE: &'static str = "Delivery in quarantine";

    fn actions(command: &Command) -> &'static [Action] {
        use Action::{DeliverNettskjema, ResolveQuarantine, SubmitAnswers, SubmitAnswersInBulk};
        match command {
            Command::Redeliver | Command::Supersede => &[DeliverNettskjema, SubmitAnswersInBulk],
            Command::Place(_) => &[ResolveQuarantine, DeliverNettskjema, SubmitAnswersInBulk, SubmitAnswers],
            Command::Retry | Command::SetAside => &[ResolveQuarantine],
        }
    }

    fn transition(state: &QuarantineState, command: &Command, _: By<'_>, _: Timestamp) -> Result<Event, Refused> {
        use QuarantineState::{Open, Placed, SetAside, Superseded};
        match (state, command) {
            (Open | Superseded, Command::Redeliver) => Ok(Event::Redelivered),
            (Open, Command::Supersede) => Ok(Event::Superseded),
            (Open, Command::Retry) => Ok(Event::Retried),
            (Open, Command::Place(submission)) => Ok(Event::Placed(*submission)),
            (Open, Command::SetAside) => Ok(Event::SetAside),
            (SetAside, Command::SetAside) => Ok(Event::Unchanged),
            (Placed | Superseded, Command::SetAside)
            | (Placed | SetAside, Command::Redeliver)
            | (Placed | Superseded | SetAside, Command::Supersede | Command::Retry | Command::Place(_)) => {
                Err(Refused::WrongState)
            }
        }
    }

    fn apply(state: QuarantineState, event: &Event) -> QuarantineState {
        match event {
            Event::Redelivered | Event::Retried | Event::Unchanged => state,
            Event::Superseded => QuarantineState::Superseded,
            Event::Placed(_) => QuarantineState::Placed,
            Event::SetAside => QuarantineState::SetAside,
        }
    }

    fn states() -> Vec<(&'static str, QuarantineState)> {
        QuarantineState::iter().map(|state| (state.into(), state)).collect()
    }

    fn commands() -> Vec<(&'static str, Command)> {
        let place = Command::Place(SubmissionId::existing(Uuid::nil()));
        let all: [Command; Command::COUNT] =
            [Command::Redeliver, Command::Supersede, Command::Retry, place, Command::SetAside];
        all.into_iter().map(|command| (command.into(), command)).collect()
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;
    use crate::policy::{Reach, Role, reach};
    use crate::workflow::{decide, table};

    /// The state after every command in the order of [`Command`]; a dash: refused.
    const AFTER: [(QuarantineState, [&str; Command::COUNT]); 4] = [
        (QuarantineState::Open, ["open", "superseded", "open", "placed", "set_aside"]),
        (QuarantineState::Placed, ["-", "-", "-", "-", "-"]),
        (QuarantineState::Superseded, ["superseded", "-", "-", "-", "-"]),
        (QuarantineState::SetAside, ["-", "-", "-", "-", "set_aside"]),
    ];

    #[test]
    fn decide_answers_every_command_in_every_state_for_every_role() {
        assert_eq!(AFTER.len(), QuarantineState::iter().count());
        for (state, after) in AFTER {
            for ((_, command), wanted) in Quarantine::commands().into_iter().zip(after) {
                for role in Role::iter() {
                    let by = By { role, principal: "someone" };
                    let found = decide::<Quarantine>(&state, &command, by, Timestamp::UNIX_EPOCH);
                    let permitted =
                        Quarantine::actions(&command).iter().any(|action| reach(role, *action) != Reach::No);
                    if !permitted {
                        assert_eq!(found, Err(Refused::Forbidden), "{state:?} {command:?} {role}");
                    } else if wanted == "-" {
                        assert_eq!(found, Err(Refused::WrongState), "{state:?} {command:?} {role}");
                    } else {
                        let next = Quarantine::apply(state, &found.expect("an event"));
                        assert_eq!(<&str>::from(next), wanted, "{state:?} {command:?} {role}");
                    }
                }
            }
        }
    }

    /// The store's statements over many rows (a delivery that supersedes or settles what waits) select by
    /// `state = 'open'`, which is right as long as no other state accepts these commands. A repetition is counted also
    /// where it is superseded.
    #[test]
    fn transition_accepts_other_deliveries_in_the_open_state_only() {
        let by = By { role: Role::Importer, principal: "someone" };
        let place = Command::Place(SubmissionId::existing(Uuid::nil()));
        for state in QuarantineState::iter().filter(|state| *state != QuarantineState::Open) {
            for command in [Command::Supersede, place] {
                let found = decide::<Quarantine>(&state, &command, by, Timestamp::UNIX_EPOCH);
                assert_eq!(found, Err(Refused::WrongState), "{state:?} {command:?}");
            }
        }
    }

    #[test]
    fn table_has_a_row_per_state_and_a_column_per_command() {
        let text = table::<Quarantine>();
        assert!(text.contains("| state | redeliver | supersede | retry | place | set_aside |"), "{text}");
        assert!(text.contains("| `open` | `open` | `superseded` | `open` | `placed` | `set_aside` |"), "{text}");
        assert!(text.contains("| `set_aside` |  |  |  |  | `set_aside` |"), "{text}");
        assert!(text.contains("| set_aside | ResolveQuarantine | registry_manager |"), "{text}");
    }
}
