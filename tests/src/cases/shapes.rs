//! What a struct may hold: embedded structs, keys of several parts, references to other columns, kinds of targets.

use orm::prelude::*;
use orm::relation::FetchMode;
use orm::{ErrorKind, Result};

use super::{people, post};
use crate::Fixture;
use crate::models::{
    Address, Basket, Customer, Item, Line, Order, Parcel, Place, Post, Remark, Subject, SubjectKind, User,
};

fn address(street: &str, city: &str) -> Address {
    let place = Place { lat: 48.4, lon: 9.99 };
    Address { street: street.into(), city: city.into(), zip: None, place }
}

async fn customers<D: Database>(db: &D) -> Result<(Customer, Customer)> {
    let ada = Customer::create().code("ada").home(address("Weg 1", "Ulm")).insert(db).await?;
    let bob = Customer::create()
        .code("bob")
        .home(address("Allee 2", "Köln"))
        .billing(address("Postfach", "Bonn"))
        .insert(db)
        .await?;
    Ok((ada, bob))
}

pub async fn embedded_structs_are_columns_with_a_prefix<D: Database>(f: &Fixture<D>) -> Result<()> {
    let names: Vec<&str> = Customer::meta().columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names[2..6], ["home_street", "home_town", "home_zip", "home_place_lat"]);
    assert_eq!(Customer::meta().columns[3].field, "home.city");
    assert!(Customer::meta().columns[7].nullable && !Customer::meta().columns[2].nullable);
    let (ada, bob) = customers(&f.db).await?;
    assert_eq!(ada.home, address("Weg 1", "Ulm"));
    assert_eq!((ada.billing, bob.billing), (None, Some(address("Postfach", "Bonn"))));
    Ok(())
}

pub async fn embedded_columns_have_typed_paths<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob) = customers(&f.db).await?;
    let found = Customer::filter(Customer::home.city.eq("Ulm") & Customer::home.place.lat.gt(48.0));
    assert_eq!(found.all(&f.db).await?, [ada]);
    let billed = Customer::filter(Customer::billing.city.is_not_null())
        .order_by(Customer::billing.city.asc())
        .select((Customer::code, Customer::billing.city))
        .all(&f.db)
        .await?;
    assert_eq!(billed, [(bob.code, Some("Bonn".to_owned()))]);
    Ok(())
}

pub async fn an_embedded_struct_is_updated_as_a_whole_or_by_column<D: Database>(
    f: &Fixture<D>,
) -> Result<()> {
    let (ada, bob) = customers(&f.db).await?;
    let ada = ada.update().home(address("Gasse 3", "Ulm")).billing(address("B", "C")).save(&f.db).await?;
    assert_eq!(ada.home.street, "Gasse 3");
    let bob = bob.update().billing(None).save(&f.db).await?;
    assert_eq!(bob.billing, None);
    Customer::filter(Customer::id.eq(bob.id)).update().set(Customer::home.zip, "50667").exec(&f.db).await?;
    assert_eq!(Customer::find(bob.id).one(&f.db).await?.home.zip.as_deref(), Some("50667"));
    let mut whole = ada.clone();
    whole.home.city = "Bern".into();
    assert_eq!(whole.save(&f.db).await?.home.city, "Bern");
    Ok(())
}

/// An item that costs a thousandth less than its number.
pub fn item(sku: &str, quantity: i32) -> Item {
    Item {
        sku: sku.into(),
        quantity,
        price: rust_decimal::Decimal::new(i64::from(quantity) * 1000 - 1, 3),
        added: chrono::DateTime::from_timestamp_millis(-1).unwrap_or_default(),
        code: (quantity > 1).then(|| uuid::Uuid::from_u128(7)),
        place: Place { lat: 0.1, lon: -1e300 },
    }
}

pub async fn lists_of_embedded_structs_are_kept_whole<D: Database>(f: &Fixture<D>) -> Result<()> {
    let items = vec![item("a'\"b", 1), item("ü", 2)];
    let basket = Basket::create().items(items.clone()).insert(&f.db).await?;
    let empty = Basket::create().items(Vec::new()).insert(&f.db).await?;
    assert_eq!((&basket.items, empty.items.len()), (&items, 0));
    assert_eq!(Basket::find(basket.id).one(&f.db).await?.items, items);
    let changed = basket.update().items(vec![item("c", 3)]).save(&f.db).await?;
    assert_eq!(changed.items, [item("c", 3)]);
    let lists = Basket::query().order_by(Basket::id.asc()).select(Basket::items).all(&f.db).await?;
    assert_eq!(lists.iter().map(|list| list.0.len()).collect::<Vec<_>>(), [1, 0]);
    Ok(())
}

pub async fn a_foreign_key_may_refer_to_a_unique_column<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, bob) = customers(&f.db).await?;
    let order = Order::create().customer(&ada).insert(&f.db).await?;
    Order::create().customer_code(&bob.code).insert(&f.db).await?;
    assert_eq!(order.customer_code, "ada");
    let customers =
        Customer::query().include(Customer::orders.include(Order::customer)).order_by(Customer::id.asc());
    let customers = customers.all(&f.db).await?;
    assert_eq!(customers[0].orders.get()?[0].id, order.id);
    assert_eq!(customers[0].orders.get()?[0].customer.get()?.code, "ada");
    assert_eq!(Customer::filter(Customer::orders.count().eq(1)).count(&f.db).await?, 2);
    ada.update().code("lovelace").save(&f.db).await?;
    assert_eq!(Order::find(order.id).one(&f.db).await?.customer_code, "lovelace");
    Ok(())
}

pub async fn keys_made_by_the_program_come_back_in_order<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _) = customers(&f.db).await?;
    let orders = Order::insert_many((0..20).map(|_| Order::create().customer(&ada))).returning(&f.db).await?;
    assert!(orders.windows(2).all(|pair| pair[0].id < pair[1].id));
    let sorted = Order::query().order_by(Order::id.asc()).select(Order::id).all(&f.db).await?;
    assert_eq!(sorted, orders.iter().map(|order| order.id).collect::<Vec<_>>());
    Ok(())
}

pub async fn keys_of_two_parts_work_everywhere<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (ada, _) = customers(&f.db).await?;
    let order = Order::create().customer(&ada).insert(&f.db).await?;
    let line = |number: i32| Line::create().order(&order).number(number).what("bolt");
    let lines = Line::insert_many([line(1), line(2), line(3)]).returning(&f.db).await?;
    for number in [1, 1, 3] {
        Parcel::create().order_id(order.id).line_number(number).insert(&f.db).await?;
    }
    assert_eq!(Line::find((order.id, 2)).one(&f.db).await?, lines[1]);
    assert_eq!(Line::find_many([(order.id, 1), (order.id, 9)]).all(&f.db).await?.len(), 1);
    f.log.take();
    let loaded = Line::query().order_by(Line::number.asc()).include(Line::parcels).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 2);
    let counts: Vec<usize> = loaded.iter().map(|line| line.parcels.get().unwrap().len()).collect();
    assert_eq!(counts, [2, 0, 1]);
    let parcels = Parcel::query().include(Parcel::line.include(Line::order)).all(&f.db).await?;
    assert_eq!(parcels[0].line.get()?.order.get()?.id, order.id);
    assert_eq!(Line::filter(Line::parcels.is_empty()).select(Line::number).all(&f.db).await?, [2]);
    let pairs = Line::query().join(Line::parcels).select((Line::number, Parcel::id)).count(&f.db).await?;
    assert_eq!(pairs, 3);
    let changed = lines[0].update().what("nut").save(&f.db).await?;
    assert_eq!((changed.number, changed.what.as_str()), (1, "nut"));
    let upserted = Line::upsert(line(2).what("screw")).returning(&f.db).await?;
    assert_eq!((upserted.number, upserted.what.as_str()), (2, "screw"));
    let page = Line::query().keyset(2).page(&f.db).await?;
    let rest = Line::query().keyset(2).after(page.next).page(&f.db).await?;
    assert_eq!((page.items.len(), rest.items.len()), (2, 1));
    lines[2].delete(&f.db).await?;
    assert_eq!(Parcel::query().count(&f.db).await?, 2);
    let orphan = Parcel::create().order_id(order.id).line_number(77).insert(&f.db).await.unwrap_err();
    assert_eq!(orphan.kind(), ErrorKind::ForeignKey);
    Ok(())
}

async fn remarks<D: Database>(db: &D) -> Result<(User, Post)> {
    let (ada, bob, _) = people(db).await?;
    let post = post(db, &ada, "about", 1).await?;
    Remark::create().text("good").subject_kind(SubjectKind::Post).subject_id(post.id).insert(db).await?;
    Remark::create().text("who").subject_kind(SubjectKind::User).subject_id(bob.id).insert(db).await?;
    Remark::create().text("lost").subject_kind(SubjectKind::User).subject_id(99_999).insert(db).await?;
    Remark::create().text("none").insert(db).await?;
    Ok((bob, post))
}

pub async fn a_row_may_point_to_one_of_several_models<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (bob, post) = remarks(&f.db).await?;
    f.log.take();
    let remarks = Remark::query().order_by(Remark::id.asc()).include(Remark::subject).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 3, "one for the rows and one for each kind");
    assert!(matches!(remarks[0].subject.get()?, Subject::Post(found) if found.id == post.id));
    assert!(matches!(remarks[1].subject.get()?, Subject::User(found) if found.id == bob.id));
    assert_eq!(remarks[2].subject.get().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(remarks[3].subject.get_opt()?, None);
    Ok(())
}

pub async fn kinds_of_targets_load_lazily_in_batches<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (bob, _) = remarks(&f.db).await?;
    let mut remarks = Remark::query().order_by(Remark::id.asc()).all(&f.db).await?;
    assert_eq!(remarks[0].subject.get().unwrap_err().kind(), ErrorKind::NotLoaded);
    f.log.take();
    for remark in &mut remarks[..2] {
        remark.load(Remark::subject, &f.db).await?;
    }
    assert_eq!(f.log.take().len(), 2, "one for each kind, for all rows at once");
    assert!(matches!(remarks[1].subject.get()?, Subject::User(found) if found.id == bob.id));
    let mut again = Remark::query().all(&f.db).await?;
    f.log.take();
    again.load(Remark::subject, &f.db).await?;
    assert_eq!(f.log.take().len(), 2);
    Ok(())
}

pub async fn the_targets_of_several_kinds_know_their_rows<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (bob, post) = remarks(&f.db).await?;
    let user = User::filter(User::id.eq(bob.id)).include(User::remarks).one(&f.db).await?;
    assert_eq!(user.remarks.get()?.iter().map(|remark| &*remark.text).collect::<Vec<_>>(), ["who"]);
    let posts = Post::filter(Post::remarks.any(Remark::text.eq("good"))).all(&f.db).await?;
    assert_eq!(posts.iter().map(|post| post.id).collect::<Vec<_>>(), [post.id]);
    assert_eq!(User::filter(User::remarks.any(Remark::text.eq("good"))).count(&f.db).await?, 0);
    let joined = Post::query().join(Post::remarks).select((Post::id, Remark::text)).all(&f.db).await?;
    assert_eq!(joined, [(post.id, "good".to_owned())]);
    let created = Remark::create().text("more").subject(&post).insert(&f.db).await?;
    assert_eq!((created.subject_kind, created.subject_id), (Some(SubjectKind::Post), Some(post.id)));
    assert_eq!(Post::remarks.of(&post).count(&f.db).await?, 2);
    Post::remarks.of(&post).remove(&created, &f.db).await?;
    User::remarks.of(&bob).add(&created, &f.db).await?;
    let texts = User::remarks.of(&bob).order_by(Remark::text.asc()).select(Remark::text);
    assert_eq!(texts.all(&f.db).await?, ["more", "who"]);
    let eve = User::create().email("eve@x").name("Eve").remarks([Remark::create().text("own")]);
    let eve = eve.insert(&f.db).await?;
    let own = &eve.remarks.get()?[0];
    assert_eq!((own.subject_kind, own.subject_id), (Some(SubjectKind::User), Some(eve.id)));
    Ok(())
}

pub async fn a_kind_and_a_key_load_for_one_row<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (bob, _) = remarks(&f.db).await?;
    let mut own = Remark::create().text("own").subject(&bob).insert(&f.db).await?;
    let refused = own.load_with(FetchMode::Deny, Remark::subject, &f.db).await.unwrap_err();
    assert_eq!((refused.kind(), refused.fields()), (ErrorKind::NotLoaded, &["subject".to_owned()][..]));
    assert!(matches!(own.load(Remark::subject, &f.db).await?, Subject::User(found) if found.id == bob.id));
    let mut lost = Remark::filter(Remark::text.eq("lost")).one(&f.db).await?;
    assert_eq!(lost.load(Remark::subject, &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    let mut none = Remark::filter(Remark::text.eq("none")).one(&f.db).await?;
    f.log.take();
    assert_eq!(none.load(Remark::subject, &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(f.log.take().is_empty(), "a key that is NULL asks nobody");
    Ok(())
}

pub async fn children_of_two_keys_move_between_parents<D: Database>(f: &Fixture<D>) -> Result<()> {
    Customer::create().code("c").home(address("x", "y")).insert(&f.db).await?;
    let order = async || Order::create().customer_code("c").insert(&f.db).await;
    let (first, second) = (order().await?, order().await?);
    for number in [1, 2, 3] {
        Order::lines.of(&first).create(Line::create().number(number).what("bolt"), &f.db).await?;
    }
    let lines = Order::lines.of(&first).order_by(Line::number.asc()).all(&f.db).await?;
    assert_eq!(Order::lines.of(&second).add_all(&lines[1..], &f.db).await?, 2);
    assert_eq!(Order::lines.of(&second).all(&f.db).await?.len(), 2);
    let gone = Order::lines.of(&second).add(&lines[1], &f.db).await.unwrap_err();
    assert_eq!((gone.kind(), gone.model()), (ErrorKind::NotFound, Some("Line")), "its key was another");
    assert!(Order::lines.of(&first).filter(Line::number.eq(1)).exists(&f.db).await?);
    assert!(Order::lines.of(&first).exists(&f.db).await?);
    Ok(())
}
