//! The command group `db`: each part of it is an enum of its own, in a file of its own.

use clap::Subcommand;

use crate::audit::{self, AuditCommand};
use crate::failure::Failure;
use crate::schema::{self, SchemaCommand};
use crate::vault::{self, Vault};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Db {
    #[command(flatten)]
    Schema(SchemaCommand),
    #[command(flatten)]
    Audit(AuditCommand),
    #[command(flatten)]
    Vault(Vault),
}

pub fn run(bench: &Workbench, command: &Db) -> Result<(), Failure> {
    match command {
        Db::Schema(command) => schema::run(bench, command),
        Db::Audit(command) => audit::run(bench, command),
        Db::Vault(command) => vault::run(bench, command),
    }
}
