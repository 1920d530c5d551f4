//! The authorisation policy: a table of roles and actions. No other code grants a right.

mod limits;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumIter, EnumString, IntoStaticStr};

pub use self::limits::Limits;

/// The reach of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Reach {
    /// The action is forbidden: 403.
    No,
    /// The caller's own record; every other record answers 404.
    Own,
    /// The records of the caller's unit; every other record answers 404.
    Unit,
    /// All records of the tenant; for operators all tenants and no patient.
    All,
}

/// The program that performs an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doer {
    /// The operations of the API that have the action as their `x-action`.
    Api,
    /// The worker, in `painreg serve` or `painreg worker`.
    Worker,
    /// The command `painreg codes import`.
    CodesImport,
}

impl Doer {
    /// The command that performs the action; `None` for operations of the API.
    pub const fn command(self) -> Option<&'static str> {
        match self {
            Self::Api => None,
            Self::Worker => Some("painreg worker"),
            Self::CodesImport => Some("painreg codes import"),
        }
    }
}

#[expect(non_upper_case_globals, reason = "the cells of the table below read as words")]
mod cell {
    use super::{Doer, Reach};
    pub(super) const api: Doer = Doer::Api;
    pub(super) const worker: Doer = Doer::Worker;
    pub(super) const codes_import: Doer = Doer::CodesImport;
    pub(super) const no: Reach = Reach::No;
    pub(super) const own: Reach = Reach::Own;
    pub(super) const unit: Reach = Reach::Unit;
    pub(super) const all: Reach = Reach::All;
}

impl Category {
    /// Whether the data are about patients; the caller's identity must then have a high level of assurance
    /// (sikkerhetsnivå).
    pub const fn is_about_patients(self) -> bool {
        match self {
            Self::Identity | Self::Clinical | Self::Answers | Self::AccessLog => true,
            Self::Platform | Self::Catalogue => false,
        }
    }
}

/// A category of data, as in the access log's `categories`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Category {
    /// Tenants, issuers and migrations; no patient data.
    Platform,
    /// Catalogues and forms; no patient data.
    Catalogue,
    /// Patients' identity and contact data.
    Identity,
    /// Entries recorded by the clinic.
    Clinical,
    /// Answers and scores.
    Answers,
    /// The access log and audit events.
    AccessLog,
}

macro_rules! policy {
    (roles: $($role:ident)+; $($(#[$doc:meta])* $action:ident [$($category:ident)+] $doer:ident : $($reach:ident)+;)+) => {
        /// The roles of callers. A token carries exactly one role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumCount, EnumString, Display, IntoStaticStr, Serialize, Deserialize, utoipa::ToSchema)]
        #[strum(serialize_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $(#[doc = concat!("The role `", stringify!($role), "` of the policy table.")] $role),+ }

        /// The actions. An action is the right (a row of the policy table), the name in audit events and in metrics, and
        /// the `x-action` of the specification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, EnumCount, EnumString, Display, IntoStaticStr)]
        pub enum Action { $($(#[$doc])* $action),+ }

        impl Action {
            /// The categories of data that the action reads or changes, for the access log. Never empty.
            pub const fn categories(self) -> &'static [Category] {
                match self { $(Self::$action => &[$(Category::$category),+]),+ }
            }

            /// The program that performs the action.
            pub const fn doer(self) -> Doer {
                match self { $(Self::$action => cell::$doer),+ }
            }

            const fn row(self) -> [Reach; Role::COUNT] {
                match self { $(Self::$action => [$(cell::$reach),+]),+ }
            }
        }

        /// Returns how far a role may perform an action.
        pub const fn reach(role: Role, action: Action) -> Reach {
            let [$($role),+] = action.row();
            match role { $(Role::$role => $role),+ }
        }
    };
}

#[expect(non_snake_case, reason = "the macro binds a row's cells by the names of the roles")]
mod table {
    use super::{
        Category, Deserialize, Display, Doer, EnumCount, EnumIter, EnumString, IntoStaticStr, Reach, Serialize, cell,
    };

    policy! {
        roles:                                                   Patient Clinician Secretary RegistryManager CouncilMember CouncilChair Applicant Importer Sender PasFeed Dpo  Operator System;
        /// Create a registry from a template.
        CreateTenant           [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// List the registries of the platform.
        ListTenants            [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Read one registry's settings and state.
        ReadTenant             [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Change a registry's name or trusted issuers.
        UpdateTenant           [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Suspend a registry: requests are refused, all data are kept.
        SuspendTenant          [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Resume a suspended registry.
        ResumeTenant           [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Migrate a registry's schema to the server's version.
        MigrateTenant          [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Remove a suspended registry with all of its data.
        DropTenant             [Platform]          api         : no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Import an edition of a code system.
        ImportCodes            [Platform]          codes_import: no      no        no        no              no            no           no        no       no     no      no   all      no;
        /// Register a patient.
        RegisterPatient        [Identity]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// List the patients of the registry.
        ListPatients           [Identity]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read one patient's identity and contact data.
        ReadPatient            [Identity]          api         : own     unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Change a patient's fields.
        UpdatePatient          [Identity]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Find a patient by national id.
        LookUpPatient          [Identity]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Read the log of accesses to one patient's data (innsynslogg).
        ReadAccessLog          [AccessLog]         api         : own     no        no        all             no            no           no        no       no     no      all  no       no;
        /// Read the audit events of the whole registry.
        ReadAuditEvents        [AccessLog]         api         : no      no        no        no              no            no           no        no       no     no      all  no       no;
        /// Read the catalogue of instruments.
        ReadInstruments        [Catalogue]         api         : all     all       all       all             all           all          all       all      all    all     all  no       no;
        /// Score answers without storing anything.
        ScoreAnswers           [Catalogue]         api         : no      all       no        all             no            no           no        all      no     no      no   no       no;
        /// Read the registry's forms.
        ReadForms              [Catalogue]         api         : all     all       all       all             no            no           no        all      all    no      no   no       no;
        /// Write, publish, import and export the registry's forms.
        ManageForms            [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the code systems.
        ReadCodes              [Catalogue]         api         : all     all       all       all             all           all          all       all      all    all     all  no       no;
        /// Read the licences of instruments that the registry holds.
        ReadLicences           [Catalogue]         api         : no      all       all       all             no            no           no        no       no     no      all  no       no;
        /// Register, change and withdraw licences, with their invoices, and read their deadlines.
        ManageLicences         [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the wording of instruments, to render forms.
        ReadItemTexts          [Catalogue]         api         : all     all       all       all             no            no           no        no       no     no      no   no       no;
        /// Load the wording of an instrument from the licence holder's file.
        LoadItemTexts          [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the registry's settings.
        ReadSettings           [Catalogue]         api         : no      all       all       all             no            no           no        no       no     no      all  no       no;
        /// Update the registry's settings.
        ChangeSettings         [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Submit an answered questionnaire.
        SubmitAnswers          [Answers]           api         : own     unit      no        no              no            no           no        all      no     no      no   no       no;
        /// Deliver a Nettskjema submission in one of the formats that Nettskjema exports.
        DeliverNettskjema      [Answers]           api         : no      no        no        no              no            no           no        all      no     no      no   no       no;
        /// Submit answered questionnaires as NDJSON, one per line.
        SubmitAnswersInBulk    [Answers]           api         : no      no        no        no              no            no           no        all      no     no      no   no       no;
        /// Store a Nettskjema form definition.
        DescribeNettskjema     [Catalogue]         api         : no      no        no        all             no            no           no        all      no     no      no   no       no;
        /// Save the mapping from the codebook of a Nettskjema form to a form of the registry.
        MapNettskjema          [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read deliveries in quarantine (karantene).
        ReadQuarantine         [Answers]           api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Replay, correct or set aside deliveries in quarantine.
        ResolveQuarantine      [Answers]           api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the alerts that answers raised.
        ReadAlerts             [Answers]           api         : no      unit      no        all             no            no           no        no       no     no      no   no       no;
        /// Acknowledge an alert.
        AcknowledgeAlert       [Answers]           api         : no      unit      no        all             no            no           no        no       no     no      no   no       no;
        /// Score stored answers again.
        RescoreAnswers         [Answers]           api         : no      no        no        all             no            no           no        no       no     no      no   no       all;
        /// Read the state and progress of long operations.
        ReadOperations         [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      all  no       no;
        /// Cancel a long operation.
        CancelOperation        [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the public keys that verify receipts.
        ReadReceiptKeys        [Catalogue]         api         : all     all       all       all             no            no           no        all      all    no      all  no       no;
        /// Read answered questionnaires and their scores.
        ReadAnswers            [Answers]           api         : own     unit      no        all             no            no           no        no       no     no      no   no       no;
        /// Read the number of stored objects and the mean scores.
        ReadSummary            [Answers]           api         : no      all       no        all             no            no           no        no       no     no      no   no       no;
        /// Read referrals, episodes and consultations.
        ReadCourse             [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Record referrals, episodes and consultations.
        RecordCourse           [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Change referrals, episodes and consultations; earlier states are kept in the history.
        ChangeCourse           [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Withdraw referrals, episodes and consultations that were recorded by mistake; they are kept in the history.
        WithdrawCourse         [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read diagnoses, procedures, pain drawings, treatment goals and medication.
        ReadTreatment          [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Record diagnoses, procedures, pain drawings, treatment goals and medication.
        RecordTreatment        [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Change diagnoses, procedures, pain drawings, treatment goals and medication; earlier states are kept in the history.
        ChangeTreatment        [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Withdraw diagnoses, procedures, pain drawings, treatment goals and medication that were recorded by mistake; they are kept in the history.
        WithdrawTreatment      [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read implants, their components, programmes, events and checks.
        ReadImplants           [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Record implants, their components, programmes, events and checks.
        RecordImplants         [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Change implants, their components, programmes, events and checks; earlier states are kept in the history.
        ChangeImplants         [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Withdraw implants, their components, programmes, events and checks that were recorded by mistake; they are kept in the history.
        WithdrawImplants       [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read entries of legal basis (behandlingsgrunnlag).
        ReadLegalBasis         [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Record entries of legal basis (behandlingsgrunnlag).
        RecordLegalBasis       [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Change entries of legal basis (behandlingsgrunnlag); earlier states are kept in the history.
        ChangeLegalBasis       [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Withdraw entries of legal basis (behandlingsgrunnlag) that were recorded by mistake; they are kept in the history.
        WithdrawLegalBasis     [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read project participations and biobank samples.
        ReadResearch           [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Record project participations and biobank samples.
        RecordResearch         [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Change project participations and biobank samples; earlier states are kept in the history.
        ChangeResearch         [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Withdraw project participations and biobank samples that were recorded by mistake; they are kept in the history.
        WithdrawResearch       [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// List entries of one kind across the whole registry.
        ListClinical           [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read all entries and answers of one patient, now or as of an instant, and the differences between two instants.
        ReadTimeline           [Clinical Answers]  api         : own     unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Find all patients with a recalled device (tilbakekalling).
        FindRecalled           [Clinical]          api         : no      unit      no        all             no            no           no        no       no     no      no   no       no;
        /// Register patients with their course as NDJSON, one patient per line.
        RegisterInBulk         [Identity Clinical] api         : no      unit      unit      all             no            no           no        no       no     all     no   no       no;
        /// Read one patient's follow-up decisions and their reasons.
        ReadFollowUp           [Clinical]          api         : own     unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// List and count current follow-up decisions.
        ListFollowUp           [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read response rates.
        ReadFollowUpStatistics [Answers]           api         : no      unit      no        all             no            no           no        no       no     no      no   no       no;
        /// Read the list of patients to phone about an unanswered invitation (ringeliste), and the recorded calls.
        ReadCallList           [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Record a phone call to a patient and its outcome.
        RecordCall             [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Decide again every follow-up that is due for a decision.
        RunFollowUp            [Clinical]          api         : no      no        no        all             no            no           no        no       no     no      no   no       all;
        /// Simulate the effect of a follow-up plan on current decisions.
        SimulateFollowUp       [Clinical]          api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read follow-up plans.
        ReadFollowUpPlans      [Catalogue]         api         : no      all       all       all             no            no           no        no       all    no      all  no       no;
        /// Write, discard and publish follow-up plans.
        ManageFollowUpPlans    [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Claim invitations that are due, with their contact data.
        ClaimInvitations       [Identity]          api         : no      no        no        no              no            no           no        no       all    no      no   no       no;
        /// Confirm, immediately before sending, that an invitation is still to be sent.
        HandOverInvitation     [Clinical]          api         : no      no        no        no              no            no           no        no       all    no      no   no       no;
        /// Store delivery reports of invitations.
        ReportInvitation       [Clinical]          api         : no      no        no        no              no            no           no        no       all    no      no   no       no;
        /// Read invitations and their delivery reports.
        ReadInvitations        [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Read the events of the registry in order.
        ReadEvents             [Clinical]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Manage webhook subscriptions and read their deliveries.
        ManageWebhooks         [Clinical]          api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Deliver events to webhook subscribers.
        DeliverEvents          [Clinical]          worker      : no      no        no        no              no            no           no        no       no     no      no   no       all;
        /// Find patients who may be the same person.
        FindDuplicates         [Identity]          api         : no      unit      unit      all             no            no           no        no       no     no      no   no       no;
        /// Merge a duplicate into another patient.
        MergePatients          [Identity]          api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read merges of patients.
        ReadMerges             [Identity]          api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Undo a merge.
        UndoMerge              [Identity]          api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the registry's own code lists.
        ReadCodeLists          [Catalogue]         api         : all     all       all       all             all           all          all       all      all    all     all  no       no;
        /// Change the registry's own code lists.
        ChangeCodeLists        [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
        /// Read the registry's projects.
        ReadProjects           [Catalogue]         api         : no      all       all       all             all           all          no        no       no     no      all  no       no;
        /// Register and change projects.
        ChangeProjects         [Catalogue]         api         : no      no        no        all             no            no           no        no       no     no      no   no       no;
    }
}
pub use table::{Action, Role, reach};

impl Action {
    /// The first of its categories.
    pub const fn category(self) -> Category {
        match self.categories() {
            [first, ..] => *first,
            [] => Category::Platform,
        }
    }

    /// Whether only the `painreg` command or its worker performs it: no operation of the API does.
    pub const fn is_for_the_command_line(self) -> bool {
        !matches!(self.doer(), Doer::Api)
    }
}

impl Role {
    /// Whether programs hold the role; their POST requests must carry an `Idempotency-Key`.
    pub const fn is_machine(self) -> bool {
        matches!(self, Self::Importer | Self::Sender | Self::PasFeed | Self::System)
    }

    /// The purpose for which the role reads patient data; stored with every access.
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
    fn reach_of_operators_is_all_on_the_platform_and_no_elsewhere() {
        for action in Action::iter() {
            let platform = action.category() == Category::Platform;
            assert_eq!(reach(Role::Operator, action) == Reach::All, platform, "{action}");
            for role in Role::iter().filter(|role| *role != Role::Operator) {
                assert!(!platform || reach(role, action) == Reach::No, "{role} {action}");
            }
        }
    }

    #[test]
    fn reach_of_patients_is_own_outside_the_catalogue() {
        for action in Action::iter().filter(|action| action.category() != Category::Catalogue) {
            assert!(matches!(reach(Role::Patient, action), Reach::No | Reach::Own), "{action}");
        }
    }

    #[test]
    fn reach_grants_every_action_to_a_role() {
        for action in Action::iter() {
            assert!(Role::iter().any(|role| reach(role, action) != Reach::No), "{action}");
        }
    }
}
