//! Times whole processes on generated organisations, against the least that reading them can cost.
//!
//! `cargo bench` prints a table for each organisation: medians of wall time, CPU time and peak memory,
//! and their ratios to the floor of [`floor`], run by run. All tasks take turns, so that a machine that
//! is busy for a while slows all of them. `cargo bench -- --quick` leaves out the larger organisations;
//! `KEYREACH_BENCH_SHAPES=s1,m5,l20,x100,w400,plan` chooses them, the last being a plan of Terraform, see
//! [`plan`]; `KEYREACH_BENCH_RUNS=9` the number of runs, `KEYREACH_BENCH_TASKS=matrix,simulate` tasks by the
//! beginnings of their names, the floor besides.
//! Below each table stands the matrix alone, see [`stage`], and one decision, see [`decide`]; where l20 and x100 are both measured, how it
//! grows follows at the end.
//! The organisations are written once, below `target/tmp`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a bench stops where it fails, and prints what it found"
)]

mod decide;
mod floor;
mod measure;
#[path = "../../tests/support/organisation/mod.rs"]
mod organisation;
mod plan;
mod stage;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use keyreach::ingest::{Disk, load};
use keyreach::syntax::json;
use rayon::prelude::*;

use measure::Cost;
use organisation::Shape;

/// The command's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many requests are simulated.
const REQUESTS: usize = 20_000;

/// Something to do with the organisation in a folder.
struct Task {
    name: &'static str,
    run: fn(&Path),
}

/// All tasks; the others are compared with the first.
const TASKS: [Task; 8] = [
    Task { name: "floor: walk, read, typed parse", run: floor },
    Task { name: "walk, read, located trees", run: trees },
    Task { name: "ingest", run: ingest },
    Task { name: "simulate, 20,000 requests", run: simulate },
    Task { name: "matrix, summary", run: matrix },
    Task { name: "paths, summary", run: graph },
    Task { name: "check, one rule", run: check_one },
    Task { name: "check, all rules", run: check },
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, task, folder] if flag == "--task" => {
            let task = TASKS.iter().find(|known| known.name == task).unwrap();
            (task.run)(Path::new(folder));
            measure::tell();
        }
        [flag, folder] if flag == "--stage" => stage::tell(Path::new(folder)),
        [flag, folder] if flag == "--plan" => plan::tell(Path::new(folder)),
        [flag, folder] if flag == "--decide" => decide::tell(Path::new(folder)),
        // `cargo test --all-targets` starts benches as well, and wants nothing measured.
        args if args.iter().any(|arg| arg == "--bench") => {
            bench(args.iter().any(|arg| arg == "--quick"));
        }
        _ => {}
    }
}

fn bench(is_quick: bool) {
    let shapes = std::env::var("KEYREACH_BENCH_SHAPES");
    let shapes = shapes.as_deref().unwrap_or(if is_quick { "s1,plan" } else { "s1,m5,plan" });
    let runs = std::env::var("KEYREACH_BENCH_RUNS");
    let runs = runs.map_or(if is_quick { 3 } else { 5 }, |runs| runs.parse().expect("a number"));
    let chosen = std::env::var("KEYREACH_BENCH_TASKS").ok();
    let is_chosen = |task: &&Task| {
        let begins = |beginning: &str| task.name.starts_with(beginning);
        begins("floor") || chosen.as_ref().is_none_or(|all| all.split(',').any(begins))
    };
    let tasks: Vec<&Task> = TASKS.iter().filter(is_chosen).collect();
    let mut stages = Vec::new();
    for name in shapes.split(',') {
        if name == "plan" {
            plan::line(&written(name), runs);
            continue;
        }
        let folder = organisation(name);
        let (files, bytes) = size(&folder.join("export"));
        println!("\n{name}: {files} files, {:.1} MB; medians of {runs} runs", megabytes(bytes));
        println!(
            "{:<32}{:>10}{:>8}{:>10}{:>8}{:>10}{:>9}",
            "", "wall ms", "ratio", "cpu ms", "ratio", "peak MB", "x input"
        );
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); tasks.len()];
        // The first turn warms the page cache and is not counted.
        for turn in 0..=runs {
            for (task, costs) in tasks.iter().zip(&mut costs) {
                let cost = measure::run(task.name, &folder);
                if turn > 0 {
                    costs.push(cost);
                }
            }
        }
        let floor = costs.first().unwrap();
        for (task, costs) in tasks.iter().zip(&costs) {
            row(task.name, costs, floor, bytes);
        }
        beside(&tasks, &costs, ("check, all rules", "all rules"));
        beside(&tasks, &costs, ("paths, summary", "the graph"));
        stages.push((name, stage::table(&folder, runs)));
        decide::line(&folder, runs);
    }
    stage::growth(&stages);
}

fn row(name: &str, costs: &[Cost], floor: &[Cost], bytes: f64) {
    let of = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure));
    let ratio = |figure: fn(&Cost) -> f64| {
        median(costs.iter().zip(floor).map(|(cost, floor)| figure(cost) / figure(floor)))
    };
    println!(
        "{name:<32}{:>10.1}{:>8.2}{:>10.1}{:>8.2}{:>10.1}{:>9.2}",
        of(|cost| cost.wall),
        ratio(|cost| cost.wall),
        of(|cost| cost.cpu),
        ratio(|cost| cost.cpu),
        megabytes(of(|cost| cost.memory)),
        of(|cost| cost.memory) / bytes,
    );
}

/// What a task costs beside the matrix, run by run.
fn beside(tasks: &[&Task], costs: &[Vec<Cost>], (task, what): (&'static str, &str)) {
    if !tasks.iter().any(|known| known.name == task) {
        return;
    }
    let of = |name: &'static str| {
        let tasks = tasks.iter().zip(costs);
        tasks.filter(move |(task, _)| task.name == name).flat_map(|(_, costs)| costs)
    };
    let ratio = |figure: fn(&Cost) -> f64| {
        let pairs = of(task).zip(of("matrix, summary"));
        median(pairs.map(|(cost, matrix)| figure(cost) / figure(matrix)))
    };
    println!(
        "{what} beside the matrix: wall x {:.2}, cpu x {:.2}, memory x {:.2}",
        ratio(|cost| cost.wall),
        ratio(|cost| cost.cpu),
        ratio(|cost| cost.memory),
    );
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

/// Where what is called `name` is written.
fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("organisations").join(name)
}

/// The folder of an organisation and its requests, written where it is not there yet.
fn organisation(name: &str) -> PathBuf {
    let shape = match name {
        "s1" => Shape::s1(),
        "m5" => Shape::m5(),
        "l20" => Shape::l20(),
        "x100" => Shape::x100(),
        "w400" => Shape::w400(),
        other => panic!("no shape is called {other}: s1, m5, l20, x100, w400, plan"),
    };
    let folder = written(name);
    // Written last: a folder without it is unfinished.
    let requests = folder.join("requests.jsonl");
    if !requests.exists() {
        let _ = fs::remove_dir_all(&folder);
        organisation::write(&shape, &folder.join("export")).unwrap();
        let lines = organisation::requests(&shape, REQUESTS);
        let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(requests, lines).unwrap();
    }
    folder
}

/// How many files there are below `root`, and their bytes.
fn size(root: &Path) -> (usize, f64) {
    let files = floor::files(root);
    let bytes = files.iter().map(|path| fs::metadata(path).unwrap().len() as f64).sum();
    (files.len(), bytes)
}

fn floor(folder: &Path) {
    std::hint::black_box(floor::read(&folder.join("export")));
}

fn trees(folder: &Path) {
    let parse = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        json::parse(&text).unwrap().members().len()
    };
    let members: usize = floor::files(&folder.join("export")).par_iter().map(parse).sum();
    std::hint::black_box(members);
}

fn ingest(folder: &Path) {
    let root = folder.join("export").to_str().unwrap().to_owned();
    let loaded = load(&Disk, &[root]);
    assert!(loaded.problems.is_empty() && loaded.used > 0);
    std::mem::forget(loaded);
}

fn simulate(folder: &Path) {
    let requests = folder.join("requests.jsonl");
    command(folder, &["simulate".into(), "--requests".into(), requests.into()]);
}

fn matrix(folder: &Path) {
    command(folder, &["matrix".into(), "--format".into(), "summary".into()]);
}

fn graph(folder: &Path) {
    command(folder, &["paths".into(), "--format".into(), "summary".into()]);
}

fn check_one(folder: &Path) {
    command(folder, &["check".into(), "--select".into(), "missing-root-statement".into()]);
}

fn check(folder: &Path) {
    command(folder, &["check".into()]);
}

/// Runs a command of keyreach over the export; its output goes to a file.
fn command(folder: &Path, args: &[OsString]) {
    let output = ["--output".into(), folder.join("output").into(), folder.join("export").into()];
    let args = ["keyreach".into()].into_iter().chain(args.iter().cloned()).chain(output);
    keyreach::cli::run(args);
}
