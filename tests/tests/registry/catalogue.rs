//! What stands in the catalogue of PostgreSQL: equal for every tenant, as the migrations say, as the program believes, and
//! with the grants that are committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel::PgConnection;
use painreg_domain::clinical::history::ChangeReason;
use painreg_domain::clinical::{self, legal_basis};
use painreg_domain::code::{PainClass, System};
use painreg_domain::code_list::{List, ProjectKind};
use painreg_domain::followup;
use painreg_domain::instrument::Status;
use painreg_domain::medication;
use painreg_domain::national_id::IdType;
use painreg_domain::operation;
use painreg_domain::patient::Sex;
use painreg_domain::quarantine::QuarantineState;
use painreg_domain::questionnaire::Wave;
use painreg_tenants::patient_data::{Erasure, Link, PatientTable, patient_tables};
use painreg_tests::{Cluster, World, execute, rows};
use serde_json::json;
use strum::IntoEnumIterator;

/// A file of the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a rendered text with the committed one; with `PAINREG_UPDATE=1` it is written instead.
#[track_caller]
pub fn committed(path: &str, rendered: &str) {
    let path = in_repository(path);
    if std::env::var_os("PAINREG_UPDATE").is_some() {
        std::fs::write(&path, rendered).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (committed.lines().collect(), rendered.lines().collect());
    let differences: Vec<String> = old
        .difference(&new)
        .map(|line| format!("- {line}"))
        .chain(new.difference(&old).map(|line| format!("+ {line}")))
        .collect();
    assert!(
        committed == rendered,
        "{} is not what it would be; look at the difference, then run with PAINREG_UPDATE=1:\n{}",
        path.display(),
        differences.join("\n")
    );
}

fn lines(conn: &mut PgConnection, schema: &str, query: &str) -> Vec<String> {
    let found = rows(conn, &query.replace("{schema}", schema));
    let mut lines: Vec<String> = found
        .iter()
        .map(|row| {
            let line = row["line"].as_str().expect("a line");
            line.replace(&format!("{schema}."), "").replace(&format!("{schema}_"), "").replace(schema, "{schema}")
        })
        .collect();
    lines.sort();
    lines
}

/// Columns, constraints, indexes, and whatever else is in a schema, without its name.
fn structure(conn: &mut PgConnection, schema: &str) -> Vec<String> {
    let mut all = lines(
        conn,
        schema,
        "SELECT format('column %s.%s %s%s%s%s', relname, attname, format_type(atttypid, atttypmod), \
         CASE WHEN attnotnull THEN ' not null' ELSE '' END, ' default ' || pg_get_expr(adbin, adrelid), \
         CASE WHEN attidentity <> '' THEN ' identity ' || attidentity::text ELSE '' END) AS line \
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid \
         LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum \
         WHERE relnamespace = '{schema}'::regnamespace AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'v', 'm', 'p')",
    );
    all.extend(lines(
        conn,
        schema,
        "SELECT format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) AS line \
         FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid \
         WHERE relnamespace = '{schema}'::regnamespace",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('relation %s of kind %s, row security %s', relname, relkind, relrowsecurity) AS line FROM pg_class \
         WHERE relnamespace = '{schema}'::regnamespace",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT 'function ' || pg_get_functiondef(oid) AS line FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT 'trigger ' || pg_get_triggerdef(pg_trigger.oid) AS line FROM pg_trigger \
         JOIN pg_class ON pg_class.oid = tgrelid WHERE relnamespace = '{schema}'::regnamespace AND NOT tgisinternal",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('type %s %s', typname, typtype) AS line FROM pg_type WHERE typnamespace = '{schema}'::regnamespace \
         AND typtype NOT IN ('c') AND typelem = 0",
    ));
    all
}

/// Who may do what in a schema, and which roles the login role reaches.
fn grants(conn: &mut PgConnection, schema: &str) -> Vec<String> {
    let mut all = lines(
        conn,
        schema,
        "SELECT format('ROLE %s%s%s%s%s%s%s%s CONNECTION LIMIT %s%s', rolname, CASE WHEN rolcanlogin THEN ' LOGIN' ELSE ' NOLOGIN' END, \
         CASE WHEN rolinherit THEN ' INHERIT' ELSE ' NOINHERIT' END, CASE WHEN rolsuper THEN ' SUPERUSER' ELSE '' END, \
         CASE WHEN rolcreaterole THEN ' CREATEROLE' ELSE '' END, CASE WHEN rolcreatedb THEN ' CREATEDB' ELSE '' END, \
         CASE WHEN rolbypassrls THEN ' BYPASSRLS' ELSE '' END, CASE WHEN rolreplication THEN ' REPLICATION' ELSE '' END, \
         CASE WHEN rolconnlimit < 0 THEN 'none' ELSE 'some' END, (SELECT ' SET ' || array_to_string(setconfig, ', ') \
         FROM pg_db_role_setting WHERE setrole = pg_roles.oid AND setdatabase = 0)) AS line \
         FROM pg_roles WHERE rolname ^@ '{schema}_'",
    );
    all.extend(lines(
        conn,
        schema,
        "SELECT format('MEMBER %s OF %s%s', member::regrole, roleid::regrole, CASE WHEN admin_option THEN ' WITH ADMIN' ELSE '' END) \
         AS line FROM pg_auth_members WHERE member::regrole::text ^@ '{schema}_' \
         OR (roleid::regrole::text ^@ '{schema}_' AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = member AND rolcreaterole))",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('GRANT %s ON SCHEMA TO %s', privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END) AS line \
         FROM pg_namespace, aclexplode(nspacl) WHERE nspname = '{schema}' AND grantee <> nspowner",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('GRANT %s ON %s TO %s%s', string_agg(privilege_type, ', ' ORDER BY privilege_type), relname, \
         CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS line \
         FROM pg_class, aclexplode(relacl) WHERE relnamespace = '{schema}'::regnamespace AND grantee <> relowner \
         GROUP BY relname, grantee, is_grantable",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('GRANT %s (%s) ON %s TO %s', privilege_type, string_agg(attname, ', ' ORDER BY attname), relname, \
         CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END) AS line \
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl) \
         WHERE relnamespace = '{schema}'::regnamespace AND grantee <> relowner GROUP BY privilege_type, relname, grantee",
    ));
    all.extend(lines(
        conn,
        schema,
        "SELECT format('DEFAULT %s', defaclacl::text) AS line FROM pg_default_acl \
         WHERE defaclnamespace IN (0, '{schema}'::regnamespace)",
    ));
    all
}

#[test]
fn grants_are_the_committed_ones() {
    let world = World::new();
    let schema = world.schema("alpha");
    let mut text = "# The catalogue's grants in every registry's schema. Rendered by the tests with PAINREG_UPDATE=1; do not edit.\n".to_owned();
    for line in grants(&mut world.sql(), &schema) {
        text.push_str(&line);
        text.push('\n');
    }
    committed("openapi/grants.txt", &text);
}

#[test]
fn nobody_changes_the_access_log_and_importers_read_no_answer() {
    let world = World::new();
    let schema = world.schema("alpha");
    for line in grants(&mut world.sql(), &schema) {
        let right = line.split(" ON ").next().unwrap_or_default();
        if line.contains(" ON audit_event ") {
            assert!(!["UPDATE", "DELETE", "TRUNCATE"].iter().any(|verb| right.contains(verb)), "{line}");
        }
        assert!(!(line.contains(" ON submission TO importer") && right.contains("answers")), "{line}");
        assert!(!(line.contains(" ON submission TO importer") && right == "GRANT SELECT"), "{line}");
        assert!(
            !line.contains("PUBLIC") && !line.contains("WITH GRANT OPTION") && !line.contains("SUPERUSER"),
            "{line}"
        );
    }
}

#[test]
fn every_registry_has_the_same_schema_and_the_same_grants() {
    let world = World::new();
    world.operator().post("/v1/tenants", &json!({"slug": "gamma", "name": "Gamma"})).expect(201);
    let mut conn = world.sql();
    let [alpha, beta, gamma] = ["alpha", "beta", "gamma"].map(|slug| world.schema(slug));
    let wanted = (structure(&mut conn, &alpha), grants(&mut conn, &alpha));
    assert!(wanted.0.len() > 100 && wanted.1.len() > 60, "{} and {} lines", wanted.0.len(), wanted.1.len());
    for schema in [beta, gamma] {
        assert_eq!((structure(&mut conn, &schema), grants(&mut conn, &schema)), wanted);
    }
}

#[test]
fn nothing_stands_in_the_way_of_another_placement() {
    let world = World::new();
    let schema = world.schema("alpha");
    for line in structure(&mut world.sql(), &schema) {
        assert!(!line.starts_with("trigger "), "{line}");
        assert!(!line.starts_with("type ") || !line.ends_with(" e"), "{line}");
        assert!(!line.contains("platform"), "a key across schemas: {line}");
    }
}

/// The SQL files of a set, oldest first.
fn files(set: &str, which: &str) -> Vec<String> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(in_repository(&format!("migrations/{set}")))
        .expect("a set of migrations")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.iter().map(|folder| std::fs::read_to_string(folder.join(which)).expect("a migration")).collect()
}

#[test]
fn up_down_and_up_again_is_the_same() {
    let cluster = Cluster::shared();
    let database = cluster.empty_database();
    let mut conn = cluster.connect(&cluster.local.address_of(&database));
    for set in ["tenant", "platform"] {
        execute(&mut conn, &format!("CREATE SCHEMA scratch_{set}; SET search_path = scratch_{set}"));
        let schema = format!("scratch_{set}");
        let mut up = || files(set, "up.sql").iter().for_each(|text| execute(&mut conn, text));
        up();
        let first = structure(&mut conn, &schema);
        for text in files(set, "down.sql").iter().rev() {
            execute(&mut conn, text);
        }
        assert_eq!(structure(&mut conn, &schema), Vec::<String>::new(), "{set}");
        files(set, "up.sql").iter().for_each(|text| execute(&mut conn, text));
        assert_eq!(structure(&mut conn, &schema), first, "{set}");
        assert!(first.len() > 50);
    }
    // What a served registry has is what these files say.
    let world = World::new();
    let ours = |line: &String| !line.contains("__diesel_schema_migrations");
    for (set, schema) in [("tenant", world.schema("alpha")), ("platform", "platform".to_owned())] {
        let served: Vec<String> = structure(&mut world.sql(), &schema).into_iter().filter(ours).collect();
        assert_eq!(served, structure(&mut conn, &format!("scratch_{set}")), "{set}");
    }
    drop(conn);
    cluster.drop_database(&database);
}

/// The words of a `CHECK (x IN (..))`.
fn words(definition: &str) -> BTreeSet<String> {
    definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

fn variants<T: IntoEnumIterator + Into<&'static str>>() -> BTreeSet<String> {
    T::iter().map(|variant| variant.into().to_owned()).collect()
}

#[test]
fn check_lists_are_the_programs_variants() {
    let world = World::new();
    let some = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<String>>();
    let known = BTreeMap::from([
        ("patient_sex_known", variants::<Sex>()),
        ("patient_identifier_kind_known", variants::<IdType>()),
        ("form_version_wave_known", variants::<Wave>()),
        ("score_status_known", variants::<Status>()),
        ("code_system_known", variants::<System>()),
        ("code_import_system_known", variants::<System>()),
        ("code_list_list_known", variants::<List>()),
        ("project_kind_known", variants::<ProjectKind>()),
        ("consultation_sequence_known", variants::<clinical::Sequence>()),
        ("consultation_mode_known", variants::<clinical::Mode>()),
        ("consultation_attendance_known", variants::<clinical::Attendance>()),
        ("diagnosis_system_known", variants::<clinical::DiagnosisSystem>()),
        ("diagnosis_chronic_pain_known", variants::<PainClass>()),
        ("procedure_system_known", variants::<clinical::ProcedureSystem>()),
        ("pain_site_reported_by_known", variants::<clinical::ReportedBy>()),
        ("treatment_goal_set_by_known", variants::<clinical::SetBy>()),
        ("medication_route_known", variants::<medication::Route>()),
        ("medication_unit_known", variants::<medication::DoseUnit>()),
        ("medication_stop_reason_known", variants::<medication::StopReason>()),
        ("implant_modality_known", variants::<clinical::Modality>()),
        ("implant_indication_known", variants::<clinical::Indication>()),
        ("implant_screening_known", variants::<clinical::Screening>()),
        ("implant_stages_known", variants::<clinical::Stages>()),
        ("implant_trial_outcome_known", variants::<clinical::TrialOutcome>()),
        ("implant_component_component_known", variants::<clinical::ComponentKind>()),
        ("implant_component_side_known", variants::<clinical::body::Side>()),
        ("implant_component_ipg_site_known", variants::<clinical::IpgSite>()),
        ("implant_component_mri_known", variants::<clinical::MriCondition>()),
        ("implant_programme_waveform_known", variants::<clinical::Waveform>()),
        ("implant_programme_amplitude_unit_known", variants::<clinical::AmplitudeUnit>()),
        ("implant_event_event_known", variants::<clinical::EventKind>()),
        ("implant_event_class_known", variants::<clinical::EventClass>()),
        ("implant_check_battery_known", variants::<clinical::Battery>()),
        ("legal_basis_basis_known", variants::<legal_basis::Basis>()),
        ("legal_basis_decision_known", variants::<legal_basis::Decision>()),
        ("legal_basis_against_known", variants::<legal_basis::Against>()),
        ("legal_basis_source_known", variants::<legal_basis::BasisSource>()),
        ("sample_state_known", variants::<clinical::SampleState>()),
        ("decision_state_known", variants::<followup::State>()),
        ("decision_channel_known", variants::<followup::Channel>()),
        ("decision_matched_by_known", variants::<followup::MatchedBy>()),
        ("decision_timing_known", variants::<followup::Timing>()),
        ("invitation_channel_known", variants::<followup::Channel>()),
        ("invitation_state_known", variants::<followup::InvitationState>()),
        ("submission_invited_by_known", some(&["token", "source"])),
        // The channels that contact data tell of: the others go by national id.
        ("patient_channels_known", some(&["sms", "email"])),
        ("follow_up_call_outcome_known", variants::<followup::CallOutcome>()),
        ("operation_kind_known", variants::<operation::Kind>()),
        ("operation_state_known", variants::<operation::State>()),
        ("operation_failure_known", variants::<operation::Failure>()),
        // Words that the program writes as they are.
        ("webhook_disabled_because_known", some(&["asked", "failing", "gone"])),
        ("webhook_delivery_state_known", some(&["pending", "delivered", "given_up"])),
        ("webhook_delivery_failure_known", some(&["refused_address", "timeout", "unreachable", "status"])),
        ("row_history_reason_known", {
            let mut reasons = variants::<ChangeReason>();
            reasons.extend(some(&["merge", "merge_undone"]));
            reasons
        }),
        ("quarantine_state_known", variants::<QuarantineState>()),
        ("submission_answered_by_known", some(&["patient", "representative"])),
        ("audit_event_actor_kind_known", some(&["person", "machine", "system"])),
        ("tenant_placement_known", some(&["login", "dsn"])),
        ("tenant_state_known", some(&["active", "suspended"])),
        ("migration_run_outcome_known", some(&["migrated", "current", "failed"])),
    ]);
    let schema = world.schema("alpha");
    let mut seen = BTreeSet::new();
    for row in world.rows(&format!(
        "SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE contype = 'c' \
         AND connamespace IN ('{schema}'::regnamespace, 'platform'::regnamespace) AND pg_get_constraintdef(oid) LIKE '%ARRAY[%'"
    )) {
        let name = row["conname"].as_str().expect("a name");
        let wanted = known.get(name).unwrap_or_else(|| panic!("{name} is in no table here: say which variants it lists"));
        assert_eq!(&words(row["definition"].as_str().expect("a definition")), wanted, "{name}");
        seen.insert(name.to_owned());
    }
    assert_eq!(seen, known.keys().map(|name| (*name).to_owned()).collect());
}

/// Every table that has a column `patient_id`, or refers to the patient or to a row of such a table.
const PATIENT_TABLES: &str = "WITH RECURSIVE refers (oid) AS (SELECT '{schema}.patient'::regclass::oid \
     UNION SELECT conrelid FROM pg_constraint JOIN refers ON confrelid = refers.oid WHERE contype = 'f') \
     SELECT relname AS line FROM pg_class WHERE relkind = 'r' AND relnamespace = '{schema}'::regnamespace \
     AND (oid IN (SELECT oid FROM refers) OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid \
     AND attname = 'patient_id'))";

#[test]
fn register_of_patient_data_equals_the_catalogue() {
    let world = World::new();
    let schema = world.schema("alpha");
    let mut conn = world.sql();
    let register: Vec<PatientTable> = patient_tables().collect();
    let named: BTreeSet<String> = register.iter().map(|row| row.table.to_owned()).collect();
    assert_eq!(named.len(), register.len(), "a table has two rows");
    let found: BTreeSet<String> = lines(&mut conn, &schema, PATIENT_TABLES).into_iter().collect();
    assert_eq!(named, found, "the register, and the tables that refer to a patient");
    let columns: BTreeSet<String> = lines(
        &mut conn,
        &schema,
        "SELECT format('%s.%s', relname, attname) AS line FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid \
         WHERE relnamespace = '{schema}'::regnamespace AND attnum > 0 AND NOT attisdropped",
    )
    .into_iter()
    .collect();
    let references: BTreeSet<String> = lines(
        &mut conn,
        &schema,
        "SELECT format('%s.%s > %s', conrelid::regclass, attname, confrelid::regclass) AS line FROM pg_constraint \
         JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) \
         WHERE contype = 'f' AND connamespace = '{schema}'::regnamespace",
    )
    .into_iter()
    .collect();
    for PatientTable { table, found, erasure } in &register {
        for link in *found {
            match link {
                Link::Column(column) => assert!(columns.contains(&format!("{table}.{column}")), "{table}.{column}"),
                Link::Through(column, to) => {
                    assert!(references.contains(&format!("{table}.{column} > {to}")), "{table}.{column} > {to}");
                    assert!(named.contains(*to), "{to}");
                }
                Link::Content(_) => {}
            }
        }
        // Every reference to the patient itself is a way to find the row.
        for line in references.iter().filter(|line| line.ends_with(" > patient")) {
            let Some((of, column)) = line.strip_suffix(" > patient").and_then(|line| line.split_once('.')) else {
                panic!("{line}")
            };
            let is_link = |link: &Link| matches!(link, Link::Column(name) if *name == column);
            assert!(of != *table || found.iter().any(is_link), "{line} is no link of the register");
        }
        if let Erasure::Clear(cleared) = erasure {
            for column in *cleared {
                assert!(columns.contains(&format!("{table}.{column}")), "{table}.{column}");
            }
        }
    }
}
