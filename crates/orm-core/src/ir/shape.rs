//! The shape of a command and the walk over its values.
//!
//! Both are one traversal, so they cannot disagree: [`walk`](Walk) visits every part of a command in
//! rendering order, feeding structure to the hasher and values to the list. A compiler that renders the
//! command visits it in the same order, so the n-th value is the n-th parameter it numbered.

use super::*;
use crate::meta::{ModelMeta, RelationMeta};
use crate::value::{Datum, DbType};

/// The 128-bit key of a shape.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, Shape, shape};
/// let older_than = |age: i32| Command::Select(Box::new(User::filter(User::age.ge(age)).into_select()));
/// let key: Shape = shape(&older_than(18));
/// assert_eq!(key, shape(&older_than(21)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape(pub u128);

/// A bound parameter of a command.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Binds, Command, binds};
/// use orm_core::value::Datum;
/// let command = Command::Select(Box::new(User::filter(User::age.ge(18)).into_select()));
/// binds(&command, &mut |bind| assert!(matches!(bind, Binds::One(Datum::I64(18), _))));
/// ```
#[derive(Debug)]
pub enum Binds<'a> {
    /// One value.
    One(&'a Datum, DbType),
    /// An offset or a large limit.
    Number(u64),
    /// A list of values of one type (`IN`).
    List(&'a [Datum], DbType),
    /// A list of tuples, row-major.
    Tuples(&'a [Datum], &'a [DbType]),
    /// The rows of an INSERT or of an UPDATE of many rows, row-major.
    Rows(&'a [Datum], &'a [u16], &'static ModelMeta),
}

/// Limits up to here are written into the statement, larger ones are bound: SQLite prepares a statement
/// again at each execution if its LIMIT is a parameter. What renders a statement has to go by it, as the walk over the values does.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, LITERAL_LIMIT, shape};
/// let shape_of = |limit| shape(&Command::Select(Box::new(User::query().limit(limit).into_select())));
/// assert_ne!(shape_of(10), shape_of(20));
/// assert_eq!(shape_of(LITERAL_LIMIT + 1), shape_of(LITERAL_LIMIT + 2));
/// ```
pub const LITERAL_LIMIT: u64 = 1024;

/// The shape of a command: everything but its values and the lengths of its lists.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, shape};
/// let command = |query: Query<User>| Command::Select(Box::new(query.into_select()));
/// let of_list = |ids: &[i64]| shape(&command(User::filter(User::id.in_(ids))));
/// assert_eq!(of_list(&[1]), of_list(&[1, 2, 3]));
/// assert_ne!(of_list(&[1]), shape(&command(User::query())));
/// ```
pub fn shape(command: &Command) -> Shape {
    let mut walk = Walk { hasher: ShapeHasher::default(), sink: &mut |_| {} };
    walk.command(command);
    walk.hasher.finish()
}

/// Calls `sink` with every parameter of a command, in rendering order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, binds, shape};
/// let query = User::filter(User::name.eq("Ada") & User::id.in_([1, 2]));
/// let command = Command::Select(Box::new(query.into_select()));
/// let mut count = 0;
/// assert_eq!(binds(&command, &mut |_| count += 1), shape(&command));
/// assert_eq!(count, 2);
/// ```
pub fn binds<'a>(command: &'a Command, sink: &mut dyn FnMut(Binds<'a>)) -> Shape {
    let mut walk = Walk { hasher: ShapeHasher::default(), sink };
    walk.command(command);
    walk.hasher.finish()
}

struct Walk<'s, 'a> {
    hasher: ShapeHasher,
    sink: &'s mut dyn FnMut(Binds<'a>),
}

impl<'a> Walk<'_, 'a> {
    #[inline]
    fn tag(&mut self, tag: u64) {
        self.hasher.word(tag);
    }

    fn address<T>(&mut self, thing: &'static T) {
        self.hasher.word(std::ptr::from_ref(thing).addr() as u64);
    }

    fn relation(&mut self, relation: &'static RelationMeta) {
        self.address(relation);
    }

    fn source(&mut self, source: Source) {
        self.address::<ModelMeta>(source.model);
        if !source.alias.is_empty() {
            self.hasher.text(source.alias);
        }
        self.tag(1);
    }

    fn column(&mut self, column: ColumnRef) {
        self.source(column.source);
        self.tag(u64::from(column.index));
    }

    fn ty(&mut self, ty: DbType) {
        match ty {
            DbType::Enum(meta) => {
                self.tag(1000);
                self.address(meta);
            }
            DbType::Array(element) => {
                self.tag(1001);
                self.ty(*element);
            }
            DbType::Native(native) => {
                self.tag(1002);
                self.hasher.text(native.name);
            }
            // The other variants carry nothing.
            other => self.hasher.word(2000 + discriminant(other)),
        }
    }

    fn command(&mut self, command: &'a Command) {
        match command {
            Command::Select(select) => {
                self.tag(1);
                self.select(select);
            }
            Command::Insert(insert) => self.insert(insert),
            Command::Update(update) => {
                self.tag(3);
                self.source(update.source);
                self.assignments(&update.set);
                self.optional(update.filter.as_ref());
                self.returning(update.returning.as_ref());
            }
            Command::UpdateRows(update) => {
                self.tag(6);
                self.source(update.source);
                self.tag(update.keys as u64);
                self.tag(update.columns.len() as u64);
                for column in &update.columns {
                    self.tag(u64::from(*column));
                }
                (self.sink)(Binds::Rows(&update.values, &update.columns, update.source.model));
                self.assignments(&update.also);
                self.returning(update.returning.as_ref());
            }
            Command::Delete(delete) => {
                self.tag(4);
                self.source(delete.source);
                self.optional(delete.filter.as_ref());
                self.returning(delete.returning.as_ref());
            }
            Command::Raw(raw) => {
                self.tag(5);
                self.hasher.text(&raw.sql);
                for (datum, ty) in &raw.binds {
                    (self.sink)(Binds::One(datum, *ty));
                }
            }
        }
    }

    fn insert(&mut self, insert: &'a Insert) {
        self.tag(2);
        self.address::<ModelMeta>(insert.model);
        self.tag(insert.columns.len() as u64);
        for column in &insert.columns {
            self.tag(u64::from(*column));
        }
        match &insert.source {
            InsertSource::Values(rows) => {
                self.tag(1);
                (self.sink)(Binds::Rows(rows, &insert.columns, insert.model));
            }
            InsertSource::Select(select) => {
                self.tag(2);
                self.select(select);
            }
        }
        match &insert.conflict {
            None => self.tag(0),
            Some(conflict) => {
                self.tag(1 + conflict.target.len() as u64);
                for column in &conflict.target {
                    self.tag(u64::from(*column));
                }
                match &conflict.action {
                    ConflictAction::Nothing => self.tag(0),
                    ConflictAction::Update(set, filter) => {
                        self.tag(1);
                        self.assignments(set);
                        self.optional(filter.as_ref());
                    }
                }
            }
        }
        self.returning(insert.returning.as_ref());
    }

    fn assignments(&mut self, set: &'a [Assignment]) {
        self.tag(set.len() as u64);
        for assignment in set {
            self.tag(u64::from(assignment.column));
            self.expr(&assignment.value);
        }
    }

    fn returning(&mut self, output: Option<&'a Output>) {
        match output {
            None => self.tag(0),
            Some(output) => self.output(output),
        }
    }

    fn output(&mut self, output: &'a Output) {
        match output {
            Output::Model => self.tag(1),
            Output::ModelAnd(exprs) => {
                self.tag(2);
                self.list(exprs);
            }
            Output::Exprs(exprs) => {
                self.tag(3);
                self.list(exprs);
            }
            Output::One => self.tag(4),
            Output::Columns(width) => self.tag(6 + (u64::from(*width) << 8)),
            Output::CountOf(inner) => {
                self.tag(5);
                self.output(inner);
            }
        }
    }

    fn list(&mut self, exprs: &'a [Expr]) {
        self.tag(exprs.len() as u64);
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn optional(&mut self, expr: Option<&'a Expr>) {
        match expr {
            None => self.tag(0),
            Some(expr) => {
                self.tag(1);
                self.expr(expr);
            }
        }
    }

    fn limit(&mut self, limit: Option<u64>) {
        match limit {
            None => self.tag(0),
            Some(limit) if limit <= LITERAL_LIMIT => self.tag(2 + limit),
            Some(limit) => {
                self.tag(1);
                (self.sink)(Binds::Number(limit));
            }
        }
    }

    fn offset(&mut self, offset: Option<u64>) {
        match offset {
            None => self.tag(0),
            Some(offset) => {
                self.tag(1);
                (self.sink)(Binds::Number(offset));
            }
        }
    }

    fn orders(&mut self, orders: &'a [Order]) {
        self.tag(orders.len() as u64);
        for order in orders {
            self.expr(&order.expr);
            self.tag(order.direction as u64 * 4 + order.nulls.map_or(0, |nulls| 1 + nulls as u64));
            self.ty(order.ty);
        }
    }

    /// The order of a SELECT's parts: combined queries, groups, output, joins, filter, having, per-parent, order, limit, offset.
    fn select(&mut self, select: &'a Select) {
        self.tag(10 + u64::from(select.distinct));
        self.source(select.from);
        match &select.combined {
            None => self.tag(0),
            Some(combined) => {
                self.tag(1 + combined.rest.len() as u64);
                self.select(&combined.first);
                for (op, arm) in &combined.rest {
                    self.tag(*op as u64);
                    self.select(arm);
                }
            }
        }
        self.list(&select.group_by);
        self.list(&select.distinct_on);
        if let Some(sample) = &select.sample {
            self.tag(77 + u64::from(sample.pages));
            self.tag(sample.percent.to_bits());
            self.tag(sample.seed.map_or(0, |seed| 1 + u64::from(seed)));
        }
        match &select.lock {
            None => self.tag(0),
            Some(lock) => {
                self.tag(1 + lock.strength as u64 + ((lock.wait as u64) << 8));
                self.tag(lock.of.len() as u64);
                lock.of.iter().for_each(|source| self.source(*source));
            }
        }
        self.output(&select.output);
        self.tag(select.joins.len() as u64);
        for join in &select.joins {
            self.tag(join.kind as u64);
            self.source(join.target);
            if let Some((from, relation)) = join.relation {
                self.source(from);
                self.relation(relation);
            }
            self.tag(join.on_columns.len() as u64);
            for (left, right) in &join.on_columns {
                self.column(*left);
                self.column(*right);
            }
            match &join.lateral {
                None => self.tag(0),
                Some(select) => {
                    self.tag(1);
                    self.select(select);
                }
            }
            self.optional(join.on.as_ref());
        }
        self.optional(select.filter.as_ref());
        self.optional(select.having.as_ref());
        match &select.per_parent {
            None => self.tag(0),
            Some(per) => {
                self.list(&per.key);
                self.orders(&select.order);
                self.limit(per.limit);
                self.offset(per.offset);
                // The order stands inside the window; it is rendered once more outside by position.
                self.limit(select.limit);
                self.offset(select.offset);
                return;
            }
        }
        self.orders(&select.order);
        self.limit(select.limit);
        self.offset(select.offset);
    }

    fn window(&mut self, call: &'a WindowCall) {
        let (func, by) = match call.func {
            WindowFunc::Aggregate => (0, 0),
            WindowFunc::RowNumber => (1, 0),
            WindowFunc::Rank => (2, 0),
            WindowFunc::DenseRank => (3, 0),
            WindowFunc::Shift(by) => (4, by),
            WindowFunc::First => (5, 0),
            WindowFunc::Last => (6, 0),
        };
        self.tag(func);
        self.tag(by as u64);
        self.optional(call.arg.as_ref());
        self.list(&call.partition);
        self.orders(&call.order);
        let Some(frame) = call.frame else { return self.tag(0) };
        for end in [frame.start, frame.end] {
            self.tag(1 + u64::from(end.is_some()));
            self.tag(end.unwrap_or(0) as u64);
        }
    }

    fn list_change(&mut self, change: &'a ListChange) {
        self.tag(24);
        self.address::<ModelMeta>(change.element);
        self.expr(&change.list);
        match &change.op {
            ListOp::Push(values) | ListOp::AddToSet(values) => {
                self.tag(u64::from(matches!(change.op, ListOp::Push(_))));
                for (place, datum) in values.iter().enumerate() {
                    let column = change.element.columns.get(place % change.element.columns.len().max(1));
                    (self.sink)(Binds::One(datum, column.map_or(DbType::Text, |column| column.ty())));
                }
            }
            ListOp::Pull(filter) => {
                self.tag(2);
                self.expr(filter);
            }
            ListOp::Set(filter, values) => {
                self.tag(3 + values.len() as u64);
                self.expr(filter);
                for (column, value) in values {
                    self.tag(u64::from(*column));
                    self.expr(value);
                }
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Column(column) => {
                self.tag(1);
                self.column(*column);
            }
            Expr::Value(datum, ty) => {
                self.tag(2);
                self.ty(*ty);
                (self.sink)(Binds::One(datum, *ty));
            }
            Expr::Unary(op, inner, ty) => {
                self.tag(3 + ((*op as u64) << 8));
                self.ty(*ty);
                self.expr(inner);
            }
            Expr::Binary(op, both, ty) => {
                self.tag(4 + ((*op as u64) << 8));
                self.ty(*ty);
                self.expr(&both.0);
                self.expr(&both.1);
            }
            Expr::All(list) => {
                self.tag(5);
                self.list(list);
            }
            Expr::Any(list) => {
                self.tag(6);
                self.list(list);
            }
            Expr::IsNull(inner, negated) => {
                self.tag(7 + (u64::from(*negated) << 8));
                self.expr(inner);
            }
            Expr::Between(three, ty) => {
                self.tag(8);
                self.ty(*ty);
                self.expr(&three.0);
                self.expr(&three.1);
                self.expr(&three.2);
            }
            Expr::InList { expr, list, ty, negated } => {
                self.tag(9 + (u64::from(*negated) << 8));
                self.ty(*ty);
                self.expr(expr);
                (self.sink)(Binds::List(list, *ty));
            }
            Expr::Overlap { array, list, ty } => {
                self.tag(26);
                self.ty(*ty);
                self.expr(array);
                (self.sink)(Binds::List(list, *ty));
            }
            Expr::InTuples { exprs, rows, types } => {
                self.tag(10);
                self.list(exprs);
                for ty in types {
                    self.ty(*ty);
                }
                (self.sink)(Binds::Tuples(rows, types));
            }
            Expr::InSelect { expr, select, negated } => {
                self.tag(11 + (u64::from(*negated) << 8));
                self.expr(expr);
                self.select(select);
            }
            Expr::Like { op, expr, pattern, insensitive } => {
                self.tag(12 + ((*op as u64) << 8) + (u64::from(*insensitive) << 16));
                self.expr(expr);
                self.expr(pattern);
            }
            Expr::Func(func, args) => {
                self.tag(13 + ((*func as u64) << 8));
                self.list(args);
            }
            Expr::Cast(inner, ty) => {
                self.tag(14);
                self.ty(*ty);
                self.expr(inner);
            }
            Expr::Case(arms, otherwise) => {
                self.tag(15);
                self.tag(arms.len() as u64);
                for (when, then) in arms {
                    self.expr(when);
                    self.expr(then);
                }
                self.optional(otherwise.as_deref());
            }
            Expr::Aggregate { func, arg, distinct, ty, filter, order } => {
                self.tag(16 + ((*func as u64) << 8) + (u64::from(*distinct) << 16));
                self.ty(*ty);
                self.optional(arg.as_deref());
                self.orders(order);
                self.optional(filter.as_deref());
            }
            Expr::Window(call) => {
                self.tag(25);
                self.window(call);
            }
            Expr::Exists(select) => {
                self.tag(17);
                self.select(select);
            }
            Expr::Scalar(select) => {
                self.tag(18);
                self.select(select);
            }
            Expr::Relation(test) => {
                self.tag(19 + ((test.quantifier as u64) << 8));
                self.relation(test.relation);
                self.source(test.from);
                self.hasher.text(test.alias);
                self.optional(test.filter.as_ref());
            }
            Expr::Raw(pieces, args) => {
                self.tag(20);
                for piece in pieces {
                    self.hasher.text(piece);
                }
                self.list(args);
            }
            Expr::Elements(test) => {
                self.tag(23 + ((test.quantifier as u64) << 8));
                self.address::<ModelMeta>(test.element);
                self.expr(&test.list);
                self.optional(test.filter.as_ref());
            }
            Expr::ListChange(change) => self.list_change(change),
            Expr::Key(place, ty) => {
                self.tag(22 + (u64::from(*place) << 8));
                self.ty(*ty);
            }
            Expr::Excluded(column) => {
                self.tag(21);
                self.column(*column);
            }
        }
    }
}

fn discriminant(ty: DbType) -> u64 {
    use DbType::*;
    match ty {
        Bool => 1,
        I8 => 2,
        I16 => 3,
        I32 => 4,
        I64 => 5,
        U8 => 6,
        U16 => 7,
        U32 => 8,
        U64 => 9,
        F32 => 10,
        F64 => 11,
        Text => 12,
        Char => 13,
        Bytes => 14,
        Uuid => 15,
        Decimal => 16,
        Date => 17,
        Time => 18,
        DateTime => 19,
        Timestamp => 20,
        Json => 21,
        Enum(_) => 22,
        Array(_) => 23,
        Native(_) => 24,
        List(_) => 25,
    }
}
