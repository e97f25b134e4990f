//! sea-orm over sqlx, by its entities and its loader, over any database.

use std::marker::PhantomData;

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use orm_bench_cases::{Library, NewUser, tables};
use sea_orm::{
    ActiveValue, ColumnTrait, DatabaseConnection, EntityTrait, LoaderTrait, QueryFilter, TransactionTrait,
};

mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub hair_color: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::post::Entity")]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod post {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "posts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub user_id: i64,
        pub title: String,
        pub body: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::user::Entity",
            from = "Column::UserId",
            to = "super::user::Column::Id"
        )]
        User,
        #[sea_orm(has_many = "super::comment::Entity")]
        Comment,
    }

    impl Related<super::user::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl Related<super::comment::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Comment.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "comments")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub post_id: i64,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::post::Entity",
            from = "Column::PostId",
            to = "super::post::Column::Id"
        )]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

tables!(user::Model, post::Model, comment::Model);

pub type Tree = (user::Model, Vec<(post::Model, Vec<comment::Model>)>);

/// How a database is opened.
pub trait Connect {
    /// Opens it.
    // Nobody sends these futures to another thread.
    #[allow(async_fn_in_trait)]
    async fn connect(place: &str) -> Result<DatabaseConnection>;
}

/// An open database.
pub struct SeaOrm<C> {
    db: DatabaseConnection,
    connect: PhantomData<C>,
}

impl<C: Connect> Library for SeaOrm<C> {
    const NAME: &'static str = "sea-orm";
    type User = user::Model;
    type Pair = (user::Model, Option<post::Model>);
    type Trees = Vec<Tree>;

    async fn open(place: &str) -> Result<Self> {
        Ok(SeaOrm { db: C::connect(place).await?, connect: PhantomData })
    }

    async fn select(&mut self) -> Result<Vec<user::Model>> {
        Ok(user::Entity::find().all(&self.db).await?)
    }

    async fn filtered_join(&mut self) -> Result<Vec<Self::Pair>> {
        let black = user::Entity::find().filter(user::Column::HairColor.eq("black"));
        Ok(black.find_also_related(post::Entity).all(&self.db).await?)
    }

    async fn nested(&mut self) -> Result<Vec<Tree>> {
        let users = user::Entity::find().all(&self.db).await?;
        let posts = users.load_many(post::Entity, &self.db).await?;
        let all: Vec<post::Model> = posts.iter().flatten().cloned().collect();
        let mut comments = all.load_many(comment::Entity, &self.db).await?.into_iter();
        let posts = posts.into_iter().map(|posts| posts.into_iter().zip(comments.by_ref()).collect());
        Ok(users.into_iter().zip(posts).collect())
    }

    async fn by_key(&mut self, id: i64) -> Result<user::Model> {
        user::Entity::find_by_id(id).one(&self.db).await?.context("no such user")
    }

    async fn concurrent(&mut self, keys: &[i64]) -> Result<Vec<user::Model>> {
        let reads = keys.iter().map(|id| user::Entity::find_by_id(*id).one(&self.db));
        try_join_all(reads).await?.into_iter().collect::<Option<_>>().context("no such user")
    }

    async fn insert(&mut self, users: &[NewUser]) -> Result<()> {
        let transaction = self.db.begin().await?;
        // SQLite takes 32 766 parameters, PostgreSQL twice as many.
        for chunk in users.chunks(16_383) {
            let rows = chunk.iter().map(|user| user::ActiveModel {
                id: ActiveValue::NotSet,
                name: ActiveValue::Set(user.name.clone()),
                hair_color: ActiveValue::Set(user.hair_color.clone()),
            });
            user::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn clear(&mut self) -> Result<()> {
        user::Entity::delete_many().exec(&self.db).await?;
        Ok(())
    }
}
