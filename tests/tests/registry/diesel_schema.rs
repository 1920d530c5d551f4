//! Diesel's view of the tables, rendered from the catalogue of a migrated database: `tenants/src/schema/*.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use painreg_tests::World;

use crate::catalogue::committed;

/// Rust keywords, which cannot name an item.
const KEYWORDS: &[&str] = &["type", "match", "use", "ref", "move", "loop", "where", "as", "in", "for", "fn", "mod"];

fn diesel_type(sql: &str, nullable: bool) -> String {
    let plain = match sql.trim_end_matches("[]") {
        "uuid" => "Uuid",
        "bigint" => "BigInt",
        "integer" => "Integer",
        "smallint" => "SmallInt",
        "text" => "Text",
        "date" => "Date",
        "boolean" => "Bool",
        "bytea" => "Bytea",
        "jsonb" => "Jsonb",
        "double precision" => "Double",
        "timestamp with time zone" => "Timestamptz",
        other if other.starts_with("numeric") => "Numeric",
        other => panic!("no type of diesel's for {other}"),
    };
    let plain = if sql.ends_with("[]") { format!("Array<{plain}>") } else { plain.to_owned() };
    if nullable { format!("Nullable<{plain}>") } else { plain }
}

/// Returns the `diesel::table!` of every table of a schema, by name. `prefix` qualifies the names.
fn tables(world: &World, schema: &str, prefix: &str, title: &str) -> String {
    let columns = world.rows(&format!(
        "SELECT relname AS table, attname AS column, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable, \
         array_position(indkey::int2[], attnum) AS key \
         FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid \
         JOIN pg_index ON indrelid = attrelid AND indisprimary \
         WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped \
         AND relname <> '__diesel_schema_migrations' ORDER BY relname, attnum"
    ));
    let mut tables: BTreeMap<String, (BTreeMap<i64, String>, String)> = BTreeMap::new();
    for row in columns {
        let text = |name: &str| row[name].as_str().expect("text");
        let (table, column) = (text("table"), text("column"));
        let (key, lines) = tables.entry(table.to_owned()).or_default();
        let taken = KEYWORDS.contains(&column) || column == table;
        let name = if taken { format!("{column}_") } else { column.to_owned() };
        if taken {
            let _ = writeln!(lines, "        #[sql_name = \"{column}\"]");
        }
        let _ = writeln!(lines, "        {name} -> {},", diesel_type(text("type"), row["nullable"] == true));
        if let Some(place) = row["key"].as_i64() {
            key.insert(place, name);
        }
    }
    let mut text = format!("//! {title} Rendered by the tests with `PAINREG_UPDATE=1`; do not edit.\n");
    for (table, (key, lines)) in tables {
        let key = key.into_values().collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\ndiesel::table! {{\n    {prefix}{table} ({key}) {{\n{lines}    }}\n}}\n");
    }
    text
}

#[test]
fn diesel_tables_are_rendered_from_the_catalogue() {
    let world = World::new();
    let tenant = tables(&world, &world.schema("alpha"), "", "The tables of one registry.");
    committed("tenants/src/schema/tenant.rs", &tenant);
    let platform = tables(&world, "platform", "platform.", "The tables of the platform.");
    committed("tenants/src/schema/platform.rs", &platform);
}
