//! INSERT … ON CONFLICT: what says that a row is there, and what becomes of it.

use orm::prelude::*;
use orm::write::{Insertable, excluded};
use orm::{ErrorKind, Result};

use crate::Fixture;

/// A place in a warehouse, told by its code or by its street and number, which may be missing.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "upsert_slots", unique(street, number))]
pub struct Slot {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(unique)]
    pub code: Option<String>,
    pub street: String,
    pub number: Option<i32>,
    pub stock: i32,
    pub crates: HasMany<Crate>,
}

/// Something in a slot, which it names by the slot's code.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "upsert_crates")]
pub struct Crate {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub slot_code: Option<String>,
    #[orm(foreign_key = slot_code, references = code, on_update = cascade)]
    pub slot: BelongsTo<Slot>,
}

/// A label that hangs on a slot by the slot's key.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "upsert_labels")]
pub struct Tab {
    #[orm(primary_key)]
    pub id: i64,
    #[orm(unique)]
    pub name: String,
    pub holes: HasMany<Hole>,
}

/// A hole in a label.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "upsert_holes")]
pub struct Hole {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub tab_id: i64,
    #[orm(foreign_key = tab_id, on_update = cascade)]
    pub tab: BelongsTo<Tab>,
}

orm::schema!(pub Store: Slot, Crate, Tab, Hole);

fn slot(id: i64, code: Option<&str>, street: &str, number: Option<i32>) -> impl Insertable<Slot> + use<> {
    Slot::create().id(id).code(code.map(str::to_owned)).street(street).number(number).stock(1)
}

async fn slots<D: Database>(f: &Fixture<D>) -> Result<Vec<Slot>> {
    Slot::query().order_by(Slot::id.asc()).all(&f.db).await
}

pub async fn a_conflict_target_must_be_unique<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, Some("a"), "North", Some(1))]).exec(&f.db).await?;
    let row = || slot(2, Some("b"), "North", Some(2));
    for refused in [
        Slot::upsert(row()).on(Slot::street).returning(&f.db).await.map(Some),
        Slot::upsert(row()).on(Slot::stock).update(Slot::stock).returning(&f.db).await.map(Some),
        Slot::upsert(row()).on((Slot::code, Slot::street)).returning(&f.db).await.map(Some),
        Slot::upsert(row()).on((Slot::id, Slot::code)).returning(&f.db).await.map(Some),
        Slot::upsert(row()).on(Slot::number).do_nothing().returning(&f.db).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Slot")), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("unique")), "{error}");
    }
    let error = Slot::upsert(row()).on((Slot::code, Slot::street)).returning(&f.db).await.unwrap_err();
    assert_eq!(error.fields(), ["code", "street"]);
    assert_eq!(slots(f).await?.len(), 1);
    // The columns of a unique index are named in any order.
    let found = Slot::upsert(slot(9, Some("z"), "North", Some(1)))
        .on((Slot::number, Slot::street))
        .update(Slot::code)
        .returning(&f.db)
        .await?;
    assert_eq!((found.id, found.code.as_deref()), (1, Some("z")));
    Ok(())
}

pub async fn null_in_a_conflict_target_meets_no_row<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, None, "North", None), slot(2, Some("b"), "South", Some(1))])
        .exec(&f.db)
        .await?;
    let by_code = Slot::upsert(slot(3, None, "East", Some(1))).on(Slot::code).returning(&f.db).await?;
    assert_eq!(by_code.id, 3);
    let ignoring =
        Slot::upsert(slot(4, None, "West", Some(1))).on(Slot::code).do_nothing().returning(&f.db).await?;
    assert_eq!(ignoring.map(|row| row.id), Some(4));
    let by_two =
        Slot::upsert(slot(5, None, "North", None)).on((Slot::street, Slot::number)).returning(&f.db).await?;
    assert_eq!(by_two.id, 5);
    let many = [slot(6, None, "North", None), slot(7, None, "South", Some(1))];
    assert_eq!(Slot::insert_many(many).on_conflict_do_nothing().exec(&f.db).await?, 1);
    let found = slots(f).await?;
    let streets: Vec<_> = found.iter().map(|row| (row.id, &*row.street, row.stock)).collect();
    assert_eq!(
        streets,
        [(1, "North", 1), (2, "South", 1), (3, "East", 1), (4, "West", 1), (5, "North", 1), (6, "North", 1)]
    );
    Ok(())
}

pub async fn an_upsert_carries_a_changed_key_to_those_who_refer_to_it<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, Some("a"), "North", Some(1)), slot(2, Some("b"), "South", Some(1))])
        .exec(&f.db)
        .await?;
    Crate::insert_many(["a", "a", "b"].map(|code| Crate::create().slot_code(code.to_owned())))
        .exec(&f.db)
        .await?;
    let moved = Slot::upsert(slot(1, Some("c"), "North", Some(1))).returning(&f.db).await?;
    assert_eq!(moved.code.as_deref(), Some("c"));
    let codes: Vec<Option<String>> =
        Crate::query().order_by(Crate::id.asc()).select(Crate::slot_code).all(&f.db).await?;
    assert_eq!(codes, ["c", "c", "b"].map(|code| Some(code.to_owned())));
    // To a value that another row has.
    let error = Slot::upsert(slot(1, Some("b"), "North", Some(1))).returning(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unique, &["code".to_owned()][..]), "{error}");
    assert_eq!(Slot::find(1).one(&f.db).await?.code.as_deref(), Some("c"));
    Ok(())
}

pub async fn an_upsert_changes_a_primary_key_that_it_names<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    Tab::insert_many([Tab::create().id(1).name("a"), Tab::create().id(2).name("b")]).exec(&f.db).await?;
    Hole::insert_many([1, 1, 2].map(|id| Hole::create().tab_id(id))).exec(&f.db).await?;
    let moved =
        Tab::upsert(Tab::create().id(7).name("a")).on(Tab::name).update(Tab::id).returning(&f.db).await?;
    assert_eq!((moved.id, &*moved.name), (7, "a"));
    let computed = Tab::upsert(Tab::create().id(9).name("b"))
        .on(Tab::name)
        .set(Tab::id, Tab::id + excluded(Tab::id))
        .returning(&f.db)
        .await?;
    assert_eq!(computed.id, 11);
    let tabs: Vec<i64> = Tab::query().order_by(Tab::id.asc()).select(Tab::id).all(&f.db).await?;
    assert_eq!(tabs, [7, 11]);
    let holes: Vec<i64> = Hole::query().order_by(Hole::id.asc()).select(Hole::tab_id).all(&f.db).await?;
    assert_eq!(holes, [7, 7, 11]);
    // By default the key stays.
    let kept = Tab::upsert(Tab::create().id(1).name("a")).on(Tab::name).returning(&f.db).await?;
    assert_eq!(kept.id, 7);
    Ok(())
}

/// The rows of `Slot` as a list that keeps SQL's rules: the judge of the case below.
#[derive(Default)]
struct Judge(Vec<Slot>);

/// Which columns tell that a row is there.
#[derive(Debug, Clone, Copy)]
enum Target {
    Id,
    Code,
    Place,
}

impl Judge {
    fn met(&self, row: &Slot, target: Target) -> Option<usize> {
        self.0.iter().position(|own| match target {
            Target::Id => own.id == row.id,
            Target::Code => row.code.is_some() && own.code == row.code,
            Target::Place => row.number.is_some() && (&own.street, own.number) == (&row.street, row.number),
        })
    }

    /// Whether a row could stand beside the others.
    fn is_unique(&self, row: &Slot, but: Option<usize>) -> bool {
        [Target::Id, Target::Code, Target::Place].iter().all(|target| {
            let same = |(at, own): (usize, &Slot)| {
                Some(at) != but && Judge(vec![own.clone()]).met(row, *target).is_some()
            };
            !self.0.iter().enumerate().any(same)
        })
    }

    /// What an upsert of a row does, and whether it is allowed. A row that is there takes all but the key.
    fn upsert(&mut self, row: Slot, target: Target) -> bool {
        let met = self.met(&row, target);
        let row = match met {
            Some(at) => Slot { id: self.0[at].id, ..row },
            None => row,
        };
        if !self.is_unique(&row, met) {
            return false;
        }
        match met {
            Some(at) => self.0[at] = row,
            None => self.0.push(row),
        }
        true
    }
}

pub async fn upserts_do_what_a_list_of_rows_says<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    let mut judge = Judge::default();
    let mut state = 7_u64;
    let mut random = |below: u64| {
        // Numbers that are the same every time (D. Knuth's MMIX generator).
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..150 {
        let code = ["a", "b", "c"].get(random(5) as usize).map(|code| (*code).to_owned());
        let number = Some(random(4) as i32).filter(|number| *number < 2);
        let street = if random(2) == 0 { "North" } else { "South" };
        let id = random(12) as i64;
        let expected = Slot {
            id,
            code: code.clone(),
            street: street.to_owned(),
            number,
            stock: round,
            crates: HasMany::default(),
        };
        let target = [Target::Id, Target::Code, Target::Place][random(3) as usize];
        let row = Slot::create().id(id).code(code).street(street).number(number).stock(round);
        let upsert = Slot::upsert(row).update_all();
        let upsert = match target {
            Target::Id => upsert.on(Slot::id),
            Target::Code => upsert.on(Slot::code),
            Target::Place => upsert.on((Slot::street, Slot::number)),
        };
        let allowed = judge.upsert(expected, target);
        match upsert.returning(&f.db).await {
            Ok(_) => assert!(allowed, "round {round}: {target:?} was written"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unique, "round {round}: {error}");
                assert!(!allowed, "round {round}: {target:?} was refused: {error}");
            }
        }
        if round % 10 == 9 {
            judge.0.sort_by_key(|row| row.id);
            assert_eq!(slots(f).await?, judge.0, "after round {round}");
        }
    }
    Ok(())
}

pub async fn an_upsert_of_many_changes_old_rows_and_inserts_new_ones<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, Some("a"), "North", Some(1)), slot(2, Some("b"), "North", Some(2))])
        .exec(&f.db)
        .await?;
    let row = |id, code: &str, street: &str| {
        Slot::create().id(id).code(code.to_owned()).street(street).number(None).stock(id as i32)
    };
    let rows = || [row(9, "c", "East"), row(8, "b", "West"), row(7, "d", "East"), row(6, "a", "West")];
    let written = Slot::upsert_many(rows()).on(Slot::code).returning(&f.db).await?;
    let written: Vec<_> = written.iter().map(|slot| (slot.id, &*slot.street, slot.stock)).collect();
    assert_eq!(written, [(9, "East", 9), (2, "West", 8), (7, "East", 7), (1, "West", 6)], "in input order");
    assert_eq!(slots(f).await?.len(), 4);

    // Chosen columns, computed values, and the number of rows; each new row is the excluded one for its own.
    let upsert =
        Slot::upsert_many(rows()).on(Slot::code).set(Slot::stock, Slot::stock + excluded(Slot::stock));
    assert_eq!(upsert.exec(&f.db).await?, 4);
    let stock: Vec<i32> = slots(f).await?.iter().map(|slot| slot.stock).collect();
    assert_eq!(stock, [12, 16, 14, 18]);

    // Left alone, those that are there do not come back.
    let rows = [row(11, "a", "South"), row(12, "e", "South"), row(13, "e", "North")];
    let new = Slot::upsert_many(rows).on(Slot::code).do_nothing().returning(&f.db).await?;
    assert_eq!(new.iter().map(|slot| slot.id).collect::<Vec<_>>(), [12]);
    let wrong = Slot::upsert_many([row(1, "x", "x")]).on(Slot::stock).do_nothing().exec(&f.db).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(Slot::upsert_many([row(1, "x", "x")].into_iter().take(0)).exec(&f.db).await?, 0);
    Ok(())
}

pub async fn each_row_of_an_upsert_of_many_changes_what_it_sets<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, Some("a"), "North", Some(1)), slot(2, Some("b"), "South", Some(2))])
        .exec(&f.db)
        .await?;
    let row = |id| Slot::create().id(id).street("East").stock(5);
    // The first says nothing of code and number, so they stay; the second says that there is no code.
    let rows = [row(1), row(2).code(None), row(3).number(3), row(4)];
    let written = Slot::upsert_many(rows).returning(&f.db).await?;
    let expected = [(1, Some("a"), Some(1)), (2, None, Some(2)), (3, None, Some(3)), (4, None, None)];
    let written: Vec<_> = written.iter().map(|slot| (slot.id, slot.code.as_deref(), slot.number)).collect();
    assert_eq!(written, expected);
    // The key that is given says which row is meant, or else the only unique columns that are.
    let rows = [Tab::create().id(1).name("a"), Tab::create().id(2).name("b")];
    assert_eq!(Tab::upsert_many(rows).exec(&f.db).await?, 2);
    Ok(())
}

pub async fn rows_of_an_upsert_that_are_one_row_are_refused<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    Slot::insert_many([slot(1, Some("a"), "North", Some(1))]).exec(&f.db).await?;
    let before = slots(f).await?;
    let row = |id, code: &str| Slot::create().id(id).code(code.to_owned()).street("East").stock(5);
    let twice = [row(2, "b"), row(3, "b")];
    let apart = [row(2, "b").number(1), row(3, "b").number(2)];
    let different = [row(2, "b").number(1), row(3, "b")];
    for rows in [twice, apart] {
        let error = Slot::upsert_many(rows).on(Slot::code).exec(&f.db).await.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Slot")));
    }
    let error = Slot::upsert_many(different).on(Slot::code).returning(&f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(slots(f).await?, before);
    // NULL meets nothing, so rows without the value are different ones.
    let rows = [slot(2, None, "East", Some(2)), slot(3, None, "East", Some(3))];
    assert_eq!(Slot::upsert_many(rows).on(Slot::code).exec(&f.db).await?, 2);
    Ok(())
}

pub async fn an_upsert_of_very_many_rows_keeps_their_order<D: Database>(f: &Fixture<D>) -> Result<()> {
    Store::create_all(&f.db).await?;
    let tab = |id: i64, name: String| Tab::create().id(id).name(name);
    Tab::insert_many((0..300).map(|id| tab(id * 2, format!("old {id}")))).exec(&f.db).await?;
    let rows = (0..600).rev().map(|id| tab(id, format!("new {id}")));
    let written = Tab::upsert_many(rows).returning(&f.db).await?;
    assert!(
        written.iter().zip((0..600).rev()).all(|(tab, id)| tab.id == id && tab.name == format!("new {id}"))
    );
    assert_eq!(Tab::query().count(&f.db).await?, 600);
    Ok(())
}
