//! Folders that a plugin may read: taken into memory once, before the first run.
//!
//! A run never touches the disk: it cannot block on a pipe, leave the folder, or meet a file that changed since
//! the folder was digested. Serving files from the disk was rejected for these three; the price is the memory,
//! which is why a folder has a limit.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use stratagem_domain::{Digest, grouped, quote};

/// The most bytes of all files of one folder.
const MAX_BYTES: u64 = 256 << 20;
/// The most files, folders and links of one folder.
const MAX_NODES: usize = 20_000;
/// How deep folders may lie in one another.
const MAX_DEPTH: usize = 64;
/// Steps that resolving one path may take, those through links included.
const MAX_STEPS: usize = 1_024;

/// A folder's content. Node 0 is the folder itself.
#[derive(Debug)]
pub struct Folder {
    nodes: Vec<Node>,
    pub digest: Digest,
}

#[derive(Debug)]
pub enum Node {
    /// Names and nodes, in the order of the names.
    Dir(Vec<(String, usize)>),
    File(Arc<[u8]>),
    /// A link's target as it is written; it is followed within the folder only.
    Link(String),
    /// A pipe, device or socket: it is seen and never opened.
    Special,
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    NoEntry,
    NotDirectory,
    /// Out of the folder, or to something that cannot be read.
    NotPermitted,
    Loop,
}

impl Folder {
    /// Takes a folder of the disk. Names that are no UTF-8 are left out: no plugin can ask for them.
    ///
    /// *Errors*: the operator's, in words without the folder's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let plain = |error: io::Error| error.to_string();
        if !std::fs::metadata(path).map_err(plain)?.is_dir() {
            return Err("this is not a folder".into());
        }
        let mut reader = Reader { nodes: vec![Node::Special], bytes: 0, parts: Vec::new() };
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(plain)?;
        let root = reader.dir(&dir, "", 0)?;
        reader.nodes[0] = root;
        let digest = Digest::of_parts(reader.parts.iter().map(Vec::as_slice));
        Ok(Self { nodes: reader.nodes, digest })
    }

    /// A folder that was read before, in another process.
    pub fn of(nodes: Vec<Node>, digest: Digest) -> Self {
        Self { nodes, digest }
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    /// Follows `path` from the folder `base`, never above it. The last link is followed where `follow` is true.
    pub fn find(&self, base: usize, path: &str, follow: bool) -> Result<usize, Lost> {
        if path.is_empty() {
            return Err(Lost::NoEntry);
        }
        let mut trail = vec![base];
        let mut rest: Vec<String> = Vec::new();
        put(&mut rest, path)?;
        let must_be_dir = path.ends_with('/');
        for _ in 0..MAX_STEPS {
            let at = *trail.last().unwrap_or(&base);
            let Some(name) = rest.pop() else {
                let is_dir = matches!(self.nodes[at], Node::Dir(_));
                return if is_dir || !must_be_dir { Ok(at) } else { Err(Lost::NotDirectory) };
            };
            let Node::Dir(names) = &self.nodes[at] else { return Err(Lost::NotDirectory) };
            match name.as_str() {
                "" | "." => {}
                ".." if trail.len() == 1 => return Err(Lost::NotPermitted),
                ".." => drop(trail.pop()),
                name => {
                    let place = names.binary_search_by(|(other, _)| other.as_str().cmp(name));
                    let next = names[place.map_err(|_| Lost::NoEntry)?].1;
                    match &self.nodes[next] {
                        Node::Link(target) if follow || must_be_dir || !rest.is_empty() => {
                            put(&mut rest, target)?;
                        }
                        _ => trail.push(next),
                    }
                }
            }
        }
        Err(Lost::Loop)
    }
}

/// Puts the parts of a path before what is still to be walked, the first on top.
fn put(rest: &mut Vec<String>, path: &str) -> Result<(), Lost> {
    if path.starts_with('/') {
        return Err(Lost::NotPermitted);
    }
    let parts: Vec<&str> = path.split('/').collect();
    if rest.len() + parts.len() > MAX_STEPS {
        return Err(Lost::Loop);
    }
    rest.extend(parts.into_iter().rev().map(str::to_owned));
    Ok(())
}

/// A folder on its way into memory.
struct Reader {
    nodes: Vec<Node>,
    bytes: u64,
    /// What the folder's digest is of: kind, path and content of every node.
    parts: Vec<Vec<u8>>,
}

impl Reader {
    fn dir(&mut self, dir: &Dir, path: &str, depth: usize) -> Result<Node, String> {
        let fail = |error: io::Error| format!("{}: {error}", quote(path, 200));
        if depth > MAX_DEPTH {
            return Err(format!("{}: folders lie deeper than {MAX_DEPTH}", quote(path, 200)));
        }
        let mut names = Vec::new();
        for entry in dir.entries().map_err(fail)? {
            names.extend(entry.map_err(fail)?.file_name().into_string().ok());
            if self.nodes.len() + names.len() > MAX_NODES {
                return Err(format!("more than {} files and folders", grouped(MAX_NODES as u64)));
            }
        }
        // The disk's own order differs from one copy of a folder to the next.
        names.sort_unstable();
        let mut found = Vec::new();
        for name in names {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let at = self.nodes.len();
            self.nodes.push(Node::Special);
            self.nodes[at] = self.entry(dir, &name, &inner, depth)?;
            found.push((name, at));
        }
        Ok(Node::Dir(found))
    }

    fn entry(&mut self, dir: &Dir, name: &str, path: &str, depth: usize) -> Result<Node, String> {
        let fail = |error: io::Error| format!("{}: {error}", quote(path, 200));
        let kind = dir.symlink_metadata(name).map_err(fail)?.file_type();
        let node = if kind.is_symlink() {
            let target = dir.read_link_contents(name).map_err(fail)?;
            Node::Link(target.to_string_lossy().into_owned())
        } else if kind.is_file() {
            self.file(dir, name).map_err(fail)?
        } else {
            Node::Special
        };
        let (kind, content): (&[u8], &[u8]) = match &node {
            Node::File(bytes) => (b"file", bytes),
            Node::Link(target) => (b"link", target.as_bytes()),
            _ if kind.is_dir() => (b"folder", b""),
            _ => (b"special", b""),
        };
        self.parts.push(Digest::of_parts([kind, path.as_bytes(), content]).as_bytes().to_vec());
        if kind == b"folder" {
            return self.dir(&dir.open_dir(name).map_err(fail)?, path, depth + 1);
        }
        if self.bytes > MAX_BYTES {
            return Err(format!("files are longer than {} bytes together", grouped(MAX_BYTES)));
        }
        Ok(node)
    }

    /// Reads a file; what is none any more by the time it is opened is special, and never waited for.
    fn file(&mut self, dir: &Dir, name: &str) -> io::Result<Node> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt;
            options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        }
        let file = dir.open_with(name, &options)?;
        if !file.metadata()?.is_file() {
            return Ok(Node::Special);
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES.saturating_sub(self.bytes) + 1).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(Node::File(bytes.into()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("inner/deep")).unwrap();
        fs::write(path("plain.txt"), "plain").unwrap();
        fs::write(path("inner/deep/leaf"), "leaf").unwrap();
        symlink("inner/deep", path("short")).unwrap();
        symlink("../plain.txt", path("inner/up")).unwrap();
        symlink("/etc/hostname", path("absolute")).unwrap();
        symlink("../outside", path("outside")).unwrap();
        symlink("loop", path("loop")).unwrap();
        folder
    }

    #[test]
    fn paths_are_followed_within_the_folder_only() {
        let disk = sample();
        let folder = Folder::read(disk.path()).unwrap();
        let text = |path: &str| match folder.node(folder.find(0, path, true)?) {
            Node::File(bytes) => Ok(String::from_utf8(bytes.to_vec()).unwrap()),
            _ => Ok("no file".into()),
        };
        for path in ["plain.txt", "./plain.txt", "inner/../plain.txt", "inner/up", "short/../../plain.txt"] {
            assert_eq!(text(path), Ok("plain".into()), "{path}");
        }
        assert_eq!(text("short/leaf"), Ok("leaf".into()));
        assert_eq!(text("inner/"), Ok("no file".into()));
        let lost = [
            ("..", Lost::NotPermitted),
            ("../x", Lost::NotPermitted),
            ("inner/../../x", Lost::NotPermitted),
            ("/etc/passwd", Lost::NotPermitted),
            ("absolute", Lost::NotPermitted),
            ("outside", Lost::NotPermitted),
            ("loop", Lost::Loop),
            ("", Lost::NoEntry),
            ("none", Lost::NoEntry),
            ("plain.txt/", Lost::NotDirectory),
            ("plain.txt/x", Lost::NotDirectory),
        ];
        for (path, why) in lost {
            assert_eq!(text(path), Err(why), "{path}");
        }
        assert_eq!(text(&"a/".repeat(3_000)), Err(Lost::Loop));
        let inner = folder.find(0, "inner", true).unwrap();
        assert_eq!(
            folder.find(inner, "../plain.txt", true),
            Err(Lost::NotPermitted),
            "above the opened folder"
        );
        assert!(matches!(folder.node(folder.find(0, "loop", false).unwrap()), Node::Link(_)));
    }

    #[test]
    fn the_digest_is_of_names_and_contents_alone() {
        let disk = sample();
        let digest = || Folder::read(disk.path()).unwrap().digest;
        let first = digest();
        assert_eq!(digest(), first);
        assert_eq!(Folder::read(sample().path()).unwrap().digest, first, "another copy is the same folder");
        fs::write(disk.path().join("plain.txt"), "plane").unwrap();
        let changed = digest();
        assert_ne!(changed, first);
        fs::rename(disk.path().join("plain.txt"), disk.path().join("renamed.txt")).unwrap();
        assert_ne!(digest(), changed);
    }

    #[test]
    fn a_pipe_is_seen_and_not_waited_for() {
        let disk = tempfile::tempdir().unwrap();
        let pipe = disk.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let folder = Folder::read(disk.path()).unwrap();
        assert!(matches!(folder.node(folder.find(0, "pipe", true).unwrap()), Node::Special));
    }

    #[test]
    fn what_cannot_be_taken_is_told() {
        let disk = tempfile::tempdir().unwrap();
        let file = disk.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(Folder::read(&file).unwrap_err(), "this is not a folder");
        assert!(Folder::read(&disk.path().join("none")).unwrap_err().contains("No such file"));
        let deep = (0..=MAX_DEPTH + 1).fold(disk.path().to_owned(), |path, _| path.join("d"));
        fs::create_dir_all(deep).unwrap();
        assert!(Folder::read(disk.path()).unwrap_err().contains("deeper than 64"));
    }

    #[test]
    fn a_folder_that_is_too_long_is_refused_unread() {
        let disk = tempfile::tempdir().unwrap();
        let file = fs::File::create(disk.path().join("sparse")).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        assert!(Folder::read(disk.path()).unwrap_err().contains("longer than 268,435,456 bytes"));
    }
}
