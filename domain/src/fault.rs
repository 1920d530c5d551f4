//! A fault in one part of a request: a place and a stable code, never the submitted value.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

use crate::code::Suggestion;

macro_rules! faults {
    ($($(#[$doc:meta])* $code:ident $en:literal $nb:literal;)+) => {
        /// The codes of faults. Codes are stable and open: readers must tolerate new ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum FaultCode { $($(#[$doc])* $code),+ }
        impl FaultCode {
            /// The sentence for people, in English.
            pub const fn en(self) -> &'static str { match self { $(Self::$code => $en),+ } }
            /// The sentence for people, in Norwegian bokmål.
            pub const fn nb(self) -> &'static str { match self { $(Self::$code => $nb),+ } }
        }
    };
}

faults! {
    /// A number outside the item's range.
    OutOfRange      "The value is outside the permitted range."              "Verdien ligger utenfor det tillatte området.";
    /// A key that the form, instrument or schema does not have.
    UnknownItem     "The item does not exist here."                          "Feltet finnes ikke her.";
    /// An element that changes the meaning of others, so it must be understood or refused (FHIR).
    UnknownModifier "The element changes the meaning of others and is not understood here." "Feltet endrer betydningen av andre og forstås ikke her.";
    /// Another JSON type than the required one.
    WrongType       "The value is of the wrong type."                        "Verdien har feil type.";
    /// A required member is absent or null.
    Required        "A value is required here."                              "Feltet må fylles ut.";
    /// Text in another format than the required one.
    InvalidFormat   "The value does not have the required format."           "Verdien har ikke riktig format.";
    /// A day that is not in the calendar, or not possible here.
    InvalidDate     "The date does not exist or is not possible here."       "Datoen finnes ikke eller er ikke mulig her.";
    /// Check digits that do not match.
    InvalidChecksum "The check digits do not match."                         "Kontrollsifrene stemmer ikke.";
    /// A synthetic number in production, or a real one in a test environment.
    NotAcceptedHere "This kind of number is not accepted in this environment." "Denne typen nummer godtas ikke i dette miljøet.";
    /// An option that is not in the item's list.
    UnknownOption   "The option is not in the item's list."                  "Verdien er ikke blant alternativene.";
    /// Longer than the limit.
    TooLong         "The value is too long."                                 "Verdien er for lang.";
    /// An answer to an item that the other answers hide.
    HiddenItem      "This item is hidden by the other answers."              "Feltet er skjult av de andre svarene.";
    /// A condition on an item that is not earlier than the part it shows.
    NotEarlier      "A condition may only refer to earlier items."           "En betingelse kan bare vise til tidligere felt.";
    /// A part of a form that is on none of its pages.
    NotPlaced       "The item is on no page of the form."                    "Feltet er ikke plassert på noen av skjemaets sider.";
    /// An object has the same member twice.
    DuplicateKey    "The object contains this member twice."                 "Objektet inneholder feltet to ganger.";
    /// A character that cannot be stored (NUL).
    ForbiddenCharacter "The text contains a character that is not permitted." "Teksten inneholder et tegn som ikke er tillatt.";
    /// Two members contradict each other.
    Contradiction   "The value contradicts another member."                  "Verdien motsier et annet felt.";
    /// The object exists already.
    AlreadyExists   "This exists already."                                   "Dette finnes allerede.";
    /// An unsupported version of a document format.
    UnknownVersion  "The version is not supported."                          "Versjonen støttes ikke.";
    /// A reference to something that does not exist here.
    UnknownReference "The referenced object does not exist here."            "Objektet det vises til, finnes ikke her.";
    /// A code that the code system never had.
    UnknownCode     "The code does not exist in the code system."            "Koden finnes ikke i kodeverket.";
    /// A code that the code system has, but not on the day in question: no longer, or not yet.
    ExpiredCode     "The code was not valid on that day."                    "Koden var ikke gyldig den dagen.";
    /// A code of another code system than the stated one.
    WrongCodeSystem "The code belongs to another code system."               "Koden hører til et annet kodeverk.";
    /// A code system of which no edition has been imported.
    CodeSystemNotLoaded "No edition of the code system has been imported."   "Ingen utgave av kodeverket er importert.";
    /// A day before the patient was born.
    BeforeBirth     "The day is before the patient's birth."                 "Dagen er før pasienten ble født.";
    /// A day after the patient died.
    AfterDeath      "The day is after the patient's death."                  "Dagen er etter at pasienten døde.";
    /// A day in the future.
    InFuture        "The day is in the future."                              "Dagen er i fremtiden.";
    /// An end before its beginning.
    WrongOrder      "The end is before the beginning."                       "Slutten er før begynnelsen.";
    /// A day outside the period of the object that is referred to.
    OutsidePeriod   "The day is outside the period of the referenced object." "Dagen er utenfor perioden til objektet det vises til.";
    /// Other objects still refer to the object.
    InUse           "Other objects still refer to this."                     "Andre objekter viser fortsatt til dette.";
    /// A day of birth or death that leaves entries outside the patient's life.
    EntriesOutsideLife "Entries are recorded on days before this birth or after this death." "Det er registrert noe på dager før denne fødselen eller etter dette dødsfallet.";
    /// A merge of a patient with itself.
    SamePatient     "Both are the same patient."                             "Begge er samme pasient.";
    /// The patient has opted out of the registry (reservasjon).
    ReservedAgainstRegistry "The patient has opted out of the registry (reservasjon)."  "Pasienten har reservert seg mot registeret.";
    /// The patient refused to consent.
    ConsentRefused  "The patient refused to consent."                        "Pasienten har sagt nei til å samtykke.";
    /// The patient withdrew the consent.
    ConsentWithdrawn "The patient withdrew the consent."                     "Pasienten har trukket samtykket.";
    /// No legal basis covers the day.
    NoBasis         "No legal basis covers this day."                        "Intet behandlingsgrunnlag dekker denne dagen.";
    /// A condition or rule that can never be fulfilled.
    NeverHappens    "This condition can never be fulfilled."                 "Denne betingelsen kan aldri oppfylles.";
    /// A period that overlaps with another one.
    Overlapping     "The period overlaps with another one."                  "Perioden overlapper med en annen.";
    /// A channel that no sender serves.
    NotServed       "No sender serves this channel."                         "Ingen avsender betjener denne kanalen.";
    /// A text that discloses confidential information to third parties.
    Sensitive       "The text discloses sensitive information."              "Teksten røper sensitive opplysninger.";
    /// An instrument for which no licence is registered.
    LicenceMissing  "No licence for this instrument is registered."          "Det er ikke registrert noen lisens for dette instrumentet.";
    /// An instrument with a licence that had expired on the day in question.
    LicenceExpired  "The licence for this instrument has expired."           "Lisensen for dette instrumentet er utløpt.";
    /// An instrument with a licence that begins after the day in question.
    LicenceNotYetValid "The licence for this instrument is not valid yet."   "Lisensen for dette instrumentet gjelder ikke ennå.";
    /// An instrument that is licensed for other languages only.
    LicenceOfAnotherLanguage "The licence for this instrument does not cover the language." "Lisensen for dette instrumentet gjelder ikke språket.";
    /// The server's key is not the one that the database was used with.
    OtherKey        "The server's key is not the key of this database."      "Tjenerens nøkkel hører ikke til denne databasen.";
    /// An active registry with a key that the server's key does not open.
    RegistryKeyUnusable "The registry's key cannot be opened."               "Registerets nøkkel lar seg ikke åpne.";
    /// An active registry with a schema of another version than the program.
    RegistryOtherVersion "The registry's schema is not at this program's version." "Registerets skjema har ikke programmets versjon.";
    /// An active registry with a login that cannot connect to its database.
    RegistryLoginRefused "The registry's login cannot connect to its database." "Registerets pålogging kommer ikke inn i databasen.";
    /// A thread of a background job that ended unexpectedly and is about to be started again.
    JobInterrupted  "The background job ended unexpectedly and is being started again." "Bakgrunnsjobben stanset uventet og startes på nytt.";
}

/// One refused part: an RFC 6901 pointer into what was sent, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// RFC 6901 JSON pointer, such as `/answers/isi_03`.
    pub pointer: String,
    /// The code of the fault.
    pub code: FaultCode,
    /// Codes of a catalogue that may have been meant, the likeliest first; never what was submitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

impl Fault {
    /// A fault at `pointer`, which must start with `/` or be empty (the whole document). Names in it may come from the
    /// request: eleven or more digits in a row, which may be a national id, are replaced.
    pub fn new(pointer: impl Into<String>, code: FaultCode) -> Self {
        Self { pointer: redact(&pointer.into()), code, suggestions: Vec::new() }
    }

    /// The same fault with codes that may have been meant.
    #[must_use]
    pub fn with_suggestions(mut self, suggestions: Vec<Suggestion>) -> Self {
        self.suggestions = suggestions;
        self
    }

    /// A fault at one member of the root object; the name is escaped as RFC 6901 asks.
    pub fn at(member: &str, code: FaultCode) -> Self {
        Self::new(format!("/{}", escape(member)), code)
    }

    /// The same fault, seen from the document that holds this one under `prefix` (`/answers`).
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Replaces digits of which eleven or more stand in a row by `#`.
fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let digits = part.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        match part.strip_prefix(digits) {
            Some(rest) if digits.len() >= 11 => {
                shown.extend(std::iter::repeat_n('#', digits.len()));
                shown.push_str(rest);
            }
            _ => shown.push_str(part),
        }
    }
    shown
}

/// RFC 6901 section 3: `~` becomes `~0`, `/` becomes `~1`. A pointer must not carry a payload back: names over 64
/// characters are cut, and control characters are replaced, because a pointer is stored and no database stores NUL.
pub fn escape(member: &str) -> String {
    let shown = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    member.chars().take(64).map(shown).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_redacts_eleven_digits_in_a_row() {
        for (pointer, shown) in [
            ("", ""),
            ("/query/01818012337", "/query/###########"),
            ("/answers/pid 01818012337/01", "/answers/pid ###########/01"),
            ("/a/018180123371/b/01818012337", "/a/############/b/###########"),
            ("/answers/1234567890/2", "/answers/1234567890/2"),
        ] {
            assert_eq!(Fault::new(pointer, FaultCode::UnknownItem).pointer, shown);
        }
    }

    #[test]
    fn escape_shortens_names() {
        assert_eq!(escape("isi_03"), "isi_03");
        assert_eq!(escape("a/b~c"), "a~1b~0c");
        assert_eq!(escape("a\0b\u{1b}c\nd"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert_eq!(escape(&"x".repeat(100)).len(), 64);
    }
}
