//! The register of patient data: every table of a registry's schema that holds data about a patient, the columns by which a
//! patient's rows are found, and their treatment by erasure. A test compares the register with the catalogue and fails on a
//! table that refers to a patient and is not registered.

use painreg_domain::clinical::EntryKind;
use strum::IntoEnumIterator as _;

use self::Erasure::{Clear, Delete, Keep};
use self::Link::{Column, Content, Through};

/// One table that holds data about patients.
#[derive(Clone, Copy, Debug)]
pub struct PatientTable {
    /// The name of the table in the registry's schema.
    pub table: &'static str,
    /// The ways to find the rows of a patient.
    pub found: &'static [Link],
    /// The treatment of the rows by erasure of a patient.
    pub erasure: Erasure,
}

/// A way to find the rows of a patient.
#[derive(Clone, Copy, Debug)]
pub enum Link {
    /// By a column that holds the patient's id.
    Column(&'static str),
    /// By a column that refers to a row of another table of the register.
    Through(&'static str, &'static str),
    /// By no column; the text explains which rows those are.
    Content(&'static str),
}

/// The treatment of the rows of a table by erasure of a patient.
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
    // Deleting the key makes data sealed under it unreadable, also in old backups.
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
        table: "event_inbox",
        found: BY_PATIENT,
        erasure: Keep("ids, kinds and instants only, until they have a position"),
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

/// Returns the register: the tables above and the table of every [`EntryKind`].
pub fn patient_tables() -> impl Iterator<Item = PatientTable> {
    let entries = EntryKind::iter().map(|kind| PatientTable { table: kind.into(), found: BY_PATIENT, erasure: Delete });
    TABLES.iter().copied().chain(entries)
}
