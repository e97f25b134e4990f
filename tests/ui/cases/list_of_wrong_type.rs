include!("models.inc");

fn main() {
    let _ = User::filter(User::id.in_(["a", "b"]));
}
