//! The command line: what was typed becomes options, `audit` is asked, `report` writes.
//!
//! Data goes to stdout or to `--output`, everything else to stderr. [`Outcome`] is the one table of
//! exit codes.

mod assumptions;
mod check;
mod collect_script;
mod completions;
mod control;
mod deploy;
mod fault;
mod fix;
mod goal;
mod graph;
mod init;
mod man;
mod matrix;
mod outcome;
mod output;
mod paths;
#[cfg(feature = "serve")]
mod progress;
mod rules;
mod schema;
mod serve;
mod simulate;
mod terminal;
mod test;
mod verify;
mod what_can;
mod who_can;
mod why;
mod world;

use std::ffi::OsString;
use std::io;

use clap::{CommandFactory as _, Parser, Subcommand};

use fault::Fault;
pub use outcome::Outcome;
use terminal::{ColorChoice, Terminal};

/// Audits who can do what with which AWS KMS key, from exported policies or infrastructure code, offline.
#[derive(Parser)]
#[command(name = "keyreach", version, max_term_width = 100, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
struct Args {
    /// When to use colours and lines; NO_COLOR turns colours off as well.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

/// The subcommands, in the order of the help.
#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Matrix(matrix::Args),
    WhoCan(who_can::Args),
    WhatCan(what_can::Args),
    Why(why::Args),
    Test(test::Args),
    Paths(paths::Args),
    Graph(graph::Args),
    Simulate(simulate::Args),
    Verify(verify::Args),
    Serve(serve::Args),
    Rules(rules::Args),
    Schema(schema::Args),
    Init(init::Args),
    CollectScript(collect_script::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command line and says how it went; faults are told on stderr.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Outcome {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // What cannot be printed has nobody who reads it.
            let _ = error.print();
            return if error.use_stderr() { Outcome::Problem } else { Outcome::Clean };
        }
    };
    let terminal = Terminal::new(args.color);
    let done = match args.command {
        Command::Check(args) => check::run(&args, terminal),
        Command::Matrix(args) => matrix::run(&args, terminal),
        Command::WhoCan(args) => who_can::run(&args, terminal),
        Command::WhatCan(args) => what_can::run(&args, terminal),
        Command::Why(args) => why::run(&args, terminal),
        Command::Test(args) => test::run(&args, terminal),
        Command::Paths(args) => paths::run(&args, terminal),
        Command::Graph(args) => graph::run(&args, terminal),
        Command::Simulate(args) => simulate::run(&args, terminal),
        Command::Verify(args) => verify::run(&args, terminal),
        Command::Serve(args) => serve::run(&args, terminal),
        Command::Rules(args) => rules::run(&args, terminal),
        Command::Schema(args) => schema::run(&args),
        Command::Init(args) => init::run(&args),
        Command::CollectScript(args) => collect_script::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Args::command()),
        Command::Man(args) => man::run(&args, Args::command()),
    };
    match done {
        Ok(outcome) => outcome,
        // Nobody reads any more: the rest need not be said.
        Err(Fault::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(fault) => {
            let _ = terminal.stderr().fault(&fault);
            Outcome::Problem
        }
    }
}
