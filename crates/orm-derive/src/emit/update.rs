//! The builder of changes to a row.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::create::{setter_embed, setter_value};
use crate::model::Model;

pub fn emit(model: &Model) -> TokenStream {
    let (name, krate, vis) = (&model.ident, &model.krate, &model.vis);
    let update = format_ident!("{name}Update");
    let settable = model.columns.iter().filter(|column| {
        column.field.generated.is_none()
            && !column.field.version.is_present()
            && !model.primary_key.contains(&column.index)
    });
    let setters = settable.map(|column| {
        let (ident, index, field_vis) = (&column.ident, column.index, &column.field.vis);
        let (param, value) = setter_value(model, column);
        let doc = format!("Changes `{ident}`.");
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, value: #param) -> Self {
                self.change.set(#index, #value);
                self
            }
        }
    });
    let embed_setters = model.embeds.iter().map(|embed| {
        let (ident, field_vis) = (&embed.ident, &embed.field.vis);
        let (param, set) = setter_embed(krate, embed, &quote!(self.change.set));
        let doc = format!("Changes `{ident}`.");
        quote! {
            #[doc = #doc]
            #field_vis fn #ident(mut self, value: #param) -> Self {
                #set
                self
            }
        }
    });
    let doc = format!("Changes to a `{name}`: made by `row.update()`.");
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone)]
        #[must_use = "nothing is written before `.save(&db)`"]
        #vis struct #update {
            change: #krate::write::Change<#name>,
        }
        impl #krate::write::IntoChange<#name> for #update {
            fn into_change(self) -> #krate::write::Change<#name> {
                self.change
            }
        }
        #[allow(dead_code)]
        impl #update {
            #(#setters)*
            #(#embed_setters)*

            /// Sends what was set and returns the row as the database has it.
            #vis fn save<__E: #krate::backend::Executor + ?Sized>(
                self,
                db: &__E,
            ) -> impl ::core::future::Future<Output = #krate::Result<#name>> + Send {
                #krate::write::save_changes(self.change, db)
            }
        }
    }
}
