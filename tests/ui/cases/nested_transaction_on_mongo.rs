include!("models.inc");

fn step_within_a_step(tx: &Tx<Mongo>) {
    let _ = tx.begin();
}

fn main() {}
