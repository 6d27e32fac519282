//! Workers as they are: what they do is what a run in the host does, and what they cannot do is tried.
//!
//! This program has no test harness: it is host, worker and prisoner, by its first argument.

#[cfg(target_os = "linux")]
mod cell;
#[cfg(target_os = "linux")]
#[path = "../support/fake.rs"]
mod fake;
#[cfg(target_os = "linux")]
mod lent;
#[cfg(target_os = "linux")]
mod runs;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: workers can be confined on Linux only");
}

#[cfg(target_os = "linux")]
fn main() {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("worker") => {
            if let Err(error) = stratagem_runtime::worker_child() {
                eprintln!("error: {error}");
                std::process::exit(1);
            }
        }
        Some("prisoner") => cell::prisoner(&args.collect::<Vec<_>>()),
        wanted => {
            let wanted = wanted.filter(|wanted| !wanted.starts_with('-')).unwrap_or_default();
            for (name, test) in [runs::TESTS, lent::TESTS, cell::TESTS].concat() {
                if name.contains(wanted) {
                    test();
                    println!("{name} ... ok");
                }
            }
        }
    }
}
