//! Reading the struct from a row.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::columns::{column_type, wrapper};
use crate::model::{Embed, Fields, Model};

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate) = (&model.ident, &model.krate);
    let width = Fields::width(krate, &model.columns, &model.embeds);
    let embeds = model.embeds.iter().map(|embed| embed_read(krate, embed, &embed.base));
    let columns = model.columns.iter().map(|column| {
        let (ident, index, ty) = (&column.ident, column.index, column_type(krate, column));
        let inner = wrapper(krate, column).map(|_| quote!(.0));
        quote_spanned! {column.field.ty.span()=>
            #ident: <#ty as #krate::value::Value>::field(row, at, #index, <Self as #krate::Model>::meta)? #inner
        }
    });
    let others = model.relations.iter().map(|relation| &relation.ident).chain(&model.skipped);
    let keys = model.primary_key.iter().map(|key| *key as usize);
    quote! {
        impl #krate::query::Combine for #name {
            type Scope = #krate::expr::Only<#name>;
            type Columns = ();
            fn output_columns(_: &mut u16) {}
            fn combined_source() -> ::core::option::Option<#krate::ir::Source> {
                ::core::option::Option::Some(<#name as #krate::model::Named>::source())
            }
        }
        impl #krate::backend::FromRow for #name {
            const WIDTH: usize = #width;
            #[inline]
            fn from_row<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> #krate::Result<Self> {
                Ok(#name {
                    #(#columns,)*
                    #(#embeds,)*
                    #(#others: ::core::default::Default::default(),)*
                })
            }
            fn names(out: &mut ::std::vec::Vec<::core::option::Option<&'static str>>) {
                #krate::query::column_names::<Self>(out)
            }
            fn complete<'a, __B: #krate::backend::Backend>(
                rows: &'a mut [Self],
                includes: &'a [#krate::relation::IncludePlan],
                handle: &'a #krate::backend::Handle<__B>,
            ) -> impl ::core::future::Future<Output = #krate::Result<()>> + Send + 'a {
                #krate::relation::complete::<Self, __B>(rows, includes, handle)
            }
        }
        impl #krate::backend::Nullable for #name {
            fn nullable<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> #krate::Result<Option<Self>> {
                if #(#krate::value::Cell::is_null(row.cell(at + #keys)))&&* {
                    return Ok(None);
                }
                #krate::backend::FromRow::from_row(row, at).map(Some)
            }
        }
    }
}

/// `field: value`, read from the columns that start at `base` of the model.
fn embed_read(krate: &TokenStream, embed: &Embed, base: &TokenStream) -> TokenStream {
    let (ident, ty) = (&embed.ident, &embed.ty);
    let read = if embed.optional { quote!(read_opt) } else { quote!(read) };
    quote_spanned! {ty.span()=>
        #ident: <#ty as #krate::Embedded>::#read::<__Row>(row, at, #base, <Self as #krate::Model>::meta)?
    }
}
