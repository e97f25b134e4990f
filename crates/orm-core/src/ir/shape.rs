//! The shape of a command and its values.
//!
//! Both are visitors of one [walk](super::visit), so they cannot disagree. At each node the shape folds what the node itself says,
//! the number of its parts included, before it goes on into them: two commands with one shape have one text. A compiler that
//! renders the command visits it in the same order, so the n-th value is the n-th parameter it numbered.

use super::visit::{Visit, walk_command, walk_expr, walk_select};
use super::*;
use crate::meta::ModelMeta;
use crate::value::{ColumnType, Datum};

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
/// binds(&command, |bind| assert!(matches!(bind, Binds::One(Datum::I64(18), _))));
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Binds<'a> {
    /// One value.
    One(&'a Datum, ColumnType),
    /// An offset or a large limit.
    Number(u64),
    /// A list of values of one type (`IN`).
    List(&'a [Datum], ColumnType),
    /// A list of tuples, row-major.
    Tuples(&'a [Datum], &'a [ColumnType]),
    /// The rows of an INSERT or of an UPDATE of many rows, row-major.
    Rows(&'a [Datum], &'a [u16], &'static ModelMeta),
}

/// Whether a limit is written into the statement; others are bound. What renders a statement has to go by it, as the walk over the
/// values does.
///
/// A planner that sees the limit does better, but each limit in the text is a statement of its own, and a program takes limits
/// from requests. So these are the small ones and the sizes that people choose, each with the one more by which a page of a keyset
/// sees whether there is another.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, is_literal_limit, shape};
/// let shape_of = |limit| shape(&Command::Select(Box::new(User::query().limit(limit).into_select())));
/// assert!(is_literal_limit(10) && is_literal_limit(20) && !is_literal_limit(777));
/// assert_ne!(shape_of(10), shape_of(20));
/// assert_eq!(shape_of(777), shape_of(778));
/// ```
pub const fn is_literal_limit(limit: u64) -> bool {
    limit <= 16
        || matches!(
            limit,
            20 | 21 | 24 | 25 | 26 | 30 | 31 | 40 | 41 | 50 | 51 | 64 | 65 | 100 | 101 | 128 | 129
        )
        || matches!(
            limit,
            200 | 201 | 250 | 251 | 256 | 257 | 500 | 501 | 512 | 513 | 1000 | 1001 | 1024 | 1025
        )
}

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
    binds(command, |_| {})
}

/// The shape of a command; `sink` gets its parameters on the way, in rendering order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, binds, shape};
/// let query = User::filter(User::name.eq("Ada") & User::id.in_([1, 2]));
/// let command = Command::Select(Box::new(query.into_select()));
/// let mut count = 0;
/// assert_eq!(binds(&command, |_| count += 1), shape(&command));
/// assert_eq!(count, 2);
/// ```
pub fn binds<'a>(command: &'a Command, sink: impl FnMut(Binds<'a>)) -> Shape {
    let mut folder = Folder { hasher: ShapeHasher::default(), sink };
    folder.command(command);
    walk_command(&mut folder, command);
    folder.hasher.finish()
}

/// Calls `sink` with every parameter of a command, in rendering order.
///
/// ```
/// # use orm_guide::prelude::*;
/// use orm_core::ir::{Command, values};
/// let command = Command::Select(Box::new(User::filter(User::id.in_([1, 2])).into_select()));
/// let mut count = 0;
/// values(&command, |_| count += 1);
/// assert_eq!(count, 1);
/// ```
pub fn values<'a>(command: &'a Command, sink: impl FnMut(Binds<'a>)) {
    walk_command(&mut Values(sink), command);
}

/// Whether two expressions ask the same with the same values.
pub(super) fn same(left: &Expr, right: &Expr) -> bool {
    fn fold(expr: &Expr) -> (Shape, Vec<Binds<'_>>) {
        let mut binds = Vec::new();
        let mut folder = Folder { hasher: ShapeHasher::default(), sink: |bind| binds.push(bind) };
        folder.expr(expr);
        (folder.hasher.finish(), binds)
    }
    let equal = |pair: (&Binds<'_>, &Binds<'_>)| match pair {
        (Binds::One(left, _), Binds::One(right, _)) => left == right,
        (Binds::Number(left), Binds::Number(right)) => left == right,
        (Binds::List(left, _), Binds::List(right, _)) | (Binds::Tuples(left, _), Binds::Tuples(right, _)) => {
            left == right
        }
        _ => false,
    };
    if std::mem::discriminant(left) != std::mem::discriminant(right) {
        return false;
    }
    let ((shape, binds), (other, others)) = (fold(left), fold(right));
    shape == other && binds.len() == others.len() && binds.iter().zip(&others).all(equal)
}

struct Values<F>(F);

impl<'a, F: FnMut(Binds<'a>)> Visit<'a> for Values<F> {
    #[inline]
    fn binds(&mut self, binds: Binds<'a>) {
        (self.0)(binds);
    }
}

struct Folder<F> {
    hasher: ShapeHasher,
    sink: F,
}

/// The bit that tells an aliased source: addresses of metadata are even.
const ALIASED: u64 = 1;

impl<F> Folder<F> {
    #[inline]
    fn tag(&mut self, tag: u64) {
        self.hasher.word(tag);
    }

    /// A tag of 32 bits and a type.
    #[inline]
    fn typed(&mut self, tag: u64, ty: ColumnType) {
        self.tag(tag | (discriminant(ty) << 32));
        match ty {
            ColumnType::Enum(meta) => self.address(meta),
            ColumnType::Array(element) => self.typed(0, *element),
            ColumnType::Native(native) => self.hasher.text(native.name),
            // The other variants carry nothing that a text depends on.
            _ => {}
        }
    }

    fn types(&mut self, types: &[ColumnType]) {
        self.tag(types.len() as u64);
        for ty in types {
            self.typed(0, *ty);
        }
    }

    fn address<T>(&mut self, thing: &'static T) {
        self.hasher.word(std::ptr::from_ref(thing).addr() as u64);
    }

    #[inline]
    fn source(&mut self, source: Source) {
        let address = std::ptr::from_ref::<ModelMeta>(source.model).addr() as u64;
        if source.alias.is_empty() {
            self.tag(address);
        } else {
            self.tag(address | ALIASED);
            self.hasher.text(source.alias);
        }
    }

    fn columns(&mut self, columns: &[u16]) {
        self.tag(columns.len() as u64);
        for column in columns {
            self.tag(u64::from(*column));
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Select(_) => self.tag(1),
            Command::Insert(insert) => self.insert(insert),
            Command::Update(update) => {
                self.tag(3 | flags([update.filter.is_some()]));
                self.source(update.source);
                self.assignments(&update.set);
                self.returning(update.returning.as_ref());
            }
            Command::UpdateRows(update) => {
                self.tag(6 | ((update.keys as u64) << 8));
                self.source(update.source);
                self.columns(&update.columns);
                self.assignments(&update.also);
                self.returning(update.returning.as_ref());
            }
            Command::Delete(delete) => {
                self.tag(4 | flags([delete.filter.is_some()]));
                self.source(delete.source);
                self.returning(delete.returning.as_ref());
            }
            Command::Raw(raw) => {
                self.tag(5);
                self.hasher.text(&raw.sql);
                self.tag(raw.binds.len() as u64);
                for (_, ty) in &raw.binds {
                    self.typed(0, *ty);
                }
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let query = matches!(insert.source, InsertSource::Select(_));
        self.tag(2 | flags([query, insert.conflict.is_some()]));
        self.address::<ModelMeta>(insert.model);
        self.columns(&insert.columns);
        if let Some(conflict) = &insert.conflict {
            self.columns(&conflict.target);
            match &conflict.action {
                ConflictAction::Nothing => self.tag(0),
                ConflictAction::Update(set, filter) => {
                    self.tag(1 | flags([filter.is_some()]));
                    self.assignments(set);
                }
            }
        }
        self.returning(insert.returning.as_ref());
    }

    fn assignments(&mut self, set: &[Assignment]) {
        self.tag(set.len() as u64);
        for assignment in set {
            self.tag(u64::from(assignment.column));
        }
    }

    fn returning(&mut self, output: Option<&Output>) {
        match output {
            None => self.tag(0),
            Some(output) => self.output(output),
        }
    }

    fn output(&mut self, output: &Output) {
        match output {
            Output::Model => self.tag(1),
            Output::ModelAnd(exprs) => self.tag(2 | ((exprs.len() as u64) << 8)),
            Output::Exprs(exprs) => self.tag(3 | ((exprs.len() as u64) << 8)),
            Output::One => self.tag(4),
            Output::Columns(width) => self.tag(6 | (u64::from(*width) << 8)),
            Output::CountOf(inner) => {
                self.tag(5);
                self.output(inner);
            }
        }
    }

    /// A limit and an offset; a small limit is part of the text.
    fn limits(&mut self, limit: Option<u64>, offset: Option<u64>) {
        let limit = match limit {
            None => 0,
            Some(limit) if is_literal_limit(limit) => 2 + limit,
            Some(_) => 1,
        };
        self.tag(limit | (u64::from(offset.is_some()) << 32));
    }

    fn orders(&mut self, orders: &[Order]) {
        self.tag(orders.len() as u64);
        for order in orders {
            let nulls = order.nulls.map_or(0, |nulls| 1 + nulls as u64);
            self.typed(order.direction as u64 * 4 + nulls, order.ty);
        }
    }

    /// What a query says itself; its expressions follow.
    fn query(&mut self, select: &Select) {
        self.tag(
            10 | flags([
                select.distinct,
                select.combined.is_some(),
                select.filter.is_some(),
                select.having.is_some(),
                select.per_parent.is_some(),
                select.sample.is_some(),
                select.lock.is_some(),
            ]) | ((select.group_by.len() as u64) << 24)
                | ((select.distinct_on.len() as u64) << 40),
        );
        self.source(select.from);
        if let Some(combined) = &select.combined {
            self.tag(combined.rest.len() as u64);
            combined.rest.iter().for_each(|(op, _)| self.tag(*op as u64));
        }
        if let Some(sample) = &select.sample {
            self.tag(u64::from(sample.pages));
            self.tag(sample.percent.to_bits());
            self.tag(sample.seed.map_or(0, |seed| 1 + u64::from(seed)));
        }
        if let Some(lock) = &select.lock {
            self.tag(lock.strength as u64 | ((lock.wait as u64) << 8) | ((lock.of.len() as u64) << 16));
            lock.of.iter().for_each(|source| self.source(*source));
        }
        self.output(&select.output);
        self.tag(select.joins.len() as u64);
        select.joins.iter().for_each(|join| self.join(join));
        if let Some(per) = &select.per_parent {
            self.tag(per.key.len() as u64);
            self.limits(per.limit, per.offset);
        }
        self.orders(&select.order);
        if select.distinct || !select.distinct_on.is_empty() {
            for order in &select.order {
                self.tag(select.shared_order(order).map_or(0, |place| 1 + place as u64));
            }
        }
        self.limits(select.limit, select.offset);
    }

    fn join(&mut self, join: &Join) {
        let on = join.on_columns.len() as u64;
        let parts = flags([join.relation.is_some(), join.lateral.is_some(), join.on.is_some()]);
        self.tag(join.kind as u64 | parts | (on << 24));
        self.source(join.target);
        if let Some((from, relation)) = join.relation {
            self.source(from);
            self.address(relation);
        }
        for column in join.on_columns.iter().flat_map(|(left, right)| [left, right]) {
            self.tag(u64::from(column.index));
            self.source(column.source);
        }
    }

    fn window(&mut self, call: &WindowCall) {
        let (func, by) = match call.func {
            WindowFunc::Aggregate => (0, 0),
            WindowFunc::RowNumber => (1, 0),
            WindowFunc::Rank => (2, 0),
            WindowFunc::DenseRank => (3, 0),
            WindowFunc::Shift(by) => (4, by),
            WindowFunc::First => (5, 0),
            WindowFunc::Last => (6, 0),
        };
        self.tag(25 | (func << 32) | flags([call.arg.is_some(), call.frame.is_some()]));
        self.tag(by as u64);
        self.tag(call.partition.len() as u64);
        self.orders(&call.order);
        if let Some(frame) = call.frame {
            for end in [frame.start, frame.end] {
                self.tag(u64::from(end.is_some()));
                self.tag(end.unwrap_or(0) as u64);
            }
        }
    }

    fn list_change(&mut self, change: &ListChange) {
        let (op, count) = match &change.op {
            ListOp::Push(values) => (0, values.len()),
            ListOp::AddToSet(values) => (1, values.len()),
            ListOp::Pull(_) => (2, 0),
            ListOp::Set(_, values) => (3, values.len()),
        };
        self.tag(24 | (op << 8) | ((count as u64) << 16));
        self.address::<ModelMeta>(change.element);
        if let ListOp::Set(_, values) = &change.op {
            values.iter().for_each(|(column, _)| self.tag(u64::from(*column)));
        }
    }
}

/// Yes and no, from bit 8 on.
#[inline]
fn flags<const N: usize>(flags: [bool; N]) -> u64 {
    flags.iter().enumerate().fold(0, |bits, (place, flag)| bits | (u64::from(*flag) << (8 + place)))
}

impl<'a, F: FnMut(Binds<'a>)> Visit<'a> for Folder<F> {
    #[inline]
    fn binds(&mut self, binds: Binds<'a>) {
        (self.sink)(binds);
    }

    fn select(&mut self, select: &'a Select) {
        self.query(select);
        walk_select(self, select);
    }

    fn expr(&mut self, expr: &'a Expr) {
        let list = |tag: u64, list: &[Expr]| tag | ((list.len() as u64) << 32);
        match expr {
            Expr::Column(column) => {
                self.tag(1 | (u64::from(column.index) << 8));
                return self.source(column.source);
            }
            Expr::Value(_, ty) => self.typed(2, *ty),
            Expr::Unary(op, _, ty) => self.typed(3 | ((*op as u64) << 8), *ty),
            Expr::Binary(op, _, ty) => self.typed(4 | ((*op as u64) << 8), *ty),
            Expr::All(exprs) => self.tag(list(5, exprs)),
            Expr::Any(exprs) => self.tag(list(6, exprs)),
            Expr::IsNull(_, negated) => self.tag(7 | flags([*negated])),
            Expr::Between(_, ty) => self.typed(8, *ty),
            Expr::InList { ty, negated, .. } => self.typed(9 | flags([*negated]), *ty),
            Expr::InTuples { types, .. } => {
                self.tag(10);
                self.types(types);
            }
            Expr::InSelect { negated, rows, .. } => self.tag(11 | flags([*negated, *rows])),
            Expr::Like { op, insensitive, .. } => {
                self.tag(12 | flags([*insensitive]) | ((*op as u64) << 16));
            }
            Expr::Func(func, args) => self.tag(list(13 | ((*func as u64) << 8), args)),
            Expr::Cast(_, from, to) => {
                self.typed(14, *from);
                self.typed(0, *to);
            }
            Expr::Case(arms, otherwise) => {
                self.tag(15 | flags([otherwise.is_some()]) | ((arms.len() as u64) << 32));
            }
            Expr::Aggregate { func, arg, distinct, ty, filter, order } => {
                let parts = flags([*distinct, arg.is_some(), filter.is_some()]);
                self.typed(16 | parts | ((*func as u64) << 16), *ty);
                self.orders(order);
            }
            Expr::Exists(_) => self.tag(17),
            Expr::Scalar(_) => self.tag(18),
            Expr::Relation(test) => {
                let alias = flags([test.filter.is_some(), !test.alias.is_empty()]);
                self.tag(19 | alias | ((test.quantifier as u64) << 16));
                self.address(test.relation);
                self.source(test.from);
                if !test.alias.is_empty() {
                    self.hasher.text(test.alias);
                }
            }
            Expr::Raw(pieces, args) => {
                self.tag(list(20, args) | ((pieces.len() as u64) << 8));
                pieces.iter().for_each(|piece| self.hasher.text(piece));
            }
            Expr::Excluded(column) => {
                self.tag(21 | (u64::from(column.index) << 8));
                self.source(column.source);
            }
            Expr::Place(source) => {
                self.tag(29);
                self.source(*source);
            }
            Expr::Key(place, ty) => self.typed(22 | (u64::from(*place) << 8), *ty),
            Expr::Elements(test) => {
                self.tag(23 | flags([test.filter.is_some()]) | ((test.quantifier as u64) << 16));
                self.address::<ModelMeta>(test.element);
            }
            Expr::ListChange(change) => self.list_change(change),
            Expr::Window(call) => self.window(call),
            Expr::Overlap { ty, .. } => self.typed(26, *ty),
        }
        walk_expr(self, expr);
    }
}

fn discriminant(ty: ColumnType) -> u64 {
    use ColumnType::*;
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
