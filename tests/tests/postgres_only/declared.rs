//! Types that a program declares: enums, composites, domains.

use orm::postgres::ops::CompositeOps;
use orm::write::Set;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
#[orm(native)]
pub enum Mood {
    Sad,
    #[orm(rename = "it's ok")]
    Ok,
    Happy,
}

#[derive(Debug, Clone, PartialEq, DbType)]
#[orm(domain = "e-mail", check = "VALUE LIKE '%@%'")]
pub struct Email(pub String);

#[derive(Debug, Clone, PartialEq, DbType)]
#[orm(domain = "percent", check = "VALUE BETWEEN 0 AND 100")]
pub struct Percent(pub i32);

#[derive(Debug, Clone, PartialEq, Composite)]
pub struct Place2d {
    x: i32,
    y: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Composite)]
#[orm(name = "contact")]
pub struct Contact {
    email: Email,
    mood: Option<Mood>,
    #[orm(column = "where")]
    place: Place2d,
    names: Array<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
pub struct Person {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(default = Mood::Ok)]
    pub mood: Mood,
    #[orm(unique)]
    pub email: Email,
    pub done: Percent,
    pub contact: Option<Contact>,
    pub moods: Array<Mood>,
    pub emails: Option<Array<Email>>,
    pub places: Option<Array<Place2d>>,
}
orm::schema!(pub People: Person);

pub fn contact() -> Contact {
    Contact {
        email: Email("c@x".into()),
        mood: None,
        place: Place2d { x: -1, y: Some(0.5) },
        names: Array::from(["a,\"b".to_owned()]),
    }
}

/// A person with what every person has.
pub fn person(name: &str) -> PersonCreate<Set, Set, Set> {
    Person::create().email(Email(format!("{name}@x"))).done(Percent(7)).moods(Array::default())
}

#[tokio::test]
async fn enums_composites_and_domains_are_declared_and_used() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    People::create_all(&db).await?;
    People::create_all(&db).await?;
    let ada = person("ada")
        .contact(contact())
        .moods(Array::from([Mood::Happy, Mood::Ok]))
        .emails(Array::from([Email("a@b".into())]))
        .places(Array::from([Place2d { x: 1, y: None }]))
        .insert(&db)
        .await?;
    assert_eq!((ada.mood, ada.contact.clone()), (Mood::Ok, Some(contact())));
    assert_eq!(ada.places.as_ref().unwrap()[0], Place2d { x: 1, y: None });
    assert_eq!(ada.moods.0, [Mood::Happy, Mood::Ok]);
    let rest = Person::insert_many([person("bob").mood(Mood::Sad), person("cid").mood(Mood::Happy)])
        .returning(&db)
        .await?;
    assert_eq!(rest[1].mood, Mood::Happy);
    let many = (0..2100).map(|n| person(&n.to_string()).mood(Mood::Sad).contact(contact()));
    assert_eq!(Person::insert_many(many).exec(&db).await?, 2100);

    // In the order of the variants, not of their names.
    assert_eq!(Person::filter(Person::mood.gt(Mood::Sad)).count(&db).await?, 2);
    assert_eq!(Person::filter(Person::mood.in_([Mood::Ok, Mood::Happy])).count(&db).await?, 2);
    assert_eq!(Person::query().select(Person::mood.max()).one(&db).await?, Some(Mood::Happy));
    assert_eq!(Person::filter(Person::moods.eq(ada.moods.clone())).count(&db).await?, 1);
    assert_eq!(Person::filter(Person::email.eq(Email("ada@x".into()))).count(&db).await?, 1);
    assert_eq!(
        Person::filter(Person::email.eq(Email("nobody".into()))).count(&db).await?,
        0,
        "a search is no value"
    );
    assert_eq!(Person::filter(Person::emails.eq(Array::from([Email("a@b".into())]))).count(&db).await?, 1);
    assert_eq!(Person::filter(Person::contact.eq(contact())).count(&db).await?, 2101);

    let places = Person::query()
        .filter(Person::contact.field(Contact::place).field(Place2d::x).lt(0))
        .filter(Person::id.eq(ada.id))
        .select((
            Person::contact.field(Contact::place),
            Person::contact.field(Contact::place).field(Place2d::y),
        ))
        .all(&db)
        .await?;
    assert_eq!(places, [(Some(Place2d { x: -1, y: Some(0.5) }), Some(0.5))]);

    let error = person("dan").done(Percent(101)).insert(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.constraint()), (ErrorKind::Check, Some("percent_check")));
    People::drop_all(&db).await?;
    let left: i64 = sql("SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname = current_schema() AND typname IN ('mood', 'e-mail', 'percent', 'contact', 'place2d')").one(&db).await?;
    assert_eq!(left, 0);
    Ok(())
}

#[tokio::test]
async fn a_type_that_is_still_used_stays() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    People::create_all(&db).await?;
    db.execute_batch("CREATE TABLE keeper (mood mood)").await?;
    People::drop_all(&db).await?;
    db.execute_batch("INSERT INTO keeper VALUES ('sad')").await?;
    let moods: Vec<Mood> = sql("SELECT mood FROM keeper").all(&db).await?;
    assert_eq!(moods, [Mood::Sad]);
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Feeling {
    #[orm(primary_key, auto)]
    id: i64,
    mood: Mood,
}
orm::schema!(Feelings: Feeling);

#[tokio::test]
async fn a_native_enum_is_text_elsewhere_and_a_domain_is_refused() -> Result<()> {
    let sqlite = Sqlite::memory().await?;
    Feelings::create_all(&sqlite).await?;
    Feeling::create().mood(Mood::Ok).insert(&sqlite).await?;
    let text: String = sql("SELECT mood FROM feelings").one(&sqlite).await?;
    assert_eq!(text, "it's ok");
    let error = People::create_all(&sqlite).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["email".to_owned()][..]));
    Ok(())
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Defaulted {
    #[orm(primary_key, auto)]
    id: i64,
    #[orm(default = orm::postgres::types::Oid(7))]
    number: orm::postgres::types::Oid,
}
orm::schema!(Defaults: Defaulted);

#[tokio::test]
async fn a_default_that_cannot_be_written_is_refused() -> Result<()> {
    let Place { db, .. } = place(1).await?;
    let error = Defaults::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["number".to_owned()][..]));
    assert!(error.hint().is_some_and(|hint| hint.contains("default(sql")));
    Ok(())
}
