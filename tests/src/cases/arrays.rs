//! Arrays of values, and relations by an array of keys.

use chrono::{DateTime, TimeDelta, Utc};
use orm::prelude::*;
use orm::value::Array;
use orm::{ErrorKind, Result};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::Fixture;
use crate::models::{Bag, Label, Playlist, Song};

const BIG: i64 = 9_007_199_254_740_993;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_700_000_000_123_000).expect("a time")
}

async fn bag<D: Database>(f: &Fixture<D>) -> Result<Bag> {
    Ok(bags(f, 1).await?.remove(0))
}

/// Equal bags, written together.
async fn bags<D: Database>(f: &Fixture<D>, count: usize) -> Result<Vec<Bag>> {
    let bag = Bag::create()
        .words(["a", "it's \"quoted\"", "", "größe\n"].map(String::from))
        .numbers([Some(BIG), None, Some(-1)])
        .flags([true, false])
        .reals([0.1, 1.0, 1e300, -5e-324])
        .prices([Decimal::new(1050, 2), Decimal::new(-1, 3)])
        .codes([Uuid::from_u128(7), Uuid::max()])
        .times([time()]);
    Bag::insert_many(vec![bag; count]).returning(&f.db).await
}

pub async fn arrays_of_every_type_come_back<D: Database>(f: &Fixture<D>) -> Result<()> {
    let written = bag(f).await?;
    let read = Bag::find(written.id).one(&f.db).await?;
    assert_eq!(read, written);
    assert_eq!(read.numbers.0, [Some(BIG), None, Some(-1)]);
    assert_eq!(read.reals.0, [0.1, 1.0, 1e300, -5e-324]);
    assert_eq!((read.codes[1], read.times[0], read.maybe.as_ref()), (Uuid::max(), time(), None));
    assert_eq!(read.prices.0, [Decimal::new(105, 1), Decimal::new(-1, 3)]);
    let empty = Bag::create().words([]).numbers([]).flags([]).reals([]).prices([]).codes([]).times([]);
    let empty = empty.maybe(Array::from([3])).insert(&f.db).await?;
    assert!(empty.words.is_empty());
    assert_eq!(empty.maybe, Some(Array::from([3])));
    let same = Bag::filter(Bag::words.eq(written.words.clone())).select(Bag::id).all(&f.db).await?;
    assert_eq!(same, [written.id]);
    for more in bags(f, 3).await? {
        assert_eq!(Bag { id: written.id, ..more }, written);
    }
    let all = Bag::filter(Bag::words.ne(Array::default())).order_by(Bag::id.asc()).all(&f.db).await?;
    let (last, rest) = all.split_last().expect("rows");
    let changes = rest.iter().map(|bag| bag.update().codes([Uuid::nil()]).maybe(Array::from([4])));
    assert_eq!(Bag::update_many(changes).exec(&f.db).await?, 3);
    let changed = Bag::find(written.id).one(&f.db).await?;
    assert_eq!((changed.codes.0, changed.maybe), (vec![Uuid::nil()], Some(Array::from([4]))));
    assert_eq!(Bag::find(last.id).one(&f.db).await?, *last);
    Ok(())
}

pub async fn arrays_are_searched<D: Database>(f: &Fixture<D>) -> Result<()> {
    bag(f).await?;
    macro_rules! found {
        ($condition:expr) => {
            Bag::filter($condition).count(&f.db).await?
        };
    }
    assert_eq!([found!(Bag::words.has("a")), found!(Bag::words.has("A"))], [1, 0]);
    assert_eq!([found!(Bag::words.has("")), found!(!Bag::words.has("b"))], [1, 1]);
    assert_eq!([found!(Bag::words.has("größe\n")), found!(Bag::words.has("it's \"quoted\""))], [1, 1]);
    assert_eq!([found!(Bag::numbers.has(BIG)), found!(Bag::numbers.has(BIG - 1))], [1, 0]);
    // A NULL among the elements could be anything.
    assert_eq!([found!(!Bag::numbers.has(BIG - 1)), found!(!Bag::numbers.has(BIG))], [0, 0]);
    assert_eq!([found!(Bag::flags.has(true)), found!(Bag::flags.has_any([true, false]))], [1, 1]);
    assert_eq!(
        [found!(Bag::prices.has(Decimal::new(105, 1))), found!(Bag::prices.has(Decimal::ONE))],
        [1, 0]
    );
    assert_eq!([found!(Bag::codes.has(Uuid::from_u128(7))), found!(Bag::codes.has(Uuid::nil()))], [1, 0]);
    assert_eq!(
        [found!(Bag::times.has(time())), found!(Bag::times.has(time() + TimeDelta::seconds(1)))],
        [1, 0]
    );
    assert_eq!([found!(Bag::words.has_any(["b", "a"])), found!(Bag::words.has_any(["b"]))], [1, 0]);
    assert_eq!([found!(!Bag::words.has_any(["b"])), found!(!Bag::numbers.has_any([5]))], [1, 1]);
    assert_eq!(found!(Bag::words.has_any(Vec::<String>::new())), 0);
    assert_eq!(found!(Bag::codes.has_any([Uuid::max(), Uuid::nil()])), 1);
    assert_eq!(found!(Bag::words.has("a") & (Bag::words.has("b") | Bag::flags.has(false))), 1);
    let both = Bag::query().select((Bag::words.has("a"), Bag::words.has_any(["b"]))).one(&f.db).await?;
    assert_eq!(both, (true, false));
    Ok(())
}

pub async fn an_array_that_may_be_null_is_neither_in_nor_out<D: Database>(f: &Fixture<D>) -> Result<()> {
    let none = bag(f).await?;
    let some = bag(f).await?;
    some.update().maybe(Array::from([1, 2])).save(&f.db).await?;
    let ids = async |query: Query<Bag>| query.order_by(Bag::id.asc()).select(Bag::id).all(&f.db).await;
    assert_eq!(ids(Bag::filter(Bag::maybe.has(1))).await?, [some.id]);
    assert_eq!(ids(Bag::filter(!Bag::maybe.has(3))).await?, [some.id]);
    assert_eq!(ids(Bag::filter(!Bag::maybe.has_any([3]))).await?, [some.id]);
    assert_eq!(ids(Bag::filter(Bag::maybe.has(3).is_null())).await?, [none.id]);
    assert_eq!(ids(Bag::filter(Bag::maybe.has_any([3]).is_null())).await?, [none.id]);
    // NULL among the elements is none of the array.
    assert_eq!(ids(Bag::filter(Bag::numbers.ne(Array::from([Some(5)])))).await?, [none.id, some.id]);
    assert_eq!(ids(Bag::filter(!Bag::numbers.eq(Array::default()))).await?, [none.id, some.id]);
    assert_eq!(ids(Bag::filter(Bag::maybe.is_null())).await?, [none.id]);
    assert_eq!(ids(Bag::filter(Bag::maybe.ne_or_null(None))).await?, [some.id]);
    let read = Bag::query().order_by(Bag::id.asc()).select((Bag::maybe.has(2), Bag::maybe.has_any([9])));
    assert_eq!(read.all(&f.db).await?, [(None, None), (Some(true), Some(false))]);
    Ok(())
}

pub async fn arrays_are_changed_in_place<D: Database>(f: &Fixture<D>) -> Result<()> {
    let before = bag(f).await?;
    let update = Bag::filter(Bag::id.eq(before.id))
        .update()
        .set(Bag::words, Bag::words.append("b").without("a").append("b"))
        .set(Bag::numbers, Bag::numbers.without(-1).append(BIG))
        .set(Bag::flags, Bag::flags.append(true).without(false))
        .set(Bag::reals, Bag::reals.append(0.1 + 0.2).append(62.572030410805404))
        .set(Bag::prices, Bag::prices.append(Decimal::new(1, 1)).without(Decimal::new(105, 1)))
        .set(Bag::codes, Bag::codes.without(Uuid::max()).append(Uuid::nil()))
        .set(Bag::times, Bag::times.without(time()));
    assert_eq!(update.exec(&f.db).await?, 1);
    let after = Bag::find(before.id).one(&f.db).await?;
    assert_eq!(after.words.0, ["it's \"quoted\"", "", "größe\n", "b", "b"]);
    assert_eq!(after.numbers.0, [Some(BIG), None, Some(BIG)]);
    assert_eq!(
        (after.flags.0, after.reals.0),
        (vec![true, true], vec![0.1, 1.0, 1e300, -5e-324, 0.1 + 0.2, 62.572030410805404])
    );
    assert_eq!(after.prices.0, [Decimal::new(-1, 3), Decimal::new(1, 1)]);
    assert_eq!((after.codes.0, after.times.0), (vec![Uuid::from_u128(7), Uuid::nil()], vec![]));
    // However many changes there are: none is computed twice.
    let numbers = |from: i64| (from..from + 12).map(Some).collect::<Array<Option<i64>>>();
    before.update().numbers(numbers(0)).save(&f.db).await?;
    let fewer = (0..10).fold(Bag::numbers.without(11), |rest, number| rest.without(number));
    Bag::filter(Bag::id.eq(before.id)).update().set(Bag::numbers, fewer).exec(&f.db).await?;
    assert_eq!(Bag::find(before.id).one(&f.db).await?.numbers.0, [Some(10)]);
    Ok(())
}

/// Three songs; one list has the third and the first, one the first and one that is no more, one none.
async fn lists<D: Database>(f: &Fixture<D>) -> Result<(Vec<Song>, Vec<Playlist>)> {
    let songs = ["one", "two", "three"].map(|title| Song::create().title(title));
    let songs = Song::insert_many(songs).returning(&f.db).await?;
    let list = |name: &str, keys: &[i64]| Playlist::create().name(name).song_ids(keys.to_vec());
    let lists = [
        list("both", &[songs[2].id, songs[0].id, songs[2].id]),
        list("gone", &[songs[0].id, 999]),
        list("none", &[]),
    ];
    let lists = Playlist::insert_many(lists).returning(&f.db).await?;
    f.log.take();
    Ok((songs, lists))
}

fn titles(list: &Playlist) -> Result<Vec<&str>> {
    Ok(list.songs.get()?.iter().map(|song| song.title.as_str()).collect())
}

pub async fn keys_in_an_array_load_in_its_order<D: Database>(f: &Fixture<D>) -> Result<()> {
    lists(f).await?;
    let query = || Playlist::query().order_by(Playlist::id.asc());
    let read = query().include(Playlist::songs).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 2);
    // A key counts once, and one that leads nowhere not at all.
    assert_eq!(titles(&read[0])?, ["three", "one"]);
    assert_eq!(titles(&read[1])?, ["one"]);
    assert!(read[2].songs.get()?.is_empty());
    let sorted = query().include(Playlist::songs.order_by(Song::id.asc())).all(&f.db).await?;
    assert_eq!(titles(&sorted[0])?, ["one", "three"]);
    let filtered = query().include(Playlist::songs.filter(Song::title.ne("one"))).all(&f.db).await?;
    assert_eq!((titles(&filtered[0])?, titles(&filtered[1])?), (vec!["three"], vec![]));
    let first = query().include(Playlist::songs.limit_per_parent(1)).all(&f.db).await?;
    assert_eq!((titles(&first[0])?, titles(&first[1])?), (vec!["three"], vec!["one"]));
    let rest =
        query().include(Playlist::songs.order_by(Song::id.asc()).offset_per_parent(1)).all(&f.db).await?;
    assert_eq!((titles(&rest[0])?, titles(&rest[1])?), (vec!["three"], vec![]));
    let nested = query().include(Playlist::songs.include(Song::playlists)).all(&f.db).await?;
    assert_eq!(nested[0].songs.get()?[1].playlists.get()?.len(), 2);
    Ok(())
}

pub async fn keys_in_an_array_are_followed_back<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (_, lists) = lists(f).await?;
    let by_name = Song::playlists.order_by(Playlist::name.desc());
    let songs = Song::query().order_by(Song::id.asc()).include(by_name).all(&f.db).await?;
    assert_eq!(f.log.take().len(), 2);
    let names =
        |song: &Song| song.playlists.get().map(|lists| lists.iter().map(|list| list.id).collect::<Vec<_>>());
    assert_eq!(names(&songs[0])?, [lists[1].id, lists[0].id]);
    assert_eq!((names(&songs[1])?, names(&songs[2])?), (vec![], vec![lists[0].id]));
    let error = Song::query().include(Song::playlists.limit_per_parent(1)).all(&f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Unsupported, &["playlists".to_owned()][..]));
    Ok(())
}

pub async fn keys_in_an_array_are_joined_and_tested<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (songs, _) = lists(f).await?;
    let names = async |condition: Expr<bool, Playlist>| {
        Playlist::filter(condition).order_by(Playlist::id.asc()).select(Playlist::name).all(&f.db).await
    };
    assert_eq!(names(Playlist::songs.exists()).await?, ["both", "gone"]);
    assert_eq!(names(Playlist::songs.is_empty()).await?, ["none"]);
    assert_eq!(names(Playlist::songs.any(Song::title.eq("three"))).await?, ["both"]);
    assert_eq!(names(Playlist::songs.all(Song::title.eq("one"))).await?, ["gone", "none"]);
    assert_eq!(names(Playlist::songs.none(Song::title.eq("three"))).await?, ["gone", "none"]);
    assert_eq!(names(Playlist::song_ids.has(songs[0].id)).await?, ["both", "gone"]);
    let counts = Playlist::query()
        .order_by(Playlist::id.asc())
        .select((Playlist::songs.count(), Playlist::songs.count_where(Song::title.eq("one"))));
    assert_eq!(counts.all(&f.db).await?, [(2, 1), (1, 1), (0, 0)]);
    let back = Song::query().order_by(Song::id.asc()).select((Song::title, Song::playlists.count()));
    let back: Vec<(String, i64)> = back.all(&f.db).await?;
    assert_eq!(back.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 0, 1]);
    let heard = Song::filter(Song::playlists.any(Playlist::name.eq("gone"))).one(&f.db).await?;
    assert_eq!(heard.title, "one");
    let pairs = Playlist::query().join(Playlist::songs).order_by((Playlist::id.asc(), Song::id.asc()));
    let pairs = pairs.select((Playlist::name, Song::title)).all(&f.db).await?;
    let expected = [("both", "one"), ("both", "three"), ("gone", "one")];
    assert_eq!(pairs, expected.map(|(list, song)| (list.to_owned(), song.to_owned())));
    let left = Playlist::query().left_join(Playlist::songs).filter(Song::id.is_null()).select(Playlist::name);
    assert_eq!(left.all(&f.db).await?, ["none"]);
    let back = Song::query().left_join(Song::playlists).group_by(Song::title);
    let back = back.select(|title| (title, Playlist::id.count())).all(&f.db).await?;
    assert!(back.contains(&("two".into(), 0)) && back.contains(&("one".into(), 2)), "{back:?}");
    Ok(())
}

pub async fn keys_in_an_array_are_linked_and_unlinked<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (songs, lists) = lists(f).await?;
    let (both, none) = (&lists[0], &lists[2]);
    let keys = async |list: &Playlist| -> Result<Vec<i64>> {
        Ok(Playlist::find(list.id).one(&f.db).await?.song_ids.0)
    };
    let handle = Playlist::songs.of(none);
    handle.add(&songs[1], &f.db).await?;
    handle.add(&songs[1], &f.db).await?;
    assert_eq!(keys(none).await?, [songs[1].id]);
    assert_eq!(Playlist::find(none.id).one(&f.db).await?.version, none.version + 1, "one of the two wrote");
    assert_eq!(handle.add_all(&songs, &f.db).await?, 2);
    assert_eq!(keys(none).await?, [songs[1].id, songs[0].id, songs[2].id]);
    assert!(handle.remove(&songs[1], &f.db).await?);
    assert!(!handle.remove(&songs[1], &f.db).await?);
    assert_eq!(keys(none).await?, [songs[0].id, songs[2].id]);
    let made = handle.create(Song::create().title("four"), &f.db).await?;
    assert_eq!(keys(none).await?, [songs[0].id, songs[2].id, made.id]);
    handle.set([&songs[1], &songs[0], &songs[1]], &f.db).await?;
    assert_eq!(keys(none).await?, [songs[1].id, songs[0].id]);
    assert_eq!((handle.clear(&f.db).await?, handle.clear(&f.db).await?), (2, 0));
    assert_eq!(keys(none).await?, [0_i64; 0]);

    // What a row in hand leads to are the keys that it has.
    assert_eq!(Playlist::songs.of(both).count(&f.db).await?, 2);
    let best = Playlist::songs.of(both).order_by(Song::title.asc()).first(&f.db).await?;
    assert_eq!(best.map(|song| song.title), Some("one".into()));

    let back = Song::playlists.of(&songs[1]);
    assert_eq!(back.add_all([both, none, both], &f.db).await?, 2);
    assert_eq!(back.add_all([both, none], &f.db).await?, 0);
    assert_eq!(back.query().count(&f.db).await?, 2);
    assert_eq!(keys(both).await?, [songs[2].id, songs[0].id, songs[2].id, songs[1].id]);
    assert!(back.remove(both, &f.db).await?);
    assert!(!back.remove(both, &f.db).await?);
    back.set([both], &f.db).await?;
    assert_eq!((keys(none).await?, keys(both).await?.last().copied()), (vec![], Some(songs[1].id)));
    let new = back.create(Playlist::create().name("new").song_ids([songs[0].id]), &f.db).await?;
    assert_eq!(new.song_ids.0, [songs[0].id, songs[1].id]);
    assert_eq!((back.clear(&f.db).await?, back.clear(&f.db).await?), (2, 0));
    assert_eq!(keys(both).await?, [songs[2].id, songs[0].id, songs[2].id], "a key that comes twice stays");

    // Nothing is linked to what is not there.
    Playlist::find_many([none.id]).delete().exec(&f.db).await?;
    assert_eq!(handle.add(&songs[1], &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(handle.set([&songs[1]], &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(back.add_all([both, none], &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(back.set([both, none], &f.db).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(back.query().count(&f.db).await?, 0, "all of them or none");
    Ok(())
}

/// A list with its songs.
#[derive(Debug, Projection)]
#[orm(model = Playlist)]
struct Card {
    name: String,
    #[orm(count = songs)]
    songs_there: i64,
    #[orm(nested)]
    songs: Vec<Title>,
}

#[derive(Debug, PartialEq, Projection)]
#[orm(model = Song)]
struct Title {
    title: String,
}

pub async fn keys_in_an_array_load_lazily_and_into_projections<D: Database>(f: &Fixture<D>) -> Result<()> {
    lists(f).await?;
    let mut read = Playlist::query().order_by(Playlist::id.asc()).all(&f.db).await?;
    f.log.take();
    let (first, rest) = read.split_at_mut(1);
    assert_eq!(first[0].load(Playlist::songs, &f.db).await?[0].title, "three");
    assert_eq!(rest[0].load(Playlist::songs, &f.db).await?.len(), 1);
    assert_eq!(rest[1].load(Playlist::songs, &f.db).await?.len(), 0);
    assert_eq!(f.log.take().len(), 1);
    let mut songs = Song::query().order_by(Song::id.asc()).all(&f.db).await?;
    songs.load(Song::playlists, &f.db).await?;
    assert_eq!(songs[0].playlists.get()?.len(), 2);
    let cards = Playlist::query().order_by(Playlist::id.asc()).select_as::<Card>().all(&f.db).await?;
    assert_eq!((cards[0].name.as_str(), cards[0].songs_there), ("both", 2));
    assert_eq!(cards[0].songs, ["three", "one"].map(|title| Title { title: title.into() }));
    assert!(cards[2].songs.is_empty());
    Ok(())
}

pub async fn rows_are_created_with_keys_in_an_array<D: Database>(f: &Fixture<D>) -> Result<()> {
    let (songs, _) = lists(f).await?;
    let list = Playlist::create().name("new").songs([&songs[1], &songs[0]]).insert(&f.db).await?;
    assert_eq!(list.song_ids.0, [songs[1].id, songs[0].id]);
    assert!(list.label_codes.is_empty(), "no links unless they are given");
    // An upsert that was not given the keys leaves them alone.
    let again = Playlist::create().id(list.id).name("renamed");
    let again = Playlist::upsert(again).on(Playlist::id).returning(&f.db).await?;
    assert_eq!((again.name.as_str(), &again.song_ids), ("renamed", &list.song_ids));
    let last = Playlist::create().name("x").songs([&songs[0]]).song_ids([songs[1].id]).insert(&f.db).await?;
    assert_eq!(last.song_ids.0, [songs[1].id]);
    let with_lists = Song::create()
        .title("four")
        .playlists([Playlist::create().name("a"), Playlist::create().name("b").songs([&songs[2]])])
        .insert(&f.db)
        .await?;
    let lists = with_lists.playlists.get()?;
    assert_eq!(lists[0].song_ids.0, [with_lists.id]);
    assert_eq!(lists[1].song_ids.0, [songs[2].id, with_lists.id]);
    Ok(())
}

pub async fn keys_of_any_type_are_found_in_an_array<D: Database>(f: &Fixture<D>) -> Result<()> {
    let labels = [1, 2].map(|code| Label::create().code(Uuid::from_u128(code)).text(format!("label {code}")));
    let labels = Label::insert_many(labels).returning(&f.db).await?;
    let list = Playlist::create().name("x").labels([&labels[1], &labels[0]]).insert(&f.db).await?;
    let read = Playlist::find(list.id).include(Playlist::labels).one(&f.db).await?;
    assert_eq!(read.labels.get()?[0].text, "label 2");
    assert_eq!(Playlist::filter(Playlist::labels.any(Label::text.eq("label 1"))).count(&f.db).await?, 1);
    let back = Label::query().order_by(Label::code.asc()).include(Label::playlists).all(&f.db).await?;
    assert_eq!(back[0].playlists.get()?[0].name, "x");
    let joined = Label::query().join(Label::playlists).order_by(Label::code.asc()).select(Label::text);
    assert_eq!(joined.all(&f.db).await?, ["label 1", "label 2"]);
    assert!(Playlist::labels.of(&list).remove(&labels[1], &f.db).await?);
    Playlist::labels.of(&list).add(&labels[1], &f.db).await?;
    let codes = Playlist::find(list.id).one(&f.db).await?.label_codes;
    assert_eq!(codes.0, [labels[0].code, labels[1].code]);
    assert!(Label::playlists.of(&labels[0]).remove(&list, &f.db).await?);
    Ok(())
}
