include!("models.inc");

fn main() {
    let _ = Post::query().group_by(Post::author_id).select(|author| (author, Post::title));
}
