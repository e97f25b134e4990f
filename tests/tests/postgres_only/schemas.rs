//! Creating a schema over what is there.

use rust_decimal::Decimal;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
#[orm(native = "genre")]
pub enum Genre {
    Prose,
    Verse,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "authors")]
pub struct Author {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "books", check("pages_are_there", "pages > 0"))]
pub struct Book {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique, max_len = 9)]
    pub title: String,
    pub pages: i32,
    pub genre: Genre,
    #[orm(created_at)]
    pub at: DateTime<Utc>,
    pub words: Array<String>,
    #[orm(precision = 6, scale = 2)]
    pub price: Option<Decimal>,
    pub author_id: i64,
    #[orm(foreign_key = author_id, on_delete = cascade)]
    pub author: BelongsTo<Author>,
}
orm::schema!(pub Library: Author, Book);
orm::schema!(pub Books: Book);

#[tokio::test]
async fn an_older_table_that_differs_is_refused_with_the_difference() -> Result<()> {
    for (change, difference) in [
        ("", ""),
        ("ALTER TABLE books ADD more text", ""),
        ("ALTER TABLE books ALTER title TYPE varchar(9)", ""),
        (
            "ALTER TABLE books DROP pages CASCADE",
            "there is no column `pages`; the check `pages_are_there` is missing",
        ),
        ("ALTER TABLE books ALTER pages TYPE bigint", "the column `pages` is bigint, not integer"),
        (
            "ALTER TABLE books ALTER at TYPE timestamp",
            "the column `at` is timestamp without time zone, not timestamptz",
        ),
        (
            "ALTER TABLE books ALTER title DROP NOT NULL",
            "the column `title` takes NULL and the field does not",
        ),
        ("ALTER TABLE books ALTER price SET NOT NULL", "the column `price` takes no NULL and the field does"),
        ("ALTER TABLE books DROP CONSTRAINT books_pkey", "it has no primary key"),
        ("ALTER TABLE books DROP CONSTRAINT ck_books_title", "the check `ck_books_title` is missing"),
        (
            "ALTER TABLE books DROP CONSTRAINT fk_books__author_id; ALTER TABLE books ADD CONSTRAINT fk_books__author_id \
             FOREIGN KEY (author_id) REFERENCES authors",
            "the foreign key of (author_id) is missing or another one",
        ),
        (
            "DROP INDEX uq_books_title; CREATE INDEX uq_books_title ON books (title)",
            "the index `uq_books_title` is another one",
        ),
        (
            "DROP INDEX uq_books_title; CREATE INDEX uq_books_title ON authors (name)",
            "the index `uq_books_title` belongs to the table `authors`",
        ),
        (
            "DROP INDEX uq_books_title; CREATE TABLE uq_books_title (id int)",
            "the name of the index `uq_books_title` belongs to a table",
        ),
    ] {
        let Place { db, .. } = place(2).await?;
        Library::create_all(&db).await?;
        db.execute_batch(change).await?;
        match Library::create_all(&db).await {
            Ok(()) => assert_eq!(difference, "", "{change}"),
            Err(error) => {
                assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Book")), "{error}");
                assert_eq!(error.message(), format!("the table `books` is there and differs: {difference}"));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_enum_that_differs_is_refused() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    db.execute_batch("CREATE TYPE genre AS ENUM ('prose', 'drama')").await?;
    let error = Library::create_all(&db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.message().contains("its values are prose, drama"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_relation_may_lead_to_a_table_that_is_there() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    let error = Books::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Schema, &["author".to_owned()][..]));
    db.execute_batch("CREATE TABLE authors (id bigint PRIMARY KEY)").await?;
    Books::create_all(&db).await
}

mod long {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "a_table_with_a_name_that_the_server_would_cut_without_a_word_said")]
    pub struct Long {
        #[orm(primary_key)]
        pub id: i64,
    }

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "authors_pkey")]
    pub struct Hidden {
        #[orm(primary_key)]
        pub id: i64,
    }

    #[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
    #[orm(native = "genre")]
    pub enum Other {
        Loud,
    }

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "songs")]
    pub struct Song {
        #[orm(primary_key)]
        pub id: i64,
        pub genre: Other,
    }
    orm::schema!(pub TooLong: Long);
    orm::schema!(pub Implicit: Hidden, super::Author);
    orm::schema!(pub Genres: super::Author, super::Book, Song);
}

#[tokio::test]
async fn names_that_the_server_would_take_for_one_are_refused() -> Result<()> {
    let Place { db, .. } = place(2).await?;
    for (result, text) in [
        (long::TooLong::create_all(&db).await, "the database keeps 63 bytes of a name"),
        (long::Implicit::create_all(&db).await, "which the database adds to `authors`"),
        (long::Genres::create_all(&db).await, "there are two types `genre` that differ"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.message().contains(text), "{error}");
    }
    Ok(())
}
