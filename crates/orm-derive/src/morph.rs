//! `#[derive(Morph)]`.

use darling::ast::{Data, Fields};
use darling::{Error, FromDeriveInput, FromVariant};
use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Ident, Type, Visibility};

use crate::attributes::PathArg;
use crate::model::krate_path;

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(enum_newtype))]
struct Input {
    ident: Ident,
    vis: Visibility,
    data: Data<Variant, darling::util::Ignored>,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

#[derive(FromVariant)]
#[darling(attributes(orm))]
struct Variant {
    ident: Ident,
    fields: Fields<Type>,
    rename: Option<String>,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    expand(input).unwrap_or_else(Error::write_errors)
}

fn expand(input: &DeriveInput) -> darling::Result<TokenStream> {
    let input = Input::from_derive_input(input)?;
    let krate = &krate_path(input.krate.as_ref());
    let (name, vis) = (&input.ident, &input.vis);
    let kind = format_ident!("{name}Kind");
    let variants = input.data.take_enum().unwrap_or_default();
    let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
    let models: Vec<_> = variants.iter().filter_map(|variant| variant.fields.fields.first()).collect();
    let tags: Vec<String> = variants
        .iter()
        .map(|variant| variant.rename.clone().unwrap_or_else(|| variant.ident.to_string().to_snake_case()))
        .collect();
    let Some(first) = models.first() else {
        return Err(Error::custom("a polymorphic relation needs at least one model").with_span(name));
    };
    let keys = models.iter().skip(1).map(|model| {
        quote_spanned!(model.span()=> const _: () = #krate::model::assert_key::<
            <#model as #krate::Model>::Key,
            <#first as #krate::Model>::Key,
        >();)
    });
    let numbers = 0..models.len();
    let doc = format!("Names a model of [`{name}`].");
    Ok(quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, #krate::DbEnum)]
        #[orm(crate = #krate)]
        #vis enum #kind {
            #(
                #[doc = concat!("A [`", stringify!(#idents), "`](", stringify!(#name), "::", stringify!(#idents), ").")]
                #[orm(rename = #tags)]
                #idents
            ),*
        }
        impl #krate::relation::Morph for #name {
            type Kind = #kind;
            type Key = <#first as #krate::Model>::Key;
            const TAGS: &'static [&'static str] = &[#(#tags),*];
            fn fetch<'a, __B: #krate::backend::Backend>(
                variant: usize,
                keys: ::std::vec::Vec<#krate::value::Datum>,
                handle: &'a #krate::backend::Handle<__B>,
            ) -> #krate::backend::BoxFuture<'a, #krate::Result<::std::vec::Vec<(#krate::value::Datum, Self)>>> {
                match variant {
                    #(#numbers => #krate::relation::morph_variant::<Self, #models, __B>(keys, #name::#idents, handle),)*
                    _ => ::std::boxed::Box::pin(::core::future::ready(Ok(::std::vec::Vec::new()))),
                }
            }
        }
        #(
            impl #krate::relation::MorphTarget<#name> for #models {
                const TAG: &'static str = #tags;
            }
            impl ::core::convert::From<#models> for #name {
                fn from(row: #models) -> Self {
                    #name::#idents(row)
                }
            }
        )*
        #(#keys)*
    })
}
