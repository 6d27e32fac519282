use std::path::PathBuf;

use serde::Serialize;
use stratagem_domain::Digest;

use crate::Case;

/// What comes of a case; the worst that was seen counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    #[default]
    Pass,
    /// Nothing could be said, and why.
    Skip,
    /// Advice: the plugin still conforms.
    Warn,
    Fail,
}

/// What a check saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub verdict: Verdict,
    /// What was measured and what is allowed, a line each.
    pub lines: Vec<String>,
    /// How to mend it where that is better known than the case knows.
    pub hint: Option<String>,
}

/// A case with what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub case: String,
    pub title: String,
    pub verdict: Verdict,
    pub seen: Vec<String>,
    pub holds: String,
    pub matters: String,
    pub mend: String,
    /// Calls of the plugin.
    pub runs: u32,
    pub wall_ms: u64,
}

/// The plugin that was checked; what it says of itself is missing where it was not loaded.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    pub name: Option<String>,
    pub version: Option<String>,
    pub kind: Option<String>,
    pub component: PathBuf,
    pub digest: Option<Digest>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub warned: usize,
    pub skipped: usize,
}

/// What the suite says of one plugin.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub plugin: Checked,
    pub passed: bool,
    pub counts: Counts,
    pub wall_ms: u64,
    pub cases: Vec<Finding>,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Seen {
    pub fn of(verdict: Verdict, line: impl Into<String>) -> Self {
        Self { verdict, lines: vec![line.into()], hint: None }
    }

    pub fn fail(&mut self, line: impl Into<String>) {
        self.add(Verdict::Fail, line);
    }

    pub fn warn(&mut self, line: impl Into<String>) {
        self.add(Verdict::Warn, line);
    }

    pub fn add(&mut self, verdict: Verdict, line: impl Into<String>) {
        self.verdict = self.verdict.max(verdict);
        self.lines.push(line.into());
    }
}

impl Finding {
    pub fn new(case: &Case, seen: Seen, runs: u32, wall_ms: u64) -> Self {
        let text = &case.text;
        Self {
            case: case.name.clone(),
            title: text.title.clone(),
            verdict: seen.verdict,
            seen: seen.lines,
            holds: text.holds.clone(),
            matters: text.matters.clone(),
            mend: seen.hint.unwrap_or_else(|| text.mend.clone()),
            runs,
            wall_ms,
        }
    }
}

impl Report {
    pub fn new(plugin: Checked, cases: Vec<Finding>, wall_ms: u64) -> Self {
        let count = |verdict| cases.iter().filter(|finding| finding.verdict == verdict).count();
        let counts = Counts {
            passed: count(Verdict::Pass),
            failed: count(Verdict::Fail),
            warned: count(Verdict::Warn),
            skipped: count(Verdict::Skip),
        };
        Self { plugin, passed: counts.failed == 0, counts, wall_ms, cases }
    }
}

impl Checked {
    /// The name that it goes by, or else its file.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.component.display().to_string())
    }
}
