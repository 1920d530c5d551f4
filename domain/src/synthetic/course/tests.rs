//! Courses: nothing in them is at fault, and the published proportions come out.

mod implants;
mod published;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::{any, prop_assert, proptest};
use proptest::test_runner::Config;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

use self::implants::stimulated;
use super::super::*;
use super::*;
use crate::clinical::body::{Region, Side};
use crate::clinical::legal_basis::{Against, Basis, ConsentDecision, PermissionReason, may_keep};
use crate::clinical::{
    Attendance, Consultation, Diagnosis, Entry, Episode, EventClass, EventKind, Examination, Implant, ImplantCheck,
    ImplantComponent, ImplantEvent, ImplantProgramme, LegalBasis, PainSite, Procedure, ProjectParticipation, Remark,
    ReportedBy, Sample, TreatmentGoal, TrialOutcome, removal_class,
};
use crate::code::{CodeBooks, PainClass};
use crate::code_list::CodeLists;
use crate::fault::Fault;
use crate::medication::{Medication, Omeq};

const TODAY: Date = date(2026, 11, 22);
const COUNT: usize = 2500;
const LISTS: &str = include_str!("../../../../tenants/templates/opr/code-lists.toml");

fn lists() -> &'static CodeLists {
    static LISTED: OnceLock<CodeLists> = OnceLock::new();
    LISTED.get_or_init(|| CodeLists::from_toml(LISTS).expect("the template's lists"))
}

fn books() -> &'static CodeBooks {
    static BOOKS: OnceLock<CodeBooks> = OnceLock::new();
    BOOKS.get_or_init(CodeBooks::built_in)
}

/// A course and what was remarked upon, entry by entry.
struct Made {
    person: Person,
    course: Course,
    remarks: Vec<Vec<Remark>>,
}

impl Made {
    fn of<T: Entry>(&self) -> Vec<T> {
        let entries = self.course.entries.iter().filter(|entry| entry.kind == T::KIND);
        entries.map(|entry| serde_json::from_value(resolved(&self.course, entry)).expect("its own structure")).collect()
    }
}

fn id(course: &Course, name: &str) -> Option<Uuid> {
    let place = course.entries.iter().position(|entry| entry.r#as == name)?;
    Some(Uuid::from_u128(u128::try_from(place).expect("few")))
}

/// The content with ids in place of names, as a registry stores it; an unknown name is kept.
fn resolved(course: &Course, entry: &CourseEntry) -> Value {
    fn resolve(course: &Course, content: &mut Value) {
        match content {
            Value::String(text) => {
                if let Some(id) = text.strip_prefix('#').and_then(|name| id(course, name)) {
                    *text = id.to_string();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| resolve(course, item)),
            Value::Object(members) => members.values_mut().for_each(|member| resolve(course, member)),
            _ => {}
        }
    }
    let mut content = entry.content.clone();
    resolve(course, &mut content);
    content
}

fn examined<T: Entry>(course: &Course, person: &Person, entry: &CourseEntry) -> Result<Vec<Remark>, Vec<Fault>> {
    let content: T = serde_json::from_value(resolved(course, entry))
        .unwrap_or_else(|error| panic!("{}: {error}: {}", entry.r#as, entry.content));
    let mut exam = Examination::new(TODAY, person.birth_date, course.deceased_on, books(), lists());
    drop(content.examine(&mut exam));
    exam.finish()
}

fn remarks(course: &Course, person: &Person, entry: &CourseEntry) -> Vec<Remark> {
    let examine = match entry.kind {
        EntryKind::Referral => examined::<Referral>,
        EntryKind::Episode => examined::<Episode>,
        EntryKind::Consultation => examined::<Consultation>,
        EntryKind::Diagnosis => examined::<Diagnosis>,
        EntryKind::Procedure => examined::<Procedure>,
        EntryKind::PainSite => examined::<PainSite>,
        EntryKind::TreatmentGoal => examined::<TreatmentGoal>,
        EntryKind::Medication => examined::<Medication>,
        EntryKind::Implant => examined::<Implant>,
        EntryKind::ImplantComponent => examined::<ImplantComponent>,
        EntryKind::ImplantProgramme => examined::<ImplantProgramme>,
        EntryKind::ImplantEvent => examined::<ImplantEvent>,
        EntryKind::ImplantCheck => examined::<ImplantCheck>,
        EntryKind::LegalBasis => examined::<LegalBasis>,
        EntryKind::ProjectParticipation => examined::<ProjectParticipation>,
        EntryKind::Sample => examined::<Sample>,
    };
    examine(course, person, entry).unwrap_or_else(|faults| panic!("{faults:?} in {}", entry.content))
}

fn made(seed: u64, count: usize) -> Vec<Made> {
    let mut generator = Generator::new(seed);
    (0..count)
        .map(|_| {
            let person = generator.person();
            let course = generator.course(&person, TODAY);
            let remarks = course.entries.iter().map(|entry| remarks(&course, &person, entry)).collect();
            Made { person, course, remarks }
        })
        .collect()
}

/// The courses that every test of proportions reads; a fault in any of them fails every test.
fn corpus() -> &'static [Made] {
    static CORPUS: OnceLock<Vec<Made>> = OnceLock::new();
    CORPUS.get_or_init(|| made(2026, COUNT))
}

/// Everything of one kind.
fn all<T: Entry>() -> Vec<T> {
    corpus().iter().flat_map(Made::of).collect()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("few"))
}

fn share<T>(of: &[T], is: impl Fn(&T) -> bool) -> f64 {
    number(of.iter().filter(|one| is(one)).count()) / number(of.len().max(1))
}

fn near(what: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "{what}: {found}, wanted {wanted} ± {tolerance}");
}

/// Members that name days, wherever they stand.
fn days(content: &Value) -> Vec<(String, Date)> {
    let members = content.as_object().expect("an object").iter();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.parse().ok()?))).collect()
}

/// Checks the properties of every course, besides entries without faults.
fn check(Made { person, course, .. }: &Made) {
    assert!(course.entries.len() <= 500, "{} entries", course.entries.len());
    let mut known: Vec<&str> = Vec::new();
    for entry in &course.entries {
        // References name earlier entries, and every name is one entry's.
        let text = entry.content.to_string();
        for name in text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(&name), "{} refers to {name}, which is not there yet", entry.r#as);
        }
        assert!(!text.contains("00000000-"), "{} holds an id", entry.r#as);
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        assert!(entry.r#as.len() <= 40 && entry.r#as.bytes().all(fits) && !known.contains(&entry.r#as.as_str()));
        known.push(&entry.r#as);
        for (member, day) in days(&entry.content) {
            assert!(day >= person.birth_date, "{member} {day} before birth");
            assert!(day <= TODAY || member == "target_on", "{member} {day} is to come: {text}");
            if member == entry.kind.row().day {
                assert!(day <= course.deceased_on.unwrap_or(TODAY), "{member} {day} after death: {text}");
            }
        }
    }
    let first_other = course.entries.iter().position(|entry| entry.kind != EntryKind::LegalBasis);
    let last_ground = course.entries.iter().rposition(|entry| entry.kind == EntryKind::LegalBasis);
    assert!(last_ground < first_other, "grounds come first");
}

#[test]
fn course_entries_have_no_faults() {
    corpus().iter().for_each(check);
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn course_entries_have_no_faults_for_any_seed(seed in any::<u64>()) {
        made(seed, 12).iter().for_each(check);
    }

    #[test]
    fn course_ends_on_the_given_day(seed in any::<u64>(), days in 0..4200) {
        let today = calendar::after(date(2015, 9, 25), days);
        let mut generator = Generator::new(seed);
        for _ in 0..6 {
            let person = generator.person();
            let course = generator.course(&person, today);
            let grounds: Vec<LegalBasis> = course
                .entries
                .iter()
                .filter(|entry| entry.kind == EntryKind::LegalBasis)
                .map(|entry| serde_json::from_value(entry.content.clone()).expect("grounds"))
                .collect();
            prop_assert!(course.entries.is_empty() || may_keep(&grounds, today).allowed);
            for entry in &course.entries {
                let latest = super::tests::days(&entry.content).into_iter().filter(|(name, _)| name != "target_on");
                prop_assert!(latest.clone().all(|(_, day)| day <= today), "{}", entry.content);
                let mut exam = Examination::new(today, person.birth_date, course.deceased_on, books(), lists());
                if entry.kind == EntryKind::ImplantComponent {
                    let part: ImplantComponent = serde_json::from_value(resolved(&course, entry)).expect("a component");
                    let _ = part.examine(&mut exam);
                    prop_assert!(exam.finish().is_ok());
                }
            }
        }
    }
}

#[test]
fn course_is_stable_for_seed_and_day() {
    let bytes = |seed: u64, count: usize| {
        let mut generator = Generator::new(seed);
        let persons: Vec<Person> = (0..count).map(|_| generator.person()).collect();
        let courses = persons.iter().map(|person| generator.course(person, TODAY));
        courses.map(|course| serde_json::to_string(&course).expect("JSON")).collect::<Vec<_>>()
    };
    assert_eq!(bytes(1, 30), bytes(1, 30));
    assert_ne!(bytes(1, 30), bytes(2, 30));
    // The order in which other courses are generated.
    let mut generator = Generator::new(1);
    let persons: Vec<Person> = (0..30).map(|_| generator.person()).collect();
    let last = generator.course(&persons[29], TODAY);
    assert_eq!(serde_json::to_string(&last).expect("JSON"), bytes(1, 30)[29]);
}

#[test]
fn course_generation_leaves_persons_and_deliveries_unchanged() {
    let created = "2026-01-15T10:00:00Z".parse().expect("an instant");
    let outputs = |with_courses: bool| {
        let mut generator = Generator::new(7);
        let output = |submission| {
            let person = generator.person();
            if with_courses {
                drop(generator.course(&person, TODAY));
            }
            let mut delivery = generator.baseline_delivery(&person, submission, created);
            let answers = delivery.as_object_mut().and_then(|members| members.remove("answers"));
            ((person, delivery), answers)
        };
        (1..=40).map(output).unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let (without, with) = (outputs(false), outputs(true));
    assert_eq!(without.0, with.0);
    assert_ne!(without.1, with.1, "answers follow the course");
}

#[test]
fn course_answers_agree_with_its_severity() {
    let created = "2026-01-15T10:00:00Z".parse().expect("an instant");
    let mut generator = Generator::new(3);
    let mut agreeing = 0;
    for submission in 1..=200 {
        let person = generator.person();
        let course = generator.course(&person, TODAY);
        let delivery = generator.baseline_delivery(&person, submission, created);
        let answered = delivery["answers"]["nrs_average"].as_i64();
        let areas =
            course.entries.iter().filter(|entry| entry.kind == EntryKind::PainSite).map(|it| &it.content["areas"]);
        let drawn: Vec<_> = areas.filter_map(|areas| areas[0]["intensity"].as_i64()).collect();
        agreeing += i32::from(drawn.first().is_some_and(|drawn| Some((*drawn).max(1)) == answered.map(|n| n.max(1))));
    }
    assert!(agreeing > 100, "{agreeing}");
}

#[test]
fn course_serialises_as_a_line_of_bulk_registration() {
    #[derive(serde::Serialize)]
    struct Whole<'a> {
        patient: Value,
        #[serde(flatten)]
        course: &'a Course,
    }
    let course = &corpus()[0].course;
    let line = serde_json::to_string(&Whole { patient: serde_json::json!({}), course }).expect("JSON");
    assert!(!line.contains('\n'));
    let read: Value = serde_json::from_str(&line).expect("JSON");
    let members = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&read), ["entries", "patient"]);
    assert_eq!(members(&read["entries"][0]), ["as", "content", "kind"]);
    assert_eq!(read["entries"][0]["kind"], "legal_basis");
    let episode = read["entries"].as_array().expect("a list").iter().find(|entry| entry["kind"] == "episode");
    assert_eq!(episode.map(|entry| &entry["content"]["referral_id"]), Some(&Value::from("#r1")));
}

#[test]
fn course_is_none_before_the_registry_or_adulthood() {
    let mut generator = Generator::new(5);
    let person = generator.person();
    assert_eq!(generator.course(&person, date(2015, 9, 30)), Course::default());
    assert_eq!(generator.course(&person, calendar::years_after(person.birth_date, 17)), Course::default());
}

#[test]
fn course_has_few_and_intended_remarks() {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for made in corpus().iter().chain(stimulated()) {
        for (entry, remarks) in made.course.entries.iter().zip(&made.remarks) {
            for remark in Remark::iter() {
                let belongs = match remark {
                    Remark::CategoryMissing => entry.kind == EntryKind::Referral,
                    Remark::ChronicPainCodeExpectedFirst => entry.kind == EntryKind::Diagnosis,
                    Remark::SiteMissing => entry.kind == EntryKind::Procedure,
                    Remark::HighOpioidDose | Remark::OmeqUnknown => entry.kind == EntryKind::Medication,
                    Remark::UnusualSetting => entry.kind == EntryKind::ImplantProgramme,
                    Remark::ExpiredWhenImplanted | Remark::UdiMissing => entry.kind == EntryKind::ImplantComponent,
                    Remark::UnusualTrialLength => entry.kind == EntryKind::Implant,
                    Remark::ExemptionBeforeJune2021 => entry.kind == EntryKind::LegalBasis,
                };
                let (remarked, of) = counts.entry(remark.into()).or_default();
                *remarked += usize::from(remarks.contains(&remark));
                *of += usize::from(belongs);
            }
        }
    }
    for (remark, most) in [
        ("category_missing", 0.035),
        // Until 2022 the book knows no MG30 code.
        ("chronic_pain_code_expected_first", 0.35),
        ("site_missing", 0.15),
        ("high_opioid_dose", 0.01),
        ("omeq_unknown", 0.01),
        ("unusual_setting", 0.02),
        ("expired_when_implanted", 0.02),
        ("udi_missing", 0.18),
        ("unusual_trial_length", 0.0),
        ("exemption_before_june2021", 0.0),
    ] {
        let (remarked, of) = counts[remark];
        assert!(number(remarked) / number(of.max(1)) <= most, "{remark}: {remarked} of {of}");
    }
}

#[test]
fn course_uses_demonstration_procedures_only() {
    let used: std::collections::BTreeSet<String> = all::<Procedure>().into_iter().map(|it| it.code).collect();
    assert!(used.len() > 8 && used.iter().all(|code| code.starts_with('Z')), "{used:?}");
}

#[test]
fn followers_fall_due_as_in_the_report_of_the_year() {
    let followers = Generator::new(2021).followers();
    let mut counted: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for question in followers.iter().flat_map(|follower| &follower.questions) {
        assert!((date(2021, 6, 1)..=date(2022, 5, 9)).contains(&question.due_on), "{question:?}");
        let (asked, answered) = counted.entry(question.rule).or_default();
        *asked += 1;
        *answered += usize::from(question.answered_after.is_some());
    }
    let table = [
        ("closed_12", (58, 15)),
        ("ongoing_12", (61, 28)),
        ("rf_12", (7, 3)),
        ("rf_3", (28, 21)),
        ("rf_6", (22, 12)),
        ("scs_12", (4, 1)),
        ("scs_6", (16, 14)),
    ];
    assert_eq!(counted.into_iter().collect::<Vec<_>>(), table);
    assert!(followers.is_sorted_by_key(|follower| follower.recorded_on));
    assert_eq!(followers.iter().filter(|follower| follower.questions.is_empty()).count(), 23);
    assert_eq!(followers, Generator::new(2021).followers());
}
