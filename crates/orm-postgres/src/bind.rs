//! Binding values straight from the command, in the binary format.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::OnceLock;

use bytes::{BufMut, BytesMut};
use orm_core::ir::{self, Binds, Command, Shape};
use orm_core::value::{ColumnType, DateTime, Datum, NativeKind, NativeType};
use orm_core::{Error, ErrorKind, Result};
use postgres_protocol::types::ArrayDimension;
use tokio_postgres::types::{Field, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::array;
use crate::cell::{EPOCH_DAYS, EPOCH_SECS, is_textual};
use crate::numeric;

/// Every value that PostgreSQL would change or refuse is reported before anything is sent.
pub fn check(command: &Command) -> Result<Shape> {
    let mut fault = None;
    let shape = ir::binds(command, |bind| {
        let data: &[Datum] = match bind {
            Binds::One(datum, _) => std::slice::from_ref(datum),
            Binds::List(list, _) | Binds::Tuples(list, _) | Binds::Rows(list, _, _) => list,
            Binds::Number(_) => &[],
        };
        if fault.is_none() {
            fault = data.iter().find_map(fault_of);
        }
    });
    fault.map_or(Ok(shape), |fault| Err(named(fault, command)))
}

fn named(error: Error, command: &Command) -> Error {
    match command.model() {
        Some(model) if error.model().is_none() => error.with_model(model.name),
        _ => error,
    }
}

pub fn fault_of(datum: &Datum) -> Option<Error> {
    let finer = |nanos: u64| {
        (!nanos.is_multiple_of(1000)).then(|| {
            Error::new(ErrorKind::Encode, "PostgreSQL keeps microseconds, and this time is finer than that")
                .with_hint("round it to microseconds before it is stored or compared")
        })
    };
    match datum {
        Datum::Invalid(error) => Some((**error).clone()),
        Datum::Text(text) | Datum::Json(text) if text.contains('\0') => Some(
            Error::new(ErrorKind::Encode, "PostgreSQL cannot store the character U+0000 in a text")
                .with_hint("remove it, or store the text as bytes"),
        ),
        Datum::Array(list) => list.iter().find_map(fault_of),
        Datum::List(list) => match list.to_json() {
            Ok(text) => fault_of(&Datum::Json(text)),
            Err(error) => Some(error),
        },
        Datum::Time(time) => finer(time.nanos),
        Datum::DateTime(at) | Datum::Timestamp(at) => {
            let out_of_range =
                || Error::new(ErrorKind::OutOfRange, "the date is outside of PostgreSQL's range");
            finer(at.nanos.into()).or_else(|| micros_of(*at).is_none().then(out_of_range))
        }
        Datum::Decimal(number) if number.scale > 16_383 => {
            Some(Error::new(ErrorKind::OutOfRange, "the number has more digits than PostgreSQL keeps"))
        }
        _ => None,
    }
}

fn micros_of(at: DateTime) -> Option<i64> {
    let micros =
        at.secs.checked_sub(EPOCH_SECS)?.checked_mul(1_000_000)?.checked_add(i64::from(at.nanos / 1000))?;
    // The ends of the range are the server's infinities.
    (micros != i64::MAX && micros != i64::MIN).then_some(micros)
}

/// A parameter, borrowed from the command.
#[derive(Debug)]
pub enum Param<'a> {
    One(&'a Datum, ColumnType),
    Number(u64),
    /// An array of every `step`-th value from `start` on.
    Column {
        values: &'a [Datum],
        ty: ColumnType,
        start: usize,
        step: usize,
    },
}

/// All parameters of a command, in the order in which the compiler numbered them. `rows` is the number of rows of an
/// INSERT: one row is bound cell by cell, several by column.
pub fn params(command: &Command, rows: usize) -> Vec<Param<'_>> {
    let mut params = Vec::new();
    ir::values(command, |bind| match bind {
        Binds::One(datum, ty) => params.push(Param::One(datum, ty)),
        Binds::Number(number) => params.push(Param::Number(number)),
        Binds::List(values, ty) => params.push(Param::Column { values, ty, start: 0, step: 1 }),
        Binds::Tuples(values, types) => {
            let column = |(start, ty): (usize, &ColumnType)| Param::Column {
                values,
                ty: *ty,
                start,
                step: types.len(),
            };
            params.extend(types.iter().enumerate().map(column));
        }
        Binds::Rows(values, columns, model) if rows > 1 => {
            let column = |(start, index): (usize, &u16)| {
                let ty = model.column(*index).ty();
                Param::Column { values, ty, start, step: columns.len() }
            };
            params.extend(columns.iter().enumerate().map(column));
        }
        Binds::Rows(values, columns, model) => {
            let types = columns.iter().map(|index| model.column(*index).ty()).cycle();
            params.extend(values.iter().zip(types).map(|(datum, ty)| Param::One(datum, ty)));
        }
    });
    params
}

/// The most that the protocol can count.
const MOST: usize = u16::MAX as usize;

/// Refuses more parameters than a statement can have.
pub fn check_count(params: usize, command: &Command) -> Result<()> {
    if params <= MOST {
        return Ok(());
    }
    let text = format!("the statement has {params} parameters; PostgreSQL takes {MOST} at most");
    let error = Error::new(ErrorKind::Usage, text)
        .with_hint("a list is one parameter at any length: use `in_(list)` for many values");
    Err(named(error, command))
}

/// As [`params`], each with the type that the text gives it.
pub fn typed(command: &Command, rows: usize) -> Vec<(Param<'_>, Type)> {
    let mut types = Vec::new();
    ir::values(command, |bind| match bind {
        Binds::One(_, ty) => types.push(scalar_type(ty)),
        Binds::Number(_) => types.push(Type::INT8),
        Binds::List(_, ty) => types.push(array_type(ty)),
        Binds::Tuples(_, tuple) => types.extend(tuple.iter().map(|ty| array_type(*ty))),
        Binds::Rows(values, columns, model) => {
            let column = |index: &u16| model.column(*index).ty();
            if rows > 1 {
                types.extend(columns.iter().map(|index| array_type(column(index))));
            } else {
                let count = values.len().checked_div(columns.len()).unwrap_or(0);
                types.extend((0..count).flat_map(|_| columns.iter().map(|index| scalar_type(column(index)))));
            }
        }
    });
    params(command, rows).into_iter().zip(types).collect()
}

/// The type of a value, as far as it is known without asking the server.
pub fn scalar_type(ty: ColumnType) -> Type {
    match ty {
        ColumnType::Bool => Type::BOOL,
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => Type::INT2,
        ColumnType::I32 | ColumnType::U16 => Type::INT4,
        ColumnType::I64 | ColumnType::U32 | ColumnType::U64 => Type::INT8,
        ColumnType::F32 => Type::FLOAT4,
        ColumnType::F64 => Type::FLOAT8,
        ColumnType::Bytes => Type::BYTEA,
        ColumnType::Uuid => Type::UUID,
        ColumnType::Decimal => Type::NUMERIC,
        ColumnType::Date => Type::DATE,
        ColumnType::Time => Type::TIME,
        ColumnType::DateTime => Type::TIMESTAMP,
        ColumnType::Timestamp => Type::TIMESTAMPTZ,
        ColumnType::Json | ColumnType::List(_) => Type::JSONB,
        ColumnType::Enum(meta) if meta.integer => Type::INT8,
        ColumnType::Array(element) => array_type(*element),
        ColumnType::Native(native) => native_type(native),
        // The server finds it by the context.
        _ => Type::UNKNOWN,
    }
}

/// The type of a type that only PostgreSQL has. What an extension or the program declares has another number in each database.
fn native_type(native: &NativeType) -> Type {
    match native.kind {
        NativeKind::Domain { base, .. } => scalar_type(*base),
        _ => builtin(native.name).unwrap_or(Type::UNKNOWN),
    }
}

/// A type of the server by its name; a list of one has a `_` before it.
pub fn builtin(name: &str) -> Option<Type> {
    static TYPES: OnceLock<HashMap<String, Type>> = OnceLock::new();
    // The numbers that PostgreSQL gives out itself are below 10 000.
    let all = || (1..10_000).filter_map(Type::from_oid).map(|ty| (ty.name().to_owned(), ty)).collect();
    TYPES.get_or_init(all).get(name).cloned()
}

fn array_type(ty: ColumnType) -> Type {
    if let ColumnType::Native(native) = ty {
        return match native.kind {
            NativeKind::Domain { base, .. } => array_type(*base),
            _ => builtin(&format!("_{}", native.name)).unwrap_or(Type::TEXT_ARRAY),
        };
    }
    if matches!(ty, ColumnType::Array(_)) {
        // Each is a text, which the statement casts.
        return Type::TEXT_ARRAY;
    }
    match scalar_type(ty) {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

pub type Written = std::result::Result<IsNull, Box<dyn StdError + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Written {
        match self {
            Param::One(datum, known) => write(datum, *known, ty, out),
            Param::Number(number) => write(&Datum::I64(i64::try_from(*number)?), ColumnType::I64, ty, out),
            Param::Column { values, ty: known, start, step } => {
                write_array(values.iter().skip(*start).step_by((*step).max(1)), *known, ty, out)
            }
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// Writes values as an array of the type that the server wants.
fn write_array<'a>(
    list: impl ExactSizeIterator<Item = &'a Datum>,
    known: ColumnType,
    ty: &Type,
    out: &mut BytesMut,
) -> Written {
    let element = match ty.kind() {
        Kind::Array(element) => element,
        _ => return Err(format!("a list was bound where the server wants {ty}").into()),
    };
    let dimension = ArrayDimension { len: i32::try_from(list.len())?, lower_bound: 1 };
    postgres_protocol::types::array_to_sql(
        Some(dimension),
        element.oid(),
        list,
        |datum, out| {
            Ok(match write(datum, known, element, out)? {
                IsNull::Yes => postgres_protocol::IsNull::Yes,
                IsNull::No => postgres_protocol::IsNull::No,
            })
        },
        out,
    )?;
    Ok(IsNull::No)
}

/// Writes values as the fields of a composite, each with the type that the server gave it, and by its name: the server's type may have
/// them in another order.
fn write_fields(
    list: &[Datum],
    known: ColumnType,
    fields: &[Field],
    ty: &Type,
    out: &mut BytesMut,
) -> Written {
    let ColumnType::Native(NativeType { kind: NativeKind::Composite(names), .. }) = under(known) else {
        return Err(
            format!("the server wants the composite {ty} here, which the value of the field is not").into()
        );
    };
    if list.len() != fields.len() {
        return Err(format!("{ty} has {} fields, the struct {}", fields.len(), list.len()).into());
    }
    out.put_i32(i32::try_from(list.len())?);
    for field in fields {
        let place = names.iter().position(|(name, _)| *name == field.name());
        let (Some(place), oid) = (place, field.type_().oid()) else {
            return Err(format!("{ty} has a field `{}`, which the struct has not", field.name()).into());
        };
        out.put_u32(oid);
        let start = out.len();
        out.put_i32(-1);
        if let IsNull::No = write(&list[place], names[place].1, field.type_(), out)? {
            let length = i32::try_from(out.len() - start - 4)?;
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(IsNull::No)
}

/// The type under a domain.
fn under(mut ty: ColumnType) -> ColumnType {
    while let ColumnType::Native(NativeType { kind: NativeKind::Domain { base, .. }, .. }) = ty {
        ty = **base;
    }
    ty
}

/// The type of the elements of an array.
fn element_of(ty: ColumnType) -> ColumnType {
    match under(ty) {
        ColumnType::Array(element) => *element,
        ty => ty,
    }
}

/// Whether the bytes of a type of ours are what the server's type wants and sends.
pub fn fits(native: &NativeType, ty: &Type) -> bool {
    ty.name() == native.name || (*ty == Type::BIT && native.name == "varbit")
}

/// Why `money` is not read or written.
pub const MONEY: &str =
    "the type money means another amount under another lc_monetary: make the column numeric";

/// Whether a value of a type needs no cast to become one of a column of the server's.
pub fn is_exact(known: ColumnType, ty: &Type) -> bool {
    if let Kind::Domain(inner) = ty.kind() {
        return is_exact(known, inner);
    }
    match (under(known), ty.kind()) {
        (ColumnType::Array(element), Kind::Array(inner)) => is_exact(*element, inner),
        (ColumnType::Native(NativeType { kind: NativeKind::Composite(_), .. }), Kind::Composite(_)) => true,
        (ColumnType::Native(native), _) => fits(native, ty),
        (known, _) => match scalar_type(known) {
            Type::UNKNOWN => is_textual(ty),
            exact => exact == *ty,
        },
    }
}

/// Writes a value in the form of the type that the server wants. `known` is the type that the program gave it.
pub fn write(datum: &Datum, known: ColumnType, ty: &Type, out: &mut BytesMut) -> Written {
    if let Kind::Domain(inner) = ty.kind() {
        return write(datum, known, inner, out);
    }
    match (datum, ty) {
        (Datum::Null | Datum::Default, _) => return Ok(IsNull::Yes),
        (Datum::Bool(value), &Type::BOOL) => out.put_u8((*value).into()),
        (Datum::I64(value), &Type::INT8) => out.put_i64(*value),
        (Datum::I64(value), &Type::INT4) => out.put_i32((*value).try_into()?),
        (Datum::I64(value), &Type::INT2) => out.put_i16((*value).try_into()?),
        (Datum::I64(value), &Type::OID) => out.put_u32((*value).try_into()?),
        (Datum::I64(value), &Type::NUMERIC) => {
            numeric::write(orm_core::value::Numeric { mantissa: (*value).into(), scale: 0 }, out);
        }
        (Datum::I64(value), &Type::FLOAT8) => out.put_f64(*value as f64),
        (Datum::F64(value), &Type::FLOAT8) => out.put_f64(*value),
        (Datum::F64(value), &Type::FLOAT4) => out.put_f32(*value as f32),
        (Datum::Bytes(bytes), &Type::BYTEA) => out.put_slice(bytes),
        (Datum::Uuid(bytes), &Type::UUID) => out.put_slice(bytes),
        (Datum::Decimal(number), &Type::NUMERIC) => numeric::write(*number, out),
        (Datum::Date(date), &Type::DATE) => {
            out.put_i32(date.days.checked_sub(EPOCH_DAYS).ok_or("the date is out of range")?);
        }
        (Datum::Time(time), &Type::TIME) => out.put_i64((time.nanos / 1000) as i64),
        // Both are in UTC, as the session is.
        (Datum::DateTime(at) | Datum::Timestamp(at), &Type::TIMESTAMP | &Type::TIMESTAMPTZ) => {
            out.put_i64(micros_of(*at).ok_or("the date is out of range")?);
        }
        (Datum::Json(text), &Type::JSONB) => {
            out.put_u8(1);
            out.put_slice(text.as_bytes());
        }
        (Datum::List(list), ty) => return write(&Datum::Json(list.to_json()?), known, ty, out),
        (Datum::Json(text), &Type::JSON) => out.put_slice(text.as_bytes()),
        // Behind a pooler the server says nothing of its types; the text has named this one.
        (Datum::Native(native, bytes), ty) if fits(native, ty) || *ty == Type::UNKNOWN => {
            out.put_slice(bytes)
        }
        (Datum::Array(list), ty) => match ty.kind() {
            Kind::Composite(fields) => return write_fields(list, known, fields, ty, out),
            _ if *ty == Type::TEXT => {
                let text = array::text(list).ok_or("an array of this type has no text")?;
                out.put_slice(text.as_bytes());
            }
            _ if *ty == Type::UNKNOWN => {
                return Err("the fields of a composite and lists of an extension's type need the numbers of their types, \
                            which are not asked for behind a pooler".into());
            }
            _ => return write_array(list.iter(), element_of(known), ty, out),
        },
        (Datum::Text(text), ty) if is_textual(ty) => out.put_slice(text.as_bytes()),
        (_, &Type::MONEY) => return Err(MONEY.into()),
        _ => return Err(format!("the server wants {ty} here, which the value of the field is not").into()),
    }
    Ok(IsNull::No)
}
