include!("models.inc");

fn main() {
    let _ = User::find("one");
}
