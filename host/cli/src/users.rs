//! `stratagem user`: who may do what, what is held on whom, and how it leaves.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use stratagem_domain::{escape, grouped};
use stratagem_store::{Role, Store, User};

use crate::failure::Failure;
use crate::output::{check_writable, draft, is_stdout, out, outln, print_json, table, utc};
use crate::progress::Told;
use crate::workbench::Workbench;

/// Characters of a name in a table.
const SHOWN: usize = 60;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArg {
    Reader,
    Runner,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Reader => Self::Reader,
            RoleArg::Runner => Self::Runner,
            RoleArg::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Users {
    /// Add a user
    Add {
        name: String,
        /// What the user may do
        #[arg(long, value_enum, default_value_t = RoleArg::Runner)]
        role: RoleArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the users
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a user
    Show {
        /// A name or an id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Call a user something else
    Rename {
        /// A name or an id
        user: String,
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set what a user may do
    Role {
        /// A name or an id
        user: String,
        #[arg(value_enum)]
        role: RoleArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a user do nothing more
    Disable {
        /// A name or an id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a user in again
    Enable {
        /// A name or an id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add or remove what a user is called elsewhere
    #[command(subcommand)]
    Handle(HandleCommand),
    /// Write all that is held on a user as JSON
    Export {
        /// A name or an id
        user: String,
        /// Where to; `-` is stdout
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print what was written as JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete the vectors of what a user wrote and did, and leave the things themselves
    ForgetEmbeddings {
        /// A name or an id
        user: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete everything of a user, for good; where it was interrupted, go on
    Erase {
        /// A name or an id
        user: String,
        /// Do it: it cannot be taken back
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum HandleCommand {
    /// Add one
    Add {
        /// A name or an id
        user: String,
        /// `email`, `discord`, `phone`, ...
        provider: String,
        handle: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove one
    Remove {
        /// A name or an id
        user: String,
        provider: String,
        handle: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(bench: &Workbench, command: &Users) -> Result<(), Failure> {
    match command {
        Users::Add { name, role, json } => {
            tell(&bench.store()?.add_user(name, Role::from(*role))?, "added", *json)
        }
        Users::List { json } => list(bench, *json),
        Users::Show { user, json } => show(&bench.existing_store()?.user(user)?, *json),
        Users::Rename { user, name, json } => {
            tell(&bench.existing_store()?.rename_user(user, name)?, "renamed", *json)
        }
        Users::Role { user, role, json } => {
            tell(&bench.existing_store()?.set_role(user, Role::from(*role))?, "changed", *json)
        }
        Users::Disable { user, json } => {
            tell(&bench.existing_store()?.set_active(user, false)?, "disabled", *json)
        }
        Users::Enable { user, json } => {
            tell(&bench.existing_store()?.set_active(user, true)?, "enabled", *json)
        }
        Users::Handle(HandleCommand::Add { user, provider, handle, json }) => {
            tell(&bench.existing_store()?.add_handle(user, provider, handle)?, "changed", *json)
        }
        Users::Handle(HandleCommand::Remove { user, provider, handle, json }) => {
            tell(&bench.existing_store()?.remove_handle(user, provider, handle)?, "changed", *json)
        }
        Users::Export { user, out, json } => export(bench, user, out, *json),
        Users::ForgetEmbeddings { user, json } => {
            let rows = bench.existing_store()?.forget_embeddings(user)?;
            if *json {
                return print_json(&json!({ "rows": rows }));
            }
            outln!("{} embeddings forgotten", grouped(rows));
            Ok(())
        }
        Users::Erase { user, yes, json } => erase(bench, user, *yes, *json),
    }
}

fn tell(user: &User, what: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(user);
    }
    outln!("{what}: {} ({}, {}), id {}", escape(&user.name, SHOWN), user.role, user.status, user.id);
    Ok(())
}

fn list(bench: &Workbench, json: bool) -> Result<(), Failure> {
    let users = bench.existing_store()?.users()?;
    if json {
        return print_json(&users);
    }
    let rows: Vec<Vec<String>> = users
        .into_iter()
        .map(|user| {
            let name = escape(&user.name, SHOWN);
            vec![name, user.role.to_string(), user.status, utc(user.created_at), user.id]
        })
        .collect();
    out!("{}", table(&["user", "role", "status", "added (UTC)", "id"], &rows));
    Ok(())
}

fn show(user: &User, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(user);
    }
    outln!("{}", escape(&user.name, SHOWN));
    let field = |name: &str, value: &str| outln!("  {name:<12}{value}");
    field("id", &user.id);
    field("role", user.role.as_str());
    field("status", &user.status);
    field("added", &format!("{} UTC", utc(user.created_at)));
    for handle in &user.handles {
        field(&handle.provider, &escape(&handle.handle, SHOWN));
    }
    Ok(())
}

/// Writes all of it or, where that fails, nothing.
fn export(bench: &Workbench, user: &str, path: &Path, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    if is_stdout(path) {
        store.export_user(user, &mut std::io::stdout().lock())?;
        return Ok(());
    }
    check_writable(path)?;
    let mut draft = draft(path)?;
    let report = store.export_user(user, &mut BufWriter::new(&mut draft))?;
    draft
        .flush()
        .and_then(|()| draft.persist(path).map_err(|error| error.error).map(drop))
        .map_err(|error| Failure::file(path, &error))?;
    if json {
        return print_json(&report);
    }
    let rows = report.counts.values().sum();
    outln!("{} rows of user {} in {}", grouped(rows), report.user_id, path.display());
    Ok(())
}

fn erase(bench: &Workbench, user: &str, yes: bool, json: bool) -> Result<(), Failure> {
    let store = bench.existing_store()?;
    let found = store.user(user).map_err(|error| unfinished(&store, error.into()))?;
    if !yes {
        return Err(Failure::misuse(format!(
            "erasing {} deletes all that is held on them, for good",
            escape(&found.name, SHOWN)
        ))
        .hint("export it first with `user export`; then repeat with --yes"));
    }
    let (mut told, mut begun) = (Told::new("erasing"), false);
    let report = store.erase_user(&found.id, &mut |what, rows| {
        if !begun {
            // By this they are found where the name is gone and the rest is not.
            eprintln!("erasing user {}", found.id);
            begun = true;
        }
        told.hear(what, rows);
    })?;
    told.end();
    if json {
        return print_json(&report);
    }
    for (table, rows) in &report.counts {
        outln!("{:>12}  {table}", grouped(*rows));
    }
    outln!("user {} is erased; on record as {}", report.user_id, report.request);
    if !report.older_backups.is_empty() {
        outln!("backups from before still hold the user; destroy them:");
        report.older_backups.iter().for_each(|path| outln!("  {}", escape(path, 400)));
    }
    Ok(())
}

/// Whoever lost the name of a user whose erasure was interrupted is told the id.
fn unfinished(store: &Store, failure: Failure) -> Failure {
    match store.unfinished_erasures().unwrap_or_default().first() {
        Some(id) => failure
            .hint(format!("an erasure was interrupted: `stratagem user erase {id} --yes` goes on with it")),
        None => failure,
    }
}
