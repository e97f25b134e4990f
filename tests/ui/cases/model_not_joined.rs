include!("models.inc");

fn main() {
    let _ = User::filter(Post::title.eq("x"));
}
