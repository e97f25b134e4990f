//! Columns that another program declared, where their values do not compare as this library's do.
//!
//! A date or a time is a text that compares as it is, if it has the one form ([`cell`](crate::cell)). The tables of this library say so
//! in the declared type (`DATETIME_TEXT`). In a column of any other type an expression checks each value as it meets it: one in another
//! form is an error instead of a row that is missed. A decimal in a column of numbers is compared with other columns as a text, or
//! SQLite would make a floating-point number of those.

use orm_core::ir::visit::{
    Rewrite, Visit, rewrite_command, rewrite_expr, rewrite_select, walk_command, walk_expr,
};
use orm_core::ir::{BinaryOp, ColumnRef, Command, Expr, Output, Select};
use orm_core::meta::ModelMeta;
use orm_core::value::ColumnType;
use orm_core::{Error, ErrorKind, Result};
use rusqlite::OptionalExtension;

use crate::errors::{self, Context};
use crate::numeric::keeps_text;
use crate::session::On;

/// A command as it is compiled.
#[derive(Default)]
pub struct Adapted {
    /// With the columns of other programs in their functions, if there are any.
    pub command: Option<Command>,
    /// Whether a table was not there to be asked: what is compiled now may not suit it later.
    pub unsure: bool,
    /// Whether triggers store what is written, which SQLite does not count: the rows that come back are.
    pub view: bool,
}

/// What the command is compiled as on this database.
pub fn adapt(on: On<'_>, command: &Command) -> Result<Adapted> {
    let mut adapted = Adapted::default();
    let mut foreign = Vec::new();
    for (model, index) in compared(command) {
        let column = model.column(index);
        match declared(on, model, &column.name)? {
            None => adapted.unsure = true,
            Some(declared) => {
                let own = match column.ty() {
                    ColumnType::Decimal => keeps_text(&declared),
                    _ => on.pool.settings.trust_dates || declared.eq_ignore_ascii_case(own_name(column.ty())),
                };
                if !own {
                    foreign.push((model, index));
                }
            }
        }
    }
    if !foreign.is_empty() {
        let mut command = command.clone();
        rewrite_command(&mut Wrap(foreign), &mut command);
        adapted.command = Some(command);
    }
    if let Some(model) = command.model().filter(|_| command.is_write() && !matches!(command, Command::Raw(_)))
        && is_view(on, model)?
    {
        adapted.view = true;
        count_rows(adapted.command.get_or_insert_with(|| command.clone()))?;
    }
    Ok(adapted)
}

/// Whether a write gives rows back.
pub fn gives_rows_back(command: &Command) -> bool {
    match command {
        Command::Insert(insert) => insert.returning.is_some(),
        Command::Update(update) => update.returning.is_some(),
        Command::UpdateRows(update) => update.returning.is_some(),
        Command::Delete(delete) => delete.returning.is_some(),
        Command::Select(_) | Command::Raw(_) => false,
    }
}

fn is_view(on: On<'_>, model: &'static ModelMeta) -> Result<bool> {
    on.connection
        .prepare_cached("SELECT type = 'view' FROM pragma_table_list(?1)")
        .and_then(|mut ask| ask.query_row([model.table], |row| row.get(0)).optional())
        .map(Option::unwrap_or_default)
        .map_err(|error: rusqlite::Error| -> Error { errors::map(error, &Context { model: Some(model) }) })
}

/// Lets the rows of a write to a view come back. An INSERT gives back what was sent, not what its triggers stored
/// (<https://sqlite.org/lang_returning.html#limitations_and_caveats>): a column that was not sent is NULL there.
fn count_rows(command: &mut Command) -> Result<()> {
    let returning = match command {
        Command::Insert(insert) => {
            let missing = (0..)
                .zip(&insert.model.columns)
                .find(|(index, _)| insert.returning.is_some() && !insert.columns.contains(index));
            if let Some((_, column)) = missing {
                let text =
                    "SQLite does not say what the triggers of a view store in a column that was not given";
                return Err(Error::new(ErrorKind::Unsupported, text)
                    .with_model(insert.model.name)
                    .with_field(column.field.clone())
                    .with_hint(
                        "use `insert_many(..).exec(&db)`, give all columns, or insert into the table itself",
                    ));
            }
            &mut insert.returning
        }
        Command::Update(update) => &mut update.returning,
        Command::UpdateRows(update) => &mut update.returning,
        Command::Delete(delete) => &mut delete.returning,
        Command::Select(_) | Command::Raw(_) => return Ok(()),
    };
    returning.get_or_insert(Output::One);
    Ok(())
}

/// The columns of decimals, dates and times that stand in expressions.
pub fn compared(command: &Command) -> Vec<(&'static ModelMeta, u16)> {
    let mut seen = Compared::default();
    walk_command(&mut seen, command);
    seen.0
}

/// The declared type of a column; `None` where the table or the column is not there.
pub fn declared(on: On<'_>, model: &'static ModelMeta, column: &str) -> Result<Option<String>> {
    on.connection
        .prepare_cached("SELECT type FROM pragma_table_xinfo(?1) WHERE name = ?2 COLLATE NOCASE")
        .and_then(|mut ask| ask.query_row([model.table, column], |row| row.get(0)).optional())
        .map_err(|error: rusqlite::Error| -> Error { errors::map(error, &Context { model: Some(model) }) })
}

/// What the dialect calls a column of dates or times.
fn own_name(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Date => "DATE_TEXT",
        ColumnType::Time => "TIME_TEXT",
        ColumnType::DateTime => "DATETIME_TEXT",
        _ => "TIMESTAMP_TEXT",
    }
}

fn is_temporal(ty: ColumnType) -> bool {
    matches!(ty, ColumnType::Date | ColumnType::Time | ColumnType::DateTime | ColumnType::Timestamp)
}

#[derive(Default)]
struct Compared(Vec<(&'static ModelMeta, u16)>);

impl<'a> Visit<'a> for Compared {
    fn expr(&mut self, expr: &'a Expr) {
        if let Expr::Column(ColumnRef { source, index }) = expr {
            let ty = source.model.columns.get(usize::from(*index)).map(|column| column.ty());
            let known = |(model, own): &(&ModelMeta, u16)| std::ptr::eq(*model, source.model) && own == index;
            if ty.is_some_and(|ty| is_temporal(ty) || ty == ColumnType::Decimal) && !self.0.iter().any(known)
            {
                self.0.push((source.model, *index));
            }
        }
        walk_expr(self, expr);
    }
}

/// Puts columns into functions.
struct Wrap(Vec<(&'static ModelMeta, u16)>);

impl Wrap {
    /// The type of a column that is to be wrapped.
    fn ty(&self, expr: &Expr) -> Option<ColumnType> {
        let Expr::Column(ColumnRef { source, index }) = expr else { return None };
        let listed = self.0.iter().any(|(model, own)| std::ptr::eq(*model, source.model) && own == index);
        listed.then(|| source.model.column(*index).ty())
    }

    /// Whether it is a column of numbers, which may stay as it is beside values and alone in an order.
    fn is_plain(&self, expr: &Expr) -> bool {
        self.ty(expr) == Some(ColumnType::Decimal)
    }
}

impl Rewrite for Wrap {
    fn expr(&mut self, expr: &mut Expr) {
        // A value of up to 15 digits is the same as a number, and longer ones were refused.
        let as_it_is = match &*expr {
            Expr::Binary(op, both, _) if *op != BinaryOp::ElementOf => {
                matches!(
                    (&both.0, &both.1),
                    (Expr::Column(_), Expr::Value(..)) | (Expr::Value(..), Expr::Column(_))
                ) && (self.is_plain(&both.0) || self.is_plain(&both.1))
            }
            Expr::Between(three, _) => {
                self.is_plain(&three.0) && matches!((&three.1, &three.2), (Expr::Value(..), Expr::Value(..)))
            }
            Expr::InList { expr, .. } | Expr::IsNull(expr, _) => self.is_plain(expr),
            Expr::Cast(expr, ColumnType::Decimal, ColumnType::Decimal) => self.is_plain(expr),
            Expr::Aggregate { arg: Some(arg), filter: None, .. } => self.is_plain(arg),
            _ => false,
        };
        if as_it_is {
            return;
        }
        rewrite_expr(self, expr);
        let Some(ty) = self.ty(expr) else { return };
        let pieces = match ty {
            ColumnType::Decimal => vec!["orm_decimal_cast(", ")"],
            ColumnType::Date => vec!["orm_same_form(", ", 'date')"],
            ColumnType::Time => vec!["orm_same_form(", ", 'time')"],
            _ => vec!["orm_same_form(", ", 'date-time')"],
        };
        let column = std::mem::replace(expr, Expr::All(Vec::new()));
        // The cast to its own type says what the type is, and is no text.
        *expr = Expr::Cast(Box::new(Expr::Raw(pieces, vec![column])), ty, ty);
    }

    fn select(&mut self, select: &mut Select) {
        // An order of its own does not reach other columns, and an index may serve it.
        let alone = !select.distinct && select.distinct_on.is_empty() && select.group_by.is_empty();
        for order in select.order.iter_mut().filter(|_| alone && select.combined.is_none()) {
            if self.is_plain(&order.expr) {
                let column = std::mem::replace(&mut order.expr, Expr::All(Vec::new()));
                order.expr = Expr::Cast(Box::new(column), ColumnType::Decimal, ColumnType::Decimal);
            }
        }
        rewrite_select(self, select);
    }
}
