fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let t = std::time::Instant::now();
    let loaded = keyreach::ingest::load(&keyreach::ingest::Disk, &paths);
    println!(
        "load {:?} read {} used {} skipped {} problems {}",
        t.elapsed(),
        loaded.read,
        loaded.used,
        loaded.skipped,
        loaded.problems.len()
    );
    for p in &loaded.problems {
        println!("problem {p:?}");
    }
    let w = &loaded.inventory;
    println!(
        "principals {} keys {} grants {} gaps {} conflicts {}",
        w.principal_count(),
        w.keys.len(),
        w.grant_count(),
        w.gaps.len(),
        w.conflicts.len()
    );
    for g in w.gaps.iter().take(10) {
        println!("gap {}", g.kind);
    }
    let t = std::time::Instant::now();
    let probe = keyreach::eval::probe::Probe::new(w, "2026-11-23T00:00:00Z".parse().unwrap());
    let scope = keyreach::rules::Scope::new(&probe);
    println!("scope {:?}", t.elapsed());
    for r in keyreach::rules::all() {
        let t = std::time::Instant::now();
        let f = keyreach::findings::merged(keyreach::rules::check(&scope, &[r]));
        println!("-- {} {:?} {}", r.metadata.slug, t.elapsed(), f.len());
        for f in f.iter().take(6) {
            println!("  [{}] {}", f.severity.name(), f.message);
        }
    }
}
