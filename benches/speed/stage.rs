//! The matrix alone: from a world that is read to the number of cells of each verdict, compiling of the
//! policies included. What it costs is compared with the candidate pairs, those of a principal and a key
//! that it cannot rule out unseen.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use keyreach::audit::matrix::{Engine, Matrix, Question, View};
use keyreach::aws::ActionSet;
use keyreach::decision::Assumptions;
use keyreach::ingest::{Disk, load};

use super::{measure, median};

/// What one organisation took.
#[derive(Clone, Copy)]
pub struct Stage {
    milliseconds: f64,
    pairs: f64,
}

/// Measures the organisation in a folder and says what it took: milliseconds and candidate pairs.
pub fn tell(folder: &Path) {
    let loaded = load(&Disk, &[folder.join("export").to_str().unwrap().to_owned()]);
    let world = &loaded.inventory;
    let assumptions = Assumptions::default();
    let start = Instant::now();
    let engine = Engine::new(world, Timestamp::UNIX_EPOCH);
    let matrix = Matrix::new(&engine);
    let view = View::new(&matrix, world, &Question::default(), &assumptions).unwrap();
    let counts = view.counts();
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    assert!(counts.always > 0);
    println!("{milliseconds} {}", matrix.counts(ActionSet::ALL).candidates);
}

/// Prints the medians of processes of their own.
pub fn table(folder: &Path, runs: usize) -> Stage {
    let all: Vec<Stage> = (0..runs)
        .map(|_| {
            let figures = measure::told(&["--stage".as_ref(), folder.as_os_str()]);
            Stage { milliseconds: figures[0], pairs: figures[1] }
        })
        .collect();
    let stage = Stage {
        milliseconds: median(all.iter().map(|stage| stage.milliseconds)),
        pairs: median(all.iter().map(|stage| stage.pairs)),
    };
    println!("{:<32}{:>10}{:>18}{:>18}", "", "wall ms", "candidate pairs", "M pairs/s");
    println!(
        "{:<32}{:>10.1}{:>18.0}{:>18.2}",
        "matrix alone, to counts",
        stage.milliseconds,
        stage.pairs,
        stage.pairs / stage.milliseconds / 1e3,
    );
    stage
}

/// Prints how time grows with pairs from l20 to x100: 1 is in step.
pub fn growth(stages: &[(&str, Stage)]) {
    let of = |name: &str| stages.iter().find(|(known, _)| *known == name).map(|(_, stage)| stage);
    if let Some((small, large)) = of("l20").zip(of("x100")) {
        let slope =
            (large.milliseconds / small.milliseconds).ln() / (large.pairs / small.pairs).ln();
        println!("\nmatrix alone, l20 to x100: time grows as candidate pairs ^ {slope:.2}");
    }
}
