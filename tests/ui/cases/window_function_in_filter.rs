include!("models.inc");

fn main() {
    let _ = Post::filter(row_number().over(window().order_by(Post::id.asc())).le(3));
}
