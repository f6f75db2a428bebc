//! One decision of the reference encryptor, as every request to it costs one: a principal of the organisation,
//! a key, an action, and the world as it is.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use keyreach::encryptor::{Clock, Encryptor, MasterSecret};
use keyreach::ingest::{Disk, load};
use keyreach::report::request_line;

use super::{measure, median};

/// Decides the requests of a folder one by one: CPU nanoseconds, and how many there were.
pub fn tell(folder: &Path) {
    let loaded = load(&Disk, &[folder.join("export").to_str().unwrap().to_owned()]);
    let secret = MasterSecret::from_bytes([7; 32]);
    let kms = Encryptor::in_memory(loaded.inventory, secret, Clock::At(Timestamp::UNIX_EPOCH));
    let text = fs::read_to_string(folder.join("requests.jsonl")).unwrap();
    let requests = text.lines().map(|line| request_line::parse(line.as_bytes()).request.unwrap());
    let requests: Vec<_> = requests.collect();
    let before = measure::cpu();
    let allowed = requests.iter().filter(|request| kms.decide(request).is_allowed()).count();
    let spent = measure::cpu() - before;
    assert!(allowed > 0);
    println!("{spent} {}", requests.len());
}

/// Prints the median of processes of their own.
pub fn line(folder: &Path, runs: usize) {
    let microseconds = median((0..runs).map(|_| {
        let figures = measure::told(&["--decide".as_ref(), folder.as_os_str()]);
        figures[0] / figures[1] / 1e3
    }));
    println!("one decision of the encryptor: {microseconds:.1} us of CPU");
}
