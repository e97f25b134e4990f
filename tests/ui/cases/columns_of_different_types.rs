include!("models.inc");

fn main() {
    let _ = User::query().join(User::posts).filter(User::name.eq(Post::score));
}
