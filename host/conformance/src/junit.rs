use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::{Finding, Report, Verdict};

/// The reports as `JUnit` XML: a suite a plugin, a test a case. Advice is a passed test with words.
///
/// *Errors*: the text cannot be written as XML.
pub fn junit(reports: &[Report]) -> Result<String, String> {
    let mut all = quick_junit::Report::new("stratagem conformance");
    for report in reports {
        let label = report.plugin.label();
        let mut suite = TestSuite::new(label.clone());
        suite.set_time(Duration::from_millis(report.wall_ms));
        suite.add_test_cases(report.cases.iter().map(|finding| test(&label, finding)));
        all.add_test_suite(suite);
    }
    all.to_string().map_err(|error| error.to_string())
}

fn test(label: &str, finding: &Finding) -> TestCase {
    let seen = finding.seen.join("\n");
    let status = match finding.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(seen.as_str());
            status
        }
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(finding.title.as_str()).set_type(finding.case.as_str());
            let why = format!(
                "{seen}\nholds: {}\nmatters: {}\nmend: {}",
                finding.holds, finding.matters, finding.mend
            );
            status.set_description(why);
            status
        }
    };
    let mut test = TestCase::new(finding.case.as_str(), status);
    test.set_classname(format!("conformance.{label}")).set_time(Duration::from_millis(finding.wall_ms));
    if finding.verdict == Verdict::Warn {
        test.set_system_out(format!("{seen}\nmend: {}", finding.mend));
    }
    test
}
