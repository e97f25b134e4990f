//! Every type as a key: of a row, of a relation, of a cursor.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use orm::Result;
use orm::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::values::extreme;
use crate::Fixture;
use crate::models::{Level, Mood};

macro_rules! keyed {
    ($($module:ident $table:literal $children:literal $ty:ty, $field:ident;)*) => {
        $(
            mod $module {
                use super::*;

                #[derive(Debug, Clone, PartialEq, Model)]
                #[orm(table = $table)]
                pub struct Parent {
                    #[orm(primary_key)]
                    pub id: $ty,
                    pub children: HasMany<Child>,
                }

                #[derive(Debug, Clone, PartialEq, Model)]
                #[orm(table = $children)]
                pub struct Child {
                    #[orm(primary_key, auto)]
                    pub id: i64,
                    pub parent_id: Option<$ty>,
                    #[orm(foreign_key = parent_id)]
                    pub parent: BelongsTo<Parent>,
                }

                orm::schema!(pub Both: Parent, Child);

                pub async fn check<D: Database>(db: &D) -> Result<()> {
                    Both::create_all(db).await?;
                    let keys = [extreme(true).$field, extreme(false).$field];
                    for key in &keys {
                        let parent = Parent::create().id(key.clone()).insert(db).await?;
                        assert_eq!(parent.id, *key);
                        Child::create().parent(&parent).insert(db).await?;
                        assert_eq!(Parent::find(key.clone()).one(db).await?.id, *key);
                        assert_eq!(Parent::find_many([key.clone()]).all(db).await?.len(), 1);
                        assert_eq!(Parent::children.of(&parent).count(db).await?, 1);
                    }
                    Child::create().insert(db).await?;

                    let parents = Parent::query().include(Parent::children).all(db).await?;
                    assert!(parents.iter().all(|parent| parent.children.get().unwrap().len() == 1));
                    let mut children = Child::query().order_by(Child::id.asc()).include(Child::parent).all(db).await?;
                    assert_eq!(children.pop().unwrap().parent.get_opt()?, None);
                    for (child, key) in children.iter().zip(&keys) {
                        assert_eq!(child.parent.get()?.id, *key);
                    }
                    assert_eq!(Child::filter(Child::parent.any(Parent::id.in_(keys.to_vec()))).count(db).await?, 2);
                    assert_eq!(Child::query().join(Child::parent).count(db).await?, 2);

                    for descending in [false, true] {
                        let query = || match descending {
                            false => Child::query().order_by(Child::parent_id.asc()),
                            true => Child::query().order_by(Child::parent_id.desc()),
                        };
                        let whole = query().order_by(Child::id.asc()).all(db).await?;
                        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
                        loop {
                            let after = cursor.take().map(|text| text.parse()).transpose()?;
                            let page = query().keyset(1).after(after).page(db).await?;
                            seen.extend(page.items);
                            match page.next {
                                Some(next) => cursor = Some(next.to_string()),
                                None => break,
                            }
                        }
                        assert_eq!(seen, whole, "pages by a cursor of {}", stringify!($ty));
                    }
                    Ok(())
                }
            }
        )*

        async fn check_each<D: Database>(db: &D) -> Result<()> {
            $($module::check(db).await?;)*
            Ok(())
        }
    };
}

pub async fn every_type_can_be_a_key<D: Database>(f: &Fixture<D>) -> Result<()> {
    check_each(&f.db).await
}

keyed! {
    tiny "k_tiny" "k_tiny_child" i8, tiny;
    small "k_small" "k_small_child" i16, small;
    medium "k_medium" "k_medium_child" i32, medium;
    big "k_big" "k_big_child" i64, big;
    utiny "k_utiny" "k_utiny_child" u8, utiny;
    usmall "k_usmall" "k_usmall_child" u16, usmall;
    umedium "k_umedium" "k_umedium_child" u32, umedium;
    ubig "k_ubig" "k_ubig_child" u64, ubig;
    double "k_double" "k_double_child" f64, double;
    text "k_text" "k_text_child" String, text;
    letter "k_letter" "k_letter_child" char, letter;
    bytes "k_bytes" "k_bytes_child" Vec<u8>, bytes;
    uid "k_uuid" "k_uuid_child" Uuid, id;
    price "k_price" "k_price_child" Decimal, price;
    day "k_day" "k_day_child" NaiveDate, day;
    clock "k_clock" "k_clock_child" NaiveTime, clock;
    local "k_local" "k_local_child" NaiveDateTime, local;
    instant "k_instant" "k_instant_child" DateTime<Utc>, instant;
    mood "k_mood" "k_mood_child" Mood, mood;
    level "k_level" "k_level_child" Level, level;
}
