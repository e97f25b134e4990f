//! `#[derive(Projection)]`.

use darling::ast::Data;
use darling::{Error, FromDeriveInput, FromField, FromMeta};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Expr, GenericArgument, Ident, Path, PathArguments, Type};

use crate::attributes::PathArg;
use crate::model::{krate_path, option_of};

#[derive(FromDeriveInput)]
#[darling(attributes(orm), supports(struct_named))]
struct Input {
    ident: Ident,
    vis: syn::Visibility,
    data: Data<darling::util::Ignored, Field>,
    model: PathArg,
    #[darling(rename = "crate")]
    krate: Option<PathArg>,
}

#[derive(FromField)]
#[darling(attributes(orm))]
struct Field {
    ident: Option<Ident>,
    ty: Type,
    column: Option<Expr>,
    expr: Option<Expr>,
    count: Option<PathArg>,
    nested: Option<NestedArg>,
}

/// `nested`, `nested = posts` or `nested = User::posts.filter(…)`.
struct NestedArg(Option<Expr>);

impl FromMeta for NestedArg {
    fn from_word() -> darling::Result<Self> {
        Ok(NestedArg(None))
    }
    fn from_expr(expr: &Expr) -> darling::Result<Self> {
        Ok(NestedArg(Some(expr.clone())))
    }
}

/// A field that is read from the row.
struct Plain<'f> {
    ident: &'f Ident,
    ty: &'f Type,
    /// The node of the IR.
    node: TokenStream,
}

/// A field that holds rows of a relation.
struct Nested<'f> {
    ident: &'f Ident,
    /// The type of one row.
    row: Type,
    /// `Vec<…>`, `Option<…>` or the row itself, made of all rows.
    value: TokenStream,
    relation: TokenStream,
}

pub fn derive(input: &DeriveInput) -> TokenStream {
    expand(input).unwrap_or_else(Error::write_errors)
}

fn expand(input: &DeriveInput) -> darling::Result<TokenStream> {
    let input = Input::from_derive_input(input)?;
    let krate = &krate_path(input.krate.as_ref());
    let (name, model) = (&input.ident, &input.model.0);
    let fields = input.data.take_struct().map(|fields| fields.fields).unwrap_or_default();
    let (mut plain, mut nested) = (Vec::new(), Vec::new());
    let mut errors = Error::accumulator();
    for field in &fields {
        let Some(ident) = &field.ident else { continue };
        let ways =
            [field.column.is_some(), field.expr.is_some(), field.count.is_some(), field.nested.is_some()];
        if ways.iter().filter(|way| **way).count() > 1 {
            errors.push(
                Error::custom("a field comes from one of `column`, `expr`, `count` and `nested`")
                    .with_span(ident),
            );
        }
        match &field.nested {
            Some(argument) => nested.push(nested_field(krate, model, field, ident, argument)),
            None => plain.push(plain_field(krate, model, field, ident)),
        }
    }
    errors.finish()?;

    let nodes = plain.iter().map(|field| &field.node);
    let idents: Vec<_> = plain.iter().map(|field| field.ident).collect();
    let types: Vec<_> = plain.iter().map(|field| field.ty).collect();
    let (width, positions) = (plain.len(), 0..plain.len());
    if nested.is_empty() {
        return Ok(quote! {
            impl #krate::backend::FromRow for #name {
                const WIDTH: usize = #width;
                fn from_row<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> #krate::Result<Self> {
                    Ok(#name { #(#idents: row.get::<#types>(at + #positions)?),* })
                }
            }
            impl #krate::query::Combine for #name {
                type Scope = ();
                type Columns = ();
                fn output_columns(_: &mut u16) {}
            }
            impl #krate::query::Projection for #name {
                type Model = #model;
                fn columns() -> ::std::vec::Vec<#krate::ir::Expr> {
                    ::std::vec![#(#nodes),*]
                }
            }
        });
    }

    let (vis, raw) = (&input.vis, format_ident!("__{name}Row"));
    let keys: Vec<_> = (0..nested.len()).map(|number| format_ident!("__key{number}")).collect();
    let plans: Vec<_> = nested.iter().map(|field| &field.relation).collect();
    let nested_idents: Vec<_> = nested.iter().map(|field| field.ident).collect();
    let nested_rows: Vec<_> = nested.iter().map(|field| &field.row).collect();
    let nested_values = nested.iter().map(|field| &field.value);
    let numbers: Vec<_> = (0..nested.len()).collect();
    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(Debug)]
        #vis struct #raw {
            #(#idents: #types,)*
            #(#keys: #krate::relation::NestKey,)*
        }
        impl #name {
            /// The nested relations, made once.
            fn __plans() -> &'static [#krate::relation::IncludePlan] {
                static PLANS: ::std::sync::OnceLock<::std::vec::Vec<#krate::relation::IncludePlan>> =
                    ::std::sync::OnceLock::new();
                PLANS.get_or_init(|| ::std::vec![#(#plans),*])
            }
        }
        impl #krate::backend::FromRow for #raw {
            const WIDTH: usize = #width;
            fn from_row<__Row: #krate::backend::Row>(row: &__Row, at: usize) -> #krate::Result<Self> {
                let plans = #name::__plans();
                let mut next = at + #width;
                #(
                    let #keys = #krate::query::read_nested_key::<#model, __Row>(&plans[#numbers], row, &mut next)?;
                )*
                Ok(#raw { #(#idents: row.get::<#types>(at + #positions)?,)* #(#keys,)* })
            }
        }
        impl #krate::query::Combine for #name {
            type Scope = ();
            type Columns = ();
            fn output_columns(_: &mut u16) {}
        }
        impl #krate::query::QueryOutput for #name {
            type Raw = #raw;
            async fn finish<__B: #krate::backend::Backend>(
                __rows: ::std::vec::Vec<#raw>,
                _includes: &[#krate::relation::IncludePlan],
                __handle: &#krate::backend::Handle<__B>,
            ) -> #krate::Result<::std::vec::Vec<Self>> {
                let __plans = #name::__plans();
                let mut __plain = ::std::vec::Vec::with_capacity(__rows.len());
                #(let mut #keys = ::std::vec::Vec::with_capacity(__rows.len());)*
                for __row in __rows {
                    #(#keys.push(__row.#keys);)*
                    __plain.push((#(__row.#idents,)*));
                }
                #(
                    let mut #nested_idents =
                        #krate::query::nested::<#model, #nested_rows, __B>(&__plans[#numbers], #keys, __handle).await?;
                )*
                let mut __out = ::std::vec::Vec::with_capacity(__plain.len());
                for (#(#idents,)*) in __plain {
                    #(let #nested_idents = #nested_idents.next().unwrap_or_default();)*
                    __out.push(#name { #(#idents,)* #(#nested_idents: #nested_values,)* });
                }
                Ok(__out)
            }
        }
        impl #krate::query::Projection for #name {
            type Model = #model;
            fn columns() -> ::std::vec::Vec<#krate::ir::Expr> {
                let mut columns = ::std::vec![#(#nodes),*];
                for plan in #name::__plans() {
                    columns.extend(#krate::query::nested_key::<#model>(plan));
                }
                columns
            }
        }
    })
}

fn plain_field<'f>(krate: &TokenStream, model: &Path, field: &'f Field, ident: &'f Ident) -> Plain<'f> {
    let ty = &field.ty;
    let node = match (&field.expr, &field.count, &field.column) {
        (Some(expr), ..) => {
            quote_spanned!(expr.span()=> #krate::query::projected::<#model, #ty, _, _>(#expr))
        }
        (None, Some(relation), _) => {
            let relation = &relation.0;
            quote_spanned!(ty.span()=> #krate::query::projected::<#model, #ty, _, _>(#model::#relation.count()))
        }
        (None, None, column) => {
            let column = column.as_ref().map_or_else(|| quote!(#ident), |column| quote!(#column));
            quote_spanned! {ty.span()=> {
                let column: #krate::expr::Column<#model, #ty> = #model::#column;
                #krate::expr::column_ir(column)
            }}
        }
    };
    Plain { ident, ty, node }
}

fn nested_field<'f>(
    krate: &TokenStream,
    model: &Path,
    field: &'f Field,
    ident: &'f Ident,
    argument: &NestedArg,
) -> Nested<'f> {
    let text = ident.to_string();
    let (row, value) = if let Some(row) = vec_of(&field.ty) {
        (row, quote!(#ident))
    } else if let Some(row) = option_of(&field.ty) {
        (row, quote!(#krate::query::nested_one::<#model, _>(#ident, #text)?))
    } else {
        (field.ty.clone(), quote!(#krate::query::nested_required::<#model, _>(#ident, #text)?))
    };
    let relation = match &argument.0 {
        None => quote!(#model::#ident),
        Some(Expr::Path(path)) if path.path.get_ident().is_some() => quote!(#model::#path),
        Some(expr) => quote!(#expr),
    };
    let relation = quote_spanned!(field.ty.span()=> #krate::query::nested_plan::<#model, #row, _>(#relation));
    Nested { ident, row, value, relation }
}

/// What a `Vec<…>` holds.
fn vec_of(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Vec")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}
