//! How often each stage allocates, and how much, by size of the payload. `make bench` runs it.

mod stages;

use stages::{SIZES, Stage};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() {
    let _profiler = dhat::Profiler::builder().testing().build();
    println!("Allocations (and kB) by size of the payload.\n");
    println!("| | 1.3 kB | 10 kB | 100 kB | 1 MB |\n|---|---|---|---|---|");
    for (stage, name) in Stage::ALL {
        let cells = SIZES.map(|size| {
            let (blocks, bytes) = stage.with(size, |run| {
                // The first run fills the caches.
                run();
                counted(run)
            });
            format!("{blocks} ({})", bytes.div_ceil(1_000))
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn counted(run: &mut dyn FnMut()) -> (u64, u64) {
    let before = dhat::HeapStats::get();
    run();
    let after = dhat::HeapStats::get();
    (after.total_blocks - before.total_blocks, after.total_bytes - before.total_bytes)
}
