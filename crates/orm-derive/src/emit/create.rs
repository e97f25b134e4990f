//! The builder of new rows. Only required fields have a type parameter, so `insert` exists once all of them are set.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Column, Model, is_option, is_string};

/// The parameter of a setter and the value that is encoded.
pub fn setter_value(model: &Model, column: &Column) -> (TokenStream, TokenStream) {
    let (krate, ty) = (&model.krate, &column.field.ty);
    let json = column.field.json.is_present();
    let (param, value) = if !json && (is_option(ty) || is_string(ty)) {
        (quote!(impl ::core::convert::Into<#ty>), quote!(::core::convert::Into::<#ty>::into(value)))
    } else {
        (quote!(#ty), quote!(value))
    };
    let value = if json { quote!(#krate::value::Json(#value)) } else { value };
    (param, quote!(#krate::value::Value::encode(#value)))
}

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate, vis) = (&model.ident, &model.krate, &model.vis);
    let create = format_ident!("{name}Create");
    let fields = format_ident!("__{}_required", name.to_string().to_lowercase());
    let required: Vec<&Column> = model.columns.iter().filter(|column| column.required).collect();
    let params: Vec<_> = (0..required.len()).map(|number| format_ident!("__P{number}")).collect();
    let markers: Vec<_> = required.iter().map(|column| &column.ident).collect();
    let setters = model.columns.iter().filter(|column| column.field.generated.is_none()).map(|column| {
        let (ident, index, field_vis) = (&column.ident, column.index, &column.field.vis);
        let (param, value) = setter_value(model, column);
        let doc = format!("Sets `{ident}`.");
        let after = required.iter().zip(&params).map(|(other, param)| {
            if other.index == column.index { quote!(#krate::write::Set) } else { quote!(#param) }
        });
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, value: #param) -> #create<#(#after),*> {
                self.row.set(#index, #value);
                #create { row: self.row, marker: ::core::marker::PhantomData }
            }
        }
    });
    let presets = model.columns.iter().filter_map(|column| {
        let (path, index) = (&column.field.default_fn.as_ref()?.0, column.index);
        Some(quote!(row.set(#index, #krate::value::Value::encode(#path()));))
    });
    let doc = format!("A new `{name}` in the making: made by `{name}::create()`.");
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs)]
        pub mod #fields {
            #(#[derive(Debug, Clone, Copy)] pub struct #markers;)*
        }
        #[doc = #doc]
        #[derive(Debug, Clone)]
        #[must_use = "nothing is written before `.insert(&db)`"]
        #vis struct #create<#(#params = #fields::#markers),*> {
            row: #krate::write::NewRow,
            marker: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
        impl #create {
            fn new() -> Self {
                #[allow(unused_mut)]
                let mut row = #krate::write::NewRow::new(<#name as #krate::Model>::meta());
                #(#presets)*
                #create { row, marker: ::core::marker::PhantomData }
            }
        }
        impl<#(#params),*> #create<#(#params),*> {
            #(#setters)*

            /// Inserts the row and returns it as the database has it.
            #vis fn insert<__E: #krate::backend::Executor + ?Sized>(
                self,
                db: &__E,
            ) -> impl ::core::future::Future<Output = #krate::Result<#name>> + Send
            where
                #(#params: #krate::write::Given),*
            {
                #krate::write::insert::<#name, __E>(self.row, db)
            }
        }
        impl<#(#params: #krate::write::Given),*> #krate::write::Insertable<#name> for #create<#(#params),*> {
            fn into_row(self) -> #krate::write::NewRow {
                self.row
            }
        }
    }
}
