use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system in memory, to be filled or made read-only; unmounted when dropped.
pub struct Tmpfs {
    at: PathBuf,
}

impl Tmpfs {
    /// Mounts one at a folder; none where that is not permitted.
    pub fn mount(at: &Path, kibibytes: usize) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kibibytes}k");
        mount(&["-t", "tmpfs", "-o", &size, "stratagem-e2e"], at).then(|| Self { at: at.to_owned() })
    }

    /// Takes all space but so many KiB.
    pub fn fill(&self, left_kibibytes: usize) {
        let mut file = File::create(self.filler()).unwrap();
        let page = [0; 4096];
        let mut pages = 0_usize;
        while file.write_all(&page).is_ok() {
            pages += 1;
        }
        let left = left_kibibytes.div_ceil(4);
        assert!(pages > left, "the disk has only {pages} pages");
        file.set_len(((pages - left) * page.len()) as u64).unwrap();
    }

    /// Gives the space back.
    pub fn clear(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    pub fn make_read_only(&self, is_read_only: bool) {
        let option = if is_read_only { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", option], &self.at), "{option} is permitted where mounting is");
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let unmount = |flags: &[&str]| Command::new("umount").args(flags).arg(&self.at).status();
        if !unmount(&[]).is_ok_and(|status| status.success()) {
            // A process that still holds a file would keep the mount: detached, it goes with its last file.
            let _ = unmount(&["-l"]);
        }
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    let mounted = Command::new("mount").args(args).arg(at).output();
    mounted.is_ok_and(|output| output.status.success())
}
