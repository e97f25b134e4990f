//! `#[derive(DbEnum)]`.

use darling::ast::Data;
use darling::util::Flag;
use darling::{FromDeriveInput, FromVariant};
use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Expr, Ident};

use crate::attributes::{NativeArg, PathArg};
use crate::model::{krate_path, rename};

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(enum_unit))]
struct Input {
    ident: Ident,
    data: Data<Variant, darling::util::Ignored>,
    integer: Flag,
    native: Option<NativeArg>,
    rename_all: Option<String>,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

#[derive(FromVariant)]
#[darling(attributes(orm))]
struct Variant {
    ident: Ident,
    discriminant: Option<Expr>,
    rename: Option<String>,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    let input = match Input::from_derive_input(input) {
        Ok(input) => input,
        Err(errors) => return errors.write_errors(),
    };
    let krate = krate_path(input.krate.as_ref());
    let (name, integer) = (&input.ident, input.integer.is_present());
    let native = input.native.is_some();
    if native && integer {
        let text = "an enum of the database is stored by name: `native` and `integer` exclude each other";
        return darling::Error::custom(text).with_span(name).write_errors();
    }
    let text_name =
        input.native.and_then(|native| native.0).unwrap_or_else(|| name.to_string().to_snake_case());
    let variants = input.data.take_enum().unwrap_or_default();
    if let Some(bare) = variants.iter().find(|variant| integer && variant.discriminant.is_none()) {
        let text = "an enum stored by number needs a number for each variant, or the order of the variants becomes part of the data";
        return darling::Error::custom(text).with_span(&bare.ident).write_errors();
    }
    let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
    let names: Vec<String> = variants
        .iter()
        .map(|variant| {
            let ident = variant.ident.to_string();
            let style = input.rename_all.as_deref().unwrap_or("snake_case");
            variant.rename.clone().or_else(|| rename(&ident, style)).unwrap_or(ident)
        })
        .collect();
    let (encode, decode) = if integer {
        (
            quote!(#krate::value::Datum::I64(self as i64)),
            quote! {
                let number = cell.i64()?;
                #(if number == #name::#idents as i64 { return Ok(#name::#idents); })*
            },
        )
    } else {
        (
            quote!(#krate::value::Datum::Text(match self { #(#name::#idents => #names),* }.to_owned())),
            quote! {
                let text = cell.enum_name()?;
                #(if text == #names { return Ok(#name::#idents); })*
            },
        )
    };
    quote! {
        impl #krate::value::Scalar for #name {
            const TYPE: #krate::value::ColumnType = {
                static META: #krate::value::EnumMeta = #krate::value::EnumMeta {
                    name: #text_name,
                    integer: #integer,
                    native: #native,
                    variants: &[#((#names, #name::#idents as i64)),*],
                };
                #krate::value::ColumnType::Enum(&META)
            };
            fn encode(self) -> #krate::value::Datum {
                #encode
            }
            fn decode<'r, __C: #krate::value::Cell<'r>>(cell: __C) -> #krate::value::CellResult<Self> {
                #decode
                Err(#krate::value::CellError::invalid(concat!("no variant of `", stringify!(#name), "` is stored so")))
            }
        }
    }
}
