include!("models.inc");

fn main() {
    let _ = User::query().select(User::name).union(Post::query().select(Post::id));
}
