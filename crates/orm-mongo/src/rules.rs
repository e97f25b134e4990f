//! What a collection demands of its documents: the validator that `create_all` gives it.
//!
//! It is a list: the types of the fields first, then one expression for each check of the model, in their order, then one for each
//! field whose type holds fewer numbers than the server's ([`limited`]). Which part of the list failed is how an error finds the
//! check or the field again.

use orm_core::meta::{ColumnMeta, ModelMeta};
use orm_core::schema::digits;
use orm_core::value::{ColumnType, Datum, Numeric};
use orm_core::{Error, ErrorKind, Result};

use crate::bson::{Key, Writer};
use crate::lower::{Lower, begin, end};
use crate::value::{self, MongoTimes};
use crate::write::range;
use crate::{check, layout};

/// The largest coefficient of a `Decimal`: 96 bits.
const LARGEST: i128 = (1 << 96) - 1;

/// Appends the validator of a model.
pub fn validator(w: &mut Writer, model: &'static ModelMeta, times: MongoTimes) -> Result<()> {
    let validator = w.open("validator");
    let rules = w.open_array("$and");
    let first = w.open(0_usize);
    let schema = w.open("$jsonSchema");
    let fields: Vec<(Vec<&str>, u16)> = (0..model.columns.len() as u16)
        .map(|index| {
            let column = model.column(index);
            let path = if model.primary_key == [index] {
                vec!["_id"]
            } else if column.path.is_empty() {
                vec![column.name.as_str()]
            } else {
                column.path.split('.').collect()
            };
            (path, index)
        })
        .collect();
    for (index, column) in model.columns.iter().enumerate() {
        if column.generated.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "MongoDB has no columns that the database computes",
            )
            .with_model(model.name)
            .with_field(model.column(index as u16).field.clone()));
        }
    }
    let all: Vec<(&[&str], u16)> = fields.iter().map(|(path, index)| (path.as_slice(), *index)).collect();
    properties(w, model, &all, times);
    w.close(schema);
    w.close(first);
    for (at, rule) in model.checks.iter().enumerate() {
        let expr = check::parse(model, rule.expression).map_err(|why| {
            Error::new(
                ErrorKind::Unsupported,
                format!("the check `{}` has no meaning in MongoDB: {why}", rule.name),
            )
            .with_model(model.name)
            .with_constraint(rule.name.to_owned())
        })?;
        let open = w.open(at + 1);
        let negation = w.open("$expr");
        let list = w.open_array("$not");
        // A check holds unless it is false.
        let mut lower = Lower::on(times, orm_core::ir::Source { model, alias: "" });
        lower.truth(w, Key::At(0), &expr, false)?;
        w.close(list);
        w.close(negation);
        w.close(open);
    }
    for (at, limit) in limited(model).into_iter().enumerate() {
        let open = w.open(model.checks.len() + at + 1);
        limit.write(w, model)?;
        w.close(open);
    }
    w.close(rules);
    w.close(validator);
    Ok(())
}

/// A field whose type holds fewer numbers than the server's: decimals, floats. What the server computes may be too much.
pub struct Limited {
    /// The column.
    pub column: u16,
    /// The column of its elements, if it is a list of embedded structs.
    element: Option<&'static ColumnMeta>,
}

/// The limited fields of a model, in the order of their rules.
pub fn limited(model: &'static ModelMeta) -> Vec<Limited> {
    let is_limited =
        |column: &ColumnMeta| matches!(column.ty(), ColumnType::F32 | ColumnType::F64 | ColumnType::Decimal);
    let mut found = Vec::new();
    for (index, column) in (0..).zip(&model.columns) {
        if is_limited(column) {
            found.push(Limited { column: index, element: None });
        }
        if let ColumnType::List(element) = column.ty() {
            let inner = (element.0)().columns.iter().filter(|column| is_limited(column));
            found.extend(inner.map(|column| Limited { column: index, element: Some(column) }));
        }
    }
    found
}

impl Limited {
    fn write(&self, w: &mut Writer, model: &'static ModelMeta) -> Result<()> {
        let path = format!("${}", layout::path(model, self.column));
        let Some(element) = self.element else {
            return fits(w, Key::Name("$expr"), &path, model.column(self.column));
        };
        let (every, only) = begin(w, Key::Name("$expr"), "$allElementsTrue");
        let open = w.open(0_usize);
        let map = w.open("$map");
        let (list, branches) = begin(w, Key::Name("input"), "$cond");
        let test = w.open(0_usize);
        w.str("$isArray", &path);
        w.close(test);
        w.str(1, &path);
        let none = w.open_array(2_usize);
        w.close(none);
        end(w, list, branches);
        w.str("as", "e");
        let own = if element.path.is_empty() { &element.name } else { &element.path };
        fits(w, Key::Name("in"), &format!("$$e.{own}"), element)?;
        w.close(map);
        w.close(open);
        end(w, every, only);
        Ok(())
    }
}

/// That a number, if it is one, is one of the column's type. NaN is smaller than all numbers here.
fn fits(w: &mut Writer, key: Key<'_>, text: &str, column: &ColumnMeta) -> Result<()> {
    let (either, cases) = begin(w, key, "$or");
    let (not, inner) = begin(w, Key::At(0), "$not");
    let number = w.open(0_usize);
    w.str("$isNumber", text);
    w.close(number);
    end(w, not, inner);
    match column.ty() {
        ColumnType::Decimal => fits_decimal(w, Key::At(1), text, column)?,
        ty => {
            let (all, tests) = begin(w, Key::At(1), "$and");
            compare(w, Key::At(0), "$gte", text, &Datum::F64(f64::NEG_INFINITY))?;
            if ty == ColumnType::F32 {
                // The first double that is rounded to infinity; infinity itself is a value.
                let beyond = f64::from(f32::MAX) + f64::from(f32::MAX) / f64::from(1 << 25);
                let (choice, sizes) = begin(w, Key::At(1), "$or");
                for (at, (operator, limit)) in
                    [("$lt", beyond), ("$eq", f64::INFINITY)].into_iter().enumerate()
                {
                    let (test, pair) = begin(w, Key::At(at), operator);
                    let size = w.open(0_usize);
                    w.str("$abs", text);
                    w.close(size);
                    w.f64(1, limit);
                    end(w, test, pair);
                }
                end(w, choice, sizes);
            }
            end(w, all, tests);
        }
    }
    end(w, either, cases);
    Ok(())
}

fn fits_decimal(w: &mut Writer, key: Key<'_>, text: &str, column: &ColumnMeta) -> Result<()> {
    let decimal = |mantissa: i128, scale: u32| Datum::Decimal(Numeric { mantissa, scale });
    let (all, tests) = begin(w, key, "$and");
    compare(w, Key::At(0), "$gte", text, &decimal(-LARGEST, 0))?;
    compare(w, Key::At(1), "$lte", text, &decimal(LARGEST, 0))?;
    let mut at = 2;
    if let Some((whole, scale)) = digits(column.precision, column.scale) {
        whole_at(w, Key::At(at), text, Some(scale));
        at += 1;
        if let Some(limit) =
            whole.and_then(|whole| 10_i128.checked_pow(whole)).filter(|limit| *limit < LARGEST)
        {
            compare(w, Key::At(at), "$gt", text, &decimal(-limit, 0))?;
            compare(w, Key::At(at + 1), "$lt", text, &decimal(limit, 0))?;
            at += 2;
        }
    }
    let (either, cases) = begin(w, Key::At(at), "$or");
    // Nearly all are this small; they have 28 digits at most.
    let (small, both) = begin(w, Key::At(0), "$and");
    let (test, pair) = begin(w, Key::At(0), "$lt");
    let size = w.open(0_usize);
    w.str("$abs", text);
    w.close(size);
    value::write(w, Key::At(1), &decimal(10_i128.pow(19), 0), ColumnType::Decimal, MongoTimes::Millis)?;
    end(w, test, pair);
    whole_at(w, Key::At(1), text, Some(9));
    end(w, small, both);
    // For one of the scales the coefficient is a whole number of 96 bits.
    let (some, only) = begin(w, Key::At(1), "$anyElementTrue");
    let open = w.open(0_usize);
    let map = w.open("$map");
    let powers = w.open_array("input");
    for scale in 0..=28 {
        let power = decimal(10_i128.pow(scale as u32), 0);
        value::write(w, Key::At(scale), &power, ColumnType::Decimal, MongoTimes::Millis)?;
    }
    w.close(powers);
    w.str("as", "p");
    let coefficient = w.open("in");
    let binding = w.open("$let");
    let vars = w.open("vars");
    let (product, factors) = begin(w, Key::Name("c"), "$multiply");
    w.str(0, text);
    w.str(1, "$$p");
    end(w, product, factors);
    w.close(vars);
    let (both, bounds) = begin(w, Key::Name("in"), "$and");
    compare(w, Key::At(0), "$gte", "$$c", &decimal(-LARGEST, 0))?;
    compare(w, Key::At(1), "$lte", "$$c", &decimal(LARGEST, 0))?;
    whole_at(w, Key::At(2), "$$c", None);
    end(w, both, bounds);
    w.close(binding);
    w.close(coefficient);
    w.close(map);
    w.close(open);
    end(w, some, only);
    end(w, either, cases);
    end(w, all, tests);
    Ok(())
}

/// That a number has so many places behind the point and no more.
fn whole_at(w: &mut Writer, key: Key<'_>, text: &str, places: Option<u32>) {
    let (test, pair) = begin(w, key, "$eq");
    let (cut, parts) = begin(w, Key::At(0), "$trunc");
    w.str(0, text);
    w.i32(1, places.map_or(0, |places| places.min(99) as i32));
    end(w, cut, parts);
    w.str(1, text);
    end(w, test, pair);
}

fn compare(w: &mut Writer, key: Key<'_>, operator: &str, text: &str, limit: &Datum) -> Result<()> {
    let ty = if matches!(limit, Datum::F64(_)) { ColumnType::F64 } else { ColumnType::Decimal };
    let (test, pair) = begin(w, key, operator);
    w.str(0, text);
    value::write(w, Key::At(1), limit, ty, MongoTimes::Millis)?;
    end(w, test, pair);
    Ok(())
}

/// The rules of an object with these fields: those with a path of one name, and those of embedded objects.
fn properties(w: &mut Writer, model: &ModelMeta, fields: &[(&[&str], u16)], times: MongoTimes) {
    w.str("bsonType", "object");
    let mut names: Vec<&str> = Vec::new();
    for (path, _) in fields {
        if let Some(name) = path.first()
            && !names.contains(name)
        {
            names.push(name);
        }
    }
    let inside = |name: &str| -> Vec<(&[&str], u16)> {
        let own = fields.iter().filter(|(path, _)| path.first() == Some(&name));
        own.map(|(path, index)| (&path[1..], *index)).collect()
    };
    let required: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| inside(name).iter().any(|(_, index)| !model.column(*index).nullable))
        .collect();
    if !required.is_empty() {
        let list = w.open_array("required");
        for (at, name) in required.iter().enumerate() {
            w.str(at, name);
        }
        w.close(list);
    }
    let list = w.open("properties");
    for name in names {
        let inner = inside(name);
        let open = w.open(name);
        match inner.as_slice() {
            [([], index)] => rules(w, model.column(*index), times),
            inner => properties(w, model, inner, times),
        }
        w.close(open);
    }
    w.close(list);
}

fn rules(w: &mut Writer, column: &ColumnMeta, times: MongoTimes) {
    let ty = column.ty();
    let types: &[&str] = match ty {
        ColumnType::Bool => &["bool"],
        ColumnType::F32 | ColumnType::F64 => &["double"],
        ColumnType::Decimal => &["decimal"],
        ColumnType::Text | ColumnType::Char => &["string"],
        ColumnType::Bytes | ColumnType::Uuid => &["binData"],
        ColumnType::Date => &["date"],
        ColumnType::Time => &["long"],
        ColumnType::DateTime | ColumnType::Timestamp if times == MongoTimes::Millis => &["date"],
        ColumnType::DateTime | ColumnType::Timestamp => &["long"],
        ColumnType::Enum(meta) if !meta.integer => &["string"],
        ColumnType::Array(_) | ColumnType::List(_) => &["array"],
        ColumnType::Native(_) => &["objectId"],
        // Whatever JSON text becomes, but for null.
        ColumnType::Json => &["object", "array", "string", "double", "int", "long", "decimal", "bool"],
        _ => &["int", "long"],
    };
    let list = w.open_array("bsonType");
    let null = column.nullable.then_some(&"null");
    for (at, name) in types.iter().chain(null).enumerate() {
        w.str(at, name);
    }
    w.close(list);
    if let ColumnType::List(element) = ty {
        let element = (element.0)();
        let paths: Vec<Vec<&str>> = element
            .columns
            .iter()
            .map(|column| match column.path.as_str() {
                "" => vec![column.name.as_str()],
                path => path.split('.').collect(),
            })
            .collect();
        let fields: Vec<(&[&str], u16)> = paths.iter().map(Vec::as_slice).zip(0..).collect();
        let items = w.open("items");
        properties(w, element, &fields, times);
        w.close(items);
    }
    if let Some((low, high)) = range(ty) {
        w.i64("minimum", low);
        w.i64("maximum", high);
    }
    if let (Some(max), ColumnType::Text) = (column.max_len, ty) {
        w.i64("maxLength", max.into());
    }
    if ty == ColumnType::Char {
        w.i64("minLength", 1);
        w.i64("maxLength", 1);
    }
    if let ColumnType::Enum(meta) = ty {
        let list = w.open_array("enum");
        for (at, (name, number)) in meta.variants.iter().enumerate() {
            if meta.integer {
                w.i64(at, *number);
            } else {
                w.str(at, name);
            }
        }
        if column.nullable {
            w.null(meta.variants.len());
        }
        w.close(list);
    }
}
