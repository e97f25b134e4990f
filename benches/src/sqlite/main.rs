//! `cargo xtask bench sqlite`: orm, the bare driver and its peers over SQLite, side by side.

mod connect;
mod diesel;
mod diesel_async;
mod rusqlite;
mod seed;
mod sqlx;

use std::rc::Rc;

use anyhow::Result;
use orm_bench_cases::{Local, runtime};
use orm_benches::Library;
use orm_benches::models::orm::Orm;
use orm_benches::models::sea_orm::SeaOrm;

use connect::Connect;

fn main() -> Result<()> {
    orm_benches::main(&mut seed::Files::default(), libraries()?)
}

/// Every library, the bare driver first.
fn libraries() -> Result<Vec<Library>> {
    let runtime = Rc::new(runtime()?);
    let mut libraries: Vec<Library> = vec![
        Box::new(Local::<rusqlite::Rusqlite>::new(Rc::clone(&runtime))),
        Box::new(Local::<Orm<Connect>>::new(Rc::clone(&runtime))),
        Box::new(Local::<diesel::Diesel>::new(Rc::clone(&runtime))),
        Box::new(Local::<diesel_async::DieselAsync>::new(Rc::clone(&runtime))),
        Box::new(Local::<sqlx::Sqlx>::new(Rc::clone(&runtime))),
        Box::new(Local::<SeaOrm<Connect>>::new(runtime)),
    ];
    if let Some(toasty) = orm_benches::toasty::Toasty::start()? {
        libraries.push(Box::new(toasty));
    }
    Ok(libraries)
}
