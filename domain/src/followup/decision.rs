//! The decision about a patient, a rule and an occurrence, with its reasons.

use jiff::civil::Date;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Channel;
use crate::ids::SubmissionId;
use crate::words::words;

words! {
    /// The state of an occurrence.
    State {
        /// The invitation is due to be sent.
        Due,
        /// Its day has not come, or nothing has started it.
        Waiting,
        /// The invitation must not be sent.
        Suppressed,
        /// Sent, and not answered yet.
        Sent,
        /// An answer was received.
        Answered,
        /// Its window has passed.
        Lapsed,
    }
    /// The evidence that an answer belongs to an occurrence.
    MatchedBy {
        /// The token of the invitation's link.
        Token,
        /// The source's own reference to the invitation.
        Source,
        /// The form and the day of the answer.
        Window,
    }
    /// The timing of an answer.
    Timing {
        /// In the window, before the invitation was due.
        Early,
        /// In the window.
        InTime,
        /// After the window.
        Late,
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident $en:literal $nb:literal;)+) => {
        words! {
            /// The reason for the state of an occurrence (årsakskode). Codes are stable and open: readers must
            /// tolerate new ones.
            Reason { $($(#[$doc])* $reason,)+ }
        }
        impl Reason {
            /// The reason in a sentence, in English.
            pub const fn en(self) -> &'static str { match self { $(Self::$reason => $en),+ } }
            /// The reason in a sentence, in Norwegian bokmål.
            pub const fn nb(self) -> &'static str { match self { $(Self::$reason => $nb),+ } }
        }
    };
}

reasons! {
    /// The invitation is to be sent now.
    DueNow "The invitation is to be sent." "Invitasjonen skal sendes.";
    /// A sender has it.
    BeingSent "A sender has claimed the invitation." "En avsender er i gang med invitasjonen.";
    /// Sending by one channel failed; the next one is tried.
    NextChannel "Sending failed; the next channel is tried." "Utsendelsen mislyktes; neste kanal prøves.";
    /// Its day has not come.
    NotYetDue "The due day has not come yet." "Dagen er ikke kommet ennå.";
    /// Its day is no sending day.
    WaitsForSendingDay "The day is a weekend or a public holiday; it is sent on the next working day." "Dagen er helg eller helligdag; det sendes neste virkedag.";
    /// No episode of care is registered.
    NoEpisode "No episode of care is registered." "Det er ikke registrert noe behandlingsforløp.";
    /// The episode is open: nothing is closed in the registry.
    NotClosed "The episode is not closed in the registry." "Behandlingsforløpet er ikke avsluttet i registeret.";
    /// No episode is open.
    EpisodeClosed "The episode is closed." "Behandlingsforløpet er avsluttet.";
    /// Treatment began again.
    InTreatmentAgain "Another episode of care is open." "Et annet behandlingsforløp er åpent.";
    /// No generator of the implant is left.
    ImplantRemoved "The implant was removed." "Implantatet er fjernet.";
    /// No procedure of the group.
    NoProcedure "No such procedure is registered." "Det er ikke registrert noen slik prosedyre.";
    /// No implant of the modality.
    NoImplant "No such implant is registered." "Det er ikke registrert noe slikt implantat.";
    /// The patient is not in the project.
    NotInProject "The patient does not take part in the project." "Pasienten deltar ikke i prosjektet.";
    /// The referral has no treatment-right category.
    CategoryMissing "The referral has no treatment-right category." "Henvisningen mangler behandlingsrettkategori.";
    /// The category does not lead to follow-up.
    CategoryWithoutFollowUp "The treatment-right category does not lead to follow-up." "Behandlingsrettkategorien fører ikke til oppfølging.";
    /// Due before the track began to be sent.
    BeforePlan "It was due before sending began." "Det forfalt før utsendelsene begynte.";
    /// A newer start has begun the track again.
    RestartedByNewerStart "A newer event has restarted this." "En nyere hendelse har startet dette på nytt.";
    /// The start was withdrawn; a sent invitation is kept.
    StartWithdrawn "The event that started this was withdrawn." "Hendelsen som startet dette, er trukket tilbake.";
    /// The rule is not in the plan any more; what was sent stays.
    RuleWithdrawn "The rule is no longer in the plan." "Regelen er ikke lenger i planen.";
    /// The patient is dead.
    Deceased "The patient is dead." "Pasienten er død.";
    /// Reserved against the registry.
    ReservedAgainstRegistry "The patient has opted out of the registry (reservasjon)." "Pasienten har reservert seg mot registeret.";
    /// The patient refused consent.
    ConsentRefused "The patient refused to consent." "Pasienten har sagt nei til å samtykke.";
    /// The patient withdrew consent.
    ConsentWithdrawn "The patient withdrew the consent." "Pasienten har trukket samtykket.";
    /// No legal basis.
    NoBasis "No legal basis covers the day." "Intet behandlingsgrunnlag dekker dagen.";
    /// Reserved against questionnaires.
    ReservedAgainstQuestionnaires "The patient has opted out of questionnaires (reservasjon)." "Pasienten har reservert seg mot spørreskjemaer.";
    /// The patient is a child.
    Child "The patient is a child." "Pasienten er barn.";
    /// The patient has a cognitive impairment.
    CognitiveImpairment "The patient cannot answer for cognitive reasons." "Pasienten kan av kognitive grunner ikke svare.";
    /// An interpreter is needed.
    InterpreterNeeded "The patient needs an interpreter." "Pasienten trenger tolk.";
    /// In a research project that excludes from follow-up.
    InResearchProject "The patient takes part in a research project." "Pasienten deltar i et forskningsprosjekt.";
    /// An answer waits in quarantine.
    AnswerInQuarantine "An answer was received and is in quarantine." "Et svar er kommet og venter i karantene.";
    /// The patient declined, or could not answer, when phoned.
    DeclinedByTelephone "The patient declined, or could not answer, when phoned." "Pasienten svarte nei, eller kunne ikke svare, da det ble ringt.";
    /// No channel reaches the patient.
    NoChannel "No channel reaches the patient: contact data are missing." "Ingen kanal når pasienten: kontaktopplysninger mangler.";
    /// Every channel was tried.
    DeliveryFailed "Every channel was tried and failed." "Alle kanaler er prøvd uten å lykkes.";
    /// The outcome of sending is unknown: the message is not sent again.
    SendingUnknown "It is not known whether this was sent; it is not sent again." "Det er ikke kjent om dette ble sendt; det sendes ikke på nytt.";
    /// Sent; a reminder follows.
    ReminderPending "Sent; a reminder follows unless it is answered." "Sendt; det purres hvis det ikke besvares.";
    /// Sent; the last reminder too.
    NoMoreReminders "Sent; no more reminders follow." "Sendt; det purres ikke flere ganger.";
    /// Answered in the window.
    AnsweredInTime "Answered within the window." "Besvart innenfor vinduet.";
    /// Answered before it was due.
    AnsweredEarly "Answered before it was due." "Besvart før det forfalt.";
    /// Answered after the window.
    AnsweredLate "Answered after the window." "Besvart etter vinduet.";
    /// Answered without an invitation.
    AnsweredWithoutInvitation "Answered without an invitation." "Besvart uten invitasjon.";
    /// The window passed and nothing was sent.
    NeverSent "The window passed before anything was sent." "Vinduet gikk ut før noe ble sendt.";
    /// The window passed without an answer.
    NotAnswered "The window passed without an answer." "Vinduet gikk ut uten svar.";
}

/// The next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Counts everything sent for the occurrence, from 1.
    pub attempt: u32,
    /// 0: the invitation itself; then the reminders.
    pub reminder: u32,
    /// The channel of the message.
    pub channel: Channel,
}

/// The answer to an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The submission with the answer.
    pub submission: SubmissionId,
    /// The way in which the answer was matched.
    pub by: MatchedBy,
    /// The timing of the answer.
    pub timing: Timing,
}

/// The decision about a patient, a rule and an occurrence.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The rule's code.
    pub rule: String,
    /// The entry that started the occurrence; `None` where nothing has.
    pub start: Option<Uuid>,
    /// The number among the repeated waves of one start, from 1; 0 where nothing has started.
    pub number: u32,
    /// Whether the decision is the current one of the patient and the rule; exactly one is.
    pub current: bool,
    /// The state of the occurrence.
    pub state: State,
    /// The reasons, the deciding one first.
    pub reasons: Vec<Reason>,
    /// The day of the event that started it.
    pub starts_on: Option<Date>,
    /// The day of the occurrence: a number of calendar months after the start.
    pub due_on: Option<Date>,
    /// The day on which something is to be sent next, invitation or reminder: always a sending day.
    pub send_on: Option<Date>,
    /// The last day on which anything is sent.
    pub lapses_on: Option<Date>,
    /// The next day on which the same facts lead to another decision.
    pub review_on: Option<Date>,
    /// The message to send on `send_on`; absent where none is to be sent.
    pub next: Option<Next>,
    /// The answer; absent before it.
    pub answer: Option<Matched>,
    /// The facts that were used: dates, flags, codes and ids; never words of anybody's.
    pub facts: Map<String, Value>,
    /// The version of the plan in which the rule last changed.
    pub rule_version: i64,
}

/// Everything decided of one patient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The decisions by rule and occurrence; exactly one of each rule is current.
    pub decisions: Vec<Decision>,
    /// Answers to forms of follow-up that belong to no occurrence.
    pub unmatched: Vec<SubmissionId>,
}
