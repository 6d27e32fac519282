//! A case or task that comes or goes is embedded anew: `include_dir!` sees changes within files only.

fn main() {
    println!("cargo::rerun-if-changed=cases");
    println!("cargo::rerun-if-changed=tasks");
}
