//! The SQL of SQLite for each form of the IR. Every text is also prepared by SQLite itself, against tables made
//! by `create_table`.

mod ddl;
mod expressions;
mod models;
mod raw;
mod reading;
mod shapes;
mod writing;

use orm_core::ir::{Binds, Command, binds};
use orm_core::meta::ModelMeta;
use orm_sql::{Compiled, SqliteDialect, compile, create_table};
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};

struct Nothing;

impl Aggregate<(), Option<String>> for Nothing {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<()> {
        Ok(())
    }
    fn step(&self, _: &mut Context<'_>, (): &mut ()) -> rusqlite::Result<()> {
        Ok(())
    }
    fn finalize(&self, _: &mut Context<'_>, _: Option<()>) -> rusqlite::Result<Option<String>> {
        Ok(None)
    }
}

/// A database with the tables of the models and stand-ins for what the driver registers.
fn database() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    rusqlite::vtab::array::load_module(&db).unwrap();
    db.create_collation("orm_decimal", |a, b| a.cmp(b)).unwrap();
    for (name, args) in [
        ("orm_decimal_add", 2),
        ("orm_decimal_sub", 2),
        ("orm_decimal_mul", 2),
        ("orm_decimal_div", 2),
        ("orm_decimal_rem", 2),
        ("orm_decimal_neg", 1),
        ("orm_decimal_abs", 1),
        ("orm_decimal_cast", 1),
        ("orm_decimal_round", 2),
        ("orm_float_rem", 2),
        ("orm_integer", 2),
        ("orm_parse_integer", 2),
        ("orm_parse_real", 1),
        ("orm_single", 1),
        ("orm_real_text", 2),
        ("orm_decimal_of_real", 2),
        ("orm_real_round", 3),
        ("orm_parse_bool", 1),
        ("orm_parse_uuid", 1),
        ("orm_uuid_text", 1),
        ("orm_like", 2),
        ("orm_ilike", 2),
        ("orm_starts_with", 2),
        ("orm_ends_with", 2),
        ("orm_char_length", 1),
        ("orm_substring", 3),
        ("orm_replace", 3),
    ] {
        db.create_scalar_function(name, args, FunctionFlags::SQLITE_UTF8, |_| Ok(0)).unwrap();
    }
    for name in ["orm_decimal_sum", "orm_decimal_avg", "orm_one"] {
        db.create_aggregate_function(name, 1, FunctionFlags::SQLITE_UTF8, Nothing).unwrap();
    }
    let models: [&ModelMeta; 5] =
        [models::user(), models::post(), models::tag(), models::post_tag(), models::odd()];
    for statement in models
        .iter()
        .flat_map(|model| create_table(&SqliteDialect, &orm_core::schema::Table::of(model), true))
    {
        db.execute(&statement, []).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    db
}

fn run(command: &Command, rows: usize) -> Compiled {
    let compiled = compile(&SqliteDialect, command, rows).unwrap();
    let db = database();
    let statement = db.prepare(&compiled.sql).unwrap_or_else(|error| panic!("{}: {error}", compiled.sql));
    if !matches!(command, Command::Raw(_)) {
        assert_eq!(statement.column_count(), compiled.columns, "{}", compiled.sql);
    }
    assert_eq!(statement.parameter_count(), compiled.parameters, "{}", compiled.sql);
    let mut expected = 0;
    binds(command, |bind| {
        expected += match bind {
            Binds::Rows(_, columns, _) => columns.len() * rows,
            _ => 1,
        }
    });
    assert_eq!(compiled.parameters, expected, "{}", compiled.sql);
    compiled
}

fn sql(command: impl Into<models::Any>) -> String {
    let models::Any(command) = command.into();
    run(&command, 1).sql
}
