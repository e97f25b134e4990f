//! What a database has otherwise than a schema.
//!
//! PostgreSQL prints expressions in a form of its own, so it is asked to print both: the tables of the schema are made as temporary
//! ones, in a transaction that is rolled back.

use std::collections::BTreeMap;

use orm_core::Result;
use orm_core::backend::TxOptions;
use orm_core::schema::{Difference, EnumType, Snapshot, Type};
use orm_sql::{Dialect, PostgresDialect, add_foreign_key, comments, create_table};

use crate::existing::query;
use crate::run;
use crate::session::PgSession;
use crate::transaction::{self, Unfinished};

/// What is said of each table: objects by kind and name, and how they are.
type Facts = BTreeMap<String, Vec<(String, String)>>;

pub async fn differences(session: &PgSession, schema: &Snapshot, gone: &[String]) -> Result<Vec<Difference>> {
    let tx = transaction::begin(session, TxOptions::default()).await?;
    let unfinished = Unfinished(&tx);
    let result = compare(&tx, schema, gone).await;
    let ended = transaction::rollback(&tx).await;
    unfinished.forget();
    let differences = result?;
    ended.map(|()| differences)
}

async fn compare(tx: &PgSession, schema: &Snapshot, gone: &[String]) -> Result<Vec<Difference>> {
    let enums = enums(schema);
    let names = || schema.tables.iter().map(|table| table.name.as_str());
    let found = facts(tx, names().chain(gone.iter().map(String::as_str))).await?;
    let values = values(tx, enums.iter().map(|ty| ty.name.as_str())).await?;
    let mut differences = Vec::new();
    let mut statements = vec![
        "SELECT set_config('search_path', 'pg_temp, ' || current_setting('search_path'), true)".to_owned(),
    ];
    for ty in &enums {
        let expected = ty.variants.iter().map(|(name, _)| PostgresDialect.text_literal(name));
        let expected = expected.collect::<Vec<_>>().join(", ");
        let actual = values.get(&ty.name);
        if actual.is_none() {
            statements
                .push(format!("CREATE TYPE {} AS ENUM ({expected})", PostgresDialect.quote_ident(&ty.name)));
        }
        if actual != Some(&expected) {
            let mut difference = Difference::new(&ty.name, "list of values");
            (difference.expected, difference.found) = (Some(expected), actual.cloned());
            differences.push(difference);
        }
    }
    for table in &schema.tables {
        statements.extend(create_table(&PostgresDialect, table, false));
        statements.extend(comments(table));
    }
    for table in &schema.tables {
        statements.extend(table.foreign_keys.iter().map(|key| add_foreign_key(table, key)));
    }
    let work = tx.work().await?;
    run::control(work.settings(), work.connection()?, &statements.join(";\n")).await?;
    let expected = facts(tx, names()).await?;
    let of = |facts: &Facts, name: &str| facts.get(name).cloned().unwrap_or_default();
    for name in names() {
        differences.extend(Difference::between(name, &of(&expected, name), &of(&found, name)));
    }
    for name in gone {
        differences.extend(Difference::between(name, &[], &of(&found, name)));
    }
    Ok(differences)
}

/// The enum types that a schema declares.
fn enums(schema: &Snapshot) -> Vec<EnumType> {
    let mut found: Vec<EnumType> = Vec::new();
    for column in schema.tables.iter().flat_map(|table| &table.columns) {
        let mut ty = &column.ty;
        while let Type::Array(element) = ty {
            ty = element;
        }
        if let Type::Enum(ty) = ty
            && ty.is_declared()
            && !found.iter().any(|known| known.name == ty.name)
        {
            found.push(ty.clone());
        }
    }
    found
}

/// Names as a list of SQL, which is never empty.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names = names.map(|name| PostgresDialect.text_literal(name));
    std::iter::once("NULL".to_owned()).chain(names).collect::<Vec<_>>().join(", ")
}

async fn values<'n>(
    tx: &PgSession,
    names: impl Iterator<Item = &'n str>,
) -> Result<BTreeMap<String, String>> {
    let sql = format!(
        "SELECT t.typname, string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) \
         FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid \
         WHERE t.typname IN ({}) AND pg_type_is_visible(t.oid) GROUP BY 1",
        list(names)
    );
    let rows = query(tx, &sql).await?;
    let text = |row: &tokio_postgres::SimpleQueryRow, at| row.get(at).unwrap_or_default().to_owned();
    Ok(rows.iter().map(|row| (text(row, 0), text(row, 1))).collect())
}

async fn facts<'n>(tx: &PgSession, names: impl Iterator<Item = &'n str>) -> Result<Facts> {
    let mut facts = Facts::new();
    for row in query(tx, &FACTS.replace("{names}", &list(names))).await? {
        let text = |at| row.get(at).unwrap_or_default().to_owned();
        facts.entry(text(0)).or_default().push((text(1), text(2)));
    }
    Ok(facts)
}

/// Each fact with its table, in order. The flag `true` lets the server leave out the names of schemas that are on the search path.
const FACTS: &str = "WITH r AS (SELECT * FROM pg_class WHERE relname IN ({names}) AND pg_table_is_visible(oid) AND relkind NOT IN ('i', 'I')) \
    SELECT f.name, f.object, f.fact FROM ( \
    SELECT 1 AS part, 0 AS place, r.relname AS name, '' AS object, CASE r.relkind WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a partitioned table' \
      WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'S' THEN 'a sequence' ELSE 'another object' END AS fact FROM r \
    UNION ALL SELECT 2, a.attnum, r.relname, 'column `' || a.attname || '`', format_type(a.atttypid, a.atttypmod) \
      || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END \
      || CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' WHEN 'd' THEN ' GENERATED BY DEFAULT AS IDENTITY' ELSE '' END \
      || CASE WHEN d.adbin IS NULL THEN '' WHEN a.attgenerated <> '' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid, true) || ')' \
         ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid, true) END \
      || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || (SELECT quote_ident(collname) FROM pg_collation WHERE oid = a.attcollation) ELSE '' END \
      FROM r JOIN pg_attribute a ON a.attrelid = r.oid JOIN pg_type t ON t.oid = a.atttypid \
      LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT 3, 0, r.relname, CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key `' || c.conname || '`' \
      WHEN 'c' THEN 'check `' || c.conname || '`' ELSE 'constraint `' || c.conname || '`' END, pg_get_constraintdef(c.oid, true) \
      FROM r JOIN pg_constraint c ON c.conrelid = r.oid WHERE c.contype IN ('p', 'f', 'c', 'u', 'x') \
    UNION ALL SELECT 4, 0, r.relname, 'index `' || x.relname || '`', pg_get_indexdef(i.indexrelid, 0, true) \
      || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END \
      FROM r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid \
      WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')) \
    UNION ALL SELECT 5, m.objsubid, r.relname, CASE m.objsubid WHEN 0 THEN 'comment' ELSE 'comment on `' || a.attname || '`' END, quote_literal(m.description) \
      FROM r JOIN pg_description m ON m.objoid = r.oid AND m.classoid = 'pg_class'::regclass \
      LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = m.objsubid \
    ) f ORDER BY f.part, f.place, f.object";
