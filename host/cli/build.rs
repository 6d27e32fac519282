//! Names the folders that the program carries with it: a file that comes or goes there makes it anew.

fn main() {
    for folder in ["templates", "../../plugins/sdk/src", "../../wit/next"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
