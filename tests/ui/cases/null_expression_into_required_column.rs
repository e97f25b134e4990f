include!("models.inc");

fn main() {
    let _ = User::query().update().set(User::id, User::age);
}
