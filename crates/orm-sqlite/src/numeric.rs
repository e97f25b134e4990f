//! Decimals in columns that turn text into numbers.
//!
//! Columns of this library have the affinity TEXT, which keeps every digit. A table of another program may have NUMERIC, DECIMAL(10, 2)
//! or REAL, which make a floating-point number of a text with a fraction (<https://sqlite.org/datatype3.html>): 15 digits of it are kept.

use orm_core::ir::{Assignment, Command, ConflictAction, Expr, InsertSource};
use orm_core::meta::ModelMeta;
use orm_core::value::{ColumnType, Numeric};
use orm_core::{Error, ErrorKind, Result};

use crate::foreign;
use crate::session::On;

/// Whether a number of SQLite would not keep it.
pub fn is_long(number: Numeric) -> bool {
    let Numeric { mantissa, .. } = number.normalized();
    mantissa.unsigned_abs() >= 1_000_000_000_000_000
}

/// Refuses a decimal of many digits, or one that is calculated, for a column that would not keep it or compare with all of it.
pub fn check(on: On<'_>, command: &Command, long: bool) -> Result<()> {
    let assigned = assignments(command);
    let selected = match command {
        Command::Insert(insert) if matches!(insert.source, InsertSource::Select(_)) => {
            insert.columns.as_slice()
        }
        _ => &[],
    };
    if !long && assigned.is_empty() && selected.is_empty() {
        return Ok(());
    }
    if let Some(model) = command.model() {
        for index in (0..).zip(&model.columns).map(|(index, _)| index) {
            let computes = |set: &Assignment| {
                set.column == index && !matches!(set.value, Expr::Value(..) | Expr::Excluded(_))
            };
            if long || selected.contains(&index) || assigned.iter().any(computes) {
                keeps_all(on, model, index)?;
            }
        }
    }
    if long {
        for (model, index) in foreign::compared(command) {
            keeps_all(on, model, index)?;
        }
    }
    Ok(())
}

fn keeps_all(on: On<'_>, model: &'static ModelMeta, index: u16) -> Result<()> {
    let column = model.column(index);
    if column.ty() != ColumnType::Decimal {
        return Ok(());
    }
    match foreign::declared(on, model, &column.name)?.filter(|declared| !keeps_text(declared)) {
        None => Ok(()),
        Some(declared) => {
            let text = format!("a column of the type {declared} keeps 15 digits of a decimal");
            Err(Error::new(ErrorKind::Encode, text)
                .with_hint("give the column the type TEXT, or write values of at most 15 digits")
                .with_model(model.name)
                .with_field(column.field.clone()))
        }
    }
}

fn assignments(command: &Command) -> &[Assignment] {
    match command {
        Command::Update(update) => &update.set,
        Command::UpdateRows(update) => &update.also,
        Command::Insert(insert) => match insert.conflict.as_ref().map(|conflict| &conflict.action) {
            Some(ConflictAction::Update(set, _)) => set,
            _ => &[],
        },
        _ => &[],
    }
}

/// Whether a column that is declared so keeps text as text.
pub fn keeps_text(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |part: &str| declared.contains(part);
    !has("INT") && (declared.is_empty() || has("CHAR") || has("CLOB") || has("TEXT") || has("BLOB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_digits_are_kept_by_any_column() {
        assert!(!is_long(Numeric { mantissa: 999_999_999_999_999, scale: 5 }));
        assert!(!is_long(Numeric { mantissa: 1_000_000_000_000_000, scale: 15 }), "it is 1");
        assert!(is_long(Numeric { mantissa: -1_000_000_000_000_001, scale: 15 }));
    }

    #[test]
    fn text_is_kept_where_the_type_says_text_or_nothing() {
        assert!(["", "TEXT", "varchar(20)", "DECIMAL_TEXT", "blob"].into_iter().all(keeps_text));
        assert!(!["NUMERIC", "DECIMAL(10, 2)", "REAL", "INTEGER", "MONEY"].into_iter().any(keeps_text));
    }
}
