//! The constants: `User::name`, `User::posts`, and the pairing of relations.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::{Column, Embed, Kind, Model, Relation};

/// The type of a column: the field's own, JSON of it, or a list of embedded structs.
pub fn column_type(krate: &TokenStream, column: &Column) -> TokenStream {
    let ty = &column.field.ty;
    if column.field.json.is_present() {
        return quote_spanned!(ty.span()=> #krate::value::Json<#ty>);
    }
    match &column.element {
        Some(element) => quote_spanned!(ty.span()=> #krate::value::List<#element>),
        None => quote!(#ty),
    }
}

/// What wraps the field's value to make it that of its column.
pub fn wrapper(krate: &TokenStream, column: &Column) -> Option<TokenStream> {
    if column.field.json.is_present() {
        Some(quote!(#krate::value::Json))
    } else {
        column.element.as_ref().map(|_| quote!(#krate::value::List))
    }
}

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate) = (&model.ident, &model.krate);
    let columns = model.columns.iter().map(|column| {
        let (vis, constant, index, ty) =
            (&column.field.vis, &column.constant, column.index, column_type(krate, column));
        let doc = format!("The column `{}`.", column.name);
        quote! {
            #[doc = #doc]
            #vis const #constant: #krate::expr::Column<#name, #ty> = #krate::expr::Column::new(#index);
        }
    });
    let embeds = model.embeds.iter().map(|embed| {
        let (vis, constant) = (&embed.field.vis, &embed.constant);
        let (ty, value) = embed_columns(krate, embed, &quote!(#name), &embed.base);
        let doc = format!("The columns of the embedded `{}`.", embed.ident);
        quote! {
            #[doc = #doc]
            #vis const #constant: #ty = #value;
        }
    });
    let record = record(model);
    let relations = model.relations.iter().map(|relation| {
        let (vis, constant, ident, ty, index) =
            (&relation.field.vis, &relation.constant, &relation.ident, &relation.field.ty, relation.index);
        let doc = format!("The relation `{ident}`.");
        if relation.kind == Kind::MorphTo {
            let (target, keys) = (&relation.target, &relation.keys);
            return quote! {
                #[doc = #doc]
                #vis const #constant: #krate::relation::MorphRel<#name, #target> =
                    #krate::relation::MorphRel::new(#index, &[#(#keys),*], |row| &row.#ident, |row| &mut row.#ident);
            };
        }
        let sides = sides(model, relation);
        let by_array = relation.by_array();
        let via = via(model, relation);
        quote! {
            #[doc = #doc]
            #vis const #constant: #krate::relation::Rel<#name, #ty, #via> =
                #krate::relation::Rel::new(#index, #sides, #by_array, |row| &row.#ident, |row| &mut row.#ident);
        }
    });
    let (pairs, checks) = (pairs(model), type_checks(krate, &model.columns));
    quote! {
        #checks
        #[allow(non_upper_case_globals, dead_code)]
        impl #name {
            #(#columns)*
            #(#embeds)*
            #(#relations)*
        }
        #record
        #pairs
    }
}

/// Refuses attributes that mean nothing on a field of this type, at the type.
pub fn type_checks(krate: &TokenStream, columns: &[Column]) -> TokenStream {
    let checks = columns.iter().flat_map(|column| {
        let (ty, field) = (column_type(krate, column), &column.field);
        let wanted = [
            (field.max_len.is_some(), quote!(assert_max_len)),
            (field.precision.is_some() || field.scale.is_some(), quote!(assert_precision)),
            (field.version.is_present(), quote!(assert_version)),
            (field.created_at.is_present() || field.updated_at.is_present(), quote!(assert_time)),
        ];
        let at = field.ty.span();
        wanted.into_iter().filter(|(present, _)| *present).map(move |(_, check)| {
            quote_spanned!(at=> const _: () = #krate::schema::#check(<#ty as #krate::value::Value>::TYPE);)
        })
    });
    quote!(#(#checks)*)
}

/// The type and value of an embedded struct's columns.
pub fn embed_columns(
    krate: &TokenStream,
    embed: &Embed,
    source: &TokenStream,
    base: &TokenStream,
) -> (TokenStream, TokenStream) {
    let ty = &embed.ty;
    let at = ty.span();
    if embed.optional {
        let columns = quote_spanned!(at=> <#ty as #krate::Embedded>::NullableColumns<#source>);
        let value = quote_spanned!(at=> {
            const { #krate::model::assert_telling::<#ty>() };
            <#ty>::__nullable_columns::<#source>(#base)
        });
        return (columns, value);
    }
    (
        quote_spanned!(at=> <#ty as #krate::Embedded>::Columns<#source>),
        quote_spanned!(at=> <#ty>::__columns::<#source>(#base)),
    )
}

/// The columns as the fields of a struct, for aliases.
fn record(model: &Model) -> TokenStream {
    let (name, krate, vis) = (&model.ident, &model.krate, &model.vis);
    let columns = format_ident!("{name}Columns");
    let fields = model.columns.iter().map(|column| {
        let (vis, constant, ty) = (&column.field.vis, &column.constant, column_type(krate, column));
        let doc = format!("The column `{}`.", column.name);
        quote!(#[doc = #doc] #vis #constant: #krate::expr::Column<__S, #ty>)
    });
    let values = model.columns.iter().map(|column| {
        let (constant, index) = (&column.constant, column.index);
        quote!(#constant: #krate::expr::Column::new(#index))
    });
    let (mut embed_fields, mut embed_values) = (Vec::new(), Vec::new());
    for embed in &model.embeds {
        let (vis, constant) = (&embed.field.vis, &embed.constant);
        let (ty, value) = embed_columns(krate, embed, &quote!(__S), &embed.base);
        let doc = format!("The columns of the embedded `{}`.", embed.ident);
        embed_fields.push(quote!(#[doc = #doc] #vis #constant: #ty));
        embed_values.push(quote!(#constant: #value));
    }
    let doc = format!("The columns of `{name}` under another name: made by `orm::alias!`.");
    quote! {
        #[doc = #doc]
        #[allow(non_snake_case, dead_code)]
        #vis struct #columns<__S: 'static> {
            #(#fields,)*
            #(#embed_fields,)*
        }
        impl #name {
            #[doc(hidden)]
            pub const fn __columns<__S: 'static>() -> #columns<__S> {
                #columns { #(#values,)* #(#embed_values,)* }
            }
        }
    }
}

/// The columns of both sides of a relation, as constant slices.
fn sides(model: &Model, relation: &Relation) -> TokenStream {
    let (name, krate, target) = (&model.ident, &model.krate, &relation.target);
    match relation.kind {
        Kind::BelongsTo => {
            let (keys, remote) = (&relation.keys, referenced(model, relation));
            quote!((&[#(#keys),*], #remote))
        }
        Kind::HasOne | Kind::HasMany => match &relation.field.pair {
            Some(pair) => {
                let field = &pair.0;
                quote_spanned!(field.span()=> #target::#field.seen_from(<#name as #krate::Model>::PRIMARY_KEY))
            }
            None => quote_spanned!(relation.field.ty.span()=>
                #krate::model::swapped(<#target as #krate::model::Pair<#name>>::SIDES)
            ),
        },
        // Only its kind and key are columns here; the other side differs by row.
        Kind::MorphTo => quote!((&[], &[])),
        Kind::ManyToMany => match (relation.keys.as_slice(), &relation.field.pair) {
            ([keys], _) => quote!((&[#keys], <#target as #krate::Model>::PRIMARY_KEY)),
            (_, Some(pair)) => {
                let field = &pair.0;
                quote_spanned!(field.span()=> #target::#field.keys_seen_from::<#name>())
            }
            _ => quote!((
                <#name as #krate::Model>::PRIMARY_KEY,
                <#target as #krate::Model>::PRIMARY_KEY,
            )),
        },
    }
}

/// The columns of the target that a foreign key refers to.
pub fn referenced(model: &Model, relation: &Relation) -> TokenStream {
    let (krate, target) = (&model.krate, &relation.target);
    match &relation.field.references {
        Some(names) => {
            let columns = names.0.iter().zip(&relation.keys).map(|(name, key)| {
                let ty = &model.columns[*key as usize].field.ty;
                quote_spanned!(ty.span()=>
                    #target::#name.referenced_by::<<#ty as #krate::value::Value>::Base>()
                )
            });
            quote!(const { &[#(#columns),*] })
        }
        None => quote!(<#target as #krate::Model>::PRIMARY_KEY),
    }
}

/// `Pair<User> for Post` for each `BelongsTo<User>` that is the only one to its target, and the check of the key's type.
fn pairs(model: &Model) -> TokenStream {
    let (name, krate) = (&model.ident, &model.krate);
    let pairs = model.belongs_to().map(|relation| {
        let (target, keys, constant) = (&relation.target, &relation.keys, &relation.constant);
        let types = keys.iter().map(|key| {
            let ty = &model.columns[*key as usize].field.ty;
            quote!(<#ty as #krate::value::Value>::Base)
        });
        let types: Vec<_> = types.collect();
        let key = if let [only] = types.as_slice() { only.clone() } else { quote!((#(#types,)*)) };
        let at = keys
            .first()
            .map_or_else(|| relation.ident.span(), |key| model.columns[*key as usize].field.ty.span());
        let check = relation.field.references.is_none().then(|| {
            quote_spanned! {at=>
                const _: () = #krate::model::assert_key::<#key, <#target as #krate::Model>::Key>();
            }
        });
        let pair = is_only_pair(model, relation).then(|| {
            quote! {
                impl #krate::model::Pair<#target> for #name {
                    const SIDES: (&'static [u16], &'static [u16]) = #name::#constant.sides();
                }
            }
        });
        quote!(#check #pair)
    });
    let morphs = model.relations.iter().filter(|relation| relation.kind == Kind::MorphTo).map(|relation| {
        let target = &relation.target;
        let base = |key: &u16| {
            let ty = &model.columns[*key as usize].field.ty;
            quote_spanned!(ty.span()=> <#ty as #krate::value::Value>::Base)
        };
        let bases: Vec<_> = relation.keys.iter().map(base).collect();
        let (kind, key) = (bases.first(), bases.get(1));
        quote_spanned! {relation.ident.span()=>
            const _: () = #krate::model::assert_morph::<
                #kind,
                <#target as #krate::relation::Morph>::Kind,
                #key,
                <#target as #krate::relation::Morph>::Key,
            >();
        }
    });
    let arrays = model.relations.iter().filter(|relation| relation.kind == Kind::ManyToMany).map(|relation| {
        let target = &relation.target;
        if let Some(through) = &relation.field.through {
            let (near, far) = super::meta::join_sides(model, relation, &through.0);
            return quote_spanned! {relation.ident.span()=>
                const _: () = #krate::relation::assert_two_ways(#near, #far);
            };
        }
        match (relation.keys.as_slice(), &relation.field.pair) {
            ([key], _) => {
                let ty = &model.columns[*key as usize].field.ty;
                quote_spanned! {ty.span()=>
                    const _: () = #krate::model::assert_keys::<#ty, <#target as #krate::Model>::Key>();
                }
            }
            // Evaluated here, and not where the relation is first used.
            (_, Some(pair)) => {
                let field = &pair.0;
                quote_spanned!(field.span()=> const _: () = { #target::#field.keys_seen_from::<#name>(); };)
            }
            _ => quote!(),
        }
    });
    quote!(#(#pairs)* #(#morphs)* #(#arrays)*)
}

/// Whether a `BelongsTo` is the only one to its target.
pub fn is_only_pair(model: &Model, relation: &Relation) -> bool {
    let target = text(&relation.target);
    model.belongs_to().filter(|other| text(&other.target) == target).count() == 1
}

fn text(ty: &syn::Type) -> String {
    quote!(#ty).to_string()
}

/// The type that stands for the other side of a relation: the `BelongsTo` that is named, or the only one that leads here.
pub fn via(model: &Model, relation: &Relation) -> TokenStream {
    let (krate, name) = (&model.krate, &model.ident);
    match &relation.field.pair {
        Some(pair) if matches!(relation.kind, Kind::HasOne | Kind::HasMany) => match pair.0.get_ident() {
            Some(field) => by_field(krate, field),
            None => quote!(#krate::write::ByParent<#name>),
        },
        _ => quote!(#krate::write::ByParent<#name>),
    }
}

/// The type that stands for a field of this name: FNV-1a, so that both sides come to the same number.
pub fn by_field(krate: &TokenStream, field: &syn::Ident) -> TokenStream {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let number = field.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, step);
    quote!(#krate::write::ByField<#number>)
}
