include!("models.inc");

fn main() {
    let _ = Post::query().join(User::posts);
}
