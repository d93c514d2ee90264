//! A timer that works and prints as Go's does.

use std::time::{Duration, Instant};
use wasmtime::{Result, format_err};

/// A name and what it measures.
pub type Bench = (&'static str, fn(&mut Timer) -> Result<()>);

/// How long to measure.
#[derive(Clone, Copy)]
pub enum Budget {
    Time(Duration),
    Ops(u64),
}

impl Budget {
    pub fn parse(text: &str) -> Result<Budget> {
        let bad = || format_err!("not a benchmark time: {text}");
        let number = |s: &str| s.parse::<u64>().map_err(|_| bad());
        if let Some(n) = text.strip_suffix('x') {
            Ok(Budget::Ops(number(n)?))
        } else if let Some(n) = text.strip_suffix("ms") {
            Ok(Budget::Time(Duration::from_millis(number(n)?)))
        } else if let Some(n) = text.strip_suffix('s') {
            Ok(Budget::Time(Duration::from_secs(number(n)?)))
        } else {
            Err(bad())
        }
    }
}

/// Runs one measurement.
pub struct Timer {
    name: &'static str,
    budget: Budget,
}

impl Timer {
    pub fn new(name: &'static str, budget: Budget) -> Timer {
        Timer { name, budget }
    }

    /// Calls `ops` with growing numbers of ops to do, until they take long enough, and prints the last round.
    pub fn run(&mut self, mut ops: impl FnMut(u64) -> Result<()>) -> Result<()> {
        let mut time = |n: u64| -> Result<Duration> {
            let start = Instant::now();
            ops(n)?;
            Ok(start.elapsed())
        };
        let (mut n, mut took);
        match self.budget {
            Budget::Ops(count) => {
                n = count;
                took = time(n)?;
            }
            Budget::Time(goal) => {
                n = 1;
                took = time(n)?;
                while took < goal && n < 1_000_000_000 {
                    let per_op = took.as_nanos().max(1) / u128::from(n);
                    let wanted = (goal.as_nanos() / per_op.max(1)) as u64;
                    n = (wanted + wanted / 5).clamp(n + 1, n * 100);
                    took = time(n)?;
                }
            }
        }
        println!("Benchmark{}\t{n}\t{:.3} ns/op", self.name, took.as_nanos() as f64 / n as f64);
        Ok(())
    }

    /// Times `op` by itself.
    pub fn each(&mut self, mut op: impl FnMut() -> Result<()>) -> Result<()> {
        self.run(|n| (0..n).try_for_each(|_| op()))
    }
}
