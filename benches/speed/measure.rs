//! One process, measured: wall time from outside, CPU time and peak memory as the process itself
//! reads them from the kernel before it ends.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one process took.
#[derive(Clone, Copy)]
pub struct Cost {
    /// From before its start until it is gone, in milliseconds.
    pub wall: f64,
    /// Of all its threads, in milliseconds; zero where the kernel does not tell.
    pub cpu: f64,
    /// Peak resident memory in bytes; zero where the kernel does not tell.
    pub memory: f64,
}

/// Runs this program again for one task and measures it.
pub fn run(task: &str, folder: &Path) -> Cost {
    let start = Instant::now();
    let figures = told(&["--task".as_ref(), task.as_ref(), folder.as_os_str()]);
    let wall = start.elapsed().as_secs_f64() * 1e3;
    Cost { wall, cpu: figures[0] / 1e6, memory: figures[1] * 1024.0 }
}

/// Runs this program again and reads the figures of the last line that it says.
pub fn told(args: &[&OsStr]) -> Vec<f64> {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(args).stderr(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let last = told.lines().last().unwrap_or_else(|| panic!("{args:?} said nothing"));
    last.split(' ').map(|figure| figure.parse::<f64>().unwrap()).collect()
}

/// Says what this process took so far: CPU nanoseconds and peak kilobytes.
pub fn tell() {
    println!("{} {}", cpu(), peak());
}

/// The CPU time of all threads that are alive: those of a thread pool live as long as the process.
pub fn cpu() -> u64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().filter_map(Result::ok);
    let spent = threads.filter_map(|thread| {
        let told = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    });
    spent.sum()
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
