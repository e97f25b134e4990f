include!("models.inc");

fn main() {
    let _ = Post::query().select(rank().over(window().partition_by(Post::author_id)));
}
