include!("models.inc");

fn main() {
    let _ = Post::query().select(Post::score.sum().over(window().order_by(Post::id.asc())));
}
