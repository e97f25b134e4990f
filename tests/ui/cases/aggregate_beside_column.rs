include!("models.inc");

fn main() {
    let _ = Post::query().select((Post::title, Post::id.count()));
}
