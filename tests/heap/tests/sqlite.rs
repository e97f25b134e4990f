//! What is bound to a statement of SQLite is freed once, as it was allocated.

mod checked;

use checked::{live, wrong_frees};
use futures_util::{FutureExt, StreamExt};
use orm::Result;
use orm::prelude::*;

#[derive(Debug, Clone, Model)]
struct Shelf {
    #[orm(primary_key)]
    id: i64,
    books: HasMany<Book>,
}

#[derive(Debug, Clone, Model)]
struct Book {
    #[orm(primary_key)]
    id: i64,
    name: String,
    #[orm(index)]
    shelf_id: i64,
    #[orm(foreign_key = shelf_id)]
    shelf: BelongsTo<Shelf>,
}

orm::schema!(Library: Shelf, Book);

async fn library() -> Result<Sqlite> {
    let db = Sqlite::memory().await?;
    Library::create_all(&db).await?;
    Shelf::insert_many((0..3).map(|id| Shelf::create().id(id))).exec(&db).await?;
    let book = |id: i64| Book::create().id(id).name(format!("book {id}")).shelf_id(id % 3);
    Book::insert_many((0..9).map(book)).exec(&db).await?;
    Ok(db)
}

/// Runs the round until the caches are warm, then `rounds` times more: the memory in use stays as it is.
fn gives_everything_back(rounds: usize, mut round: impl FnMut(usize)) {
    (0..200).for_each(&mut round);
    let before = live();
    (0..rounds).for_each(&mut round);
    let grown = live().saturating_sub(before);
    assert_eq!(wrong_frees(), 0, "blocks were freed with a layout other than their own");
    assert!(grown < 64 << 10, "{grown} bytes were not given back in {rounds} rounds");
}

fn now<T>(future: impl Future<Output = Result<T>>) -> T {
    // A database in memory answers on the caller's thread.
    future.now_or_never().expect("an answer at once").expect("no error")
}

/// One test: the counts are those of the whole process.
#[test]
fn lists_are_freed_once_and_as_they_were_allocated() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let db = runtime.block_on(library()).expect("a library");
    gives_everything_back(100_000, |round| {
        let keys: Vec<i64> = (0..10).map(|key| key + (round % 7) as i64).collect();
        now(Shelf::filter(Shelf::id.in_(keys)).exists(&db));
    });
    gives_everything_back(2000, |_| {
        let shelves = now(Shelf::query().include(Shelf::books).all(&db));
        assert_eq!(
            shelves.iter().filter_map(|shelf| shelf.books.get().ok()).map(|books| books.len()).sum::<usize>(),
            9
        );
        let mut books = now(Book::filter(Book::name.in_(["book 1", "book 2"])).all(&db));
        now(books[0].load(Book::shelf, &db));
    });
    gives_everything_back(500, |_| {
        runtime.block_on(async {
            // The stream is dropped while its list is bound.
            let mut books = Book::filter(Book::id.in_([1, 2, 3])).stream(&db);
            assert!(books.next().await.is_some_and(|book| book.is_ok()));
        });
        assert!(runtime.block_on(Book::filter(Book::id.in_([1, 2, 3])).explain(&db)).is_ok());
        let failed = runtime.block_on(sql::<i64>("SELECT abs(-9223372036854775807 - 1)").all(&db));
        assert!(failed.is_err());
    });
}
