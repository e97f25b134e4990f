include!("models.inc");

fn main() {
    let _ = User::query().include(User::posts.filter(User::name.eq("x")));
}
