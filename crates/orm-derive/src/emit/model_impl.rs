//! The implementation of `Model`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::columns::{column_type, wrapper};
use crate::model::{Embed, Kind, Model};

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate, primary_key) = (&model.ident, &model.krate, &model.primary_key);
    let (create, update) = (format_ident!("{name}Create"), format_ident!("{name}Update"));
    let key_types: Vec<_> = primary_key.iter().map(|key| &model.columns[*key as usize].field.ty).collect();
    let key = match key_types.as_slice() {
        [only] => quote!(#only),
        several => quote!((#(#several,)*)),
    };
    let meta = super::meta::emit(model);
    let datums = model.columns.iter().map(|column| {
        let (ident, index, ty) = (&column.ident, column.index, column_type(krate, column));
        let value = quote_spanned!(column.field.ty.span()=> ::core::clone::Clone::clone(&self.#ident));
        let value = wrapper(krate, column).map_or_else(|| value.clone(), |wrapper| quote!(#wrapper(#value)));
        quote!(#index => <#ty as #krate::value::Value>::encode(#value))
    });
    let embedded = model.embeds.iter().map(|embed| embed_datum(krate, embed, &embed.base));
    let columns = format_ident!("{name}Columns");
    let fetches = model.relations.iter().map(|relation| {
        let (index, constant) = (relation.index, &relation.constant);
        let fetch = match relation.kind {
            Kind::BelongsTo => quote!(fetch_belongs_to),
            Kind::HasOne => quote!(fetch_has_one),
            Kind::HasMany => quote!(fetch_has_many),
            Kind::ManyToMany => quote!(fetch_many_to_many),
            Kind::MorphTo => quote!(fetch_morph_to),
        };
        let target = &relation.target;
        if relation.kind == Kind::MorphTo {
            return quote!(#index => #krate::relation::#fetch::<Self, #target, __B>(Self::#constant, rows, plan, handle));
        }
        quote! {
            #index => #krate::relation::#fetch::<Self, #target, _, __B>(
                Self::#constant, rows, plan, handle, <#target as #krate::Model>::attach::<__B>,
            )
        }
    });
    let inserts = model.relations.iter().filter_map(|relation| {
        let (index, constant, ty) = (relation.index, &relation.constant, &relation.field.ty);
        let target = &relation.target;
        (!matches!(relation.kind, Kind::BelongsTo | Kind::MorphTo)).then(|| {
            quote! {
                #index => #krate::write::insert_related::<Self, #ty, _, __B>(
                    Self::#constant, parents, children, handle, <#target as #krate::Model>::insert_level::<__B>,
                )
            }
        })
    });
    let presets = model.columns.iter().filter_map(|column| {
        let (path, index) = (&column.field.default_fn.as_ref()?.0, column.index);
        Some(quote!(row.preset(#index, #krate::value::Value::encode(#path()));))
    });
    let slots = model.relations.iter().map(|relation| &relation.ident);
    quote! {
        impl #krate::Model for #name {
            type Key = #key;
            type Create = #create;
            type Update = #update;
            type Columns<__S: 'static> = #columns<__S>;
            const PRIMARY_KEY: &'static [u16] = &[#(#primary_key),*];

            fn meta() -> &'static #krate::meta::ModelMeta {
                // A function by name, in a static: a closure would be called by a function that leads to that of the next
                // model's closure, and from there on, until the compiler stops.
                fn build() -> #krate::meta::ModelMeta {
                    #meta
                }
                static META: ::std::sync::LazyLock<#krate::meta::ModelMeta> = ::std::sync::LazyLock::new(build);
                &META
            }

            fn datum(&self, column: u16) -> #krate::value::Datum {
                match column {
                    #(#datums,)*
                    #(#embedded)*
                    _ => #krate::value::Datum::Null,
                }
            }

            fn create() -> #create {
                #create::new()
            }

            fn update(&self) -> #update {
                #update { change: #krate::write::Change::new(self) }
            }

            fn fetch<'a, __B: #krate::backend::Backend>(
                rows: &'a [Self],
                plan: &'a #krate::relation::IncludePlan,
                handle: &'a #krate::backend::Handle<__B>,
            ) -> #krate::backend::BoxFuture<'a, #krate::Result<#krate::relation::Attach<Self>>> {
                let _ = (rows, handle);
                match plan.relation {
                    #(#fetches,)*
                    _ => ::std::boxed::Box::pin(async {
                        Ok(::std::boxed::Box::new(|_: &mut [Self]| Ok(())) as #krate::relation::Attach<Self>)
                    }),
                }
            }

            fn attach<'a, __B: #krate::backend::Backend>(
                rows: &'a mut [Self],
                plans: &'a [#krate::relation::IncludePlan],
                handle: &'a #krate::backend::Handle<__B>,
            ) -> #krate::backend::BoxFuture<'a, #krate::Result<()>> {
                #krate::relation::attach::<Self, __B>(rows, plans, handle, <Self as #krate::Model>::fetch::<__B>)
            }

            fn new_row() -> #krate::write::NewRow {
                #[allow(unused_mut)]
                let mut row = #krate::write::NewRow::new(<#name as #krate::Model>::meta());
                #(#presets)*
                row
            }

            fn insert_children<'a, __B: #krate::backend::Backend>(
                parents: &'a mut [Self],
                relation: u16,
                children: ::std::vec::Vec<(usize, ::std::vec::Vec<#krate::write::NewRow>)>,
                handle: &'a #krate::backend::Handle<__B>,
            ) -> #krate::backend::BoxFuture<'a, #krate::Result<()>> {
                let _ = (&parents, &children, handle);
                match relation {
                    #(#inserts,)*
                    _ => ::std::boxed::Box::pin(::core::future::ready(Ok(()))),
                }
            }

            fn insert_level<__B: #krate::backend::Backend>(
                rows: ::std::vec::Vec<#krate::write::NewRow>,
                handle: &#krate::backend::Handle<__B>,
            ) -> #krate::backend::BoxFuture<'_, #krate::Result<::std::vec::Vec<Self>>> {
                #krate::write::insert_level::<Self, __B>(
                    rows, handle, <Self as #krate::Model>::insert_children::<__B>,
                )
            }

            fn set_siblings(&mut self, siblings: &#krate::relation::Siblings) {
                let _ = siblings;
                #(self.#slots.set_siblings(siblings);)*
            }
        }
    }
}

/// The match arm for the columns of an embedded struct.
pub fn embed_datum(krate: &TokenStream, embed: &Embed, base: &TokenStream) -> TokenStream {
    let (ident, ty) = (&embed.ident, &embed.ty);
    let value = if embed.optional {
        quote!(self.#ident.as_ref().map_or(#krate::value::Datum::Null, |value| #krate::Embedded::datum(value, column - (#base))))
    } else {
        quote!(#krate::Embedded::datum(&self.#ident, column - (#base)))
    };
    quote!(column if column < (#base) + <#ty as #krate::Embedded>::WIDTH as u16 => #value,)
}
