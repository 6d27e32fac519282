use std::cell::Cell;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use stratagem_domain::{Limits, LimitsOverlay, Refusal, quote};
use stratagem_runtime::{LoadError, Package, Sandbox};

use crate::checks::{Load, Opened, open, refusal};
use crate::trial::{Bench, Grants};
use crate::{Case, Catalogue, Check, Checked, Finding, Report, Seen, Subject, Verdict};

/// The cases that plugins are held to.
pub struct Suite {
    catalogue: Catalogue,
    /// Names of cases; none takes all of them.
    chosen: Vec<String>,
    /// Cases that are worked on at the same time; verdicts do not depend on it.
    pub jobs: usize,
    /// The most that the operator allows.
    pub bounds: Limits,
}

/// A case was asked for that there is not.
#[derive(Debug, thiserror::Error)]
#[error("no case {}", quote(.0, 80))]
pub struct NoCase(pub String);

impl Suite {
    /// The cases of these names, or all of them.
    ///
    /// *Errors*: the operator's, for a name that no case has.
    pub fn new(chosen: &[String], jobs: usize, bounds: Limits) -> Result<Self, NoCase> {
        let catalogue = Catalogue::shipped();
        match chosen.iter().find(|name| catalogue.cases.iter().all(|case| case.name != **name)) {
            Some(unknown) => Err(NoCase(unknown.clone())),
            None => Ok(Self { catalogue, chosen: chosen.to_vec(), jobs, bounds }),
        }
    }

    /// How many cases a plugin is held to.
    pub fn len(&self) -> usize {
        self.cases(&Seen::default()).count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chosen cases; that of the manifest wherever it fails, since the host would not run the plugin.
    fn cases(&self, manifest: &Seen) -> impl Iterator<Item = &Case> {
        let broken = manifest.verdict == Verdict::Fail;
        let wanted =
            move |case: &&Case| self.is_chosen(case) || (broken && case.text.check == Check::Manifest);
        self.catalogue.cases.iter().filter(wanted)
    }

    fn is_chosen(&self, case: &Case) -> bool {
        self.chosen.is_empty() || self.chosen.contains(&case.name)
    }

    /// Holds a plugin, read from `path` and loaded by `load`, to the cases, and calls `done` as each is finished, in any order.
    ///
    /// *Errors*: the host's or the operator's alone; a plugin that is refused has a report.
    pub fn check(
        &self,
        path: &Path,
        package: Result<Package, LoadError>,
        sandboxes: [&Sandbox; 2],
        load: &Load<'_>,
        done: &(dyn Fn(&Finding) + Sync),
    ) -> Result<Report, LoadError> {
        let started = Instant::now();
        let mut plugin =
            Checked { name: None, version: None, kind: None, component: path.to_owned(), digest: None };
        let package = match package {
            Err(error) if error.refusal().is_none() => return Err(error),
            Err(error) => {
                let at_fault = match error.refusal() {
                    Some(Refusal::Manifest | Refusal::Hash) => Check::Manifest,
                    _ => Check::Interface,
                };
                return Ok(Report::new(plugin, self.refused(at_fault, &error), millis(started)));
            }
            Ok(package) => package,
        };
        plugin.component.clone_from(&package.path);
        plugin.digest = Some(package.digest);
        if let Some(manifest) = &package.manifest {
            plugin.name = Some(manifest.name.clone());
            plugin.version = Some(manifest.version.to_string());
            plugin.kind = Some(manifest.kind.clone());
        }
        let findings = match open(&package, sandboxes, load)? {
            Opened::Refused(error) => self.refused(Check::Interface, &error),
            Opened::Loaded(loaded, manifest) => {
                let said = loaded[0].identity();
                plugin.name.get_or_insert_with(|| said.name.clone());
                plugin.version.get_or_insert_with(|| said.version.clone());
                plugin.kind.get_or_insert_with(|| said.kind.clone());
                self.hold([&loaded[0], &loaded[1]], &loaded[0].limits, &manifest, done)
            }
        };
        Ok(Report::new(plugin, findings, millis(started)))
    }

    /// A plugin that did not come as far as running: the case at fault fails, asked for or not, the rest is skipped.
    fn refused(&self, at_fault: Check, error: &LoadError) -> Vec<Finding> {
        let wanted = |case: &&Case| case.text.check == at_fault || self.is_chosen(case);
        let finding = |case: &Case| {
            let seen = if case.text.check == at_fault {
                refusal(error)
            } else {
                Seen::of(Verdict::Skip, "the plugin was not loaded")
            };
            Finding::new(case, seen, 0, 0)
        };
        self.catalogue.cases.iter().filter(wanted).map(finding).collect()
    }

    /// Holds a subject, and the same in another sandbox, to the cases.
    pub fn hold(
        &self,
        [here, elsewhere]: [&dyn Subject; 2],
        asked: &LimitsOverlay,
        manifest: &Seen,
        done: &(dyn Fn(&Finding) + Sync),
    ) -> Vec<Finding> {
        let grants = Grants { asked: asked.clone(), bounds: self.bounds.clone() };
        let cases: Vec<&Case> = self.cases(manifest).collect();
        let next = AtomicUsize::new(0);
        let findings = Mutex::new(Vec::new());
        let work = || {
            while let Some((at, case)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, *cases.get(at)?)))
            {
                let started = Instant::now();
                let (catalogue, grants, runs) = (&self.catalogue, &grants, Cell::new(0));
                let bench = Bench { here, elsewhere, catalogue, grants, manifest, runs };
                let seen = case.text.check.look(&bench, case);
                let finding = Finding::new(case, seen, bench.runs.get(), millis(started));
                done(&finding);
                findings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, finding));
            }
        };
        std::thread::scope(|scope| {
            let worker =
                || std::thread::Builder::new().name("check".into()).stack_size(Limits::THREAD_STACK_BYTES);
            let started = (0..self.jobs.clamp(1, cases.len().max(1)))
                .filter(|_| worker().spawn_scoped(scope, work).is_ok())
                .count();
            // Where there is no thread to be had, this one does all of it.
            if started == 0 {
                work();
            }
        });
        let mut findings = findings.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        findings.sort_by_key(|(at, _)| *at);
        findings.into_iter().map(|(_, finding)| finding).collect()
    }
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
