//! toasty, served to the benches: see `orm_bench_cases::remote`.

use anyhow::Result;
use futures_util::future::try_join_all;
use orm_bench_cases::{Content, Digest, Library, NewUser, remote, tables};
use toasty::{Db, Deferred};

// Keys are `u64`, as in its guide: it cannot include a relation over `i64` keys.
#[derive(Debug, toasty::Model)]
#[table = "users"]
struct User {
    #[key]
    #[auto]
    id: u64,
    name: String,
    hair_color: Option<String>,
    #[has_many]
    posts: Deferred<Vec<Post>>,
}

#[derive(Debug, toasty::Model)]
#[table = "posts"]
struct Post {
    #[key]
    #[auto]
    id: u64,
    #[index]
    user_id: u64,
    title: String,
    body: Option<String>,
    #[belongs_to(key = user_id, references = id)]
    user: Deferred<User>,
    #[has_many]
    comments: Deferred<Vec<Comment>>,
}

#[derive(Debug, toasty::Model)]
#[table = "comments"]
struct Comment {
    #[key]
    #[auto]
    id: u64,
    #[index]
    post_id: u64,
    text: String,
    #[belongs_to(key = post_id, references = id)]
    post: Deferred<Post>,
}

tables!(User, Post, Comment);

/// A user with the posts it was loaded with, to be counted as the pairs of a join.
struct Joined(User);

impl Content for Joined {
    fn add_to(&self, digest: &mut Digest) {
        let posts = self.0.posts.get();
        if posts.is_empty() {
            self.0.add_to(digest);
            None::<Post>.add_to(digest);
        }
        for post in posts {
            self.0.add_to(digest);
            post.add_to(digest);
        }
    }
}

struct Trees(Vec<User>);

impl Content for Trees {
    fn add_to(&self, digest: &mut Digest) {
        for user in &self.0 {
            user.add_to(digest);
            for post in user.posts.get() {
                post.add_to(digest);
                post.comments.get().add_to(digest);
            }
        }
    }
}

struct Toasty {
    db: Db,
}

impl Library for Toasty {
    const NAME: &'static str = "toasty";
    type User = User;
    type Pair = Joined;
    type Trees = Trees;

    async fn open(place: &str) -> Result<Self> {
        if place.starts_with("postgres") {
            let mut builder = Db::builder();
            builder.models(toasty::models!(User, Post, Comment)).max_pool_size(10);
            return Ok(Toasty { db: builder.connect(place).await? });
        }
        let url = format!("sqlite:{place}");
        // One connection, since pragmas cannot be set for all of a pool.
        let mut db =
            Db::builder().models(toasty::models!(User, Post, Comment)).max_pool_size(1).connect(&url).await?;
        for pragma in
            ["journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "wal_autocheckpoint = 0"]
        {
            toasty::sql::query(format!("PRAGMA {pragma}")).exec(&mut db).await?;
        }
        Ok(Toasty { db })
    }

    async fn select(&mut self) -> Result<Vec<User>> {
        Ok(User::all().exec(&mut self.db).await?)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Joined>> {
        // It has no joins; this is how it loads the same rows.
        let black = User::filter(User::fields().hair_color().eq("black"));
        let users = black.include(User::fields().posts()).exec(&mut self.db).await?;
        Ok(users.into_iter().map(Joined).collect())
    }

    async fn nested(&mut self) -> Result<Trees> {
        Ok(Trees(User::all().include(User::fields().posts().comments()).exec(&mut self.db).await?))
    }

    async fn by_key(&mut self, id: i64) -> Result<User> {
        Ok(User::get_by_id(&mut self.db, u64::try_from(id)?).await?)
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<User>> {
        let reads = keys.iter().map(|id| {
            let mut db = self.db.clone();
            async move { Ok(User::get_by_id(&mut db, u64::try_from(*id)?).await?) }
        });
        try_join_all(reads).await
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let mut transaction = self.db.transaction().await?;
        let mut rows = User::create_many();
        for user in users {
            rows = rows.item(User::create().name(&user.name).hair_color(user.hair_color.clone()));
        }
        rows.exec(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn clear(&mut self) -> Result<()> {
        toasty::sql::statement("DELETE FROM users").exec(&mut self.db).await?;
        Ok(())
    }
}

fn main() -> Result<()> {
    remote::serve::<Toasty>()
}
