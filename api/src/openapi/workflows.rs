//! The tables of all workflows, rendered from the functions that decide.

use painreg_domain::quarantine::Quarantine;
use painreg_domain::workflow::table;

const HEAD: &str = "<!-- Rendered by `painreg openapi write`; do not edit. -->\n# Workflows\n\nA row per state, a column per command; a cell names the state after the command. In an empty cell the command is refused with `state_conflict`.\n\n";

/// Renders the document, a section per workflow.
pub(super) fn tables() -> String {
    format!("{HEAD}{}", table::<Quarantine>())
}
