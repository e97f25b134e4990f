//! The checked description of a model: every question of the emitters has one answer here.

use darling::{Error, FromDeriveInput};
use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{DeriveInput, GenericArgument, Ident, LitStr, PathArguments, Type, Visibility};

use crate::attributes::{FieldInput, ModelInput, Names, PathArg};

pub struct Model {
    pub ident: Ident,
    pub vis: Visibility,
    pub krate: TokenStream,
    pub table: String,
    pub columns: Vec<Column>,
    /// Embedded structs; their columns come after all others.
    pub embeds: Vec<Embed>,
    pub relations: Vec<Relation>,
    pub skipped: Vec<Ident>,
    pub primary_key: Vec<u16>,
    pub indexes: Vec<Index>,
    pub checks: Vec<(String, String)>,
    pub comment: Option<String>,
    pub renamed_from: Option<String>,
}

pub struct Column {
    pub field: FieldInput,
    pub ident: Ident,
    pub constant: Ident,
    pub name: String,
    pub index: u16,
    pub required: bool,
    /// The embedded struct that a list holds.
    pub element: Option<Type>,
}

pub struct Embed {
    pub field: FieldInput,
    pub ident: Ident,
    pub constant: Ident,
    pub prefix: String,
    /// The struct, without its `Option`.
    pub ty: Type,
    pub optional: bool,
    /// Where its columns start, as an expression.
    pub base: TokenStream,
}

pub struct Relation {
    pub field: FieldInput,
    pub ident: Ident,
    pub constant: Ident,
    pub index: u16,
    pub kind: Kind,
    pub target: Type,
    /// The columns of this model that keep the key: of a `BelongsTo`, or the array of keys of a `ManyToMany`.
    pub keys: Vec<u16>,
    /// The `BelongsTo` fields of the join model that lead to this model and to the target, where they are named.
    pub ways: Option<(Ident, Ident)>,
}

impl Relation {
    /// Whether this model keeps the keys of the other rows in an array.
    pub fn by_array(&self) -> bool {
        self.kind == Kind::ManyToMany && !self.keys.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    BelongsTo,
    HasOne,
    HasMany,
    ManyToMany,
    MorphTo,
}

pub struct Index {
    pub columns: Vec<u16>,
    pub unique: bool,
    pub nulls_not_distinct: bool,
}

/// Associated functions that a constant of the same name would hide.
const VERBS: &[&str] = &[
    "create",
    "filter",
    "query",
    "find",
    "find_many",
    "insert_many",
    "update_many",
    "upsert",
    "upsert_many",
    "meta",
    "update",
    "save",
    "delete",
    "datum",
    "fetch",
    "from_row",
    "nullable",
];

impl Model {
    /// Reads and checks a struct; all errors at once.
    pub fn parse(input: &DeriveInput) -> darling::Result<Self> {
        let parsed = ModelInput::from_derive_input(input)?;
        let mut errors = Error::accumulator();
        if !input.generics.params.is_empty() {
            errors.push(
                Error::custom("a model cannot have type parameters or lifetimes").with_span(&input.generics),
            );
        }
        let krate = krate_path(parsed.krate.as_ref());
        let Fields { mut columns, embeds, mut relations, skipped } = Fields::read(
            &krate,
            parsed.rename_all.as_ref(),
            parsed.data.take_struct().map(|fields| fields.fields).unwrap_or_default(),
            &mut errors,
        );
        let find = |name: &Ident, errors: &mut darling::error::Accumulator| -> Option<u16> {
            let found = columns.iter().find(|column: &&Column| column.ident == *name);
            if found.is_none() {
                let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.ident)).collect();
                errors.push(
                    Error::custom(format!("no column field `{name}`; there are {}", names.join(", ")))
                        .with_span(name),
                );
            }
            found.map(|column| column.index)
        };
        let list = |paths: &darling::util::PathList, errors: &mut darling::error::Accumulator| -> Vec<u16> {
            paths.iter().filter_map(|path| path.get_ident()).filter_map(|name| find(name, errors)).collect()
        };
        let marked: Vec<&Column> =
            columns.iter().filter(|column| column.field.primary_key.is_present()).collect();
        let primary_key = match (&parsed.primary_key, marked.as_slice()) {
            (Some(paths), []) => list(paths, &mut errors),
            (None, [only]) => vec![only.index],
            (None, []) => {
                errors.push(Error::custom("no primary key: mark one field with `#[orm(primary_key)]`, or name several with `#[orm(primary_key(a, b))]` on the struct").with_span(&parsed.ident));
                Vec::new()
            }
            (None, [_, second, ..]) => {
                errors.push(Error::custom("a second primary key: name all its fields with `#[orm(primary_key(a, b))]` on the struct instead").with_span(&second.ident));
                Vec::new()
            }
            (Some(_), [first, ..]) => {
                errors.push(
                    Error::custom("the primary key is already named on the struct").with_span(&first.ident),
                );
                Vec::new()
            }
        };
        for column in columns.iter().filter(|column| column.field.auto.is_present()) {
            if primary_key != [column.index] {
                let text =
                    "`auto` numbers the rows of a table: it belongs on the only field of the primary key";
                errors.push(Error::custom(text).with_span(&column.ident));
            }
        }
        for relation in &mut relations {
            check_relation(&parsed.ident, relation, &find, &mut errors);
        }
        let mut indexes = Vec::new();
        for column in &columns {
            if column.field.unique.is_present() || column.field.index.is_present() {
                indexes.push(Index {
                    columns: vec![column.index],
                    unique: column.field.unique.is_present(),
                    nulls_not_distinct: column.field.nulls_not_distinct.is_present(),
                });
            }
            if column.field.nulls_not_distinct.is_present() && !column.field.unique.is_present() {
                let text = "`nulls_not_distinct` says how `unique` is meant: add `unique`";
                errors.push(Error::custom(text).with_span(&column.ident));
            }
        }
        for paths in &parsed.index {
            indexes.push(Index {
                columns: list(paths, &mut errors),
                unique: false,
                nulls_not_distinct: false,
            });
        }
        for paths in &parsed.unique {
            // `unique(a, b, nulls_not_distinct)`
            let (options, names): (Vec<_>, Vec<_>) =
                paths.iter().cloned().partition(|path| path.is_ident("nulls_not_distinct"));
            let columns = list(&darling::util::PathList::new(names), &mut errors);
            indexes.push(Index { columns, unique: true, nulls_not_distinct: !options.is_empty() });
        }
        let table = parsed
            .table
            .as_ref()
            .map_or_else(|| plural(&parsed.ident.to_string().to_snake_case()), syn::LitStr::value);
        for relation in relations.iter().filter(|relation| relation.kind == Kind::ManyToMany) {
            // A row without links gets an empty array when it is written.
            for key in &relation.keys {
                columns
                    .iter_mut()
                    .filter(|column| column.index == *key)
                    .for_each(|column| column.required = false);
            }
        }
        errors.finish()?;
        Ok(Model {
            ident: parsed.ident,
            vis: parsed.vis,
            krate,
            table,
            columns,
            embeds,
            relations,
            skipped,
            primary_key,
            indexes,
            checks: parsed.check.into_iter().map(|check| (check.name, check.expression)).collect(),
            comment: parsed.comment,
            renamed_from: parsed.renamed_from,
        })
    }

    pub fn belongs_to(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(|relation| relation.kind == Kind::BelongsTo)
    }
}

/// The path of the library: `::orm`, or what `#[orm(crate = …)]` says.
pub fn krate_path(path: Option<&PathArg>) -> TokenStream {
    match path {
        Some(PathArg(path)) => quote!(#path),
        None => quote!(::orm),
    }
}

/// The fields of a struct, sorted by what they are.
pub struct Fields {
    pub columns: Vec<Column>,
    pub embeds: Vec<Embed>,
    pub relations: Vec<Relation>,
    pub skipped: Vec<Ident>,
}

impl Fields {
    pub fn read(
        krate: &TokenStream,
        rename_all: Option<&LitStr>,
        fields: Vec<FieldInput>,
        errors: &mut darling::error::Accumulator,
    ) -> Self {
        let rename = |name: &str| match rename_all {
            Some(style) => rename(name, &style.value()),
            None => Some(name.to_owned()),
        };
        if let Some(style) = rename_all
            && self::rename("a", &style.value()).is_none()
        {
            errors.push(Error::custom("expected snake_case, camelCase, PascalCase, SCREAMING_SNAKE_CASE, kebab-case, lowercase or UPPERCASE").with_span(style));
        }
        let mut read =
            Fields { columns: Vec::new(), embeds: Vec::new(), relations: Vec::new(), skipped: Vec::new() };
        for field in fields {
            let Some(ident) = field.ident.clone() else { continue };
            let name = ident.to_string().trim_start_matches("r#").to_owned();
            if field.skip.is_present() {
                read.skipped.push(ident);
                continue;
            }
            let constant = match &field.column_const {
                Some(text) => Ident::new(&text.value(), text.span()),
                None => ident.clone(),
            };
            if VERBS.contains(&constant.to_string().as_str()) {
                errors.push(
                    Error::custom(format!(
                        "the constant `{constant}` would hide the verb `{constant}`; rename it with `#[orm(column_const = \"{constant}_\")]`"
                    ))
                    .with_span(&ident),
                );
            }
            if let Some((kind, target)) = slot(&field.ty) {
                let index = read.relations.len() as u16;
                read.relations.push(Relation {
                    ident,
                    constant,
                    index,
                    kind,
                    target,
                    keys: Vec::new(),
                    ways: None,
                    field,
                });
            } else if let (Some(embed), None) = (&field.embed, vec_of(&field.ty)) {
                let (ty, optional) = match option_of(&field.ty) {
                    Some(inner) => (inner, true),
                    None => (field.ty.clone(), false),
                };
                let prefix = embed.prefix.clone().unwrap_or_else(|| format!("{name}_"));
                read.embeds.push(Embed { ident, constant, prefix, ty, optional, base: quote!(), field });
            } else {
                let index = read.columns.len() as u16;
                let given = field.auto.is_present()
                    || field.default.is_some()
                    || field.default_fn.is_some()
                    || field.created_at.is_present()
                    || field.updated_at.is_present()
                    || field.version.is_present()
                    || field.generated.is_some();
                let required = !given && !is_option(&field.ty);
                let element = vec_of(&field.ty).filter(|_| field.embed.is_some());
                let name = field.column.clone().or_else(|| rename(&name)).unwrap_or(name);
                read.columns.push(Column { ident, constant, name, index, required, element, field });
            }
        }
        let mut base = {
            let count = read.columns.len() as u16;
            quote!(#count)
        };
        for embed in &mut read.embeds {
            embed.base = base.clone();
            let ty = &embed.ty;
            base = quote!(#base + <#ty as #krate::Embedded>::WIDTH as u16);
        }
        read
    }

    /// How many columns there are, as an expression.
    pub fn width(krate: &TokenStream, columns: &[Column], embeds: &[Embed]) -> TokenStream {
        let (count, types) = (columns.len(), embeds.iter().map(|embed| &embed.ty));
        quote!(#count #(+ <#types as #krate::Embedded>::WIDTH)*)
    }
}

/// The fields of a join model that a relation goes by: both are named, or neither.
fn ways(
    model: &Ident,
    relation: &Relation,
    errors: &mut darling::error::Accumulator,
) -> Option<(Ident, Ident)> {
    let field = &relation.field;
    let name = |names: &Option<Names>| match names.as_ref().map(|names| names.0.as_slice()) {
        Some([name]) => Some(name.clone()),
        _ => None,
    };
    let to_itself = matches!(&relation.target, Type::Path(path) if path.path.is_ident(model) || path.path.is_ident("Self"));
    match (name(&field.from), name(&field.to)) {
        (Some(from), Some(to)) if field.through.is_some() => return Some((from, to)),
        _ if field.from.is_some() || field.to.is_some() => errors.push(
            Error::custom("`from` and `to` each name a `BelongsTo` field of the join model: `#[orm(through = …, from = …, to = …)]`")
                .with_span(&relation.ident),
        ),
        _ if to_itself && field.through.is_some() => errors.push(
            Error::custom("a relation of a model to itself needs both ways through the join model: name its two `BelongsTo` fields with `#[orm(through = …, from = …, to = …)]`")
                .with_span(&relation.ident),
        ),
        _ => {}
    }
    None
}

fn check_relation(
    model: &Ident,
    relation: &mut Relation,
    find: &dyn Fn(&Ident, &mut darling::error::Accumulator) -> Option<u16>,
    errors: &mut darling::error::Accumulator,
) {
    let at = relation.field.ty.span();
    relation.ways = ways(model, relation, errors);
    match relation.kind {
        Kind::BelongsTo => match &relation.field.foreign_key {
            Some(names) => relation.keys = names.0.iter().filter_map(|name| find(name, errors)).collect(),
            None => errors.push(
                Error::custom(format!(
                    "`{}` does not say which field keeps its key: add `#[orm(foreign_key = {}_id)]`",
                    relation.ident, relation.ident
                ))
                .with_span(&at),
            ),
        },
        Kind::MorphTo => match relation.field.morph.as_ref().map(|names| names.0.as_slice()) {
            Some(names @ [_, _]) => relation.keys = names.iter().filter_map(|name| find(name, errors)).collect(),
            _ => errors.push(
                Error::custom(format!(
                    "`{}` does not say which fields keep the kind and the key: add `#[orm(morph({}_kind, {}_id))]`",
                    relation.ident, relation.ident, relation.ident
                ))
                .with_span(&at),
            ),
        },
        Kind::ManyToMany => match (&relation.field.through, &relation.field.keys, &relation.field.pair) {
            (Some(_), None, None) | (None, None, Some(_)) => {}
            (None, Some(Names(names)), None) => match names.as_slice() {
                [name] => relation.keys = find(name, errors).into_iter().collect(),
                _ => errors.push(Error::custom("the keys are in one field").with_span(&at)),
            },
            (None, None, None) => errors.push(
                Error::custom("a many-to-many relation needs the model between, `#[orm(through = …)]`, or the field with an array of keys, `#[orm(keys = …)]`; where the other side has the keys, name its relation: `#[orm(pair = …)]`")
                    .with_span(&at),
            ),
            _ => errors.push(
                Error::custom("a many-to-many relation has one of `through`, `keys` and `pair`").with_span(&at),
            ),
        },
        _ if relation.field.keys.is_some() => errors.push(
            Error::custom("only a `ManyToMany` has an array of keys: one key is named with `#[orm(foreign_key = …)]`")
                .with_span(&at),
        ),
        _ if relation.field.foreign_key.is_some() => errors.push(
            Error::custom("the foreign key belongs to the `BelongsTo` field on the other side; here, name that field with `#[orm(pair = …)]`")
                .with_span(&at),
        ),
        _ => {}
    }
}

/// The kind and target of a relation slot, by the last segment of its type.
fn slot(ty: &Type) -> Option<(Kind, Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let kind = match last.ident.to_string().as_str() {
        "BelongsTo" => Kind::BelongsTo,
        "HasOne" => Kind::HasOne,
        "HasMany" => Kind::HasMany,
        "ManyToMany" => Kind::ManyToMany,
        "MorphTo" => Kind::MorphTo,
        _ => return None,
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(target) => Some((kind, target.clone())),
        _ => None,
    }
}

/// Whether the type is spelled `Option<…>`. Only the create builder asks; nullability itself is decided by the trait.
pub fn is_option(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| name == "Option")
}

/// What an `Option<…>` holds.
pub fn option_of(ty: &Type) -> Option<Type> {
    argument_of(ty, "Option")
}

/// What a `Vec<…>` holds.
fn vec_of(ty: &Type) -> Option<Type> {
    argument_of(ty, "Vec")
}

fn argument_of(ty: &Type, name: &str) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}

/// Whether the type is one of those, by their spelling, for which builders take anything that becomes one.
pub fn takes_into(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| ["Option", "String", "Array"].iter().any(|known| name == known))
}

fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// A name in a style; `None` for an unknown style.
pub fn rename(name: &str, style: &str) -> Option<String> {
    Some(match style {
        "snake_case" => name.to_snake_case(),
        "camelCase" => name.to_lower_camel_case(),
        "PascalCase" => name.to_upper_camel_case(),
        "SCREAMING_SNAKE_CASE" => name.to_shouty_snake_case(),
        "kebab-case" => name.to_kebab_case(),
        "lowercase" => name.to_lowercase(),
        "UPPERCASE" => name.to_uppercase(),
        _ => return None,
    })
}

/// The plural of an English noun, by the regular rules; `table = "…"` says what they cannot.
fn plural(noun: &str) -> String {
    let vowel_before_y =
        noun.ends_with("ay") || noun.ends_with("ey") || noun.ends_with("oy") || noun.ends_with("uy");
    if let Some(stem) = noun.strip_suffix('y').filter(|_| !vowel_before_y) {
        return format!("{stem}ies");
    }
    if ["s", "x", "z", "ch", "sh"].iter().any(|end| noun.ends_with(end)) {
        return format!("{noun}es");
    }
    format!("{noun}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(input: TokenStream) -> Vec<String> {
        match syn::parse2::<DeriveInput>(input).map(|input| Model::parse(&input)) {
            Ok(Ok(_)) => Vec::new(),
            Ok(Err(error)) => error.flatten().into_iter().map(|error| error.to_string()).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn plurals_follow_the_regular_rules() {
        assert_eq!(
            ["post", "category", "day", "box", "match"].map(plural),
            ["posts", "categories", "days", "boxes", "matches"]
        );
    }

    #[test]
    fn a_model_without_a_key_is_told_how_to_get_one() {
        assert!(
            errors(quote!(
                struct A {
                    id: i64,
                }
            ))[0]
                .starts_with("no primary key")
        );
    }

    #[test]
    fn all_errors_come_in_one_run() {
        let found = errors(quote! {
            #[orm(index(nope))]
            struct A { #[orm(primary_key)] id: i64, b: BelongsTo<B>, find: i32 }
        });
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_relation_of_a_model_to_itself_names_both_ways() {
        let found = errors(quote! {
            struct Person {
                #[orm(primary_key)] id: i64,
                #[orm(through = Friendship)] friends: ManyToMany<Person>,
            }
        });
        assert!(found[0].contains("from = …, to = …"), "{found:?}");
        let found = errors(quote! {
            struct Person {
                #[orm(primary_key)] id: i64,
                #[orm(through = Friendship, from = person)] friends: ManyToMany<Person>,
                #[orm(from = a, to = b)] pets: HasMany<Pet>,
            }
        });
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            errors(quote! {
                struct Person {
                    #[orm(primary_key)] id: i64,
                    #[orm(through = Friendship, from = person, to = friend)] friends: ManyToMany<Person>,
                }
            })
            .is_empty()
        );
    }

    #[test]
    fn an_unknown_attribute_suggests_the_nearest_one() {
        let found = errors(quote!(
            struct A {
                #[orm(primary_kye)]
                id: i64,
            }
        ));
        assert!(found[0].contains("primary_key"), "{found:?}");
    }
}
