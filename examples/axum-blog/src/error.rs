//! From the library's typed errors to HTTP statuses.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use orm::ErrorKind;
use serde_json::json;

/// The error of a handler.
#[derive(Debug)]
pub struct ApiError(orm::Error);

impl From<orm::Error> for ApiError {
    fn from(error: orm::Error) -> Self {
        ApiError(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ApiError(error) = self;
        let status = match error.kind() {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Unique | ErrorKind::Stale => StatusCode::CONFLICT,
            ErrorKind::ForeignKey | ErrorKind::Check | ErrorKind::NotNull | ErrorKind::ValueTooLong => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            // A cursor that somebody made up, or one of another list.
            ErrorKind::Decode | ErrorKind::Usage => StatusCode::BAD_REQUEST,
            ErrorKind::PoolTimeout | ErrorKind::ConnectionLost | ErrorKind::LockTimeout => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        // The text holds no values; what the database said stays here.
        let body = json!({ "error": error.kind().name(), "model": error.model(), "fields": error.fields() });
        (status, Json(body)).into_response()
    }
}
