//! Arrays of values, and of the keys of other documents.

use orm::value::Array;
use orm_tests::models::Bag;

use super::*;

#[tokio::test]
async fn what_means_another_thing_on_an_array_is_refused() {
    #[derive(Debug, Model)]
    struct Listed {
        #[orm(primary_key, auto)]
        id: i64,
        #[orm(unique)]
        words: Array<String>,
    }
    orm::schema!(ListedSchema: Listed);
    let db = fresh().await;
    let error = ListedSchema::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["words".into()][..]));
    let refused =
        |error: Option<orm::Error>| assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::Unsupported));
    refused(Bag::query().order_by(Bag::words.asc()).all(&db).await.err());
    refused(Bag::filter(Bag::words.ge(Array::default())).count(&db).await.err());
    refused(Bag::filter(!Bag::numbers.between(Array::default(), Array::default())).count(&db).await.err());
    refused(Bag::query().select(Bag::words.min()).all(&db).await.err());
}

/// Known by an ObjectId.
#[derive(Debug, Clone, PartialEq, Model)]
struct Actor {
    #[orm(primary_key, default_fn = ObjectId::new)]
    id: ObjectId,
    name: String,
    #[orm(pair = cast)]
    films: ManyToMany<Film>,
}

#[derive(Debug, Clone, PartialEq, Model)]
struct Film {
    #[orm(primary_key, default_fn = ObjectId::new)]
    id: ObjectId,
    #[orm(index)]
    cast_ids: Array<ObjectId>,
    #[orm(keys = cast_ids)]
    cast: ManyToMany<Actor>,
}
orm::schema!(Films: Actor, Film);

#[tokio::test]
async fn documents_keep_the_keys_of_others() {
    let db = fresh().await;
    Films::create_all(&db).await.unwrap();
    let actors =
        Actor::insert_many(["a", "b"].map(|name| Actor::create().name(name))).returning(&db).await.unwrap();
    let film = Film::create().cast([&actors[1], &actors[0]]).insert(&db).await.unwrap();
    let stored = raw(&db, "films").await;
    assert!(stored[0].get_array("cast_ids").unwrap().iter().all(|key| matches!(key, Bson::ObjectId(_))));
    let read = Film::find(film.id).include(Film::cast.include(Actor::films)).one(&db).await.unwrap();
    let names: Vec<&str> = read.cast.get().unwrap().iter().map(|actor| actor.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(read.cast.get().unwrap()[0].films.get().unwrap().len(), 1);
    // One condition on the field, which the index on its elements serves; one lookup where there are two collections.
    let back = Actor::films.of(&actors[0]).query().to_sql(&db).unwrap();
    assert!(back.contains(r#""cast_ids": {"$in": ["#) && !back.contains("$expr"), "{back}");
    let joined = Film::filter(Film::cast.any(Actor::name.eq("a")));
    assert_eq!(joined.to_sql(&db).unwrap().matches("$lookup").count(), 1);
    assert_eq!(joined.count(&db).await.unwrap(), 1);
    assert!(Film::cast.of(&film).remove(&actors[0], &db).await.unwrap());
    assert_eq!(Actor::filter(Actor::films.is_empty()).select(Actor::name).all(&db).await.unwrap(), ["a"]);
    Films::drop_all(&db).await.unwrap();
}

#[tokio::test]
async fn arrays_are_equal_as_a_whole() {
    let db = fresh().await;
    let bag = |words: &[&str]| {
        let words: Array<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Bag::create().words(words).numbers([]).flags([]).reals([]).prices([]).codes([]).times([])
    };
    Bag::insert_many([bag(&["a", "b"]), bag(&["b", "c"])]).exec(&db).await.unwrap();
    orm::alias!(Other: Bag);
    let twins =
        Other::query().correlate::<Bag>().filter(Other.words.eq(Bag::words)).filter(Other.id.ne(Bag::id));
    assert_eq!(Bag::filter(exists(twins)).count(&db).await.unwrap(), 0);
}
