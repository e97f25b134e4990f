include!("models.inc");

fn main() {
    let _ = User::query().select((User::name, Post::title));
}
