//! Structs that name the columns they want.

use crate::backend::FromRow;
use crate::ir;
use crate::model::Model;

/// A struct that holds some columns of a model. Implemented by `#[derive(Projection)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    label = "add `#[derive(Projection)]` and `#[orm(model = …)]` to the struct"
)]
pub trait Projection: FromRow {
    /// The model.
    type Model: Model;
    /// Its columns, in the order of the fields.
    fn columns() -> Vec<ir::Expr>;
}
