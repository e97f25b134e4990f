//! What a column may hold: `max_len`, `precision` and `scale`, and the range of the field's type.
//!
//! A value of the program is checked when a command is put together, the same way for every database. What the database computes
//! is held by a check that [`create_all`](super::Schema::create_all) makes, and its violation is told in the same words.

use crate::error::{Error, ErrorKind};
use crate::ir::{Assignment, Command, Conflict, ConflictAction, Expr};
use crate::meta::{ColumnMeta, ModelMeta};
use crate::schema::{column_check_name, derived_name};
use crate::value::{ColumnType, Datum, NativeKind, Numeric};

/// The type that a value is stored as, below the domains that a program declares.
///
/// ```
/// use orm_core::schema::stored_type;
/// use orm_core::value::ColumnType;
/// assert_eq!(stored_type(ColumnType::Text), ColumnType::Text);
/// ```
pub const fn stored_type(ty: ColumnType) -> ColumnType {
    match ty {
        ColumnType::Native(native) => match native.kind {
            NativeKind::Domain { base, .. } => stored_type(*base),
            _ => ty,
        },
        _ => ty,
    }
}

/// Compile-time check of `max_len`, called by the derive.
#[doc(hidden)]
pub const fn assert_max_len(ty: ColumnType) {
    assert!(
        matches!(stored_type(ty), ColumnType::Text | ColumnType::Bytes),
        "`max_len` limits a text or bytes, which this field is not"
    );
}

/// Compile-time check of `precision` and `scale`, called by the derive.
#[doc(hidden)]
pub const fn assert_precision(ty: ColumnType) {
    assert!(
        matches!(stored_type(ty), ColumnType::Decimal),
        "`precision` and `scale` say how many digits a decimal has, which this field is not"
    );
}

/// Compile-time check of `version`, called by the derive.
#[doc(hidden)]
pub const fn assert_version(ty: ColumnType) {
    assert!(ty.is_integer(), "`version` counts the changes of a row: the field is an integer");
}

/// Compile-time check of `created_at` and `updated_at`, called by the derive.
#[doc(hidden)]
pub const fn assert_time(ty: ColumnType) {
    assert!(
        matches!(ty, ColumnType::Timestamp | ColumnType::DateTime | ColumnType::Date | ColumnType::Time),
        "`created_at` and `updated_at` keep the time: the field is a timestamp, date or time"
    );
}

/// Compile-time check of `auto`, called by the derive.
#[doc(hidden)]
pub const fn assert_auto(ty: ColumnType, nullable: bool) {
    assert!(
        (ty.is_integer() || matches!(ty, ColumnType::Native(_))) && !nullable,
        "`auto` numbers the rows of a table: the field is an integer"
    );
}

/// The fault of a value in a column: what it is and in which words.
fn fault(column: &ColumnMeta) -> (ErrorKind, &'static str) {
    match stored_type(column.ty()) {
        ColumnType::Text => (ErrorKind::ValueTooLong, "the text is longer than the field's `max_len`"),
        ColumnType::Bytes => (ErrorKind::ValueTooLong, "the bytes are more than the field's `max_len`"),
        ColumnType::Decimal => (ErrorKind::OutOfRange, "the number has more digits than the field holds"),
        ColumnType::Enum(_) => (ErrorKind::Check, "the value is none of the enum's"),
        _ => (ErrorKind::OutOfRange, "the value is outside the range of the field"),
    }
}

#[cold]
fn error_of(model: &str, column: &ColumnMeta) -> Error {
    let (kind, text) = fault(column);
    let error = Error::new(kind, text).with_model(model).with_field(column.field.clone());
    match stored_type(column.ty()) {
        ColumnType::Decimal if column.precision.is_some() || column.scale.is_some() => {
            error.with_hint("round it to the field's `scale` first, with `.round(digits)` in an expression")
        }
        _ => error,
    }
}

/// The error of a check that this library made, by the name that the database reports.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::schema::broken_limit;
/// let error = broken_limit(User::meta(), "ck_users_email").unwrap();
/// assert_eq!((error.kind(), error.fields()), (ErrorKind::ValueTooLong, &["email".to_owned()][..]));
/// assert!(broken_limit(User::meta(), "age_is_sane").is_none());
/// ```
pub fn broken_limit(model: &ModelMeta, check: &str) -> Option<Error> {
    if let Some(embed) = optional_embeds(model).into_iter().find(|embed| embed.check == check) {
        let text = "the embedded struct is neither absent nor complete";
        return Some(
            Error::new(ErrorKind::NotNull, text)
                .with_model(model.name)
                .with_field(embed.field)
                .with_constraint(check)
                .with_hint("set the struct as a whole, or its required fields together"),
        );
    }
    let index = (0..model.columns.len() as u16).find(|index| column_check_name(model, *index) == check)?;
    Some(error_of(model.name, model.column(index)).with_constraint(check))
}

/// Names the field of an overflow, where the database does not and the command computes a number for one column only.
#[doc(hidden)]
#[cold]
pub fn name_overflow(error: Error, command: &Command) -> Error {
    if error.kind() != ErrorKind::OutOfRange || !error.fields().is_empty() {
        return error;
    }
    let (model, set) = match command {
        Command::Update(update) => (update.source.model, update.set.as_slice()),
        Command::Insert(insert) => match &insert.conflict {
            Some(Conflict { action: ConflictAction::Update(set, _), .. }) => (insert.model, set.as_slice()),
            _ => return error,
        },
        _ => return error,
    };
    let computed = |assignment: &&Assignment| {
        !matches!(assignment.value, Expr::Value(..) | Expr::Excluded(_))
            && stored_type(model.column(assignment.column).ty()).is_number()
    };
    let mut computed = set.iter().filter(computed);
    match (computed.next(), computed.next()) {
        (Some(only), None) => error.with_field(model.column(only.column).field.clone()),
        _ => error,
    }
}

/// An optional embedded struct: which columns it has, and which of them are NULL only if all are.
///
/// ```
/// # use orm_guide::prelude::*;
/// assert!(orm_core::schema::optional_embeds(User::meta()).is_empty());
/// ```
#[derive(Debug)]
pub struct OptionalEmbed<'m> {
    /// The path of the field.
    pub field: &'m str,
    /// The name of the check that keeps it whole.
    pub check: String,
    /// All its columns, those of structs inside included.
    pub columns: Vec<u16>,
    /// The columns that it cannot be without.
    pub required: Vec<u16>,
}

/// The optional embedded structs of a model, outer ones first.
///
/// ```
/// # use orm_guide::prelude::*;
/// #[derive(Debug, Clone, Embedded)]
/// pub struct Address { pub street: String, pub city: Option<String> }
/// #[derive(Debug, Clone, Model)]
/// pub struct Shop {
///     #[orm(primary_key)]
///     pub id: i64,
///     #[orm(embed)]
///     pub billing: Option<Address>,
/// }
/// let embeds = orm_core::schema::optional_embeds(Shop::meta());
/// assert_eq!((embeds[0].field, &embeds[0].columns[..], &embeds[0].required[..]), ("billing", &[1, 2][..], &[1][..]));
/// ```
pub fn optional_embeds(model: &ModelMeta) -> Vec<OptionalEmbed<'_>> {
    let mut embeds: Vec<OptionalEmbed<'_>> = Vec::new();
    for column in &model.columns {
        let Some(field) = column.required_in.as_deref() else { continue };
        if embeds.iter().any(|embed| embed.field == field) {
            continue;
        }
        let inside = |path: &str| path.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'));
        let of = |take: &dyn Fn(&ColumnMeta) -> bool| {
            (0..).zip(&model.columns).filter(|(_, column)| take(column)).map(|(index, _)| index).collect()
        };
        embeds.push(OptionalEmbed {
            field,
            check: derived_name("ck", model.table, &[field]),
            columns: of(&|column| inside(&column.field)),
            required: of(&|column| column.required_in.as_deref() == Some(field)),
        });
    }
    embeds.sort_by_key(|embed| embed.field.len());
    embeds
}

/// Whether a value is longer or has more digits than its column takes.
fn exceeds(column: &ColumnMeta, datum: &Datum) -> bool {
    match datum {
        // A character has a byte at least.
        Datum::Text(text) => column
            .max_len
            .is_some_and(|max| text.len() > max as usize && text.chars().nth(max as usize).is_some()),
        Datum::Bytes(bytes) => column.max_len.is_some_and(|max| bytes.len() > max as usize),
        Datum::Decimal(number) => {
            digits(column.precision, column.scale).is_some_and(|limit| !fits(*number, limit))
        }
        _ => false,
    }
}

/// How many digits a decimal column has before the point, where that is limited, and behind it. As in SQL, a precision without a
/// scale means whole numbers.
///
/// ```
/// use orm_core::schema::digits;
/// assert_eq!(digits(Some(10), Some(2)), Some((Some(8), 2)));
/// assert_eq!(digits(None, Some(2)), Some((None, 2)));
/// assert_eq!(digits(None, None), None);
/// ```
pub fn digits(precision: Option<u32>, scale: Option<u32>) -> Option<(Option<u32>, u32)> {
    precision.or(scale)?;
    let scale = scale.unwrap_or(0);
    Some((precision.map(|precision| precision.saturating_sub(scale)), scale))
}

fn fits(number: Numeric, (whole, scale): (Option<u32>, u32)) -> bool {
    let Numeric { mantissa, scale: own } = number.normalized();
    if own > scale {
        return false;
    }
    // 10^whole is the first number that is too large; one of more than 38 digits is larger than any.
    let limit = whole.map(|whole| 10_u128.checked_pow(whole + own));
    limit.flatten().is_none_or(|limit| mantissa.unsigned_abs() < limit)
}

/// The value, or the error in its place if the column cannot hold it.
pub(crate) fn limited(model: &ModelMeta, index: u16, datum: &mut Datum) {
    let Some(column) = model.columns.get(usize::from(index)) else { return };
    limit(model.name, column, datum);
}

fn limit(model: &str, column: &ColumnMeta, datum: &mut Datum) {
    if let Datum::List(list) = datum {
        let columns = &(list.element.0)().columns;
        for row in list.values.chunks_mut(columns.len().max(1)) {
            for (value, part) in row.iter_mut().zip(columns) {
                limit(model, part, value);
            }
        }
    } else if exceeds(column, datum) {
        *datum = Datum::invalid(error_of(model, column));
    }
}

/// As [`limited`], for the values among assignments. A column that the database computes takes none.
pub(crate) fn limit_assignments(model: &ModelMeta, set: &mut [Assignment]) {
    for assignment in set {
        let column = model.columns.get(usize::from(assignment.column));
        if let Some(column) = column.filter(|column| column.generated.is_some()) {
            let error = Error::new(ErrorKind::Usage, "the database computes this column, nothing can set it")
                .with_model(model.name)
                .with_field(column.field.clone());
            assignment.value = Expr::Value(Datum::invalid(error), column.ty());
            continue;
        }
        if let Expr::Value(datum, _) = &mut assignment.value {
            limited(model, assignment.column, datum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(mantissa: i128, scale: u32) -> Numeric {
        Numeric { mantissa, scale }
    }

    #[test]
    fn digits_are_counted_without_zeros_at_the_end() {
        let money = (Some(8), 2);
        assert!(fits(decimal(9_999_999_999, 2), money));
        assert!(fits(decimal(99_999_999_000, 3), money));
        assert!(fits(decimal(-1_000, 5), money));
        assert!(!fits(decimal(10_000_000_000, 2), money));
        assert!(!fits(decimal(1, 3), money));
        assert!(!fits(decimal(-100_000_000, 0), money));
        assert!(fits(decimal(i128::MAX, 2), (None, 2)));
        assert!(fits(decimal(i128::MAX, 2), (Some(90), 2)));
        assert!(fits(decimal(0, 28), (Some(0), 0)));
    }

    #[test]
    fn text_is_counted_in_characters_and_bytes_in_bytes() {
        let column = ColumnMeta { max_len: Some(3), ..ColumnMeta::default() };
        assert!(!exceeds(&column, &Datum::Text("äöü".into())));
        assert!(exceeds(&column, &Datum::Text("abc ".into())));
        assert!(exceeds(&column, &Datum::Bytes(vec![0; 4])));
        assert!(!exceeds(&column, &Datum::Null));
    }
}
