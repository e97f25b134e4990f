include!("models.inc");

fn main() {
    let _ = User::create().nmae("x");
}
