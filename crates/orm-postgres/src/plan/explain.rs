//! Asking for a plan.

use orm_core::backend::{Executor, TxOptions};
use orm_core::ir::{Command, IntoCommand};
use orm_core::{Error, ErrorKind, Result};

use super::Plan;
use crate::transaction::Unfinished;
use crate::{PgSession, Postgres, run, transaction};

/// What a plan should say: <https://www.postgresql.org/docs/current/sql-explain.html>.
///
/// ```
/// use orm_postgres::plan::ExplainOptions;
/// let options = ExplainOptions::new().analyze().buffers();
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use = "pass it to `.plan_with(..)`"]
pub struct ExplainOptions {
    analyze: bool,
    buffers: bool,
    verbose: bool,
    settings: bool,
    wal: bool,
}

impl ExplainOptions {
    /// The estimates alone; the statement does not run.
    ///
    /// ```
    /// use orm_postgres::plan::ExplainOptions;
    /// assert_eq!(ExplainOptions::new(), ExplainOptions::default());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs the statement and says what happened. What a write changed is rolled back; what functions of yours do outside of the
    /// database is not.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let plan = User::query().plan_with(ExplainOptions::new().analyze(), &db).await?;
    /// println!("{:?} ms", plan.execution_ms);
    /// # Ok(()) }
    /// ```
    pub fn analyze(mut self) -> Self {
        self.analyze = true;
        self
    }

    /// How many pages were touched.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let plan = User::query().plan_with(ExplainOptions::new().analyze().buffers(), &db).await?;
    /// println!("{:?} pages from outside", plan.root.buffers.map(|buffers| buffers.shared_read));
    /// # Ok(()) }
    /// ```
    pub fn buffers(mut self) -> Self {
        self.buffers = true;
        self
    }

    /// What each node puts out, and in which schema things are.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let plan = User::query().plan_with(ExplainOptions::new().verbose(), &db).await?;
    /// println!("{:?}", plan.root.other.get("Output"));
    /// # Ok(()) }
    /// ```
    pub fn verbose(mut self) -> Self {
        self.verbose = true;
        self
    }

    /// Settings that are not the default.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let plan = User::query().plan_with(ExplainOptions::new().settings(), &db).await?;
    /// for (name, value) in &plan.settings {
    ///     println!("{name} = {value}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn settings(mut self) -> Self {
        self.settings = true;
        self
    }

    /// How much was written to the log. Without [`analyze`](ExplainOptions::analyze) the server refuses it.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let update = Post::query().update().set(Post::score, 0).all_rows();
    /// let plan = update.plan_with(ExplainOptions::new().analyze().wal(), &db).await?;
    /// println!("{:?} bytes", plan.root.other.get("WAL Bytes"));
    /// # Ok(()) }
    /// ```
    pub fn wal(mut self) -> Self {
        self.wal = true;
        self
    }

    pub(crate) fn runs(self) -> bool {
        self.analyze
    }
}

/// The statement that asks for the plan of another.
fn sql_of(options: ExplainOptions, sql: &str) -> String {
    let mut list = String::from("FORMAT JSON");
    let words = [
        (options.analyze, "ANALYZE"),
        (options.buffers, "BUFFERS"),
        (options.verbose, "VERBOSE"),
        (options.settings, "SETTINGS"),
        (options.wal, "WAL"),
    ];
    for (_, word) in words.into_iter().filter(|(wanted, _)| *wanted) {
        list += ", ";
        list += word;
    }
    format!("EXPLAIN ({list}) {sql}")
}

/// The plan of anything that is one statement: a query, an update or deletion of the rows of a query, SQL of your own.
///
/// ```no_run
/// # async fn example(db: &orm_postgres::Postgres) -> orm_core::Result<()> {
/// use orm_core::query::sql;
/// use orm_postgres::plan::{ExplainOptions, Planned};
/// let plan = sql::<i64>("SELECT id FROM users WHERE name = ?").bind("ada".to_owned()).plan_with(ExplainOptions::new().analyze(), db).await?;
/// println!("{plan}");
/// assert_eq!(plan.scans_whole_tables().count(), 0);
/// # Ok(()) }
/// ```
pub trait Planned: IntoCommand + Sized {
    /// The plan, as estimated.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::Planned;
    /// let plan = User::filter(User::email.eq("ada@example.org")).plan(&db).await?;
    /// assert_eq!(plan.scans_whole_tables().count(), 0);
    /// # Ok(()) }
    /// ```
    fn plan<E>(self, db: &E) -> impl Future<Output = Result<Plan>> + Send
    where
        E: Executor<Backend = Postgres> + ?Sized,
    {
        self.plan_with(ExplainOptions::new(), db)
    }

    /// The plan, with options.
    ///
    /// ```no_run
    /// # use orm_guide::prelude::*;
    /// # async fn example(db: Postgres) -> Result<()> {
    /// use orm::postgres::plan::{ExplainOptions, Planned};
    /// let old = Post::filter(Post::score.lt(0)).delete();
    /// let plan = old.plan_with(ExplainOptions::new().analyze(), &db).await?;     // the rows are still there
    /// println!("{plan}");
    /// # Ok(()) }
    /// ```
    fn plan_with<E>(self, options: ExplainOptions, db: &E) -> impl Future<Output = Result<Plan>> + Send
    where
        E: Executor<Backend = Postgres> + ?Sized,
    {
        let command = self.into_command();
        async move {
            let plan = |session, command| explained(session, command, options);
            db.handle().native_command(command?, plan).await
        }
    }
}

impl<C: IntoCommand> Planned for C {}

/// The plan of a command as a tree. One that runs a write is rolled back.
async fn explained(session: &PgSession, mut command: Command, options: ExplainOptions) -> Result<Plan> {
    if let Command::Insert(insert) = &command
        && let Some(mut pieces) = run::pieces(insert)
    {
        match (pieces.pop(), pieces.is_empty()) {
            (Some(only), true) => command = Command::Insert(Box::new(only)),
            _ => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    "these rows are several statements, each with a plan of its own",
                )
                .with_hint("give the same columns in every row, or ask for the plan of one row"));
            }
        }
    }
    let explain = |sql: &str| sql_of(options, sql);
    let changes = !matches!(command, Command::Select(_));
    if !(options.runs() && changes) {
        return Plan::parse(&run::explain_on(session, &command, explain).await?);
    }
    let inner = transaction::begin(session, TxOptions::new()).await?;
    let guard = Unfinished(&inner);
    let work = inner.work().await?;
    let result = run::explain(work.settings(), work.connection()?, &command, explain).await;
    drop(work);
    let rolled_back = transaction::rollback(&inner).await;
    guard.forget();
    let text = result?;
    rolled_back?;
    Plan::parse(&text)
}
