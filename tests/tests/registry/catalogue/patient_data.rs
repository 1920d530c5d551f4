//! The register of where patient data is stored, compared with the catalogue.

use std::collections::BTreeSet;

use painreg_tenants::patient_data::{Erasure, Link, PatientTable, patient_tables};
use painreg_tests::World;

use super::lines;

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
