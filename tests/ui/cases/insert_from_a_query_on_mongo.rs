include!("models.inc");

use orm::write::{InsertFrom, insert_from};

fn copy(db: &Mongo) {
    let names = User::query().select((User::email, User::name));
    let rows: InsertFrom<User> = insert_from(names, (User::email, User::name));
    let _ = rows.exec(db);
}

fn main() {}
