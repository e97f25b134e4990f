//! The builder of new rows. Only required fields have a type parameter, so `insert` exists once all of them are set.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::columns::{by_field, column_type, is_only_pair, via, wrapper};
use crate::model::{Column, Embed, Kind, Model, takes_into};

/// The parameter of a setter and the value that is encoded.
pub fn setter_value(model: &Model, column: &Column) -> (TokenStream, TokenStream) {
    let (krate, ty) = (&model.krate, &column.field.ty);
    let wrapper = wrapper(krate, column);
    let json = wrapper.is_some();
    let (param, value) = if !json && takes_into(ty) {
        (quote!(impl ::core::convert::Into<#ty>), quote!(::core::convert::Into::<#ty>::into(value)))
    } else {
        (quote!(#ty), quote!(value))
    };
    let value = wrapper.map_or_else(|| value.clone(), |wrapper| quote!(#wrapper(#value)));
    let column = column_type(krate, column);
    (param, quote!(<#column as #krate::value::Value>::encode(#value)))
}

/// The parameter of a setter of an embedded struct and the statement that sets its columns by `set`.
pub fn setter_embed(krate: &TokenStream, embed: &Embed, set: &TokenStream) -> (TokenStream, TokenStream) {
    let (ty, base) = (&embed.ty, &embed.base);
    let (param, value) = if embed.optional {
        (
            quote!(impl ::core::convert::Into<::core::option::Option<#ty>>),
            quote!(value.as_ref().map_or(#krate::value::Datum::Null, |value| #krate::Embedded::datum(value, column))),
        )
    } else {
        (quote!(#ty), quote!(#krate::Embedded::datum(&value, column)))
    };
    let value_of = if embed.optional {
        quote!(let value: ::core::option::Option<#ty> = value.into();)
    } else {
        quote!()
    };
    let statement = quote! {
        #value_of
        for column in 0..<#ty as #krate::Embedded>::WIDTH as u16 {
            #set((#base) + column, #value);
        }
    };
    (param, statement)
}

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate, vis) = (&model.ident, &model.krate, &model.vis);
    let create = format_ident!("{name}Create");
    let fields = format_ident!("__{}_required", name.to_string().to_lowercase());
    let required: Vec<&Ident> = (model.columns.iter().filter(|column| column.required))
        .map(|column| &column.ident)
        .chain(model.embeds.iter().filter(|embed| !embed.optional).map(|embed| &embed.ident))
        .collect();
    let params: Vec<_> = (0..required.len()).map(|number| format_ident!("__P{number}")).collect();
    let after = |ident: &Ident| {
        let params = required
            .iter()
            .zip(&params)
            .map(|(other, param)| if *other == ident { quote!(#krate::write::Set) } else { quote!(#param) });
        quote!(#create<#(#params),*>)
    };
    let setters = model.columns.iter().filter(|column| column.field.generated.is_none()).map(|column| {
        let (ident, index, field_vis) = (&column.ident, column.index, &column.field.vis);
        let (param, value) = setter_value(model, column);
        let (doc, after) = (format!("Sets `{ident}`."), after(ident));
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, value: #param) -> #after {
                self.row.set(#index, #value);
                #create { row: self.row, marker: ::core::marker::PhantomData }
            }
        }
    });
    let embed_setters = model.embeds.iter().map(|embed| {
        let (ident, field_vis) = (&embed.ident, &embed.field.vis);
        let (param, set) = setter_embed(krate, embed, &quote!(self.row.set));
        let (doc, after) = (format!("Sets `{ident}`."), after(ident));
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, value: #param) -> #after {
                #set
                #create { row: self.row, marker: ::core::marker::PhantomData }
            }
        }
    });
    let parent_setters = model.belongs_to().map(|relation| {
        let (ident, constant, target, field_vis) =
            (&relation.ident, &relation.constant, &relation.target, &relation.field.vis);
        let keys: Vec<&Ident> = relation.keys.iter().map(|key| &model.columns[*key as usize].ident).collect();
        let params = required.iter().zip(&params).map(|(other, param)| {
            if keys.contains(other) { quote!(#krate::write::Set) } else { quote!(#param) }
        });
        let doc = format!("Sets the key of `{ident}` to that of this row.");
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, parent: &#target) -> #create<#(#params),*> {
                self.row.set_parent(#name::#constant.local(), parent, #name::#constant.remote());
                #create { row: self.row, marker: ::core::marker::PhantomData }
            }
        }
    });
    let morph_setters =
        model.relations.iter().filter(|relation| relation.kind == Kind::MorphTo).map(|relation| {
            let (ident, constant, target, field_vis) =
                (&relation.ident, &relation.constant, &relation.target, &relation.field.vis);
            let keys: Vec<&Ident> =
                relation.keys.iter().map(|key| &model.columns[*key as usize].ident).collect();
            let params = required.iter().zip(&params).map(|(other, param)| {
                if keys.contains(other) { quote!(#krate::write::Set) } else { quote!(#param) }
            });
            let doc = format!("Sets the kind and key of `{ident}` to those of this row.");
            quote! {
                #[doc = #doc]
                #field_vis fn #ident<__T>(mut self, parent: &__T) -> #create<#(#params),*>
                where
                    __T: #krate::Model + #krate::relation::MorphTarget<#target>,
                {
                    #name::#constant.set_in(&mut self.row, parent);
                    #create { row: self.row, marker: ::core::marker::PhantomData }
                }
            }
        });
    let parent_relations =
        model.relations.iter().filter(|relation| matches!(relation.kind, Kind::BelongsTo | Kind::MorphTo));
    let new_children = parent_relations.map(|relation| {
        let keys: Vec<&Ident> = relation.keys.iter().map(|key| &model.columns[*key as usize].ident).collect();
        let given = required
            .iter()
            .zip(&params)
            .filter(|(other, _)| !keys.contains(other))
            .map(|(_, param)| quote!(#param: #krate::write::Given));
        let given = quote!(#(#given),*);
        // By the name for `pair = …`, and where it is the only one to its target by that.
        let target = &relation.target;
        let only = relation.kind == Kind::BelongsTo && is_only_pair(model, relation);
        let vias =
            [Some(by_field(krate, &relation.ident)), only.then(|| quote!(#krate::write::ByParent<#target>))];
        let children = vias.iter().flatten().map(|via| {
            quote! {
                impl<#(#params),*> #krate::write::NewChild<#name, #via> for #create<#(#params),*>
                where
                    #given
                {
                    fn into_child(self) -> #krate::write::NewRow {
                        self.row
                    }
                }
            }
        });
        spanned(name.span(), quote!(#(#children)*))
    });
    let child_setters = model.relations.iter().filter_map(|relation| {
        let (ident, target, index, field_vis) =
            (&relation.ident, &relation.target, relation.index, &relation.field.vis);
        let at = relation.field.ty.span();
        let (bound, into) = match relation.kind {
            Kind::HasMany | Kind::HasOne => {
                let via = via(model, relation);
                (quote!(#krate::write::NewChild<#target, #via>), quote!(into_child))
            }
            // The rows are there before their keys: see `key_setters`.
            Kind::ManyToMany if relation.by_array() => return None,
            Kind::ManyToMany => (quote!(#krate::write::Insertable<#target>), quote!(into_row)),
            Kind::BelongsTo | Kind::MorphTo => return None,
        };
        let bound = spanned(at, bound);
        let doc = format!("Inserts these rows too, as the `{ident}` of the new one.");
        let (param, rows) = if relation.kind == Kind::HasOne {
            (quote!(__C), quote_spanned!(at=> vec![row.#into()]))
        } else {
            (
                quote!(impl ::core::iter::IntoIterator<Item = __C>),
                quote_spanned!(at=> row.into_iter().map(|row| row.#into()).collect()),
            )
        };
        Some(quote! {
            #[doc = #doc]
            #field_vis fn #ident<__C: #bound>(mut self, row: #param) -> Self {
                self.row.add_children(#index, #rows);
                self
            }
        })
    });
    let key_setters = model.relations.iter().filter(|relation| relation.by_array()).map(|relation| {
        let (ident, constant, target, field_vis) =
            (&relation.ident, &relation.constant, &relation.target, &relation.field.vis);
        let doc = format!("Links the new row to these rows, as its `{ident}`.");
        quote! {
            #[doc = #doc]
            #field_vis fn #ident<'__t>(
                mut self,
                rows: impl ::core::iter::IntoIterator<Item = &'__t #target>,
            ) -> Self {
                self.row.set_keys(#name::#constant.local(), rows, #name::#constant.remote());
                self
            }
        }
    });
    let insertable = spanned(
        name.span(),
        quote! {
            impl<#(#params: #krate::write::Given),*> #krate::write::Insertable<#name> for #create<#(#params),*> {
                fn into_row(self) -> #krate::write::NewRow {
                    self.row
                }
            }
        },
    );
    let markers = required
        .iter()
        .map(|field| spanned(field.span(), quote!(#[derive(Debug, Clone, Copy)] pub struct #field;)));
    let doc = format!("A new `{name}` in the making: made by `{name}::create()`.");
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs, dead_code, unreachable_pub)]
        pub mod #fields {
            #(#markers)*
        }
        #(#new_children)*
        #[doc = #doc]
        #[derive(Debug, Clone)]
        #[must_use = "nothing is written before `.insert(&db)`"]
        #vis struct #create<#(#params = #fields::#required),*> {
            row: #krate::write::NewRow,
            marker: ::core::marker::PhantomData<fn() -> (#(#params,)*)>,
        }
        impl #create {
            fn new() -> Self {
                #create { row: <#name as #krate::Model>::new_row(), marker: ::core::marker::PhantomData }
            }
        }
        #[allow(dead_code)]
        impl<#(#params),*> #create<#(#params),*> {
            #(#setters)*
            #(#embed_setters)*
            #(#parent_setters)*
            #(#morph_setters)*
            #(#child_setters)*
            #(#key_setters)*

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
        #insertable
    }
}

/// The same tokens in one place of the user's code. What the compiler says of a field that is missing is shorter, and
/// points there, where nothing of it lies in the derive.
fn spanned(place: Span, tokens: TokenStream) -> TokenStream {
    let token = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), spanned(place, group.stream())).into();
        }
        token.set_span(place);
        token
    };
    tokens.into_iter().map(token).collect()
}
