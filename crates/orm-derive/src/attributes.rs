//! What a user may write in `#[orm(…)]`, as darling receivers.

use darling::ast::NestedMeta;
use darling::util::{Flag, PathList};
use darling::{Error, FromDeriveInput, FromField, FromMeta, Result};
use syn::{Expr, Ident, Lit, LitStr, Path, Type, Visibility};

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_named))]
pub struct ModelInput {
    pub ident: Ident,
    pub vis: Visibility,
    pub data: darling::ast::Data<darling::util::Ignored, FieldInput>,
    pub table: Option<LitStr>,
    pub rename_all: Option<LitStr>,
    #[darling(multiple)]
    pub index: Vec<PathList>,
    #[darling(multiple)]
    pub unique: Vec<PathList>,
    pub primary_key: Option<PathList>,
    #[darling(multiple)]
    pub check: Vec<Check>,
    pub comment: Option<String>,
    pub renamed_from: Option<String>,
    #[darling(rename = "crate")]
    pub krate: Option<PathArg>,
}

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_named))]
pub struct EmbeddedInput {
    pub ident: Ident,
    pub vis: Visibility,
    pub data: darling::ast::Data<darling::util::Ignored, FieldInput>,
    pub rename_all: Option<LitStr>,
    #[darling(rename = "crate")]
    pub krate: Option<PathArg>,
}

#[derive(FromField)]
#[darling(attributes(orm))]
pub struct FieldInput {
    pub ident: Option<Ident>,
    pub vis: Visibility,
    pub ty: Type,
    pub primary_key: Flag,
    pub auto: Flag,
    pub column: Option<String>,
    pub unique: Flag,
    pub index: Flag,
    pub default: Option<DefaultArg>,
    pub default_fn: Option<PathArg>,
    pub max_len: Option<u32>,
    pub precision: Option<u32>,
    pub scale: Option<u32>,
    pub version: Flag,
    pub created_at: Flag,
    pub updated_at: Flag,
    pub generated: Option<String>,
    pub json: Flag,
    pub embed: Option<EmbedArg>,
    pub skip: Flag,
    pub column_const: Option<LitStr>,
    pub foreign_key: Option<Names>,
    pub references: Option<Names>,
    pub morph: Option<Names>,
    pub on_delete: Option<ActionArg>,
    pub on_update: Option<ActionArg>,
    pub deferrable: Option<DeferrableArg>,
    pub nulls_not_distinct: Flag,
    pub through: Option<PathArg>,
    pub from: Option<Names>,
    pub to: Option<Names>,
    pub keys: Option<Names>,
    pub pair: Option<PathArg>,
    pub renamed_from: Option<String>,
    pub comment: Option<String>,
}

/// `embed` or `embed(prefix = "…")`.
#[derive(Clone, Default)]
pub struct EmbedArg {
    pub prefix: Option<String>,
}

impl FromMeta for EmbedArg {
    fn from_word() -> Result<Self> {
        Ok(EmbedArg::default())
    }
    fn from_list(items: &[NestedMeta]) -> Result<Self> {
        #[derive(FromMeta)]
        struct Prefix {
            prefix: String,
        }
        Ok(EmbedArg { prefix: Some(Prefix::from_list(items)?.prefix) })
    }
}

/// `native` or `native = "name"`.
pub struct NativeArg(pub Option<String>);

impl FromMeta for NativeArg {
    fn from_word() -> Result<Self> {
        Ok(NativeArg(None))
    }
    fn from_string(name: &str) -> Result<Self> {
        Ok(NativeArg(Some(name.to_owned())))
    }
}

/// `key = some::path`.
#[derive(Clone)]
pub struct PathArg(pub Path);

impl FromMeta for PathArg {
    fn from_expr(expr: &Expr) -> Result<Self> {
        match expr {
            Expr::Path(path) => Ok(PathArg(path.path.clone())),
            other => Err(Error::custom("expected a path, without quotes").with_span(other)),
        }
    }
}

/// `key = field` or `key(field, field)`.
#[derive(Clone)]
pub struct Names(pub Vec<Ident>);

fn ident_of(path: &Path) -> Result<Ident> {
    path.get_ident().cloned().ok_or_else(|| Error::custom("expected the name of a field").with_span(path))
}

impl FromMeta for Names {
    fn from_expr(expr: &Expr) -> Result<Self> {
        Ok(Names(vec![ident_of(&PathArg::from_expr(expr)?.0)?]))
    }
    fn from_list(items: &[NestedMeta]) -> Result<Self> {
        Ok(Names(PathList::from_list(items)?.iter().map(ident_of).collect::<Result<_>>()?))
    }
}

/// `on_delete = cascade`.
#[derive(Clone)]
pub struct ActionArg(pub Ident);

impl FromMeta for ActionArg {
    fn from_expr(expr: &Expr) -> Result<Self> {
        let name = ident_of(&PathArg::from_expr(expr)?.0)?;
        let variant = match name.to_string().as_str() {
            "cascade" => "Cascade",
            "restrict" => "Restrict",
            "set_null" => "SetNull",
            "set_default" => "SetDefault",
            "no_action" => "NoAction",
            _ => {
                let text = "expected cascade, restrict, set_null, set_default or no_action";
                return Err(Error::custom(text).with_span(expr));
            }
        };
        Ok(ActionArg(Ident::new(variant, name.span())))
    }
}

/// `deferrable` or `deferrable = deferred`.
#[derive(Clone, Copy)]
pub struct DeferrableArg {
    pub deferred: bool,
}

impl FromMeta for DeferrableArg {
    fn from_word() -> Result<Self> {
        Ok(DeferrableArg { deferred: false })
    }
    fn from_expr(expr: &Expr) -> Result<Self> {
        match ident_of(&PathArg::from_expr(expr)?.0)?.to_string().as_str() {
            "immediate" => Ok(DeferrableArg { deferred: false }),
            "deferred" => Ok(DeferrableArg { deferred: true }),
            _ => Err(Error::custom(
                "expected `deferrable`, `deferrable = immediate` or `deferrable = deferred`",
            )
            .with_span(expr)),
        }
    }
}

/// `default = literal` or `default(sql = "expression")`.
pub enum DefaultArg {
    Value(Box<Expr>),
    Sql(String),
}

impl FromMeta for DefaultArg {
    fn from_expr(expr: &Expr) -> Result<Self> {
        Ok(DefaultArg::Value(Box::new(expr.clone())))
    }
    fn from_list(items: &[NestedMeta]) -> Result<Self> {
        #[derive(FromMeta)]
        struct Sql {
            sql: String,
        }
        Ok(DefaultArg::Sql(Sql::from_list(items)?.sql))
    }
}

/// `check("name", "expression")`.
pub struct Check {
    pub name: String,
    pub expression: String,
}

impl FromMeta for Check {
    fn from_list(items: &[NestedMeta]) -> Result<Self> {
        match items {
            [NestedMeta::Lit(Lit::Str(name)), NestedMeta::Lit(Lit::Str(expression))] => {
                Ok(Check { name: name.value(), expression: expression.value() })
            }
            _ => Err(Error::custom("expected `check(\"name\", \"expression\")`")),
        }
    }
}
