//! Places in an order of columns: how a row is read as one, and which rows lie beyond.

use crate::backend::Row;
use crate::error::{Error, ErrorKind, Result};
use crate::ir::visit::{Visit, walk_expr, walk_select};
use crate::ir::{BinaryOp, ColumnRef, Direction, Expr, Nulls, Order, Output, Select};
use crate::meta::ModelMeta;
use crate::relation::datum_of;
use crate::value::{Cell, CellError, ColumnType, Datum, NativeKind};

/// Where a row has a value of the order.
pub(super) struct Place {
    at: usize,
    column: u16,
    ty: ColumnType,
}

impl Place {
    /// The value as the database has it, which the field may round.
    pub(super) fn read<R: Row>(&self, row: &R, meta: &'static ModelMeta) -> Result<Datum> {
        let cell = row.cell(self.at);
        let value = match self.ty {
            ColumnType::Native(native) if !matches!(native.kind, NativeKind::Domain { .. }) => {
                cell.native(native).map(|bytes| Datum::Native(native, bytes.into()))
            }
            ty => datum_of(cell, ty),
        };
        match value {
            Ok(value) => Ok(value),
            Err(CellError::Null) => Ok(Datum::Null),
            Err(_) => Err(Error::new(ErrorKind::Decode, "a column of the order cannot be read")
                .with_model(meta.name)
                .with_field(meta.column(self.column).field.clone())
                .with_hint("the field's type and the stored data must agree")),
        }
    }
}

/// The columns of an order, made total by the primary key, and where a row has their values.
pub(super) fn keys(select: &mut Select, meta: &'static ModelMeta) -> Result<(Vec<u16>, Vec<Place>)> {
    let from = select.from;
    let refuse = |text: &'static str, hint: &'static str| {
        Error::new(ErrorKind::Usage, text).with_model(meta.name).with_hint(hint)
    };
    let mut columns = Vec::new();
    let mut orders = Vec::new();
    for order in std::mem::take(&mut select.order) {
        match &order.expr {
            // A column that stands there already decides nothing more.
            Expr::Column(column) if column.source == from && columns.contains(&column.index) => {}
            Expr::Column(column) if column.source == from => {
                columns.push(column.index);
                orders.push(order);
            }
            _ => {
                return Err(refuse(
                    "a keyset page can only be ordered by columns of the model",
                    "order by columns, or use `.page(..)`",
                ));
            }
        }
    }
    for key in meta.primary_key {
        if !columns.contains(key) {
            columns.push(*key);
            let mut order = Expr::Column(ColumnRef { source: from, index: *key }).order(Direction::Asc);
            order.ty = meta.column(*key).ty();
            orders.push(order);
        }
    }
    select.order = orders;
    let mut places = Vec::new();
    for index in &columns {
        let ty = meta.column(*index).ty();
        if matches!(ty, ColumnType::Json | ColumnType::Array(_) | ColumnType::List(_)) {
            let text = "databases order documents and lists each in their own way";
            let error = refuse(text, "order keyset pages by other columns");
            return Err(error.with_field(meta.column(*index).field.clone()));
        }
        let at = match &mut select.output {
            Output::Exprs(exprs) => {
                let own = |expr: &Expr| matches!(expr, Expr::Column(column) if column.source == from && column.index == *index);
                match exprs.iter().position(own) {
                    Some(at) => at,
                    None if select.distinct => {
                        return Err(refuse(
                            "keyset pages of distinct rows select what they are ordered by",
                            "select the columns of the order and the primary key, or use `.page(..)`",
                        ));
                    }
                    None => {
                        exprs.push(Expr::Column(ColumnRef { source: from, index: *index }));
                        exprs.len() - 1
                    }
                }
            }
            _ => usize::from(*index),
        };
        places.push(Place { at, column: *index, ty });
    }
    Ok((columns, places))
}

/// The same order from the other end.
pub(super) fn reversed(orders: &mut [Order]) {
    for order in orders {
        order.direction = match order.direction {
            Direction::Asc => Direction::Desc,
            Direction::Desc => Direction::Asc,
        };
        order.nulls = order.nulls.map(|nulls| match nulls {
            Nulls::First => Nulls::Last,
            Nulls::Last => Nulls::First,
        });
    }
}

/// A number for the query, the same in every process: what a cursor is checked against. It has the model, the conditions without
/// their values, the order with the types of its columns, the limit and the offset.
pub(super) fn fingerprint(select: &Select, meta: &ModelMeta, columns: &[u16]) -> u64 {
    let mut query = Structure(Fnv::default());
    query.text(meta.table);
    for (order, column) in select.order.iter().zip(columns) {
        query.0.add(&[0, order.direction as u8, order.nulls.map_or(2, |nulls| nulls as u8)]);
        let column = meta.column(*column);
        query.text(&column.name);
        query.ty(column.ty());
    }
    for number in [select.limit, select.offset] {
        query.number(number);
    }
    if let Some(filter) = &select.filter {
        query.expr(filter);
    }
    if let Some(combined) = &select.combined {
        query.select(&combined.first);
        for (op, part) in &combined.rest {
            query.debug(op);
            query.select(part);
        }
    }
    query.0.0
}

/// What a query says, its values left out and everything by name.
struct Structure(Fnv);

impl Structure {
    fn text(&mut self, text: &str) {
        self.0.add(&(text.len() as u64).to_le_bytes());
        self.0.add(text.as_bytes());
    }

    fn debug(&mut self, name: impl std::fmt::Debug) {
        self.text(&format!("{name:?}"));
    }

    fn number(&mut self, number: Option<u64>) {
        self.0.add(&number.map_or(0, |number| number.saturating_add(1)).to_le_bytes());
    }

    fn ty(&mut self, ty: ColumnType) {
        match ty {
            ColumnType::Enum(stored) => self.text(if stored.integer { "number" } else { "name" }),
            ColumnType::Native(native) => self.text(native.name),
            ty => self.debug(ty),
        }
    }

    fn column(&mut self, column: ColumnRef) {
        let model = column.source.model;
        self.text(model.table);
        self.text(column.source.alias);
        self.text(&model.column(column.index).name);
    }
}

impl<'a> Visit<'a> for Structure {
    fn expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Column(column) | Expr::Excluded(column) => self.column(*column),
            Expr::Value(_, ty) => self.ty(*ty),
            Expr::Unary(op, ..) => self.debug(op),
            Expr::Binary(op, ..) => self.debug(op),
            Expr::All(list) => self.debug(("all", list.len())),
            Expr::Any(list) => self.debug(("any", list.len())),
            Expr::IsNull(_, negated) => self.debug(("null", negated)),
            Expr::Between(..) => self.text("between"),
            Expr::InList { negated, .. } => self.debug(("in", negated)),
            Expr::InTuples { exprs, .. } => self.debug(("tuples", exprs.len())),
            Expr::Overlap { .. } => self.text("overlap"),
            Expr::InSelect { negated, rows, .. } => self.debug(("in query", negated, rows)),
            Expr::Place(source) => self.debug(("place", source.model.table, source.alias)),
            Expr::Like { op, insensitive, .. } => self.debug((op, insensitive)),
            Expr::Func(func, args) => self.debug((func, args.len())),
            Expr::Cast(_, from, to) => {
                self.text("cast");
                self.ty(*from);
                self.ty(*to);
            }
            Expr::Case(arms, otherwise) => self.debug(("case", arms.len(), otherwise.is_some())),
            Expr::Aggregate { func, distinct, filter, .. } => self.debug((func, distinct, filter.is_some())),
            Expr::Window(call) => self.debug((call.func, call.partition.len(), call.order.len(), call.frame)),
            Expr::Exists(_) => self.text("exists"),
            Expr::Scalar(_) => self.text("scalar"),
            Expr::Relation(test) => {
                self.text(test.relation.name);
                self.text(test.from.model.table);
                self.debug((test.alias, test.quantifier, test.filter.is_some()));
            }
            Expr::Elements(test) => self.debug(test.quantifier),
            Expr::ListChange(_) => self.text("change"),
            Expr::Raw(pieces, _) => pieces.iter().for_each(|piece| self.text(piece)),
            Expr::Key(place, ty) => {
                self.debug(place);
                self.ty(*ty);
            }
        }
        walk_expr(self, expr);
        self.0.add(b")");
    }

    fn select(&mut self, select: &'a Select) {
        self.text(select.from.model.table);
        self.text(select.from.alias);
        self.debug((select.distinct, select.joins.len(), select.group_by.len(), select.order.len()));
        for join in &select.joins {
            self.debug((
                join.kind,
                join.target.model.table,
                join.relation.map(|(_, relation)| relation.name),
            ));
        }
        self.number(select.limit);
        self.number(select.offset);
        walk_select(self, select);
        self.0.add(b"]");
    }
}

/// FNV-1a: a fixed function, since cursors outlive the process.
pub(super) struct Fnv(pub(super) u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// `(a > x) OR (a = x AND b > y) OR …`, NULLs placed as the order places them; `inclusive` adds the place itself.
pub(super) fn beyond(
    select: &Select,
    meta: &ModelMeta,
    columns: &[u16],
    values: &[Datum],
    inclusive: bool,
    nan_first: bool,
) -> Expr {
    let column = |index: u16| Expr::Column(ColumnRef { source: select.from, index });
    let same = |position: usize| {
        let ty = meta.column(columns[position]).ty();
        let value = Expr::Value(values[position].clone(), ty);
        Expr::binary(BinaryOp::IsSame, column(columns[position]), value, ty)
    };
    let mut branches = Vec::new();
    for (position, order) in select.order.iter().enumerate() {
        let index = columns[position];
        let meta = meta.column(index);
        let further = further(order, &column(index), meta.nullable, meta.ty(), &values[position], nan_first);
        if let Some(further) = further {
            branches.push(Expr::All((0..position).map(same).chain([further]).collect()));
        }
    }
    if inclusive {
        branches.push(Expr::All((0..columns.len()).map(same).collect()));
    }
    Expr::Any(branches)
}

/// What comes after a value in one key of the order; `None` if nothing does.
fn further(
    order: &Order,
    column: &Expr,
    nullable: bool,
    ty: ColumnType,
    value: &Datum,
    nan_first: bool,
) -> Option<Expr> {
    let nulls_last = match order.nulls {
        Some(nulls) => nulls == Nulls::Last,
        None => order.direction == Direction::Desc,
    };
    if value.is_null() {
        return (!nulls_last).then(|| Expr::IsNull(Box::new(column.clone()), true));
    }
    let compare = |op, value| Expr::binary(op, column.clone(), Expr::Value(value, ty), ty);
    let ascending = order.direction == Direction::Asc;
    let mut further = Vec::new();
    match value {
        Datum::F64(number) if nan_first => match (number.is_nan(), ascending) {
            (true, true) => further.push(compare(BinaryOp::Ge, Datum::F64(f64::NEG_INFINITY))),
            (true, false) => {}
            (false, true) => further.push(compare(BinaryOp::Gt, value.clone())),
            (false, false) => {
                further.push(compare(BinaryOp::Lt, value.clone()));
                further.push(compare(BinaryOp::IsSame, Datum::F64(f64::NAN)));
            }
        },
        value => further.push(compare(if ascending { BinaryOp::Gt } else { BinaryOp::Lt }, value.clone())),
    }
    if nullable && nulls_last {
        further.push(Expr::IsNull(Box::new(column.clone()), false));
    }
    match further.len() {
        0 | 1 => further.pop(),
        _ => Some(Expr::Any(further)),
    }
}
