use orm::prelude::*;

#[derive(Debug, Clone, PartialEq, Embedded)]
pub struct Step {
    pub text: String,
    pub minutes: i32,
}

#[derive(Debug, Clone, Model)]
pub struct Recipe {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(embed)]
    pub steps: Vec<Step>,
}

fn slow(db: &Sqlite) {
    let _ = Recipe::query().filter(Recipe::steps.any(Step::minutes.gt(60))).all(db);
}

fn main() {}
