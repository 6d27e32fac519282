//! Starts `server.py`, a language model's endpoint on this machine, and reads what it was asked.
#![allow(dead_code, reason = "two test programs share this, and not each uses all")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Ends with the test: its stdin closes.
pub struct Server {
    child: Child,
    /// As `http://localhost:PORT`.
    pub url: String,
    folder: TempDir,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/llm/server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg("--log")
            .arg(folder.path().join("log"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("python3: {error}\n  hint: these tests need Python 3"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("://"), "the server did not start: {line:?}");
        Self { child, url: line.trim().to_owned(), folder }
    }

    pub fn base(&self) -> String {
        format!("{}/v1", self.url)
    }

    /// Every request so far: path, authorization, body.
    pub fn seen(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often a model was asked.
    pub fn asked(&self, model: &str) -> usize {
        self.seen().iter().filter(|request| request["body"]["model"] == model).count()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
