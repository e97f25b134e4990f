//! `#[derive(DbType)]`.

use darling::FromDeriveInput;
use darling::ast::Data;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Ident, LitStr, Type};

use crate::attributes::PathArg;
use crate::model::krate_path;

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_newtype))]
struct Input {
    ident: Ident,
    data: Data<darling::util::Ignored, Type>,
    domain: Option<String>,
    check: Option<LitStr>,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    let input = match Input::from_derive_input(input) {
        Ok(input) => input,
        Err(errors) => return errors.write_errors(),
    };
    let krate = krate_path(input.krate.as_ref());
    let name = &input.ident;
    let inner = input.data.take_struct().and_then(|fields| fields.fields.into_iter().next());
    let ty = match (&input.domain, &input.check) {
        (None, None) => quote!(<#inner as #krate::value::Scalar>::TYPE),
        (None, Some(check)) => {
            let text = "only a domain has a check: add `domain = \"…\"`, or put the check on the model";
            return darling::Error::custom(text).with_span(check).write_errors();
        }
        (Some(domain), check) => {
            let check = match check {
                Some(check) => quote!(::core::option::Option::Some(#check)),
                None => quote!(::core::option::Option::None),
            };
            quote!({
                static TYPE: #krate::value::NativeType = #krate::value::NativeType {
                    database: "postgresql",
                    name: #domain,
                    kind: #krate::value::NativeKind::Domain { base: &<#inner as #krate::value::Scalar>::TYPE, check: #check },
                };
                #krate::value::ColumnType::Native(&TYPE)
            })
        }
    };
    quote! {
        impl #krate::value::Scalar for #name {
            const TYPE: #krate::value::ColumnType = #ty;
            #[inline]
            fn encode(self) -> #krate::value::Datum {
                #krate::value::Scalar::encode(self.0)
            }
            #[inline]
            fn decode<'r, __C: #krate::value::Cell<'r>>(cell: __C) -> #krate::value::CellResult<Self> {
                <#inner as #krate::value::Scalar>::decode(cell).map(#name)
            }
        }
    }
}
