//! `keyreach simulate`: the batch contract, one decision a line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::audit::{Simulator, Texts};
use crate::ingest::Disk;
use crate::report::{request_line, simulate};

use super::deploy::Deploy;
use super::output::Output;
use super::terminal::Terminal;
use super::world;
use super::{Fault, Outcome};

/// How many bytes of lines, and the rest of the last one, are answered together, on all cores: enough to
/// keep them busy, few enough to hold.
const BLOCK: u64 = 1 << 20;

/// About how many bytes a request or an answer has.
const LINE: usize = 1 << 9;

/// How many lines one core answers in one go: few enough that no core waits long for the last of a block.
const TOGETHER: usize = 32;

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
    #[command(flatten)]
    deploy: Deploy,
    /// The export, a scenario file, or infrastructure code.
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
    let paths = std::slice::from_ref(&args.dir);
    let deployment = args.deploy.read(paths, terminal)?;
    let (loaded, _) = world::exported(paths, &deployment, terminal)?;
    // The process ends behind this: the system takes a world back faster than a walk over it.
    let loaded = ManuallyDrop::new(loaded);
    let texts = Texts::new(&Disk, &loaded.inventory);
    let simulator = Simulator::new(&loaded.inventory, &texts);
    let mut output = Output::open(args.output.as_deref())?;
    let mut next = || block(&mut *requests).map_err(Fault::read(&args.requests));
    let (mut lines, mut answers, mut outcome) = (next()?, Vec::new(), Outcome::Clean);
    while !lines.is_empty() {
        // While a block is answered, the answers to the one before are written and the next one is read.
        let behind = || {
            write(&answers, &mut output)?;
            next()
        };
        let (answered, read) = rayon::join(|| answer(&simulator, &lines), behind);
        (lines, answers) = (read?, answered?);
        outcome = answers.iter().map(Answered::outcome).fold(outcome, Outcome::max);
    }
    write(&answers, &mut output)?;
    output.finish()?;
    Ok(outcome)
}

fn open(path: &str) -> Result<Box<dyn BufRead + Send>, Fault> {
    if path == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
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

/// The next lines, whole; nothing at the end.
fn block(requests: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK as usize + LINE);
    requests.take(BLOCK).read_to_end(&mut block)?;
    requests.read_until(b'\n', &mut block)?;
    Ok(block)
}

/// The answers to each line, made on some core, in the order of the lines; blank ones are passed over.
fn answer(simulator: &Simulator<'_>, block: &[u8]) -> Result<Vec<Answered>, Fault> {
    let lines = block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    let answered = lines.par_chunks(TOGETHER).map(|lines| {
        let none =
            Answered { bytes: Vec::with_capacity(lines.len() * LINE), ..Answered::default() };
        lines.iter().try_fold(none, |answered, line| answered.with(simulator, line))
    });
    answered.collect::<io::Result<_>>().map_err(Fault::from)
}

fn write(answers: &[Answered], output: &mut Output) -> Result<(), Fault> {
    answers.iter().try_for_each(|lines| output.write_all(&lines.bytes)).map_err(Fault::from)
}

/// The answers to some lines that follow each other.
#[derive(Default)]
struct Answered {
    bytes: Vec<u8>,
    /// Whether one of them is malformed.
    has_malformed: bool,
}

impl Answered {
    fn outcome(&self) -> Outcome {
        if self.has_malformed { Outcome::Problem } else { Outcome::Clean }
    }

    fn with(mut self, simulator: &Simulator<'_>, line: &[u8]) -> io::Result<Self> {
        let read = request_line::parse(line);
        let answer = read.request.map(|request| simulator.answer(&request));
        self.has_malformed |= answer.is_err();
        let answer = answer.as_ref().map_err(String::as_str);
        simulate::write(&mut self.bytes, read.id.as_deref(), answer)?;
        Ok(self)
    }
}
