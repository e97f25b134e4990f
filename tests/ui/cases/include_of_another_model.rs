include!("models.inc");

fn main() {
    let _ = User::query().include(Post::author);
}
