//! Isolation, tested with SQL from inside: what a registry's login role can reach with any statement. The outcomes are
//! committed in `isolation.expected`.

use std::fmt::Write as _;

use diesel::{Connection as _, PgConnection};
use painreg_domain::policy::Role;
use painreg_tests::{Cluster, World, attempt, execute, issuer};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use strum::IntoEnumIterator as _;

use crate::catalogue::committed;

const PASSWORD: &str = "for-this-test-only";

/// A compromised registry, and the one that it attacks.
struct Compromised {
    world: World,
    own: String,
    other: String,
}

/// The outcome of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The statement succeeded on this number of rows.
    Allowed(usize),
    /// The statement is not permitted.
    Refused,
    /// The statement is permitted and fails for another reason.
    Failed(String),
}

impl std::fmt::Display for Outcome {
    /// PostgreSQL's messages differ between versions; the outcome does not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Allowed(rows) => write!(f, "ALLOWED, {rows} rows"),
            Self::Refused => f.write_str("refused"),
            Self::Failed(said) => panic!("this attempt proves nothing: {said}"),
        }
    }
}

impl Compromised {
    fn new() -> Self {
        let world = World::new();
        world
            .operator()
            .post(
                "/v1/tenants",
                &json!({"slug": "gone-bad", "name": "Sykehuset Uvanlig", "issuers": [issuer(Some("gone-bad"))]}),
            )
            .expect(201);
        // Data to protect, and connections in use.
        let clinician = world.beta().clinician();
        let patient = clinician.registers(&world.person());
        clinician.submits(&patient, "1", &json!({"nrs_average": 7})).expect(201);
        let (own, other) = (world.schema("gone-bad"), world.schema("beta"));
        execute(&mut world.sql(), &format!("ALTER ROLE {own}_login PASSWORD '{PASSWORD}'; ANALYZE {other}.patient"));
        Self { world, own, other }
    }

    fn address(&self, database: &str) -> SecretString {
        let base = Cluster::shared().local.superuser_address(database);
        SecretString::from(format!("{}&user={}_login&password={PASSWORD}", base.expose_secret(), self.own))
    }

    fn enters(&self) -> PgConnection {
        Cluster::shared().connect(&self.address(self.world.database()))
    }

    fn named(&self, text: &str) -> String {
        text.replace("{own}", &self.own).replace("{other}", &self.other)
    }

    /// Runs a statement in a transaction, as this request role or none, and rolls it back. An attempt that PostgreSQL
    /// refuses for another reason than permissions proves nothing.
    fn tries(&self, conn: &mut PgConnection, role: Option<Role>, statement: &str) -> Outcome {
        const REFUSALS: &[&str] =
            &["permission denied", "must be ", "must have ", "is not available", "Only roles with "];
        let alone = ["CREATE DATABASE", "ALTER SYSTEM"].iter().any(|verb| statement.starts_with(verb));
        let begin = if alone { "SELECT" } else { "BEGIN" };
        execute(conn, begin);
        if let Some(role) = role {
            execute(conn, &format!("SET LOCAL ROLE {}_{role}", self.own));
        }
        let outcome = attempt(conn, &self.named(statement));
        execute(conn, "ROLLBACK");
        match outcome {
            Ok(rows) => Outcome::Allowed(rows),
            Err(said) if REFUSALS.iter().any(|words| said.contains(words)) => Outcome::Refused,
            Err(said) => Outcome::Failed(said),
        }
    }

    fn tables(&self) -> Vec<String> {
        let found = self.world.rows(&format!(
            "SELECT relname FROM pg_class WHERE relnamespace = '{}'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1",
            self.own
        ));
        found.iter().map(|row| row["relname"].as_str().expect("a name").to_owned()).collect()
    }
}

/// The statements of an attacker.
const ATTEMPTS: &[&str] = &[
    "SELECT * FROM platform.tenant",
    "SELECT * FROM platform.issuer",
    "SELECT * FROM platform.audit_event",
    "SELECT * FROM platform.code",
    "INSERT INTO platform.code_import SELECT * FROM platform.code_import",
    "INSERT INTO platform.refusal VALUES (now(), 'x', 'x', 'x', 1)",
    "SET ROLE {other}_login",
    "SET ROLE {other}_clinician",
    "SET ROLE {other}_system",
    "SET ROLE painreg",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION {other}_login",
    "SET SESSION AUTHORIZATION painreg",
    "GRANT {other}_clinician TO {own}_login",
    "GRANT {own}_clinician TO {own}_login WITH ADMIN OPTION",
    "GRANT USAGE ON SCHEMA {own} TO PUBLIC",
    "ALTER ROLE {own}_login SUPERUSER",
    "ALTER ROLE {own}_login CREATEROLE",
    "ALTER ROLE {own}_login INHERIT",
    "ALTER ROLE {own}_login CONNECTION LIMIT 1000",
    "ALTER ROLE {own}_login PASSWORD 'another'",
    "ALTER ROLE {own}_login SET role = '{own}_registry_manager'",
    "ALTER ROLE {other}_login PASSWORD 'mine'",
    "ALTER ROLE {other}_login SET search_path = 'public'",
    "CREATE ROLE helper",
    "CREATE SCHEMA helper",
    "CREATE TABLE public.helper (x int)",
    "CREATE TEMPORARY TABLE helper (x int)",
    "CREATE TABLE {own}.helper (x int)",
    "CREATE FUNCTION {own}.helper() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink SCHEMA {own}",
    "CREATE EXTENSION postgres_fdw SCHEMA {own}",
    "CREATE DATABASE helper",
    "DROP SCHEMA {other} CASCADE",
    "ALTER TABLE {own}.audit_event ADD COLUMN x int",
    "DO LANGUAGE plpgsql 'BEGIN PERFORM * FROM {other}.patient; END'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "COPY (SELECT 1) TO '/tmp/painreg-never'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_catalog.pg_authid",
    "SELECT * FROM pg_catalog.pg_user_mapping",
    "SELECT * FROM pg_catalog.pg_stats WHERE schemaname = '{other}'",
    "SELECT * FROM pg_catalog.pg_statistic",
    "SELECT query FROM pg_catalog.pg_stat_activity WHERE usename <> current_user AND query <> '<insufficient privilege>' AND query <> ''",
    "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = '{other}_login'",
    "SELECT pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = '{other}_login'",
    "SELECT pg_reload_conf()",
    "ALTER SYSTEM SET fsync = off",
    "SET session_replication_role = replica",
    "SET log_statement = 'all'",
    "SET row_security = off",
    // Known: advisory locks and notifications belong to the whole database.
    "SELECT pg_try_advisory_xact_lock(1)",
    "NOTIFY helper",
    "LOCK TABLE {other}.patient IN ACCESS EXCLUSIVE MODE",
    "SELECT nextval('{other}.patient_registry_number_seq')",
    "SELECT has_table_privilege('{other}.patient', 'SELECT')",
    "SELECT currval(pg_get_serial_sequence('{other}.patient', 'registry_number'))",
];

/// Returns the privileges of a request role on a table, found by trying.
fn reach(compromised: &Compromised, conn: &mut PgConnection, role: Role, table: &str) -> String {
    let mut verbs = Vec::new();
    let columns = compromised.world.rows(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{}.{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        compromised.own
    ));
    let columns: Vec<&str> = columns.iter().filter_map(|row| row["attname"].as_str()).collect();
    let mut column_wise = |verb: &str, statement: &dyn Fn(&str) -> String| {
        let allowed: Vec<&str> = columns
            .iter()
            .copied()
            .filter(|column| compromised.tries(conn, Some(role), &statement(column)) != Outcome::Refused)
            .collect();
        if allowed.len() == columns.len() {
            verbs.push(verb.to_owned());
        } else if !allowed.is_empty() {
            verbs.push(format!("{verb}({})", allowed.join(",")));
        }
    };
    column_wise("select", &|column| format!("SELECT {column} FROM {{own}}.{table}"));
    column_wise("update", &|column| format!("UPDATE {{own}}.{table} SET {column} = DEFAULT WHERE false"));
    for (verb, statement) in [
        ("insert", format!("INSERT INTO {{own}}.{table} DEFAULT VALUES")),
        ("delete", format!("DELETE FROM {{own}}.{table} WHERE false")),
        ("truncate", format!("TRUNCATE {{own}}.{table}")),
    ] {
        if compromised.tries(conn, Some(role), &statement) != Outcome::Refused {
            verbs.push(verb.to_owned());
        }
    }
    if verbs.is_empty() { "nothing".to_owned() } else { verbs.join(" ") }
}

#[test]
fn login_role_with_arbitrary_sql_reads_its_own_registry_only() {
    let compromised = Compromised::new();
    let mut conn = compromised.enters();
    let mut text = "What a registry's login role can do with any SQL at all. Rendered by the tests with PAINREG_UPDATE=1; do not edit.\n".to_owned();
    text.push_str("\n# Without a request role\n");
    for table in compromised.tables() {
        for schema in ["own", "other"] {
            let statement = format!("SELECT * FROM {{{schema}}}.{table}");
            let outcome = compromised.tries(&mut conn, None, &statement);
            assert_eq!(outcome, Outcome::Refused, "{statement}");
            let _ = writeln!(text, "{statement} => {}", outcome);
        }
    }
    for statement in ATTEMPTS {
        let _ = writeln!(text, "{statement} => {}", compromised.tries(&mut conn, None, statement));
    }
    text.push_str("\n# Which databases it can enter\n");
    for (name, database) in [
        ("its own", compromised.world.database()),
        ("the template", "template_registry"),
        ("postgres", "postgres"),
        ("template1", "template1"),
    ] {
        let entered = PgConnection::establish(compromised.address(database).expose_secret());
        let _ = writeln!(text, "{name}: {}", if entered.is_ok() { "ENTERED" } else { "refused" });
    }
    text.push_str("\n# As a request role: own tables\n");
    for role in Role::iter().filter(|role| *role != Role::Operator) {
        for table in compromised.tables() {
            let _ = writeln!(text, "{role} {table}: {}", reach(&compromised, &mut conn, role, &table));
        }
    }
    text.push_str("\n# As a request role: beyond\n");
    for role in Role::iter().filter(|role| *role != Role::Operator) {
        for table in compromised.tables() {
            let statement = format!("SELECT * FROM {{other}}.{table}");
            assert_eq!(compromised.tries(&mut conn, Some(role), &statement), Outcome::Refused, "{role}: {statement}");
        }
        for statement in [
            "SELECT * FROM platform.tenant",
            "SET LOCAL ROLE {other}_clinician",
            "CREATE TABLE {own}.helper (x int)",
            "CREATE TEMPORARY TABLE helper (x int)",
            // Known: arbitrary SQL can switch to another request role of the same registry. Values are always bound.
            "SET LOCAL ROLE {own}_registry_manager",
        ] {
            let _ = writeln!(text, "{role}: {statement} => {}", compromised.tries(&mut conn, Some(role), statement));
        }
    }
    committed("tests/tests/registry/isolation.expected", &text);
}

#[test]
fn catalogue_shows_opaque_names_only() {
    let compromised = Compromised::new();
    let mut conn = compromised.enters();
    let seen = painreg_tests::rows(
        &mut conn,
        "SELECT nspname::text AS name FROM pg_catalog.pg_namespace UNION ALL SELECT rolname::text FROM pg_catalog.pg_roles \
         UNION ALL SELECT relname::text FROM pg_catalog.pg_class UNION ALL SELECT description FROM pg_catalog.pg_description \
         UNION ALL SELECT description FROM pg_catalog.pg_shdescription UNION ALL SELECT conname::text FROM pg_catalog.pg_constraint \
         UNION ALL SELECT usename::text FROM pg_catalog.pg_stat_activity UNION ALL SELECT application_name FROM pg_catalog.pg_stat_activity \
         UNION ALL SELECT array_to_string(setconfig, ' ') FROM pg_catalog.pg_db_role_setting",
    );
    assert!(seen.len() > 500);
    for row in seen {
        let name = row["name"].as_str().unwrap_or_default().to_lowercase();
        for secret in ["gone-bad", "gone_bad", "uvanlig", "sykehus"] {
            assert!(!name.contains(secret), "{name}");
        }
        if let Some(rest) = name.strip_prefix("t_") {
            assert!(rest.len() >= 32 && rest[..32].bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
    }
}

#[test]
fn connection_with_a_leftover_role_is_discarded() {
    // A role set for the session survives COMMIT, and a login role may set one for every session that it opens.
    let world = World::new();
    let made = json!({"slug": "left-behind", "name": "Sykehuset Uvanlig", "issuers": [issuer(Some("left-behind"))]});
    world.operator().post("/v1/tenants", &made).expect(201);
    let own = world.schema("left-behind");
    let clinician = world.place("left-behind").clinician();
    for setting in ["role = '{own}_registry_manager'", "search_path = 'public'"] {
        let setting = setting.replace("{own}", &own);
        execute(&mut world.sql(), &format!("ALTER ROLE {own}_login SET {setting}"));
        let answer = clinician.lists_patients("").problem(503, "unavailable");
        assert!(!answer.header("retry-after").is_empty());
        execute(
            &mut world.sql(),
            &format!("ALTER ROLE {own}_login RESET role; ALTER ROLE {own}_login SET search_path = ''"),
        );
        // Open connections are reused.
        clinician.lists_patients("").expect(200);
        execute(
            &mut world.sql(),
            &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{own}_login'"),
        );
    }
    world.within(std::time::Duration::from_secs(5), || (clinician.lists_patients("").status == 200).then_some(()));
}
