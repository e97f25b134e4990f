//! `#[derive(Composite)]`.

use darling::ast::Data;
use darling::{FromDeriveInput, FromField};
use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Ident, Type, Visibility};

use crate::attributes::PathArg;
use crate::model::krate_path;

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_named))]
struct Input {
    ident: Ident,
    data: Data<darling::util::Ignored, Field>,
    name: Option<String>,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

#[derive(FromField)]
#[darling(attributes(orm))]
struct Field {
    ident: Option<Ident>,
    vis: Visibility,
    ty: Type,
    column: Option<String>,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    let generics = &input.generics;
    if !generics.params.is_empty() {
        let text = "a composite cannot have type parameters or lifetimes";
        return darling::Error::custom(text).with_span(generics).write_errors();
    }
    let input = match Input::from_derive_input(input) {
        Ok(input) => input,
        Err(errors) => return errors.write_errors(),
    };
    let krate = krate_path(input.krate.as_ref());
    let name = &input.ident;
    let type_name = input.name.unwrap_or_else(|| name.to_string().to_snake_case());
    let fields = input.data.take_struct().map(|fields| fields.fields).unwrap_or_default();
    let idents: Vec<&Ident> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let types: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
    let visibilities = fields.iter().map(|field| &field.vis);
    let names: Vec<String> = fields
        .iter()
        .zip(&idents)
        .map(|(field, ident)| {
            field.column.clone().unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned())
        })
        .collect();
    let accesses = names.iter().map(|name| format!(").\"{}\"", name.replace('"', "\"\"")));
    let docs = names.iter().map(|name| format!("The field `{name}`."));
    let (count, places) = (fields.len(), 0..fields.len());
    quote! {
        #[allow(non_upper_case_globals, dead_code)]
        impl #name {
            #(
                #[doc = #docs]
                #visibilities const #idents: #krate::value::CompositeField<#name, #types> =
                    #krate::value::CompositeField::new(#accesses);
            )*
        }
        impl #krate::value::FromFields for #name {
            const FIELDS: usize = #count;
            const NAMES: &'static [&'static str] = &[#(#names),*];
            fn from_fields<'r, __C: #krate::value::Cell<'r>>(fields: &[__C]) -> #krate::value::CellResult<Self> {
                Ok(#name {
                    #(#idents: <#types as #krate::value::Value>::decode(fields[#places])?,)*
                })
            }
        }
        impl #krate::value::Scalar for #name {
            const TYPE: #krate::value::ColumnType = {
                static TYPE: #krate::value::NativeType = #krate::value::NativeType {
                    database: "postgresql",
                    name: #type_name,
                    kind: #krate::value::NativeKind::Composite(&[#((#names, <#types as #krate::value::Value>::TYPE)),*]),
                };
                #krate::value::ColumnType::Native(&TYPE)
            };
            fn encode(self) -> #krate::value::Datum {
                #krate::value::Datum::Array(vec![#(#krate::value::Value::encode(self.#idents)),*])
            }
            fn decode<'r, __C: #krate::value::Cell<'r>>(cell: __C) -> #krate::value::CellResult<Self> {
                cell.composite::<Self>()
            }
        }
    }
}
