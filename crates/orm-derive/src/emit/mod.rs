//! One file per product.

pub mod columns;
mod create;
pub mod meta;
pub mod model_impl;
mod row;
mod update;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::model::Model;

/// Everything that `#[derive(Model)]` makes, or the errors and nothing.
pub fn model(input: &DeriveInput) -> TokenStream {
    let model = match Model::parse(input) {
        Ok(model) => model,
        Err(errors) => return errors.write_errors(),
    };
    let parts = [
        columns::emit(&model),
        row::emit(&model),
        model_impl::emit(&model),
        create::emit(&model),
        update::emit(&model),
    ];
    quote!(#(#parts)*)
}
