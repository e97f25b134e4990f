//! The metadata.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Lit, Path};

use super::columns::column_type;
use crate::attributes::{ActionArg, DefaultArg, DeferrableArg};
use crate::model::{Column, Embed, Kind, Model, Relation, is_option};

pub fn emit(model: &Model) -> TokenStream {
    let (krate, name, table) = (&model.krate, model.ident.to_string(), &model.table);
    let columns = model.columns.iter().map(|column| {
        let (path, name) = (column.ident.to_string(), &column.name);
        column_meta(
            krate,
            column,
            &quote!(#path.into()),
            &quote!(#name.into()),
            &quote!(::std::string::String::new()),
            &quote!(false),
        )
    });
    let embeds =
        model.embeds.iter().map(|embed| embed_meta(krate, embed, &embed.ident.to_string(), &embed.prefix));
    let primary_key = &model.primary_key;
    let relations = model.relations.iter().map(|relation| relation_meta(model, relation));
    let foreign_keys = model.belongs_to().map(|relation| foreign_key(model, relation));
    let indexes = model.indexes.iter().map(|index| {
        let names: Vec<&str> =
            index.columns.iter().map(|column| model.columns[*column as usize].name.as_str()).collect();
        let kind = if index.unique { "uq" } else { "idx" };
        let (columns, unique, nulls) = (&index.columns, index.unique, index.nulls_not_distinct);
        quote!(#krate::meta::IndexMeta {
            name: #krate::schema::derived_name(#kind, #table, &[#(#names),*]),
            columns: vec![#(#columns),*],
            unique: #unique,
            nulls_not_distinct: #nulls,
        })
    });
    let checks = model
        .checks
        .iter()
        .map(|(name, expression)| quote!(#krate::meta::CheckMeta { name: #name, expression: #expression }));
    let (comment, renamed_from) = (option(&model.comment), option(&model.renamed_from));
    let version = option(
        &model.columns.iter().find(|column| column.field.version.is_present()).map(|column| column.index),
    );
    quote! {
        #krate::meta::ModelMeta {
            name: #name,
            table: #table,
            columns: {
                #[allow(unused_mut)]
                let mut columns = vec![#(#columns),*];
                #(#embeds)*
                columns
            },
            primary_key: &[#(#primary_key),*],
            relations: vec![#(#relations),*],
            foreign_keys: vec![#(#foreign_keys),*],
            indexes: vec![#(#indexes),*],
            checks: vec![#(#checks),*],
            comment: #comment,
            renamed_from: #renamed_from,
            version: #version,
        }
    }
}

fn option<T: quote::ToTokens>(value: &Option<T>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// Appends the columns of an embedded struct to `columns`.
fn embed_meta(krate: &TokenStream, embed: &Embed, path: &str, prefix: &str) -> TokenStream {
    let (ty, optional) = (&embed.ty, embed.optional);
    let optional = optional.then(|| quote!(#krate::model::make_optional(&mut columns[before..], #path);));
    quote! {{
        let before = columns.len();
        let _ = before;
        <#ty as #krate::Embedded>::columns(&mut columns, #path, #prefix, #path, false);
        #optional
    }}
}

/// The metadata of a column. `path`, `name`, `document` and `nullable` are expressions.
pub fn column_meta(
    krate: &TokenStream,
    column: &Column,
    path: &TokenStream,
    name: &TokenStream,
    document: &TokenStream,
    nullable: &TokenStream,
) -> TokenStream {
    let field = &column.field;
    let ty = column_type(krate, column);
    let default = match &field.default {
        None => quote!(None),
        Some(DefaultArg::Sql(sql)) => quote!(Some(#krate::meta::DefaultMeta::Sql(#sql))),
        Some(DefaultArg::Value(value)) => {
            let value = literal(value, is_option(&field.ty));
            quote!(Some(#krate::meta::DefaultMeta::Value({
                let value: #ty = #value;
                <#ty as #krate::value::Value>::encode(value)
            })))
        }
    };
    let (auto, version, created, updated) = (
        field.auto.is_present(),
        field.version.is_present(),
        field.created_at.is_present(),
        field.updated_at.is_present(),
    );
    let client = field.default_fn.is_some();
    let (max_len, precision, scale) =
        (option(&field.max_len), option(&field.precision), option(&field.scale));
    let (generated, renamed_from, comment) =
        (option(&field.generated), option(&field.renamed_from), option(&field.comment));
    quote! {
        #krate::meta::ColumnMeta {
            field: #path,
            name: #name,
            path: #document,
            ty: Some(<#ty as #krate::value::Value>::TYPE),
            nullable: #nullable || <#ty as #krate::value::Value>::NULLABLE,
            required_in: ::core::option::Option::None,
            auto: #auto,
            default: #default,
            client_default: #client,
            max_len: #max_len,
            precision: #precision,
            scale: #scale,
            generated: #generated,
            version: #version,
            created_at: #created,
            updated_at: #updated,
            renamed_from: #renamed_from,
            comment: #comment,
        }
    }
}

/// A default as the user wrote it, in the form that the field's type takes.
fn literal(value: &Expr, optional: bool) -> TokenStream {
    let text = matches!(value, Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_)));
    let value = if text { quote!(::core::convert::Into::into(#value)) } else { quote!(#value) };
    if optional { quote!(Some(#value)) } else { value }
}

fn relation_meta(model: &Model, relation: &Relation) -> TokenStream {
    let (krate, this, target, constant) = (&model.krate, &model.ident, &relation.target, &relation.constant);
    let name = relation.ident.to_string();
    let kind = match relation.kind {
        Kind::BelongsTo => quote!(BelongsTo),
        Kind::HasOne => quote!(HasOne),
        Kind::HasMany => quote!(HasMany),
        Kind::ManyToMany => quote!(ManyToMany),
        Kind::MorphTo => quote!(MorphTo),
    };
    if relation.kind == Kind::MorphTo {
        return quote! {
            #krate::meta::RelationMeta {
                name: #name,
                kind: #krate::meta::RelationKind::MorphTo,
                target: <#this as #krate::Model>::meta,
                local: #this::#constant.local(),
                remote: &[],
                link: #krate::meta::LinkMeta::Columns,
                morph: None,
            }
        };
    }
    let morph = match &relation.field.pair {
        Some(pair) if matches!(relation.kind, Kind::HasOne | Kind::HasMany) => {
            let field = &pair.0;
            quote_spanned!(field.span()=> #target::#field.morph_of::<#this>())
        }
        _ => quote!(None),
    };
    let link = match &relation.field.through {
        Some(through) => {
            let through = &through.0;
            let (near, far) = join_sides(model, relation, through);
            quote!(Join(#krate::meta::ThroughMeta {
                model: <#through as #krate::Model>::meta,
                new_row: <#through as #krate::Model>::new_row,
                near: #near,
                far: #far,
            }))
        }
        None if relation.by_array() => quote!(KeysHere),
        None if relation.kind == Kind::ManyToMany => quote!(KeysThere),
        None => quote!(Columns),
    };
    quote! {
        #krate::meta::RelationMeta {
            name: #name,
            kind: #krate::meta::RelationKind::#kind,
            target: <#target as #krate::Model>::meta,
            local: #this::#constant.local(),
            remote: #this::#constant.remote(),
            link: #krate::meta::LinkMeta::#link,
            morph: #morph,
        }
    }
}

/// The columns of a join model that point to this model, and to the target.
pub fn join_sides(model: &Model, relation: &Relation, through: &Path) -> (TokenStream, TokenStream) {
    let (krate, this, target) = (&model.krate, &model.ident, &relation.target);
    match &relation.ways {
        Some((from, to)) => (
            quote_spanned!(from.span()=> #through::#from.way_to::<#this>()),
            quote_spanned!(to.span()=> #through::#to.way_to::<#target>()),
        ),
        None => (
            quote!(<#through as #krate::model::Pair<#this>>::SIDES.0),
            quote!(<#through as #krate::model::Pair<#target>>::SIDES.0),
        ),
    }
}

fn foreign_key(model: &Model, relation: &Relation) -> TokenStream {
    let (krate, target, keys) = (&model.krate, &relation.target, &relation.keys);
    // The action may stand on the relation or on the field that keeps the key.
    let field_of = |key: &u16| &model.columns[*key as usize].field;
    let action = |own: &Option<ActionArg>, of_key: Option<&ActionArg>| {
        let action = own.as_ref().or(of_key);
        match action {
            Some(ActionArg(action)) => quote!(#krate::meta::Action::#action),
            None => quote!(#krate::meta::Action::NoAction),
        }
    };
    let on_delete =
        action(&relation.field.on_delete, keys.iter().find_map(|key| field_of(key).on_delete.as_ref()));
    let on_update =
        action(&relation.field.on_update, keys.iter().find_map(|key| field_of(key).on_update.as_ref()));
    let deferrable =
        relation.field.deferrable.or_else(|| keys.iter().find_map(|key| field_of(key).deferrable));
    let deferral = match deferrable {
        None => quote!(Never),
        Some(DeferrableArg { deferred: false }) => quote!(Immediate),
        Some(DeferrableArg { deferred: true }) => quote!(Deferred),
    };
    let this = &model.ident;
    let constant = &relation.constant;
    let target_columns = match &relation.field.references {
        Some(_) => quote!(#this::#constant.remote()),
        None => quote!(&[]),
    };
    quote! {
        #krate::meta::ForeignKeyMeta {
            columns: &[#(#keys),*],
            target: <#target as #krate::Model>::meta,
            target_columns: #target_columns,
            on_delete: #on_delete,
            on_update: #on_update,
            deferral: #krate::meta::Deferral::#deferral,
        }
    }
}
