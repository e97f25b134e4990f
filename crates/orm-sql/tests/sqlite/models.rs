//! Hand-made models: users, posts, tags and the table between, and one with strange names.

use std::sync::LazyLock;

use orm_core::ir::{ColumnRef, Command, Delete, Expr, Insert, Select, Source, Update};
use orm_core::meta::*;
use orm_core::value::{ColumnType, Datum, EnumMeta};

pub static ROLE: EnumMeta =
    EnumMeta { name: "role", integer: false, native: false, variants: &[("admin", 0), ("it's", 1)] };

/// Anything that is a command.
pub struct Any(pub Command);

macro_rules! commands {
    ($($name:ident)*) => {$(
        impl From<$name> for Any {
            fn from(command: $name) -> Self {
                Any(Command::$name(Box::new(command)))
            }
        }
    )*};
}
commands! { Select Insert Update Delete }

fn column(name: &str, ty: ColumnType) -> ColumnMeta {
    ColumnMeta { field: name.into(), name: name.into(), ty: Some(ty), ..Default::default() }
}

fn nullable(name: &str, ty: ColumnType) -> ColumnMeta {
    ColumnMeta { nullable: true, ..column(name, ty) }
}

fn auto() -> ColumnMeta {
    ColumnMeta { auto: true, ..column("id", ColumnType::I64) }
}

fn relation(
    name: &'static str,
    kind: RelationKind,
    target: ModelFn,
    local: &'static [u16],
    remote: &'static [u16],
) -> RelationMeta {
    RelationMeta { name, kind, target, local, remote, link: LinkMeta::Columns, morph: None }
}

/// id, name, age?, balance, active, parent_id?
pub fn user() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
        name: "User",
        table: "users",
        columns: vec![
            auto(),
            ColumnMeta { max_len: Some(40), ..column("name", ColumnType::Text) },
            nullable("age", ColumnType::I32),
            column("balance", ColumnType::Decimal),
            ColumnMeta {
                default: Some(DefaultMeta::Value(Datum::Bool(true))),
                ..column("active", ColumnType::Bool)
            },
            nullable("parent_id", ColumnType::I64),
        ],
        primary_key: &[0],
        relations: vec![
            relation("posts", RelationKind::HasMany, post, &[0], &[1]),
            relation("children", RelationKind::HasMany, user, &[0], &[5]),
            RelationMeta {
                morph: Some(MorphMeta { column: 2, tag: "it's a user" }),
                ..relation("titled", RelationKind::HasMany, post, &[0], &[1])
            },
        ],
        foreign_keys: vec![ForeignKeyMeta {
            columns: &[5],
            target: user,
            target_columns: &[],
            on_delete: Action::SetNull,
            on_update: Action::NoAction,
            deferral: orm_core::meta::Deferral::Never,
        }],
        indexes: vec![IndexMeta {
            name: "users_name".into(),
            columns: vec![1],
            unique: true,
            nulls_not_distinct: false,
        }],
        checks: vec![CheckMeta { name: "adult", expression: "age >= 18" }],
        ..Default::default()
    });
    &META
}

/// id, author_id, title
pub fn post() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
        name: "Post",
        table: "posts",
        columns: vec![auto(), column("author_id", ColumnType::I64), column("title", ColumnType::Text)],
        primary_key: &[0],
        relations: vec![
            relation("author", RelationKind::BelongsTo, user, &[1], &[0]),
            RelationMeta {
                link: LinkMeta::Join(ThroughMeta {
                    model: post_tag,
                    new_row: || orm_core::write::NewRow::new(post_tag()),
                    near: &[0],
                    far: &[1],
                }),
                ..relation("tags", RelationKind::ManyToMany, tag, &[0], &[0])
            },
        ],
        ..Default::default()
    });
    &META
}

/// id, label
pub fn tag() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
        name: "Tag",
        table: "tags",
        columns: vec![auto(), column("label", ColumnType::Text)],
        primary_key: &[0],
        ..Default::default()
    });
    &META
}

/// post_id, tag_id
pub fn post_tag() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
        name: "PostTag",
        table: "post_tags",
        columns: vec![column("post_id", ColumnType::I64), column("tag_id", ColumnType::I64)],
        primary_key: &[0, 1],
        foreign_keys: vec![ForeignKeyMeta {
            columns: &[1],
            target: tag,
            target_columns: &[],
            on_delete: Action::Cascade,
            on_update: Action::Cascade,
            deferral: orm_core::meta::Deferral::Never,
        }],
        ..Default::default()
    });
    &META
}

/// A table called `t0` with columns called `select`, `a"b` and the like.
pub fn odd() -> &'static ModelMeta {
    static META: LazyLock<ModelMeta> = LazyLock::new(|| ModelMeta {
        name: "Odd",
        table: "t0",
        columns: vec![
            column("select", ColumnType::Uuid),
            column("a\"b", ColumnType::Enum(&ROLE)),
            ColumnMeta { generated: Some("lower(\"a\"\"b\")"), ..column("lower", ColumnType::Text) },
            ColumnMeta { default: Some(DefaultMeta::Sql("1 + 1")), ..column("two", ColumnType::I16) },
            column("data", ColumnType::Bytes),
        ],
        primary_key: &[0],
        relations: vec![relation("same", RelationKind::HasOne, odd, &[0], &[0])],
        ..Default::default()
    });
    &META
}

pub fn source(model: fn() -> &'static ModelMeta) -> Source {
    Source { model: model(), alias: "" }
}

pub fn select(model: fn() -> &'static ModelMeta) -> Select {
    Select::new(source(model))
}

pub fn col(model: fn() -> &'static ModelMeta, index: u16) -> Expr {
    Expr::Column(ColumnRef { source: source(model), index })
}

pub fn int(value: i64) -> Expr {
    Expr::Value(Datum::I64(value), ColumnType::I64)
}

pub fn text(value: &str) -> Expr {
    Expr::Value(Datum::Text(value.into()), ColumnType::Text)
}

pub fn eq(left: Expr, right: Expr) -> Expr {
    Expr::binary(orm_core::ir::BinaryOp::Eq, left, right, ColumnType::I64)
}
