//! The constants: `User::name`, `User::posts`, and the pairing of relations.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::model::{Column, Kind, Model, Relation};

/// The type of a column: the field's own, or JSON of it.
pub fn column_type(model: &Model, column: &Column) -> TokenStream {
    let (krate, ty) = (&model.krate, &column.field.ty);
    if column.field.json.is_present() {
        return quote_spanned!(ty.span()=> #krate::value::Json<#ty>);
    }
    quote!(#ty)
}

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate) = (&model.ident, &model.krate);
    let columns = model.columns.iter().map(|column| {
        let (vis, constant, index, ty) =
            (&column.field.vis, &column.constant, column.index, column_type(model, column));
        let doc = format!("The column `{}`.", column.name);
        quote! {
            #[doc = #doc]
            #vis const #constant: #krate::expr::Column<#name, #ty> = #krate::expr::Column::new(#index);
        }
    });
    let relations = model.relations.iter().map(|relation| {
        let (vis, constant, ident, ty, index) =
            (&relation.field.vis, &relation.constant, &relation.ident, &relation.field.ty, relation.index);
        let (local, remote) = sides(model, relation);
        let doc = format!("The relation `{ident}`.");
        quote! {
            #[doc = #doc]
            #vis const #constant: #krate::relation::Rel<#name, #ty> =
                #krate::relation::Rel::new(#index, #local, #remote, |row| &row.#ident, |row| &mut row.#ident);
        }
    });
    let pairs = pairs(model);
    quote! {
        #[allow(non_upper_case_globals)]
        impl #name {
            #(#columns)*
            #(#relations)*
        }
        #pairs
    }
}

/// The columns of both sides of a relation, as constant slices.
fn sides(model: &Model, relation: &Relation) -> (TokenStream, TokenStream) {
    let (name, krate, target) = (&model.ident, &model.krate, &relation.target);
    let own_key = quote!(<#name as #krate::Model>::PRIMARY_KEY);
    match relation.kind {
        Kind::BelongsTo => {
            let keys = &relation.keys;
            (quote!(&[#(#keys),*]), quote!(<#target as #krate::Model>::PRIMARY_KEY))
        }
        Kind::HasOne | Kind::HasMany => match &relation.field.pair {
            Some(pair) => {
                let field = &pair.0;
                (own_key, quote_spanned!(field.span()=> #target::#field.local()))
            }
            None => (
                own_key,
                quote_spanned!(relation.field.ty.span()=> <#target as #krate::model::Pair<#name>>::COLUMNS),
            ),
        },
        Kind::ManyToMany => (own_key, quote!(<#target as #krate::Model>::PRIMARY_KEY)),
    }
}

/// `Pair<User> for Post` for each `BelongsTo<User>` that is the only one to its target, and the check of the key's type.
fn pairs(model: &Model) -> TokenStream {
    let (name, krate) = (&model.ident, &model.krate);
    let targets: Vec<String> = model.belongs_to().map(|relation| text(&relation.target)).collect();
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
        let check = quote_spanned! {at=>
            const _: () = #krate::model::assert_key::<#key, <#target as #krate::Model>::Key>();
        };
        let alone = targets.iter().filter(|other| **other == text(target)).count() == 1;
        let pair = alone.then(|| {
            quote! {
                impl #krate::model::Pair<#target> for #name {
                    const COLUMNS: &'static [u16] = #name::#constant.local();
                    const TARGET: &'static [u16] = <#target as #krate::Model>::PRIMARY_KEY;
                }
            }
        });
        quote!(#check #pair)
    });
    quote!(#(#pairs)*)
}

fn text(ty: &syn::Type) -> String {
    quote!(#ty).to_string()
}
