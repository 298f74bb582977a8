//! Checks the types that the server accepts in a patch against the published specifications: a value of another type
//! would fail every start, but nothing earlier.

use dynamic_access::container::{Allowed, Body, Isolation, Of, Patch};
use serde_json::{Value, json};

use crate::SPECIFICATIONS;
use crate::specification::{problems, validator};

/// Options that are lists in the specifications, although an Engine accepts a text too (moby, `strslice`).
const COMMANDS: [&str; 3] = ["Cmd", "Entrypoint", "Shell"];

/// Options of services without containers, so the server does not know them.
const UNKNOWN: [&str; 2] = ["PluginSpec", "NetworkAttachmentSpec"];

/// The path of an option: the keys of objects, `[]` for an entry of a list, and `*` for a member of a map.
type Way = Vec<String>;

/// Adds the paths of all options of a schema.
fn walk(schema: &Value, document: &Value, way: &Way, ways: &mut Vec<Way>) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("a definition"),
        None => schema,
    };
    let members = schema["properties"].as_object().into_iter().flatten();
    let members = members.map(|(key, member)| (key.as_str(), member));
    let items = schema.get("items").map(|items| ("[]", items));
    let of_map = schema.get("additionalProperties");
    let of_map = of_map.filter(|one| one.is_object()).map(|one| ("*", one));
    for (step, part) in members.chain(items).chain(of_map) {
        let way = [&way[..], &[step.to_owned()]].concat();
        walk(part, document, &way, ways);
        ways.push(way);
    }
}

/// A patch that sets one option.
fn patch(way: &[String], value: Value) -> Value {
    way.iter()
        .rev()
        .fold(value, |value, step| match step.as_str() {
            "[]" => json!([value]),
            "*" => json!({"/name": value}),
            key => json!({key: value}),
        })
}

/// The path as the server names it, without the indexes of entries.
fn named(way: &[String]) -> String {
    let steps = way.iter().filter(|step| *step != "[]");
    let steps = steps.map(|step| if step == "*" { "/name" } else { step });
    steps.collect::<Vec<_>>().join(".")
}

/// Checks every option with a value of each type. Permits unsafe ones, because only the types matter here.
fn check(schema: &Value, document: &Value, of: Of) {
    let validator = validator(schema, document).expect("a schema");
    let mut ways = Vec::new();
    walk(schema, document, &Way::new(), &mut ways);
    assert!(ways.len() > 50, "{ways:?}");
    ways.retain(|way| !way.iter().any(|step| UNKNOWN.contains(&&**step)));
    for way in ways {
        for value in json!([true, 1, 1.5, "x", [], {}])
            .as_array()
            .into_iter()
            .flatten()
        {
            let text = value.to_string();
            let patch = patch(&way, value.clone());
            let problems = problems(&validator, &patch);
            let is_right = !problems.iter().any(|one| one.contains("is not of type"));
            let patch = Patch::from_value(patch).expect("an object");
            let name = named(&way);
            match Body::new(of, &[&patch], Isolation::GivenUp, &Allowed::default()) {
                Ok(_) => assert!(
                    is_right || (COMMANDS.contains(&&*name) && text == r#""x""#),
                    "{name} may not be {text}"
                ),
                Err(problems) => {
                    let of_type = format!("{name} must be ");
                    let is_refused = problems.iter().any(|one| one.starts_with(&of_type));
                    let is_refused = is_refused && !problems.iter().any(|one| one.contains("; "));
                    assert!(!is_right || !is_refused, "{name} {text}: {problems:?}");
                }
            }
        }
    }
}

#[test]
fn a_value_in_a_patch_has_the_type_that_the_specifications_say() {
    for text in SPECIFICATIONS {
        let document: Value = serde_json::from_str(text).expect("JSON");
        let create = &document["operations"]["POST /containers/create"];
        let container = &create["properties"]["body"];
        check(container, &document, Of::Container);
        let task = &document["definitions"]["TaskSpec"];
        check(task, &document, Of::Service);
    }
}
