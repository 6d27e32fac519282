use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use stratagem_conformance::{Catalogue, Finding, NoCase, Report, Suite, Verdict, junit};
use stratagem_domain::quote;
use stratagem_runtime::{LoadError, Package, Sandbox};

use crate::args::Check;
use crate::failure::Failure;
use crate::output::{check_writable, is_stdout, out, outln, print_json, write_text};
use crate::paint;
use crate::trust::Found;
use crate::workbench::Workbench;

/// What was seen of one case that people are shown; all of it is in the JSON.
const SHOWN: usize = 6;

pub fn run(bench: &Workbench, check: &Check) -> Result<(), Failure> {
    if check.list {
        return list(check.json);
    }
    let junit_to_stdout = check.junit.as_deref().is_some_and(is_stdout);
    if junit_to_stdout && check.json {
        return Err(Failure::misuse("--json and --junit both go to stdout").hint("name a file with --junit"));
    }
    if let Some(path) = &check.junit {
        check_writable(path)?;
    }
    let reports = reports(bench, &check.files, &check.cases)?;
    if let Some(path) = &check.junit {
        write_text(path, &junit(&reports).map_err(Failure::new)?)?;
    }
    if check.json {
        let passed = reports.iter().all(|report| report.passed);
        print_json(&serde_json::json!({ "passed": passed, "plugins": &reports }))?;
    } else if !junit_to_stdout {
        reports.iter().for_each(print);
    }
    verdict(&reports)
}

/// Holds one plugin to the suite and names what failed, each with the first that was seen of it.
pub fn shortcomings(bench: &Workbench, file: &str) -> Result<(), Failure> {
    let reports = reports(bench, &[file.to_owned()], &[])?;
    for report in &reports {
        for finding in report.cases.iter().filter(|finding| finding.verdict == Verdict::Fail) {
            outln!("  {}  {}: {}", paint::bad("FAIL"), finding.case, finding.title);
            finding.seen.iter().take(1).for_each(|line| outln!("        {line}"));
        }
        count(report);
    }
    verdict(&reports)
}

/// Every plugin held to the cases that are named, or to all.
fn reports(bench: &Workbench, files: &[String], cases: &[String]) -> Result<Vec<Report>, Failure> {
    let jobs = bench.jobs(None)?;
    let suite = Suite::new(cases, jobs, bench.config.bounds())?;
    let plugins = files.iter().map(|file| find(bench, file)).collect::<Result<Vec<_>, _>>()?;
    let sandboxes = [bench.sandbox(jobs)?, bench.sandbox(jobs)?];
    let bar = ProgressBar::new((suite.len() * plugins.len()) as u64);
    let style = "{bar:30} {pos}/{len} cases  {msg}  {elapsed_precise}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let load = |sandbox: &Sandbox, package: &Package| bench.load(sandbox, package);
    let mut reports = Vec::new();
    for (path, package) in plugins {
        let done = |finding: &Finding| {
            bar.set_message(finding.case.clone());
            bar.inc(1);
        };
        reports.push(suite.check(&path, package, [&sandboxes[0], &sandboxes[1]], &load, &done)?);
    }
    bar.finish_and_clear();
    Ok(reports)
}

/// The plugin of a name or at a path, read; what is wrong with it belongs to the report.
fn find(bench: &Workbench, file: &str) -> Result<(PathBuf, Result<Package, LoadError>), Failure> {
    let path = Path::new(file);
    let found = bench
        .find(file)
        .or_else(|failure| if path.exists() { Ok(Found::At(path.to_owned())) } else { Err(failure) })?;
    Ok((path.to_owned(), found.package()))
}

fn verdict(reports: &[Report]) -> Result<(), Failure> {
    let failed: Vec<String> = reports
        .iter()
        .filter(|report| !report.passed)
        .map(|report| {
            let (label, counts) = (quote(&report.plugin.label(), 200), report.counts);
            format!(
                "plugin {label} does not conform: {} of {} cases failed",
                counts.failed,
                report.cases.len()
            )
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let hint =
        "each case is described in docs/conformance.md; `plugin check FILE --case NAME` runs one again";
    Err(Failure::new(failed.join("; ")).hint(hint))
}

fn list(json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Line<'a> {
        case: &'a str,
        title: &'a str,
        holds: &'a str,
        matters: &'a str,
        mend: &'a str,
    }
    let catalogue = Catalogue::shipped();
    let lines: Vec<Line<'_>> = catalogue
        .cases
        .iter()
        .map(|case| Line {
            case: &case.name,
            title: &case.text.title,
            holds: &case.text.holds,
            matters: &case.text.matters,
            mend: &case.text.mend,
        })
        .collect();
    if json {
        return print_json(&lines);
    }
    let width = lines.iter().map(|line| line.case.len()).max().unwrap_or(0);
    for line in &lines {
        outln!("{:<width$}  {}", line.case, line.title);
    }
    Ok(())
}

fn print(report: &Report) {
    let plugin = &report.plugin;
    let version = plugin.version.as_deref().unwrap_or_default();
    outln!("{} {version}  {}", plugin.label(), paint::dim(&plugin.component.display().to_string()));
    let width = report.cases.iter().map(|finding| finding.case.len()).max().unwrap_or(0);
    for finding in &report.cases {
        let mark = match finding.verdict {
            Verdict::Pass => paint::good("pass"),
            Verdict::Fail => paint::bad("FAIL"),
            verdict => paint::dim(verdict.as_str()),
        };
        let why = finding.seen.first().filter(|_| finding.verdict == Verdict::Skip);
        let why = why.map_or(String::new(), |why| paint::dim(&format!(" (skipped: {why})")));
        outln!("  {mark}  {:<width$}  {}{why}", finding.case, finding.title);
    }
    for finding in report.cases.iter().filter(|finding| finding.verdict >= Verdict::Warn) {
        explain(finding);
    }
    count(report);
}

fn count(report: &Report) {
    let counts = report.counts;
    out!("\n  {} passed, {} failed", counts.passed, counts.failed);
    outln!(
        ", {} warned, {} skipped in {:.1} s",
        counts.warned,
        counts.skipped,
        report.wall_ms as f64 / 1000.0
    );
}

/// What was seen of a case, why it matters, how it is mended.
fn explain(finding: &Finding) {
    outln!("\n  {} ({}): {}", finding.case, finding.verdict.as_str(), finding.title);
    for line in finding.seen.iter().take(SHOWN) {
        outln!("    seen     {line}");
    }
    if finding.seen.len() > SHOWN {
        outln!("             … and {} more: --json has them", finding.seen.len() - SHOWN);
    }
    outln!("    holds    {}", finding.holds);
    outln!("    matters  {}", finding.matters);
    outln!("    mend     {}", finding.mend);
}

impl From<NoCase> for Failure {
    fn from(unknown: NoCase) -> Self {
        Self::misuse(unknown).hint("`stratagem plugin check --list` names them")
    }
}
