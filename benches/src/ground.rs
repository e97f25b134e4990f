//! The databases that the libraries work on.

use anyhow::Result;
use orm_bench_cases::{Case, NewUser, Shape};

/// Makes the databases of a case, all with the same content, by the bare driver.
pub trait Ground {
    /// What the results are saved as.
    const NAME: &'static str;
    /// The library that the others are compared with.
    const BASELINE: &'static str;
    /// What is measured, in the order of the report.
    const SHAPES: &'static [Shape];

    /// Makes the content of a case. What the case before it left is removed.
    fn prepare(&mut self, case: Case) -> Result<()>;

    /// Makes a database with that content for a library, and says where it is.
    fn place(&mut self, library: &str) -> Result<String>;

    /// Cleans up before a sample of a write, so that no library pays for another sample's writes.
    fn settle(&mut self, place: &str) -> Result<()>;

    /// Counts the users in a database: all, those with hair, and the characters of their names.
    fn count(&mut self, place: &str) -> Result<(i64, i64, i64)>;

    /// Removes the databases of the last case, which nobody has open any more.
    fn clean(&mut self) -> Result<()>;

    /// Checks that a database holds the users that were to be inserted.
    fn inserted(&mut self, place: &str, users: &[NewUser]) -> Result<()> {
        let found = self.count(place)?;
        let colors = users.iter().filter(|user| user.hair_color.is_some()).count();
        let text: usize = users.iter().map(|user| user.name.len()).sum();
        let wanted = (users.len() as i64, colors as i64, text as i64);
        anyhow::ensure!(found == wanted, "the table holds {found:?}, not {wanted:?}");
        Ok(())
    }
}
