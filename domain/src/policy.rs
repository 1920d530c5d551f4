//! Who may do what. This table is the whole policy; nothing else decides.

mod limits;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumIter, EnumString, IntoStaticStr};

pub use self::limits::Limits;

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Reach {
    /// Not at all: 403.
    No,
    /// The caller's own record; every other one does not exist for the caller.
    Own,
    /// The records of the caller's unit; every other one does not exist for the caller.
    Unit,
    /// Everything in the tenant (for operators: every tenant, and no patient).
    All,
}

#[expect(non_upper_case_globals, reason = "the cells of the table below read as words")]
mod cell {
    use super::Reach;
    pub(super) const no: Reach = Reach::No;
    pub(super) const own: Reach = Reach::Own;
    pub(super) const unit: Reach = Reach::Unit;
    pub(super) const all: Reach = Reach::All;
}

impl Category {
    /// Whether what is touched is about patients: then the caller's identity must be of a high level of assurance
    /// (sikkerhetsnivå).
    pub const fn is_about_patients(self) -> bool {
        match self {
            Self::Identity | Self::Clinical | Self::Answers | Self::AccessLog => true,
            Self::Platform | Self::Catalogue => false,
        }
    }
}

/// What an action touches, for the access log's `categories`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Category {
    /// Tenants, issuers and migrations: no patient.
    Platform,
    /// Catalogues and forms: no patient.
    Catalogue,
    /// Who the patient is and how to reach them.
    Identity,
    /// What the clinic recorded.
    Clinical,
    /// What the patient answered, and the scores.
    Answers,
    /// Who looked.
    AccessLog,
}

macro_rules! policy {
    (roles: $($role:ident)+; $($(#[$doc:meta])* $action:ident $category:ident : $($reach:ident)+;)+) => {
        /// The hats a caller can wear. One token carries one role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumCount, EnumString, Display, IntoStaticStr, Serialize, Deserialize, utoipa::ToSchema)]
        #[strum(serialize_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $(#[doc = concat!("`", stringify!($role), "`: product.md tells what this role is for.")] $role),+ }

        /// One action is the right (a row here), the audit entry, the transaction's name in metrics and the `x-action`
        /// of the specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumCount, EnumString, Display, IntoStaticStr)]
        pub enum Action { $($(#[$doc])* $action),+ }

        impl Action {
            /// What the action touches.
            pub const fn category(self) -> Category {
                match self { $(Self::$action => Category::$category),+ }
            }

            /// Everything that the action touches, for the access log.
            pub const fn categories(self) -> &'static [Category] {
                if matches!(self, Self::ReadTimeline) {
                    return &[Category::Clinical, Category::Answers];
                }
                if matches!(self, Self::RegisterInBulk) {
                    return &[Category::Identity, Category::Clinical];
                }
                match self { $(Self::$action => &[Category::$category]),+ }
            }

            const fn row(self) -> [Reach; Role::COUNT] {
                match self { $(Self::$action => [$(cell::$reach),+]),+ }
            }
        }

        /// The one question the policy answers.
        pub const fn reach(role: Role, action: Action) -> Reach {
            let [$($role),+] = action.row();
            match role { $(Role::$role => $role),+ }
        }
    };
}

#[expect(non_snake_case, reason = "the macro binds a row's cells by the names of the roles")]
mod table {
    use super::{
        Category, Deserialize, Display, EnumCount, EnumIter, EnumString, IntoStaticStr, Reach, Serialize, cell,
    };

    policy! {
        roles:                         Patient Clinician Secretary RegistryManager CouncilMember CouncilChair Applicant Importer Sender PasFeed Dpo Operator System;
        /// Create a registry from a template.
        CreateTenant      Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// List registries.
        ListTenants       Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Read one registry's settings and state.
        ReadTenant        Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Change a registry's name or trusted issuers.
        UpdateTenant      Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Stop serving a registry, losing nothing.
        SuspendTenant     Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Serve a suspended registry again.
        ResumeTenant      Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Bring a registry's schema to the server's version.
        MigrateTenant     Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Remove a suspended registry and everything in it.
        DropTenant        Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Import an edition of a code system.
        ImportCodes       Platform:    no      no        no        no              no            no           no        no       no     no      no  all      no;
        /// Register a patient.
        RegisterPatient   Identity:    no      unit      unit      all             no            no           no        no       no     all     no  no       no;
        /// List patients.
        ListPatients      Identity:    no      unit      unit      all             no            no           no        no       no     no      no  no       no;
        /// Read one patient's identity and contact data.
        ReadPatient       Identity:    own     unit      unit      all             no            no           no        no       no     all     no  no       no;
        /// Change a patient's fields.
        UpdatePatient     Identity:    no      unit      unit      all             no            no           no        no       no     all     no  no       no;
        /// Find a patient by national id.
        LookUpPatient     Identity:    no      unit      unit      all             no            no           no        no       no     all     no  no       no;
        /// Read who looked at one patient (innsynslogg).
        ReadAccessLog     AccessLog:   own     no        no        all             no            no           no        no       no     no      all no       no;
        /// Read what happened in the whole registry.
        ReadAuditEvents   AccessLog:   no      no        no        no              no            no           no        no       no     no      all no       no;
        /// Read the catalogue of instruments.
        ReadInstruments   Catalogue:   all     all       all       all             all           all          all       all      all    all     all no       no;
        /// Score answers without storing anything.
        ScoreAnswers      Catalogue:   no      all       no        all             no            no           no        all      no     no      no  no       no;
        /// Read the registry's forms.
        ReadForms         Catalogue:   all     all       all       all             no            no           no        all      all    no      no  no       no;
        /// Write, publish, import and export the registry's forms.
        ManageForms       Catalogue:   no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Read the code systems.
        ReadCodes         Catalogue:   all     all       all       all             all           all          all       all      all    all     all no       no;
        /// Read which licences the registry holds.
        ReadLicences      Catalogue:   no      all       all       all             no            no           no        no       no     no      all no       no;
        /// Register, change and withdraw licences, with their invoices, and read what falls due.
        ManageLicences    Catalogue:   no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Read the wording of instruments, to show forms.
        ReadItemTexts     Catalogue:   all     all       all       all             no            no           no        no       no     no      no  no       no;
        /// Load the wording of an instrument from the licence holder's file.
        LoadItemTexts     Catalogue:   no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Read what the registry has decided for itself.
        ReadSettings      Catalogue:   no      all       all       all             no            no           no        no       no     no      all no       no;
        /// Decide it.
        ChangeSettings    Catalogue:   no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Submit an answered questionnaire.
        SubmitAnswers     Answers:     own     unit      no        no              no            no           no        all      no     no      no  no       no;
        /// Deliver a Nettskjema submission as Nettskjema gives it.
        DeliverNettskjema Answers:     no      no        no        no              no            no           no        all      no     no      no  no       no;
        /// Submit answered questionnaires, a line each.
        SubmitAnswersInBulk Answers: no no no no no no no all no no no no no;
        /// Keep what a Nettskjema form looks like.
        DescribeNettskjema Catalogue: no no no all no no no all no no no no no;
        /// Save how the codebook of a Nettskjema form leads to a form.
        MapNettskjema Catalogue: no no no all no no no no no no no no no;
        /// Read what was delivered and could not be placed.
        ReadQuarantine Answers: no no no all no no no no no no no no no;
        /// Try again, correct or set aside what was delivered and could not be placed.
        ResolveQuarantine Answers: no no no all no no no no no no no no no;
        /// Read the alerts that answers raised.
        ReadAlerts Answers: no unit no all no no no no no no no no no;
        /// Take an alert on.
        AcknowledgeAlert Answers: no unit no all no no no no no no no no no;
        /// Score stored answers again.
        RescoreAnswers    Answers:     no      no        no        all             no            no           no        no       no     no      no  no       all;
        /// Read the state and progress of long operations.
        ReadOperations    Catalogue:   no      no        no        all             no            no           no        no       no     no      all no       no;
        /// Cancel a long operation.
        CancelOperation   Catalogue:   no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Read the keys that receipts are checked with.
        ReadReceiptKeys Catalogue: all all all all no no no all all no all no no;
        /// Read answered questionnaires and their scores.
        ReadAnswers       Answers:     own     unit      no        all             no            no           no        no       no     no      no  no       no;
        /// Read how much the registry holds and the mean scores.
        ReadSummary       Answers:     no      all       no        all             no            no           no        no       no     no      no  no       no;
        /// Read the course through the clinic: referrals, episodes, consultations.
        ReadCourse        Clinical:    own     unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Record the course through the clinic: referrals, episodes, consultations.
        RecordCourse      Clinical:    no      unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Change the course through the clinic: referrals, episodes, consultations; what stood there stays in the history.
        ChangeCourse      Clinical:    no      unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Take back what should not have been recorded: the course through the clinic: referrals, episodes, consultations.
        WithdrawCourse    Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read what was found, done and given: diagnoses, procedures, pain drawings, goals, medication.
        ReadTreatment     Clinical:    own     unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Record what was found, done and given: diagnoses, procedures, pain drawings, goals, medication.
        RecordTreatment   Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Change what was found, done and given: diagnoses, procedures, pain drawings, goals, medication; what stood there stays in the history.
        ChangeTreatment   Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Take back what should not have been recorded: what was found, done and given: diagnoses, procedures, pain drawings, goals, medication.
        WithdrawTreatment Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read implants, their components, programmes, events and checks.
        ReadImplants      Clinical:    own     unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Record implants, their components, programmes, events and checks.
        RecordImplants    Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Change implants, their components, programmes, events and checks; what stood there stays in the history.
        ChangeImplants    Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Take back what should not have been recorded: implants, their components, programmes, events and checks.
        WithdrawImplants  Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read on what grounds the patient is in the registry.
        ReadLegalBasis    Clinical:    own     unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Record on what grounds the patient is in the registry.
        RecordLegalBasis  Clinical:    no      unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Change on what grounds the patient is in the registry; what stood there stays in the history.
        ChangeLegalBasis  Clinical:    no      unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Take back what should not have been recorded: on what grounds the patient is in the registry.
        WithdrawLegalBasis Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read projects the patient takes part in, and samples.
        ReadResearch      Clinical:    own     unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Record projects the patient takes part in, and samples.
        RecordResearch    Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Change projects the patient takes part in, and samples; what stood there stays in the history.
        ChangeResearch    Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Take back what should not have been recorded: projects the patient takes part in, and samples.
        WithdrawResearch  Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// List entries of one kind over the whole registry.
        ListClinical      Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read everything about one patient, now or at an instant, and what differs between two.
        ReadTimeline      Clinical:    own     unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Find every patient who carries a device (tilbakekalling).
        FindRecalled      Clinical:    no      unit      no        all             no            no           no           no       no       no      no   no       no;
        /// Register patients with their course, a line each.
        RegisterInBulk    Clinical:    no      unit      unit      all             no            no           no           no       no       all     no   no       no;
        /// Read why one patient is or is not asked again.
        ReadFollowUp      Clinical:    own     unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// List and count what is decided of everybody's follow-up.
        ListFollowUp      Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read response rates.
        ReadFollowUpStatistics Answers: no     unit      no        all             no            no           no           no       no       no      no   no       no;
        /// Read whom to ring about an unanswered invitation, and who was rung.
        ReadCallList      Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Record that somebody was rung, and what came of it.
        RecordCall        Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Decide again whatever is to be decided again.
        RunFollowUp       Clinical:    no      no        no        all             no            no           no           no       no       no      no   no       all;
        /// See what a plan of follow-up would change.
        SimulateFollowUp  Clinical:    no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Read the plan of follow-up.
        ReadFollowUpPlans Catalogue:   no      all       all       all             no            no           no           no       all      no      all  no       no;
        /// Write, discard and publish the plan of follow-up.
        ManageFollowUpPlans Catalogue: no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Claim what is to be sent, with where to.
        ClaimInvitations  Identity:    no      no        no        no              no            no           no           no       all      no      no   no       no;
        /// Ask, the moment before it is sent, whether something is still to be sent.
        HandOverInvitation Clinical:   no      no        no        no              no            no           no           no       all      no      no   no       no;
        /// Tell what became of what was to be sent.
        ReportInvitation  Clinical:    no      no        no        no              no            no           no           no       all      no      no   no       no;
        /// Read what was sent, and what became of it.
        ReadInvitations   Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Read what happened, in order.
        ReadEvents        Clinical:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Decide who is told what happens, and see how it went.
        ManageWebhooks    Clinical:    no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Tell those who are to be told.
        DeliverEvents     Clinical:    no      no        no        no              no            no           no           no       no       no      no   no       all;
        /// Find patients who may be the same person.
        FindDuplicates    Identity:    no      unit      unit      all             no            no           no           no       no       no      no   no       no;
        /// Merge a duplicate into another patient.
        MergePatients     Identity:    no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Read which patients were merged.
        ReadMerges        Identity:    no      no        no        all             no            no           no        no       no     no      no  no       no;
        /// Undo a merge.
        UndoMerge         Identity:    no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Read the registry's own code lists.
        ReadCodeLists     Catalogue:   all     all       all       all             all           all          all          all      all      all     all  no       no;
        /// Change the registry's own code lists.
        ChangeCodeLists   Catalogue:   no      no        no        all             no            no           no           no       no       no      no   no       no;
        /// Read the registry's projects.
        ReadProjects      Catalogue:   no      all       all       all             all           all          no           no       no       no      all  no       no;
        /// Register and change projects.
        ChangeProjects    Catalogue:   no      no        no        all             no            no           no           no       no       no      no   no       no;
    }
}
pub use table::{Action, Role, reach};

impl Action {
    /// Whether nothing asks for it but the `painreg` command and its worker: no operation of the API does it.
    pub const fn is_for_the_command_line(self) -> bool {
        matches!(self, Self::ImportCodes | Self::DeliverEvents)
    }
}

impl Role {
    /// Whether the role is held by a program: its POSTs must carry an `Idempotency-Key`.
    pub const fn is_machine(self) -> bool {
        matches!(self, Self::Importer | Self::Sender | Self::PasFeed | Self::System)
    }

    /// Why this role opens patient data; stored with every access.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Patient => "own_access",
            Self::Clinician => "treatment",
            Self::Secretary | Self::PasFeed | Self::Sender => "administration",
            Self::RegistryManager | Self::System => "registry",
            Self::Importer => "collection",
            Self::CouncilMember | Self::CouncilChair | Self::Applicant => "release",
            Self::Dpo => "oversight",
            Self::Operator => "operation",
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn operators_and_patient_data_never_meet() {
        for action in Action::iter() {
            let platform = action.category() == Category::Platform;
            assert_eq!(reach(Role::Operator, action) == Reach::All, platform, "{action}");
            for role in Role::iter().filter(|role| *role != Role::Operator) {
                assert!(!platform || reach(role, action) == Reach::No, "{role} {action}");
            }
        }
    }

    #[test]
    fn patients_reach_their_own_record_and_nothing_else_of_anybody() {
        for action in Action::iter().filter(|action| action.category() != Category::Catalogue) {
            assert!(matches!(reach(Role::Patient, action), Reach::No | Reach::Own), "{action}");
        }
    }

    #[test]
    fn every_action_is_somebodys() {
        for action in Action::iter() {
            assert!(Role::iter().any(|role| reach(role, action) != Reach::No), "{action}");
        }
    }
}
