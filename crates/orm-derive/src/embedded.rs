//! `#[derive(Embedded)]`.

use darling::{Error, FromDeriveInput};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned;

use crate::attributes::EmbeddedInput;
use crate::emit::columns::{column_type, embed_columns, type_checks, wrapper};
use crate::emit::meta::column_meta;
use crate::emit::model_impl::embed_datum;
use crate::model::{Fields, krate_path};

pub fn derive(input: &DeriveInput) -> TokenStream {
    expand(input).unwrap_or_else(Error::write_errors)
}

fn expand(input: &DeriveInput) -> darling::Result<TokenStream> {
    let parsed = EmbeddedInput::from_derive_input(input)?;
    let mut errors = Error::accumulator();
    let krate = &krate_path(parsed.krate.as_ref());
    let fields = parsed.data.take_struct().map(|fields| fields.fields).unwrap_or_default();
    let Fields { columns, embeds, relations, skipped } =
        Fields::read(krate, parsed.rename_all.as_ref(), fields, &mut errors);
    for relation in &relations {
        errors.push(
            Error::custom("an embedded struct has no relations: put this field on the model")
                .with_span(&relation.ident),
        );
    }
    for column in &columns {
        let field = &column.field;
        let model_only = field.primary_key.is_present()
            || field.auto.is_present()
            || field.unique.is_present()
            || field.index.is_present()
            || field.version.is_present()
            || field.created_at.is_present()
            || field.updated_at.is_present()
            || field.default.is_some()
            || field.default_fn.is_some()
            || field.generated.is_some()
            || field.foreign_key.is_some();
        if model_only {
            let text = "keys, indexes, defaults and automatic values belong to the fields of a model, not of an embedded struct";
            errors.push(Error::custom(text).with_span(&column.ident));
        }
    }
    errors.finish()?;

    let (name, vis) = (&parsed.ident, &parsed.vis);
    let (record, nullable) = (format_ident!("{name}Columns"), format_ident!("{name}NullableColumns"));
    let width = Fields::width(krate, &columns, &embeds);

    let (mut fields, mut nullable_fields, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for column in &columns {
        let (vis, constant, index, ty) =
            (&column.field.vis, &column.constant, column.index, column_type(krate, column));
        let doc = format!("The column of `{}`.", column.ident);
        fields.push(quote!(#[doc = #doc] #vis #constant: #krate::expr::Column<__S, #ty>));
        nullable_fields.push(quote!(
            #[doc = #doc]
            #vis #constant: #krate::expr::Column<__S, <#ty as #krate::value::Value>::Nullable>
        ));
        values.push(quote!(#constant: #krate::expr::Column::new(base + #index)));
    }
    let mut nullable_values = values.clone();
    for embed in &embeds {
        let (vis, constant, ty, at) = (&embed.field.vis, &embed.constant, &embed.ty, &embed.base);
        let doc = format!("The columns of the embedded `{}`.", embed.ident);
        let (columns, value) = embed_columns(krate, embed, &quote!(__S), &quote!(base + #at));
        fields.push(quote!(#[doc = #doc] #vis #constant: #columns));
        values.push(quote!(#constant: #value));
        nullable_fields
            .push(quote!(#[doc = #doc] #vis #constant: <#ty as #krate::Embedded>::NullableColumns<__S>));
        nullable_values.push(quote!(#constant: <#ty>::__nullable_columns::<__S>(base + #at)));
    }

    let metas = columns.iter().map(|column| {
        let (path, name) = (column.ident.to_string(), &column.name);
        let path = quote!(::std::format!("{}.{}", field, #path));
        let meta = column_meta(
            krate,
            column,
            &path,
            &quote!(::std::format!("{}{}", prefix, #name)),
            &quote!(::std::format!("{}.{}", document, #name)),
            &quote!(nullable),
        );
        quote!(out.push(#meta);)
    });
    let embed_metas = embeds.iter().map(|embed| {
        let (ty, path, prefix, optional) =
            (&embed.ty, embed.ident.to_string(), &embed.prefix, embed.optional);
        let optional = optional.then(|| quote!(#krate::model::make_optional(&mut out[before..], &path);));
        quote! {{
            let (before, path) = (out.len(), ::std::format!("{}.{}", field, #path));
            let _ = before;
            <#ty as #krate::Embedded>::columns(
                out,
                &path,
                &::std::format!("{}{}", prefix, #prefix),
                &::std::format!("{}.{}", document, #path),
                nullable,
            );
            #optional
        }}
    });
    let datums = columns.iter().map(|column| {
        let (ident, index, ty) = (&column.ident, column.index, column_type(krate, column));
        let value = quote_spanned!(column.field.ty.span()=> ::core::clone::Clone::clone(&self.#ident));
        let value = wrapper(krate, column).map_or_else(|| value.clone(), |wrapper| quote!(#wrapper(#value)));
        quote!(#index => <#ty as #krate::value::Value>::encode(#value))
    });
    let embed_datums = embeds.iter().map(|embed| embed_datum(krate, embed, &embed.base));
    let reads = columns.iter().map(|column| {
        let (ident, at, ty) = (&column.ident, column.index, column_type(krate, column));
        let inner = wrapper(krate, column).map(|_| quote!(.0));
        quote_spanned! {column.field.ty.span()=>
            #ident: <#ty as #krate::value::Value>::field(row, at, index + #at, meta)? #inner
        }
    });
    let embed_reads = embeds.iter().map(|embed| {
        let (ident, ty, at) = (&embed.ident, &embed.ty, &embed.base);
        let read = if embed.optional { quote!(read_opt) } else { quote!(read) };
        quote!(#ident: <#ty as #krate::Embedded>::#read::<__Row>(row, at, index + #at, meta)?)
    });
    let telling = columns.iter().map(|column| {
        let ty = column_type(krate, column);
        quote!(!<#ty as #krate::value::Value>::NULLABLE)
    });
    let embed_telling = embeds.iter().filter(|embed| !embed.optional).map(|embed| {
        let ty = &embed.ty;
        quote!(<#ty as #krate::Embedded>::TELLING)
    });
    let constants = columns.iter().map(|column| {
        let (vis, constant, index, ty) =
            (&column.field.vis, &column.constant, column.index, column_type(krate, column));
        let doc = format!("The field `{}` of an element in a list.", column.ident);
        quote! {
            #[doc = #doc]
            #vis const #constant: #krate::expr::Column<#name, #ty> = #krate::expr::Column::new(#index);
        }
    });
    let embed_constants = embeds.iter().map(|embed| {
        let (vis, constant, at) = (&embed.field.vis, &embed.constant, &embed.base);
        let doc = format!("The fields of `{}` of an element in a list.", embed.ident);
        let (columns, value) = embed_columns(krate, embed, &quote!(#name), &quote!(#at));
        quote!(#[doc = #doc] #vis const #constant: #columns = #value;)
    });
    let constants: Vec<TokenStream> = constants.chain(embed_constants).collect();
    let text = name.to_string();
    let checks = type_checks(krate, &columns);
    let doc = format!("The columns of an embedded `{name}`.");
    Ok(quote! {
        #checks
        #[doc = #doc]
        #[allow(non_snake_case, dead_code)]
        #[derive(Clone, Copy)]
        #vis struct #record<__S: 'static> {
            #(#fields,)*
        }
        #[doc = #doc]
        #[allow(non_snake_case, dead_code)]
        #[derive(Clone, Copy)]
        #vis struct #nullable<__S: 'static> {
            #(#nullable_fields,)*
        }
        #[allow(non_upper_case_globals, dead_code)]
        impl #name {
            #(#constants)*
        }
        impl #krate::model::Named for #name {
            type Model = #name;
            fn source() -> #krate::ir::Source {
                #krate::ir::Source { model: <#name as #krate::Element>::element(), alias: "" }
            }
        }
        impl #krate::Element for #name {
            fn element() -> &'static #krate::meta::ModelMeta {
                static META: ::std::sync::OnceLock<#krate::meta::ModelMeta> = ::std::sync::OnceLock::new();
                META.get_or_init(|| #krate::model::element_meta::<#name>(#text))
            }
        }
        impl #name {
            #[doc(hidden)]
            pub const fn __columns<__S: 'static>(base: u16) -> #record<__S> {
                #record { #(#values,)* }
            }
            #[doc(hidden)]
            pub const fn __nullable_columns<__S: 'static>(base: u16) -> #nullable<__S> {
                #nullable { #(#nullable_values,)* }
            }
        }
        impl #krate::Embedded for #name {
            type Columns<__S: 'static> = #record<__S>;
            type NullableColumns<__S: 'static> = #nullable<__S>;
            const WIDTH: usize = #width;
            const TELLING: bool = false #(|| #telling)* #(|| #embed_telling)*;

            fn columns(out: &mut ::std::vec::Vec<#krate::meta::ColumnMeta>, field: &str, prefix: &str, document: &str, nullable: bool) {
                #(#metas)*
                #(#embed_metas)*
            }
            fn datum(&self, column: u16) -> #krate::value::Datum {
                match column {
                    #(#datums,)*
                    #(#embed_datums)*
                    _ => #krate::value::Datum::Null,
                }
            }
            fn read<__Row: #krate::backend::Row>(
                row: &__Row,
                at: usize,
                index: u16,
                meta: fn() -> &'static #krate::meta::ModelMeta,
            ) -> #krate::Result<Self> {
                Ok(#name {
                    #(#reads,)*
                    #(#embed_reads,)*
                    #(#skipped: ::core::default::Default::default(),)*
                })
            }
            fn is_absent<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> bool {
                (at..at + <Self as #krate::Embedded>::WIDTH)
                    .all(|index| #krate::value::Cell::is_null(#krate::backend::Row::cell(row, index)))
            }
        }
    })
}
