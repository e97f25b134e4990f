//! Points: <https://www.postgresql.org/docs/current/datatype-geometric.html>.

use postgres_protocol::types as wire;

use super::{BoxError, BytesMut, NativeType, PgValue, builtin};

/// `point`: a place on a plane. The server has no `=` for points and so no `eq`, list or unique index either.
///
/// ```
/// use orm_postgres::types::Point;
/// assert_eq!(Point { x: 1.0, y: 2.0 }.x, 1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

impl PgValue for Point {
    const TYPE: NativeType = builtin("point");
    fn write(&self, out: &mut BytesMut) -> Result<(), BoxError> {
        wire::point_to_sql(self.x, self.y, out);
        Ok(())
    }
    fn read(bytes: &[u8]) -> Result<Self, BoxError> {
        let point = wire::point_from_sql(bytes)?;
        Ok(Point { x: point.x(), y: point.y() })
    }
}
crate::pg_value!(Point);
