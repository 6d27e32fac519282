//! `stratagem db audit`: who changed what, and whether the log of it is whole.

use clap::Subcommand;
use stratagem_store::AuditFilter;

use crate::failure::Failure;
use crate::output::{out, outln, print_json, table, utc};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List the audit log, or verify that nothing of it was changed
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List changes, newest first
    List {
        /// Who did it, by name or id
        #[arg(long, value_name = "USER")]
        by: Option<String>,
        /// The id of what was changed
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// The action or its beginning, such as `user.`
        #[arg(long)]
        action: Option<String>,
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold every row to the one before it
    Verify {
        /// A head that an earlier `verify` printed: it must still be there
        #[arg(long, value_name = "HEAD")]
        expect: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &AuditCommand) -> Result<(), Failure> {
    let AuditCommand::Audit(command) = command;
    match command {
        Audit::List { by, subject, action, limit, json } => {
            let store = bench.existing_store()?;
            let actor = by.as_ref().map(|who| store.user(who)).transpose()?.map(|user| user.id);
            let filter =
                AuditFilter { actor, subject: subject.clone(), action: action.clone(), limit: *limit };
            let lines = store.audit(&filter)?;
            if *json {
                return print_json(&lines);
            }
            let rows: Vec<Vec<String>> = lines
                .into_iter()
                .map(|line| {
                    let subject = format!("{} {}", line.subject_kind, line.subject_id);
                    vec![line.seq.to_string(), utc(line.at), line.actor_id, line.role, line.action, subject]
                })
                .collect();
            out!("{}", table(&["row", "at (UTC)", "by", "as", "action", "on"], &rows));
            Ok(())
        }
        Audit::Verify { expect, json } => verify(bench, expect.as_deref(), *json),
    }
}

fn verify(bench: &Workbench, expected: Option<&str>, json: bool) -> Result<(), Failure> {
    let expected = expected.map(str::to_ascii_lowercase);
    if let Some(head) = &expected
        && (head.len() != 64 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        return Err(Failure::misuse(format!("head of {} characters", head.chars().count()))
            .hint("hand in the 64 hexadecimal digits that `verify` printed"));
    }
    let report = bench.existing_store()?.verify_audit(expected.as_deref())?;
    if json {
        print_json(&report)?;
    }
    match &report.broken {
        Some(why) => Err(Failure::new(format!("the audit log is not what was written: {why}"))
            .hint("compare it with a backup; what was done since that row cannot be trusted")),
        None if json => Ok(()),
        None => {
            outln!("{} rows fit; head {}", report.rows, report.head);
            Ok(())
        }
    }
}
