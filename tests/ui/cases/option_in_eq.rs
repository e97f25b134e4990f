include!("models.inc");

fn main() {
    let _ = User::filter(User::age.eq(Some(3)));
}
