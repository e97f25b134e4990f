//! How long another task of a current-thread runtime waits while one task writes to SQLite.
//!
//! A thread sends the time to a task of the runtime about every millisecond; what passes until the task reads it is its delay. Beside
//! it one task writes without a pause. Without any writes the delay is that of waking the runtime.

use std::time::{Duration, Instant};

use anyhow::Result;
use orm::prelude::*;
use orm::sqlite::SqliteBuilder;
use tokio::sync::mpsc;

#[derive(Debug, Clone, Model)]
#[orm(table = "notes")]
struct Note {
    #[orm(primary_key, auto)]
    id: i64,
    text: String,
}

/// Many rows, which a trigger changes when a note is renamed.
#[derive(Debug, Clone, Model)]
#[orm(table = "counts")]
struct Count {
    #[orm(primary_key, auto)]
    id: i64,
    number: i64,
}

orm::schema!(Notes: Note, Count);

const TRIGGER: &str = "CREATE TRIGGER renamed AFTER UPDATE ON notes WHEN new.text LIKE 'touch%'
    BEGIN UPDATE counts SET number = number + 1; END;";

#[derive(Clone, Copy)]
enum Load {
    Nothing,
    Single,
    Hundred,
    Transaction,
    Megabytes,
    Trigger,
    SetBased,
    RolledBack,
}

impl Load {
    const ALL: [(Load, &'static str); 8] = [
        (Load::Nothing, "nothing"),
        (Load::Single, "single rows of 200 bytes"),
        (Load::Hundred, "`insert_many` of 100 rows"),
        (Load::Transaction, "transactions of 10 inserts"),
        (Load::Megabytes, "`insert_many` of 20 × 1 MB"),
        (Load::Trigger, "updates by key whose trigger changes 100 000 rows"),
        (Load::SetBased, "transactions that change 100 000 rows"),
        (Load::RolledBack, "the same, rolled back"),
    ];

    async fn run(self, db: &Sqlite) -> orm::Result<()> {
        let note = |bytes: usize| Note::create().text("x".repeat(bytes));
        let change = async |tx: &Tx<Sqlite>| {
            Count::query().update().all_rows().set(Count::number, Count::number + 1).exec(tx).await
        };
        match self {
            Load::Nothing => tokio::time::sleep(Duration::from_millis(5)).await,
            Load::Single => drop(note(200).insert(db).await?),
            Load::Hundred => drop(Note::insert_many((0..100).map(|_| note(200))).exec(db).await?),
            Load::Transaction => {
                db.transaction(async |tx| {
                    for _ in 0..10 {
                        note(200).insert(tx).await?;
                    }
                    Ok(())
                })
                .await?;
            }
            Load::Megabytes => {
                Note::insert_many((0..20).map(|_| note(1 << 20))).exec(db).await?;
                Note::filter(Note::id.gt(1)).delete().exec(db).await?;
            }
            Load::Trigger => {
                Note::filter(Note::id.eq(1)).update().set(Note::text, "touched").exec(db).await?;
            }
            Load::SetBased => {
                db.transaction(change).await?;
            }
            Load::RolledBack => {
                let tx = db.begin().await?;
                change(&tx).await?;
                tx.rollback().await?;
            }
        }
        Ok(())
    }
}

async fn fill(db: &Sqlite) -> orm::Result<()> {
    Notes::create_all(db).await?;
    db.execute_batch(TRIGGER).await?;
    Note::create().text("first").insert(db).await?;
    Count::insert_many((0..100_000).map(|_| Count::create().number(0))).exec(db).await?;
    Ok(())
}

/// The delays, in order.
async fn measure(db: &Sqlite, load: Load, time: Duration) -> orm::Result<(Vec<Duration>, u32)> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Instant>();
    let clock = std::thread::spawn(move || {
        let end = Instant::now() + time;
        let mut step = 0;
        while Instant::now() < end && sender.send(Instant::now()).is_ok() {
            step = (step * 7 + 3) % 11;
            std::thread::sleep(Duration::from_micros(900 + 20 * step));
        }
    });
    let waiting = tokio::spawn(async move {
        let mut delays = Vec::new();
        while let Some(sent) = receiver.recv().await {
            delays.push(sent.elapsed());
        }
        delays
    });
    let mut calls = 0;
    while !waiting.is_finished() {
        load.run(db).await?;
        calls += 1;
        // As a server would between two requests: the other task is polled.
        tokio::task::yield_now().await;
    }
    let mut delays = waiting.await.unwrap_or_default();
    drop(clock.join());
    delays.sort();
    Ok((delays, calls))
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        // What other threads wake is looked for after each poll: the time of one poll is measured, not that of thirty.
        .global_queue_interval(1)
        .event_interval(1)
        .build()?;
    let time = Duration::from_millis(std::env::args().nth(1).map_or(Ok(3000), |millis| millis.parse())?);
    type Settings = fn(SqliteBuilder) -> SqliteBuilder;
    let settings: [(&str, Settings); 3] = [
        ("default", |builder| builder),
        ("`synchronous = FULL`", |builder| builder.pragma("synchronous", "FULL")),
        ("`write_budget(0)`", |builder| builder.write_budget(0)),
    ];
    println!("| writes | settings | calls/s | p50 | p99 | p99.9 | max |\n|---|---|--:|--:|--:|--:|--:|");
    for (load, name) in Load::ALL {
        for (settings_name, settings) in settings {
            let folder = tempfile::tempdir()?;
            let builder = settings(Sqlite::builder().path(folder.path().join("delay.db")));
            let (delays, calls) = runtime.block_on(async {
                let db = builder.connect().await?;
                fill(&db).await?;
                let measured = measure(&db, load, time).await;
                db.close().await;
                measured
            })?;
            let at = |share: f64| {
                let index = (delays.len() as f64 * share) as usize;
                let delay =
                    delays.get(index.min(delays.len().saturating_sub(1))).copied().unwrap_or_default();
                format!("{:.2} ms", delay.as_secs_f64() * 1000.0)
            };
            let rate = f64::from(calls) / time.as_secs_f64();
            println!(
                "| {name} | {settings_name} | {rate:.0} | {} | {} | {} | {} |",
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            );
        }
    }
    Ok(())
}
