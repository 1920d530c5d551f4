//! The catalogue of PostgreSQL: equal for every tenant, consistent with the migrations and with the program, and with
//! the committed grants.

mod patient_data;
mod program;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diesel::PgConnection;
use painreg_tests::{Cluster, World, execute, rows};
use serde_json::json;

/// Returns the path of a file in the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a rendered text with the committed one; with `PAINREG_UPDATE=1` the text is written instead.
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

/// Returns columns, constraints, indexes and all other objects of a schema, without its name.
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

/// Returns the grants in a schema, and the roles of which the login role is a member.
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
fn grants_equal_the_committed_document() {
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
fn grants_keep_the_audit_log_append_only_and_answers_from_importers() {
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
fn schema_and_grants_are_equal_in_every_registry() {
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
fn schema_has_no_obstacle_to_citus_placement() {
    let world = World::new();
    let schema = world.schema("alpha");
    for line in structure(&mut world.sql(), &schema) {
        assert!(!line.starts_with("trigger "), "{line}");
        assert!(!line.starts_with("type ") || !line.ends_with(" e"), "{line}");
        assert!(!line.contains("platform"), "a key across schemas: {line}");
    }
}

/// Returns the SQL files of a set, oldest first.
fn files(set: &str, which: &str) -> Vec<String> {
    migrations(set, which).into_iter().map(|(_, text)| text).collect()
}

/// Returns the name and a file of every migration of a set, in order.
pub fn migrations(set: &str, which: &str) -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(in_repository(&format!("migrations/{set}")))
        .expect("a set of migrations")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let name = |folder: &PathBuf| folder.file_name().expect("a name").to_string_lossy().into_owned();
    let text = |folder: &PathBuf| std::fs::read_to_string(folder.join(which)).expect("a migration");
    folders.iter().map(|folder| (name(folder), text(folder))).collect()
}

/// Diesel knows a migration by the digits of its name alone: of two with the same ones it runs one.
#[test]
fn migration_versions_are_unique() {
    for set in ["tenant", "platform"] {
        let folders = std::fs::read_dir(in_repository(&format!("migrations/{set}"))).expect("a set of migrations");
        let mut seen = BTreeSet::new();
        for folder in folders {
            let name = folder.expect("an entry").file_name().into_string().expect("a name");
            let version = name.split('_').next().unwrap_or_default().to_owned();
            assert!(seen.insert(version.clone()), "{set}: two migrations are {version}");
        }
    }
}

#[test]
fn migrations_up_down_up_give_the_same_schema() {
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
    // The schema of a served registry is what these files create.
    let world = World::new();
    let ours = |line: &String| !line.contains("__diesel_schema_migrations");
    for (set, schema) in [("tenant", world.schema("alpha")), ("platform", "platform".to_owned())] {
        let served: Vec<String> = structure(&mut world.sql(), &schema).into_iter().filter(ours).collect();
        assert_eq!(served, structure(&mut conn, &format!("scratch_{set}")), "{set}");
    }
    drop(conn);
    cluster.drop_database(&database);
}
