//! Writes the models: a hundred in a chain, a hundred in a tree, a hundred at random with circles, and all of them connected.
//! Every foreign key is known at both ends, and every model has a query that includes what is around it. And a chain of its own, for
//! which the test has machine code made.

use std::fmt::Write as _;
use std::path::Path;

const EACH: usize = 100;
const MODELS: usize = 3 * EACH;
/// More than the 128 instances of one function inside another that the compiler makes.
const CHAIN: usize = 136;

/// Numbers that look random and are the same in every build.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// The models that each model belongs to.
fn parents() -> Vec<Vec<usize>> {
    let mut random = Random(7);
    let mut parents = vec![Vec::new(); MODELS];
    for at in 1..EACH {
        parents[at].push(at - 1);
        parents[EACH + at].push(EACH + (at - 1) / 3);
    }
    // From here to all models, itself included.
    for own in &mut parents[2 * EACH..] {
        while own.len() < 2 {
            let parent = random.below(MODELS);
            if !own.contains(&parent) {
                own.push(parent);
            }
        }
    }
    parents[0].push(2 * EACH);
    parents[EACH].push(0);
    parents
}

fn model(at: usize, parents: &[Vec<usize>]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let mut includes = String::new();
    writeln!(out, "#[derive(Debug, Clone, PartialEq, Model)]\npub struct M{at} {{")?;
    writeln!(out, "    #[orm(primary_key, auto)] pub id: i64,\n    pub name: String,")?;
    for parent in &parents[at] {
        writeln!(out, "    pub to{parent}_id: Option<i64>,")?;
        writeln!(out, "    #[orm(foreign_key = to{parent}_id)] pub to{parent}: BelongsTo<M{parent}>,")?;
        write!(includes, ".include(M{at}::to{parent}.include(M{parent}::of{at}))")?;
    }
    for (child, _) in parents.iter().enumerate().filter(|(_, parents)| parents.contains(&at)) {
        let slot = if child % 5 == 0 { "HasOne" } else { "HasMany" };
        writeln!(out, "    pub of{child}: {slot}<M{child}>,")?;
        write!(includes, ".include(M{at}::of{child})")?;
    }
    writeln!(out, "}}")?;
    // Compiled, and checked to be `Send`, but not made into machine code.
    writeln!(out, "#[allow(dead_code)]\nfn query{at}(db: Sqlite) {{")?;
    writeln!(out, "    spawned(async move {{")?;
    writeln!(
        out,
        "        let found = M{at}::filter(M{at}::name.contains(\"a\")){includes}.all(&db).await?;"
    )?;
    writeln!(out, "        db.transaction(async |tx| M{at}::create().name(\"b\").insert(tx).await).await?;")?;
    writeln!(out, "        Ok::<_, orm::Error>(found)\n    }});\n}}")?;
    Ok(out)
}

/// The models of the chain: each has many of the next.
fn chain() -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for at in 0..CHAIN {
        writeln!(out, "#[derive(Debug, Clone, Model)]\npub struct Link{at} {{")?;
        writeln!(out, "    #[orm(primary_key, auto)] pub id: i64,")?;
        if let Some(before) = at.checked_sub(1) {
            writeln!(out, "    pub before_id: i64,")?;
            writeln!(out, "    #[orm(foreign_key = before_id)] pub before: BelongsTo<Link{before}>,")?;
        }
        if at + 1 < CHAIN {
            writeln!(out, "    pub next: HasMany<Link{}>,", at + 1)?;
        }
        writeln!(out, "}}")?;
    }
    Ok(out)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let parents = parents();
    let mut out = String::new();
    for at in 0..MODELS {
        out.push_str(&model(at, &parents)?);
    }
    out.push_str(&chain()?);
    let names: Vec<String> =
        (0..MODELS).map(|at| format!("M{at}")).chain((0..CHAIN).map(|at| format!("Link{at}"))).collect();
    writeln!(out, "orm::schema!(pub All: {});", names.join(", "))?;
    let folder = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&folder).join("models.rs"), out)?;
    Ok(())
}
