//! The page of docs that lists the options.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use super::super::shape::Shape;
use super::super::table::{Row, Rule, Table};
use super::super::{create_body, task_template};
use super::{CONTAINER, Isolation, Of, SERVICE, patch};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");

/// If the environment has it, the test writes the page.
const WRITE: &str = "WRITE_OPTIONS";

const HEAD: &str = "\
# Options that a patch may set

These are the options that `container_patch` may set, for all targets or for those of one environment: see [Changing a target](target.md#changing-a-target). The server refuses every other option and every other form, and names it by its path. A text may also be empty, which is the Engine's default.

[`allow_capabilities` and `allow_volumes`](variables.md#the-target) add capabilities and volumes by their names.

The server's own tables make this page. To change it, change [`create_body.rs`](../src/container/create_body.rs) or [`task_template.rs`](../src/container/task_template.rs).
";

const ENGINE: &str = "
## On an Engine

The patch is over the create body of a container. A `CpuQuota` is at most 1024 times its `CpuPeriod`. In `LogConfig`, `max-size` limits a log that is on the disk, to 10 GiB with all of its files.
";

const SWARM: &str = "
## On a Swarm

The patch is over the template of a service's task.
";

/// The accepted form in words, if a patch may set the option at all.
fn form((path, shape, rule): &Row) -> Option<String> {
    let form = match rule {
        Rule::Refused(..) | Rule::Unknown | Rule::Servers(..) => return None,
        Rule::Free => shape.in_words(),
        Rule::Form(_, form) | Rule::Required(_, form) | Rule::Texts(_, form) => form,
        Rule::Guard(_, words) => words
            .trim_start_matches("must be ")
            .trim_start_matches("may only have "),
        Rule::UpTo(max) => &format!("a whole number from 0 to {max}"),
        Rule::Limit(max) => &format!("a whole number from 1 to {max}"),
        Rule::Names(_, names, _) => &names.join(", "),
        Rule::Elsewhere => match path.rsplit('.').next() {
            Some("Env") => "a list of NAME=value, added to the server's own",
            Some("Labels") => "labels, added to the server's own",
            Some("Volumes") => "paths, each with the value {}: a volume of the target's own",
            Some("EndpointsConfig") => {
                "up to 8 networks by name, each with how the target appears there"
            }
            _ => panic!("{path} has no words"),
        },
    };
    Some(form.to_owned())
}

/// The options of one body. Those of the same form are in one line.
fn list(page: &mut String, table: &Table, of: Of) {
    let mut forms: Vec<(String, Vec<String>)> = Vec::new();
    let (mut unsafe_only, mut servers) = (Vec::new(), Vec::new());
    let is_object = |row: &&Row| matches!(row.1, Shape::Options);
    for row in table.rows.iter().filter(|row| !is_object(row)) {
        let path = format!("`{}`", row.0);
        let Some(mut form) = form(row) else {
            let is_servers = matches!(row.2, Rule::Servers(..));
            let others = if is_servers {
                &mut servers
            } else {
                &mut unsafe_only
            };
            others.push(path);
            continue;
        };
        let removal = patch(row.0, Value::Null);
        if !matches!(row.2, Rule::Elsewhere) && of.build(&[removal], Isolation::Kept).is_err() {
            form.push_str("; cannot be removed");
        }
        match forms.iter_mut().find(|(known, _)| *known == form) {
            Some((_, paths)) => paths.push(path),
            None => forms.push((form, vec![path])),
        }
    }
    page.push_str("\n| option | accepted |\n|---|---|\n");
    for (form, paths) in forms {
        let _ = writeln!(page, "| {} | {form} |", paths.join(", "));
    }
    let (unsafe_only, servers) = (unsafe_only.join(", "), servers.join(", "));
    let _ = writeln!(
        page,
        "\n`container_patch_unsafe` `allow` also permits other forms, options that the server does not know, and {unsafe_only}.\n\nNothing permits {servers}: the server sets them or relies on them."
    );
}

#[test]
fn the_page_of_options_is_what_the_tables_say() {
    let mut page = HEAD.to_owned();
    page.push_str(ENGINE);
    list(&mut page, &create_body::TABLE, CONTAINER);
    page.push_str(SWARM);
    list(&mut page, &task_template::TABLE, SERVICE);
    if std::env::var_os(WRITE).is_some() {
        fs::write(PAGE, &page).expect("the page is written");
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/options.md is not what the tables say; to write it: {WRITE}=1 cargo test -p dynamic-access --lib page_of_options"
    );
}
