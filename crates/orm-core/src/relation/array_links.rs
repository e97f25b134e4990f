//! Links that are kept as keys in an array, of the one row or of the others. Each change is made in the database, key by key: a row
//! in memory is never written over what others have linked since it was read.

use rustc_hash::FxHashSet;

use super::ManyToMany;
use super::keys::Key;
use super::of::{Related, affected, all_of, column, distinct, equal, held_by, not_there, one_of, there};
use crate::backend::{Decoder, Executor, Flow, Row, atomically, run};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{Assignment, Command, Expr, Func, Output, Select, Source};
use crate::meta::LinkMeta;
use crate::model::{Model, Named};
use crate::value::{ColumnType, Datum};
use crate::write::{Insertable, NewRow, update_command};

/// The array with the keys.
#[derive(Clone, Copy)]
struct Links {
    /// The model that has it.
    source: Source,
    index: u16,
    element: ColumnType,
}

impl Links {
    fn array(self) -> Expr {
        column(self.source, self.index)
    }

    /// Gives the array of these rows a value.
    fn set(self, value: Expr, rows: Expr) -> Command {
        update_command(self.source, vec![Assignment { column: self.index, value }], Some(rows))
    }

    /// Adds a key to the rows that do not have it.
    fn link(self, key: &Datum, rows: Expr) -> Command {
        let missing = held_by(self.array(), key, self.element).negate();
        let more = Expr::Func(Func::Append, vec![self.array(), self.all(vec![key.clone()])]);
        self.set(more, Expr::and(Some(rows), missing))
    }

    /// Takes a key from the rows that have it.
    fn unlink(self, key: &Datum, rows: Option<Expr>) -> Command {
        let there = held_by(self.array(), key, self.element);
        let rest = Expr::Func(Func::Without, vec![self.array(), Expr::Value(key.clone(), self.element)]);
        self.set(rest, Expr::and(rows, there))
    }

    fn all(self, keys: Vec<Datum>) -> Expr {
        Expr::Value(Datum::Array(keys), self.source.model.column(self.index).ty())
    }
}

/// Where the array is.
enum Side<'a> {
    /// In the row itself, which has this primary key.
    Here(Links, &'a [Datum]),
    /// In the others; the row is known to them by this key.
    There(Links, &'a Datum),
}

fn links_of(source: Source, columns: &[u16]) -> Option<Links> {
    let [index] = columns else { return None };
    match source.model.column(*index).ty() {
        ColumnType::Array(element) => Some(Links { source, index: *index, element: *element }),
        _ => None,
    }
}

impl<M: Model, T: Model, V> Related<M, ManyToMany<T>, V> {
    fn side(&self) -> Result<Side<'_>> {
        let relation = self.relation();
        let side = match relation.link {
            LinkMeta::KeysHere => links_of(M::source(), relation.local)
                .zip(self.holder.as_deref())
                .map(|(links, row)| Side::Here(links, row)),
            LinkMeta::KeysThere => links_of(T::source(), relation.remote)
                .zip(self.key.first())
                .map(|(links, key)| Side::There(links, key)),
            LinkMeta::Columns | LinkMeta::Join(_) => None,
        };
        side.ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                "a many-to-many relation with neither a model between nor an array of keys",
            )
            .with_model(M::meta().name)
            .with_field(relation.name)
        })
    }

    /// The keys by which an array knows these rows.
    fn keys_of(&self, targets: &[&T]) -> Vec<Datum> {
        let mut seen = FxHashSet::default();
        let keys =
            targets.iter().flat_map(|target| self.relation().remote.iter().map(|index| target.datum(*index)));
        keys.filter(|key| seen.insert(key.clone())).collect()
    }

    pub(super) async fn add_keys<E: Executor + ?Sized>(&self, targets: &[&T], db: &E) -> Result<u64> {
        match self.side()? {
            Side::Here(links, row) => {
                let row = || equal(links.source, M::PRIMARY_KEY, row);
                let commands: Vec<Command> =
                    self.keys_of(targets).iter().map(|key| links.link(key, row())).collect();
                let added = all_of(commands, db).await?;
                // Either all were linked before, or there is nothing to link them to.
                if added == 0 && !targets.is_empty() {
                    there(links.source, row(), 1, db).await?;
                }
                Ok(added)
            }
            Side::There(links, key) => {
                let rows = || one_of(links.source, T::PRIMARY_KEY, targets, T::PRIMARY_KEY);
                atomically(db.handle(), |tx| async move {
                    let added = affected(&tx, links.link(key, rows())).await?;
                    if (added as usize) == targets.len() {
                        return Ok(added);
                    }
                    there(links.source, rows(), distinct(targets), &tx).await?;
                    Ok(added)
                })
                .await
            }
        }
    }

    pub(super) async fn create_keyed<E: Executor + ?Sized>(
        &self,
        target: impl Insertable<T>,
        db: &E,
    ) -> Result<T> {
        let mut new = target.into_row();
        match self.side()? {
            Side::There(links, key) => {
                hold(&mut new, links.index, key.clone());
                crate::write::insert::<T, _>(new, db).await
            }
            Side::Here(..) => {
                atomically(db.handle(), |tx| async move {
                    let target = crate::write::insert::<T, _>(new, &tx).await?;
                    self.add_keys(&[&target], &tx).await?;
                    Ok(target)
                })
                .await
            }
        }
    }

    pub(super) async fn remove_key<E: Executor + ?Sized>(&self, target: &T, db: &E) -> Result<bool> {
        let command = match self.side()? {
            Side::Here(links, row) => match self.keys_of(&[target]).first() {
                Some(key) => links.unlink(key, Some(equal(links.source, M::PRIMARY_KEY, row))),
                None => return Ok(false),
            },
            Side::There(links, key) => {
                links.unlink(key, Some(one_of(links.source, T::PRIMARY_KEY, &[target], T::PRIMARY_KEY)))
            }
        };
        Ok(affected(db, command).await? > 0)
    }

    pub(super) async fn clear_keys<E: Executor + ?Sized>(&self, db: &E) -> Result<u64> {
        match self.side()? {
            Side::There(links, key) => affected(db, links.unlink(key, None)).await,
            Side::Here(links, row) => {
                let row = || equal(links.source, M::PRIMARY_KEY, row);
                atomically(db.handle(), |tx| async move {
                    // A write comes first: from here on nobody else adds a key that would not be counted.
                    affected(&tx, links.set(links.array(), row())).await?;
                    let mut select = Select::new(links.source);
                    select.output = Output::Exprs(vec![links.array()]);
                    select.filter = Some(row());
                    let keys = Keys { array: links.source.model.column(links.index).ty(), count: 0 };
                    let keys = run(&tx, Command::Select(Box::new(select)), keys).await?;
                    affected(&tx, links.set(links.all(Vec::new()), row())).await?;
                    Ok(keys)
                })
                .await
            }
        }
    }

    pub(super) async fn set_keys<E: Executor + ?Sized>(&self, targets: &[&T], db: &E) -> Result<()> {
        match self.side()? {
            Side::Here(links, row) => {
                let row = equal(links.source, M::PRIMARY_KEY, row);
                match affected(db, links.set(links.all(self.keys_of(targets)), row)).await? {
                    0 => Err(not_there(links.source)),
                    _ => Ok(()),
                }
            }
            Side::There(links, key) => {
                let others = one_of(links.source, T::PRIMARY_KEY, targets, T::PRIMARY_KEY).negate();
                atomically(db.handle(), |tx| async move {
                    affected(&tx, links.unlink(key, Some(others))).await?;
                    if !targets.is_empty() {
                        self.add_keys(targets, &tx).await?;
                    }
                    Ok(())
                })
                .await
            }
        }
    }
}

/// How many keys the arrays of some rows have.
struct Keys {
    array: ColumnType,
    count: u64,
}

impl Decoder for Keys {
    type Out = u64;
    fn row<R: Row>(&mut self, row: &R) -> Result<Flow> {
        let key = Key::of_cells(row, &[(0, self.array)])?;
        self.count += key.map_or(0, |key| key.parts().len() as u64);
        Ok(Flow::More)
    }
    fn reset(&mut self) {
        self.count = 0;
    }
    fn finish(self, _: u64) -> Result<u64> {
        Ok(self.count)
    }
}

/// Puts a key into the array of a new row.
pub(crate) fn hold(row: &mut NewRow, index: u16, key: Datum) {
    let mut keys = match row.values().get(usize::from(index)) {
        Some(Datum::Array(keys)) => keys.clone(),
        _ => Vec::new(),
    };
    keys.push(key);
    row.set(index, Datum::Array(keys));
}
