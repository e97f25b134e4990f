include!("models.inc");

fn main() {
    let _ = User::query().order_by(Post::title.asc());
}
