include!("models.inc");

fn main() {
    let _ = Post::query().update().set(Post::title, None);
}
