//! The register of where patient data is: every table of a registry's schema that holds data about a patient, how its rows are
//! found from the patient, and what erasure does with them. A test compares it with the catalogue: a table that refers to a
//! patient and has no row here fails.

use painreg_domain::clinical::Kind;
use strum::IntoEnumIterator as _;

use self::Erasure::{Clear, Delete, Keep};
use self::Link::{Column, Content, Through};

/// One table that holds data about patients.
#[derive(Clone, Copy, Debug)]
pub struct PatientTable {
    /// The table's name.
    pub table: &'static str,
    /// How the rows of a patient are found.
    pub found: &'static [Link],
    /// What erasure of a patient does with the rows.
    pub erasure: Erasure,
}

/// How rows of a patient are found.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// By a column that holds the patient's id.
    Column(&'static str),
    /// By a column that refers to a row of another table of the register.
    Through(&'static str, &'static str),
    /// Not by any column; the text says what is known instead.
    Content(&'static str),
}

/// What erasure of a patient does with the rows of a table.
#[derive(Clone, Copy, Debug)]
pub enum Erasure {
    /// The rows are deleted.
    Delete,
    /// These columns are cleared; the rest of the row stays.
    Clear(&'static [&'static str]),
    /// The rows stay, for this reason.
    Keep(&'static str),
}

const BY_PATIENT: &[Link] = &[Column("patient_id")];

const TABLES: &[PatientTable] = &[
    PatientTable {
        table: "patient",
        found: &[Column("id"), Column("merged_into")],
        // The id and the number shown to staff stay, so that neither is used again and the access log can be read.
        erasure: Clear(&[
            "sex",
            "birth_date",
            "language",
            "interpreter_needed",
            "cognitive_impairment",
            "protected_address",
            "deceased_on",
            "contact",
            "mobile_index",
            "email_index",
            "channels",
            "contact_changed_at",
        ]),
    },
    // Without the key, what is sealed under it in old backups cannot be read.
    PatientTable { table: "patient_key", found: BY_PATIENT, erasure: Delete },
    PatientTable { table: "patient_identifier", found: BY_PATIENT, erasure: Delete },
    PatientTable {
        table: "patient_merge",
        found: &[Column("survivor"), Column("duplicate")],
        erasure: Keep("ids only; the other patient's record is read by it"),
    },
    // Old states of entries, decisions and patients: all columns of the row, as JSON in `before`.
    PatientTable { table: "row_history", found: BY_PATIENT, erasure: Delete },
    PatientTable { table: "submission", found: BY_PATIENT, erasure: Delete },
    PatientTable { table: "score", found: &[Through("submission_id", "submission")], erasure: Delete },
    PatientTable { table: "alert", found: BY_PATIENT, erasure: Delete },
    PatientTable {
        table: "quarantine",
        found: &[
            Through("submission_id", "submission"),
            Through("invitation_id", "invitation"),
            Content("an open item belongs to no patient yet; its payload is sealed under the registry's key"),
        ],
        erasure: Delete,
    },
    PatientTable { table: "decision", found: BY_PATIENT, erasure: Delete },
    PatientTable { table: "invitation", found: BY_PATIENT, erasure: Delete },
    PatientTable { table: "follow_up_call", found: BY_PATIENT, erasure: Delete },
    PatientTable {
        table: "event",
        found: BY_PATIENT,
        erasure: Keep("ids, kinds and instants only; subscribers rely on the order of events"),
    },
    PatientTable {
        table: "webhook_delivery",
        found: &[Through("event_id", "event"), Column("ordered_by")],
        erasure: Keep("the patient's id only"),
    },
    PatientTable {
        table: "idempotency_key",
        found: &[
            Column("patient_id"),
            Content(
                "the stored response of a request about several patients names none; it is deleted after its retention",
            ),
        ],
        erasure: Delete,
    },
    PatientTable {
        table: "audit_event",
        found: BY_PATIENT,
        erasure: Keep("the access log shows who read the record before it was erased; ids only"),
    },
];

/// Returns the register: the tables above and the table of every [`Kind`] of entry.
pub fn patient_tables() -> impl Iterator<Item = PatientTable> {
    let entries = Kind::iter().map(|kind| PatientTable { table: kind.into(), found: BY_PATIENT, erasure: Delete });
    TABLES.iter().copied().chain(entries)
}
