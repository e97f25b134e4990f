include!("models.inc");

fn main() {
    let names = User::query().select(User::name).union(Post::query().select(Post::title));
    let _ = names.order_by(User::name.asc());
}
