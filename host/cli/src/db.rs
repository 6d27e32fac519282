//! The command group `db`: each part of it is an enum of its own, in a file of its own.

use clap::Subcommand;

use crate::failure::Failure;
use crate::vault::{self, Vault};
use crate::workbench::Workbench;

#[derive(Debug, Subcommand)]
pub enum Db {
    #[command(flatten)]
    Vault(Vault),
}

pub fn run(bench: &Workbench, command: &Db) -> Result<(), Failure> {
    match command {
        Db::Vault(command) => vault::run(bench, command),
    }
}
