//! `cargo xtask bench postgres`: orm, the bare driver and its peers over PostgreSQL, side by side.

mod connect;
mod databases;
#[cfg(feature = "libpq")]
mod diesel;
mod diesel_async;
mod distance;
mod sqlx;
mod tokio_postgres;

use std::rc::Rc;

use anyhow::{Context, Result};
use orm_bench_cases::{Local, runtime};
use orm_benches::Library;
use orm_benches::models::orm::Orm;
use orm_benches::models::sea_orm::SeaOrm;
use tokio::runtime::Runtime;

use connect::Connect;

/// Where `cargo xtask bench` says the server is.
const SERVER: &str = "ORM_TEST_POSTGRES_URL";

fn main() -> Result<()> {
    let server = std::env::var(SERVER).with_context(|| format!("{SERVER} does not name a server"))?;
    let runtime = Rc::new(runtime()?);
    let mut databases = databases::Databases::new(&server, Rc::clone(&runtime))?;
    let mut libraries = libraries(&runtime);
    if let Some(toasty) = orm_benches::toasty::Toasty::start()? {
        libraries.push(Box::new(toasty));
    }
    orm_benches::main(&mut databases, libraries)
}

/// Every library, the bare driver first.
fn libraries(runtime: &Rc<Runtime>) -> Vec<Library> {
    vec![
        Box::new(Local::<tokio_postgres::TokioPostgres>::new(Rc::clone(runtime))),
        Box::new(Local::<Orm<Connect>>::new(Rc::clone(runtime))),
        #[cfg(feature = "libpq")]
        Box::new(Local::<diesel::Diesel>::new(Rc::clone(runtime))),
        Box::new(Local::<diesel_async::DieselAsync>::new(Rc::clone(runtime))),
        Box::new(Local::<sqlx::Sqlx>::new(Rc::clone(runtime))),
        Box::new(Local::<SeaOrm<Connect>>::new(Rc::clone(runtime))),
    ]
}
