include!("models.inc");

fn main() {
    let _ = User::query().update().set(Post::title, "x");
}
