include!("models.inc");

fn main() {
    let _ = Post::filter(Post::id.count().gt(3));
}
