//! `#[derive(Projection)]`.

use darling::ast::Data;
use darling::{FromDeriveInput, FromField};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Ident, Type};

use crate::attributes::PathArg;

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_named))]
struct Input {
    ident: Ident,
    data: Data<darling::util::Ignored, Field>,
    model: PathArg,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

#[derive(FromField)]
#[darling(attributes(orm))]
struct Field {
    ident: Option<Ident>,
    ty: Type,
    column: Option<PathArg>,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    let input = match Input::from_derive_input(input) {
        Ok(input) => input,
        Err(errors) => return errors.write_errors(),
    };
    let krate = input.krate.as_ref().map_or_else(
        || quote!(::orm),
        |path| {
            let path = &path.0;
            quote!(#path)
        },
    );
    let (name, model) = (&input.ident, &input.model.0);
    let fields = input.data.take_struct().map(|fields| fields.fields).unwrap_or_default();
    let width = fields.len();
    let idents: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let columns = fields.iter().map(|field| {
        let ty = &field.ty;
        let column = match &field.column {
            Some(path) => {
                let path = &path.0;
                quote!(#path)
            }
            None => {
                let ident = &field.ident;
                quote!(#ident)
            }
        };
        quote_spanned! {ty.span()=> {
            let column: #krate::expr::Column<#model, #ty> = #model::#column;
            #krate::expr::column_ir(column)
        }}
    });
    let positions = 0..width;
    quote! {
        impl #krate::backend::FromRow for #name {
            const WIDTH: usize = #width;
            fn from_row<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> #krate::Result<Self> {
                Ok(#name { #(#idents: row.get::<#types>(at + #positions)?),* })
            }
        }
        impl #krate::query::Projection for #name {
            type Model = #model;
            fn columns() -> Vec<#krate::ir::Expr> {
                vec![#(#columns),*]
            }
        }
    }
}
