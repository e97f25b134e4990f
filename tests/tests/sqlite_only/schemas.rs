//! Creating a schema over what is there: IF NOT EXISTS asks for a name only.

use super::*;

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
    #[orm(default = true)]
    pub printed: bool,
    pub author_id: i64,
    #[orm(foreign_key = author_id, on_delete = cascade)]
    pub author: BelongsTo<Author>,
}
orm::schema!(pub Library: Author, Book);
orm::schema!(pub Books: Book);

const TITLE: &str = "title TEXT NOT NULL CONSTRAINT ck_books_title CHECK (length(title) <= 9)";
const PAGES: &str = "pages INTEGER NOT NULL CONSTRAINT ck_books_pages CHECK (pages < 9999)";
const PRINTED: &str =
    "printed BOOLEAN NOT NULL DEFAULT 1 CONSTRAINT ck_books_printed CHECK (printed IN (0, 1))";
const ID: &str = "id INTEGER PRIMARY KEY CONSTRAINT ck_books_id CHECK (id > 0)";
const AUTHOR: &str = "author_id BIGINT NOT NULL CONSTRAINT ck_books__author_id CHECK (author_id > 0)";
const CHECK: &str = "CONSTRAINT \"pages_are_there\" CHECK (pages > 0)";
const KEY: &str = "FOREIGN KEY (author_id) REFERENCES authors ON DELETE CASCADE";

async fn over(parts: &[&str]) -> Result<orm::Result<()>> {
    let log = Arc::new(StatementLog::default());
    let db = Sqlite::builder().observer(log.clone()).connect().await?;
    db.execute_batch(&format!("CREATE TABLE Books ({})", parts.join(", "))).await?;
    log.take();
    let result = Library::create_all(&db).await;
    if result.is_err() {
        let tables = sql::<String>("SELECT name FROM sqlite_master WHERE type = 'table'").all(&db).await?;
        assert_eq!(tables, ["Books"], "nothing was made");
    }
    Ok(result)
}

#[tokio::test]
async fn an_older_table_that_is_the_same_is_kept() -> Result<()> {
    over(&[ID, TITLE, PAGES, PRINTED, AUTHOR, "more TEXT", CHECK, KEY]).await?
}

#[tokio::test]
async fn an_older_table_that_differs_is_refused_with_the_difference() -> Result<()> {
    let cases: &[(&[&str], &str)] = &[
        (&[ID, PAGES, PRINTED, AUTHOR, CHECK, KEY], "there is no column `title`"),
        (
            &[
                ID,
                TITLE,
                "pages TEXT NOT NULL CONSTRAINT ck_books_pages CHECK (1)",
                PRINTED,
                AUTHOR,
                CHECK,
                KEY,
            ],
            "the column `pages` is TEXT, not INTEGER",
        ),
        (
            &[ID, TITLE, "pages INT CONSTRAINT ck_books_pages CHECK (1)", PRINTED, AUTHOR, CHECK, KEY],
            "the column `pages` takes NULL and the field does not",
        ),
        (
            &[
                ID,
                TITLE,
                PAGES,
                "printed BOOLEAN NOT NULL CONSTRAINT ck_books_printed CHECK (1)",
                AUTHOR,
                CHECK,
                KEY,
            ],
            "the column `printed` has no default",
        ),
        (
            &[
                "id INTEGER NOT NULL CONSTRAINT ck_books_id CHECK (1)",
                TITLE,
                PAGES,
                PRINTED,
                AUTHOR,
                CHECK,
                KEY,
            ],
            "it has no primary key",
        ),
        (
            &[ID, TITLE, PAGES, PRINTED, AUTHOR, CHECK],
            "the foreign key of (author_id) is missing or another one",
        ),
        (
            &[ID, TITLE, PAGES, PRINTED, AUTHOR, CHECK, "FOREIGN KEY (author_id) REFERENCES authors (id)"],
            "the foreign key of (author_id) is missing or another one",
        ),
        (&[ID, TITLE, PAGES, PRINTED, AUTHOR, KEY], "the check `pages_are_there` is missing"),
        (
            &[ID, "title TEXT NOT NULL", PAGES, PRINTED, AUTHOR, CHECK, KEY],
            "the check `ck_books_title` is missing",
        ),
        (
            &[
                ID,
                TITLE,
                "pages INT NOT NULL AS (1) CONSTRAINT ck_books_pages CHECK (1)",
                PRINTED,
                AUTHOR,
                CHECK,
                KEY,
            ],
            "the column `pages` is computed by the database",
        ),
    ];
    for (parts, difference) in cases {
        let error = over(parts).await?.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Book")), "{error}");
        let text = format!("the table `books` is there and differs: {difference}");
        assert_eq!(error.message(), text);
    }
    Ok(())
}

#[tokio::test]
async fn a_name_of_the_schema_that_is_something_else_is_refused() -> Result<()> {
    for (other, text) in [
        ("CREATE VIEW books AS SELECT 1 AS id", "`books` is a view"),
        ("CREATE TABLE uq_books_title (id)", "the name of the index `uq_books_title` belongs to a table"),
        (
            "CREATE TABLE t (id); CREATE INDEX UQ_books_title ON t (id)",
            "the index `uq_books_title` belongs to the table `t`",
        ),
    ] {
        let db = Sqlite::memory().await?;
        db.execute_batch(other).await?;
        let error = Library::create_all(&db).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert!(error.message().ends_with(text), "{error}");
    }
    let db = Sqlite::memory().await?;
    Library::create_all(&db).await?;
    db.execute_batch("DROP INDEX uq_books_title; CREATE INDEX uq_books_title ON books (title)").await?;
    let error = Library::create_all(&db).await.unwrap_err();
    assert!(error.message().ends_with("the index `uq_books_title` is another one"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_relation_may_lead_to_a_table_that_is_there() -> Result<()> {
    let db = Sqlite::memory().await?;
    let error = Books::create_all(&db).await.unwrap_err();
    assert_eq!((error.kind(), error.fields()), (ErrorKind::Schema, &["author".to_owned()][..]));
    assert_eq!(error.hint(), Some("add `Author` to the `schema!`"));
    db.execute_batch("CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT)").await?;
    Books::create_all(&db).await
}

mod lower {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Model)]
    #[orm(table = "BOOKS")]
    pub struct Shelf {
        #[orm(primary_key)]
        pub id: i64,
    }
    orm::schema!(pub Twice: Shelf, super::Author, super::Book);
}

#[tokio::test]
async fn tables_that_differ_in_case_are_refused() -> Result<()> {
    let error = lower::Twice::create_all(&Sqlite::memory().await?).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::Schema, Some("Book")));
    assert!(
        error.message().contains("the table `BOOKS` of `Shelf` and the table `books` of `Book`"),
        "{error}"
    );
    Ok(())
}
