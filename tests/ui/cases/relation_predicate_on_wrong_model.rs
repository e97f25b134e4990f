include!("models.inc");

fn main() {
    let _ = User::filter(User::posts.any(User::name.eq("x")));
}
