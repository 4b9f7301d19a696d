//! The report, in Markdown.

use std::fmt;

use crate::derive_cost;
use crate::files;
use crate::measure::Timing;
use crate::memory::{self, CLONE, COPY};

/// Everything that was measured.
pub(crate) struct Report {
    /// What it was measured on.
    pub(crate) machine: String,
    /// How often.
    pub(crate) rounds: usize,
    /// Each state with warm memory, and with cold memory.
    pub(crate) states: Vec<(memory::Results, memory::Cold)>,
    /// Each folder with warm memory, and with cold memory.
    pub(crate) files: (Vec<files::Results>, Vec<files::Results>),
    /// Compile times.
    pub(crate) derives: Vec<derive_cost::Results>,
}

const OURS: &str = "samestate";

const INTRODUCTION: &str = "\
# Benchmarks

Made by

```sh
cargo run --release --manifest-path benches/Cargo.toml -- --write docs/BENCHMARKS.md
```

Every figure is processor time of one thread, the kernel's part included, because a shared machine
makes wall time useless. Candidates run in turns, one run each per round, and figures are medians
over the rounds; *x* is the median of the ratios to a plain copy of the state's bytes **in the same
round**. Dropping a result is not counted. In the same run every restored state is compared with
the original, every image with the first one, and every file is read back.

*Warm* memory was used before and kept by the allocator. With *cold* memory every single run has a
process of its own, and the page faults of its fresh memory are counted, as they are in a program
that restores when it starts. (For files: every array comes fresh from the system.)

samestate has everything on: checksums of every byte, taken when saving and checked before
anything is decoded, the schema in every image and its comparison, maps in a reproducible order, and limits on
depth and length. Of the others none takes checksums; rkyv validates its bytes and builds owned
values; savefile writes its schema; borsh orders maps; wincode's limit of 4 MiB per allocation is
off, because it refuses these states.
";

/// What stands behind the figures, and what did not help. Figures in it are ratios to a plain copy
/// of the same bytes, from single experiments on a machine like the one above.
const LIMITS: &str = "
## What limits it

*Plain arrays.* A copy of many megabytes waits for memory. Checksums cost little beside it when
they are taken of 4 KiB at a time, just before these are copied, and stores past the caches save
fetching what is overwritten. So both directions may take less than the copy that they are compared
with, which stores the usual way. What is restored in memory is not in a cache afterwards, and
neither is it after a copy of that size.

*Plain structs, save.* They are put together in the innermost cache, 4 KiB at a time, and go from
there past the other caches. Where a piece ends in the middle of a line of memory, the rest of the
line must wait for the next piece: writing lines in two goes took 1.7 to 1.9 times a copy.

*Plain structs, restore.* The image is read twice, once for its checksum (0.4 to 0.5 of a copy) and
once to be decoded, because no code of a type may run before everything is checked: a checksum of
the whole, then a plain copy of the whole takes 1.4 to 1.5 already. Tried, and not better: decoding
field by field (1.35 to 1.6); making each struct an `Option` (2.9 to 3.1: it goes over the stack);
collecting structs in the cache and storing them past the others (2.9). Arrays of numbers are copied
while they are checked, because no code but the copy is needed for them. Those that are faster here
take no checksum.

*Mixed, save.* More than half of it was waiting for memory: what a map holds stands somewhere else
for each entry. Keys and values are now asked for eight entries ahead (2.9 to 3.7). Tried, and not
better: encoding entries as they come and copying them in order afterwards (5.0 to 5.6). What is left
above the fastest includes putting the entries in the order of their keys, by which equal states give
equal bytes, and the checksum.

*Mixed, restore.* It allocates as many strings and arrays as there are, in whatever format: a deep
clone alone takes 3.0 to 3.9.

*Restoring from a file.* The file is read to one buffer, and then checked and copied. Reading each
array to its place would save the copy, and with cold memory the page faults of the buffer.
";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(INTRODUCTION)?;
        writeln!(f, "\nMachine: {}. {} rounds.", self.machine, self.rounds)?;
        self.summary(f)?;
        for (warm, cold) in &self.states {
            state(f, warm, cold)?;
        }
        for (warm, cold) in self.files.0.iter().zip(&self.files.1) {
            writeln!(f, "\n## Files: the particles, in a folder on {}\n", warm.place)?;
            f.write_str(
                "Written to a temporary file, made durable, renamed, the folder made durable; read \
                 from the page cache.\n\n",
            )?;
            file_table(f, &warm.save, &cold.save)?;
            writeln!(f)?;
            file_table(f, &warm.restore, &cold.restore)?;
        }
        f.write_str(LIMITS)?;
        self.derives(f)
    }
}

impl Report {
    /// Ours beside the goals.
    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Beside the goals, warm\n")?;
        writeln!(f, "| | goal | samestate | best other | samestate / best other |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        let goals = [(1.3, 1.3), (1.3, 1.3), (4.0, 6.5)];
        for ((warm, _), (save, restore)) in self.states.iter().zip(goals) {
            let state = warm.title.split(':').next().unwrap_or_default();
            for (what, timings, goal) in
                [("save", &warm.save, save), ("restore", &warm.restore, restore)]
            {
                let Some((ours, best)) = ours_and_best(timings) else { continue };
                let met = if ours.ratio <= goal { "" } else { " (missed)" };
                writeln!(
                    f,
                    "| {state}, {what} | {goal:.1}x | {:.2}x{met} | {:.2}x {} | {:.2} |",
                    ours.ratio,
                    best.ratio,
                    best.name,
                    ours.ms / best.ms
                )?;
            }
        }
        for results in &self.files.0 {
            let [base, .., ours] = &results.save[..] else { continue };
            let met = if ours.ratio <= 1.0 { "" } else { " (missed)" };
            writeln!(
                f,
                "| save to a file, {} | 1.0x {} | {:.2}x{met} | | |",
                results.place, base.name, ours.ratio
            )?;
        }
        Ok(())
    }

    fn derives(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.derives.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n## What the derive costs when it compiles\n")?;
        f.write_str(
            "Processor time of cargo and the compiler for one library of 51 structs with 1,050 \
             fields, dependencies built before, not incremental; medians of three builds in turns. \
             Figures are milliseconds per 100 fields above the same library without a derive.\n\n",
        )?;
        writeln!(f, "| | Checkpoint | serde + postcard | Checkpoint / serde | no derive, whole |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for results in &self.derives {
            let [base, ours, serde] = &results.costs[..] else { continue };
            writeln!(
                f,
                "| `{}` | {:.0} | {:.0} | {:.2} | {:.0} |",
                results.command,
                ours.ms,
                serde.ms,
                ours.ms / serde.ms,
                base.ms
            )?;
        }
        Ok(())
    }
}

/// Our timing, and that of the fastest other format.
fn ours_and_best(timings: &[Timing]) -> Option<(&Timing, &Timing)> {
    let ours = timings.iter().find(|timing| timing.name == OURS)?;
    let others = timings.iter().filter(|timing| ![OURS, COPY, CLONE].contains(&&*timing.name));
    others.min_by(|a, b| a.ratio.total_cmp(&b.ratio)).map(|best| (ours, best))
}

fn state(f: &mut fmt::Formatter<'_>, warm: &memory::Results, cold: &memory::Cold) -> fmt::Result {
    writeln!(f, "\n## In memory: {}\n", warm.title)?;
    writeln!(f, "{:.1} MB in memory.\n", warm.live as f64 / 1e6)?;
    writeln!(
        f,
        "| | image MB | save ms | x | / best | cold ms | x | restore ms | x | / best | cold ms | x |"
    )?;
    writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|")?;
    let best = |timings: &[Timing]| ours_and_best(timings).map_or(1.0, |(_, best)| best.ms);
    let (best_save, best_restore) = (best(&warm.save), best(&warm.restore));
    for (index, restore) in warm.restore.iter().enumerate() {
        write!(f, "| {} |", restore.name)?;
        match index.checked_sub(1).and_then(|index| warm.lens.get(index)) {
            Some(len) => write!(f, " {:.1} |", *len as f64 / 1e6)?,
            None => write!(f, " |")?,
        }
        match (warm.save.get(index), cold.save.get(index)) {
            (Some(warm), Some(cold)) => pair(f, warm, cold, best_save)?,
            _ => write!(f, " | | | | |")?,
        }
        if let Some(cold) = cold.restore.get(index) {
            pair(f, restore, cold, best_restore)?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn pair(f: &mut fmt::Formatter<'_>, warm: &Timing, cold: &Timing, best: f64) -> fmt::Result {
    write!(
        f,
        " {:.1} | {:.2} | {:.2} | {:.1} | {:.2} |",
        warm.ms,
        warm.ratio,
        warm.ms / best,
        cold.ms,
        cold.ratio
    )
}

fn file_table(f: &mut fmt::Formatter<'_>, warm: &[Timing], cold: &[Timing]) -> fmt::Result {
    writeln!(f, "| | warm ms | x | cold ms | x |\n|---|---|---|---|---|")?;
    for (warm, cold) in warm.iter().zip(cold) {
        writeln!(
            f,
            "| {} | {:.1} | {:.2} | {:.1} | {:.2} |",
            warm.name, warm.ms, warm.ratio, cold.ms, cold.ratio
        )?;
    }
    Ok(())
}
