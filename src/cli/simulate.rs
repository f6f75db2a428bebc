//! `keyreach simulate`: the batch contract, one decision a line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::audit::{Simulator, Texts};
use crate::ingest::Disk;
use crate::report::{request_line, simulate};

use super::output::Output;
use super::terminal::Terminal;
use super::world;
use super::{Fault, Outcome};

/// Lines that are answered together, on all cores: enough to keep them busy, few enough to hold.
const CHUNK: usize = 1 << 11;

/// Answer concrete requests, one line of JSON each.
#[derive(clap::Args)]
#[command(after_help = "\
A request:  {\"id\":\"1\",\"principal\":\"ARN\",\"action\":\"kms:Decrypt\",\"resource\":\"KEY ARN | ALIAS ARN | *\",
             \"context\":{\"kms:ViaService\":\"s3.eu-west-1.amazonaws.com\"},\"session_policies\":[{...}]}
Answers come in the order of the requests. Exit status: 0 also when requests are denied; 2 when a line
is malformed (its answer says so, the others are answered) or DIR or FILE cannot be read.

Examples:
  keyreach simulate testdata/course --requests testdata/requests.jsonl
  head -n 1 testdata/requests.jsonl | keyreach simulate testdata/course --requests -")]
pub(super) struct Args {
    /// The export, or a scenario file.
    #[arg(value_name = "DIR")]
    dir: String,
    /// The requests, one line of JSON each; `-` for stdin.
    #[arg(long, value_name = "FILE")]
    requests: String,
    /// Write there instead of stdout: complete, or not at all.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let mut requests = open(&args.requests)?;
    readable(&args.dir).map_err(Fault::read(&args.dir))?;
    // What is wrong with single files is told, and does not change the exit status.
    let (loaded, _) = world::loaded(std::slice::from_ref(&args.dir), terminal)?;
    // The process ends behind this: the system takes a world back faster than a walk over it.
    let loaded = ManuallyDrop::new(loaded);
    let texts = Texts::new(&Disk, &loaded.inventory);
    let simulator = Simulator::new(&loaded.inventory, &texts);
    let mut output = Output::open(args.output.as_deref())?;
    let mut outcome = Outcome::Clean;
    loop {
        let lines = chunk(&mut *requests).map_err(Fault::read(&args.requests))?;
        if lines.is_empty() {
            break;
        }
        outcome = outcome.max(answer(&simulator, &lines, &mut output)?);
    }
    output.finish()?;
    Ok(outcome)
}

fn open(path: &str) -> Result<Box<dyn BufRead>, Fault> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(Fault::read(path))?;
    if file.metadata().is_ok_and(|file| file.is_dir()) {
        return Err(Fault::read(path)(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// Whether the directory or file can be looked into.
fn readable(path: &str) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        fs::read_dir(path).map(drop)
    } else {
        File::open(path).map(drop)
    }
}

/// The next lines; blank ones are passed over.
fn chunk(requests: &mut dyn BufRead) -> io::Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    while lines.len() < CHUNK {
        let mut line = Vec::new();
        if requests.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        line.truncate(line.trim_ascii_end().len());
        if !line.is_empty() {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Answers each line on some core, and writes the answers in the order of the lines.
fn answer(
    simulator: &Simulator<'_>,
    lines: &[Vec<u8>],
    output: &mut Output,
) -> Result<Outcome, Fault> {
    let answered = |line: &Vec<u8>| {
        let read = request_line::parse(line);
        let answer = read.request.map(|request| simulator.answer(&request));
        let outcome = if answer.is_ok() { Outcome::Clean } else { Outcome::Problem };
        let mut bytes = Vec::with_capacity(256);
        simulate::write(&mut bytes, read.id.as_deref(), answer.as_ref().map_err(String::as_str))?;
        Ok((bytes, outcome))
    };
    let answers: Vec<(Vec<u8>, Outcome)> =
        lines.par_iter().map(answered).collect::<io::Result<_>>()?;
    let mut worst = Outcome::Clean;
    for (line, outcome) in answers {
        output.write_all(&line)?;
        worst = worst.max(outcome);
    }
    Ok(worst)
}
