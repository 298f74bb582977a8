//! Makes JSON schemas of the schemas of Swagger 2, in which unknown properties are allowed and null is an extension.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::finding::Finding;

/// A validator of one schema of a specification with these definitions.
///
/// A property that the schema does not name is an error, except in a map and in an object of which nothing is said.
pub fn validator(schema: &Value, definitions: &Value) -> Result<Validator> {
    let mut root = closed(schema, definitions, Place::Use);
    let named = definitions.as_object().into_iter().flatten();
    let named: Map<String, Value> = named
        .map(|(name, schema)| (name.clone(), closed(schema, definitions, Place::Part)))
        .collect();
    root["definitions"] = Value::Object(named);
    jsonschema::options()
        // The first in which something can stand beside a reference.
        .with_draft(Draft::Draft201909)
        .build(&root)
        .map_err(|error| anyhow!("a schema of the specification: {error}"))
}

/// Judges a value; `place` says where in the request it stands.
pub fn findings(validator: &Validator, value: &Value, place: &str) -> Vec<Finding> {
    let mut all = Vec::new();
    for error in validator.iter_errors(value) {
        let at = dotted(place, error.instance_path().as_str());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for name in unexpected {
                    all.push(Finding::new(&format!("{at}.{name}"), "is not known"));
                }
            }
            // The value stays out of the message.
            _ => {
                let says = error.masked_with("it").to_string();
                all.push(Finding::of(&at, &says, error.instance().as_ref().clone()));
            }
        }
    }
    all
}

/// A JSON pointer in the form that people write, such as `body.HostConfig.Mounts[0].Type`.
fn dotted(place: &str, pointer: &str) -> String {
    let mut text = place.to_owned();
    for step in pointer.split('/').skip(1) {
        match step.parse::<usize>() {
            Ok(index) => text.push_str(&format!("[{index}]")),
            Err(_) => text.push_str(&format!(".{}", step.replace("~1", "/").replace("~0", "~"))),
        }
    }
    text
}

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It says all that is to be said of a value.
    Use,
    /// It is only a part of what is said of a value: one of `allOf`, or a definition, which may be one.
    Part,
}

fn closed(schema: &Value, definitions: &Value, place: Place) -> Value {
    let Some(members) = schema.as_object() else {
        return schema.clone();
    };
    let mut made = Map::new();
    for (keyword, value) in members {
        let value = match keyword.as_str() {
            "properties" => each_member(value, definitions),
            "items" | "additionalProperties" => closed(value, definitions, Place::Use),
            "allOf" => each_part(value, definitions),
            _ => value.clone(),
        };
        made.insert(keyword.clone(), value);
    }
    if members.get("x-nullable") == Some(&Value::Bool(true)) {
        allow_null(&mut made);
    }
    if place == Place::Use {
        close(schema, definitions, &mut made);
    }
    Value::Object(made)
}

fn each_member(properties: &Value, definitions: &Value) -> Value {
    let members = properties.as_object().into_iter().flatten();
    members
        .map(|(name, schema)| (name.clone(), closed(schema, definitions, Place::Use)))
        .collect()
}

fn each_part(parts: &Value, definitions: &Value) -> Value {
    let parts = parts.as_array().into_iter().flatten();
    parts
        .map(|part| closed(part, definitions, Place::Part))
        .collect()
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(kind) = schema.get("type").cloned() {
        schema.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}

/// Refuses properties that no part of a schema names. The names are gathered beforehand: after a wrong value in one part,
/// a validator would take none of that part's properties as known.
fn close(schema: &Value, definitions: &Value, made: &mut Map<String, Value>) {
    let mut names = BTreeSet::new();
    let is_map = gather(schema, definitions, &mut names);
    if is_map || names.is_empty() {
        return;
    }
    let properties = made.entry("properties").or_insert_with(|| json!({}));
    for name in names {
        if properties.get(&name).is_none() {
            properties[&name] = Value::Bool(true);
        }
    }
    made.insert("additionalProperties".to_owned(), Value::Bool(false));
}

/// Adds the properties that a schema and its parts name, and returns whether it takes any others too, as a map does.
fn gather(schema: &Value, definitions: &Value, names: &mut BTreeSet<String>) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        return gather(&definitions[name], definitions, names);
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    names.extend(own.map(|(name, _)| name.clone()));
    let mut is_map = schema.get("additionalProperties").is_some();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        is_map |= gather(part, definitions, names);
    }
    is_map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions() -> Value {
        json!({
            "Limits": {"type": "object", "properties": {"Memory": {"type": "integer"}}},
            "Host": {"allOf": [
                {"$ref": "#/definitions/Limits"},
                {"type": "object", "properties": {
                    "Init": {"type": "boolean", "x-nullable": true},
                    "Mode": {"type": "string", "enum": ["a"], "x-nullable": true},
                    "Mounts": {"type": "array", "items": {
                        "type": "object", "properties": {"Type": {"type": "string"}},
                    }},
                    "Only": {"$ref": "#/definitions/Limits"},
                }},
            ]},
            "Labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "Anything": {"type": "object"},
            "Mixed": {
                "type": "object",
                "properties": {"Known": {"type": "string"}},
                "additionalProperties": {"type": "integer"},
            },
        })
    }

    #[track_caller]
    fn check(name: &str, value: &Value, expected: &[&str]) {
        let schema = json!({"$ref": format!("#/definitions/{name}")});
        let validator = validator(&schema, &definitions()).expect("a schema");
        let findings = findings(&validator, value, "body");
        let mut said: Vec<String> = findings.iter().map(Finding::to_string).collect();
        said.sort();
        assert_eq!(said, expected, "{value}");
    }

    #[test]
    fn a_property_of_any_part_is_known() {
        let value = json!({
            "Memory": 1, "Init": true, "Mounts": [{"Type": "x"}], "Only": {"Memory": 2},
        });
        check("Host", &value, &[]);
    }

    #[test]
    fn a_property_of_no_part_is_named_wherever_it_stands() {
        let value = json!({
            "Memry": 1, "Mounts": [{}, {"Typ": "x"}], "Only": {"Memory": 2, "Init": true},
        });
        let expected = [
            "body.Memry is not known",
            "body.Mounts[1].Typ is not known",
            "body.Only.Init is not known",
        ];
        check("Host", &value, &expected);
    }

    #[test]
    fn a_map_and_an_object_of_which_nothing_is_said_take_any_property() {
        check("Labels", &json!({"a/b": "c"}), &[]);
        check("Anything", &json!({"a": {"b": 1}}), &[]);
        check("Mixed", &json!({"Known": "a", "other": 1}), &[]);
        check(
            "Labels",
            &json!({"a/b": 1}),
            &["body.a/b: it is not of type \"string\""],
        );
    }

    #[test]
    fn a_wrong_type_is_named_without_its_value() {
        check(
            "Limits",
            &json!({"Memory": "secret"}),
            &["body.Memory: it is not of type \"integer\""],
        );
        check(
            "Limits",
            &json!([]),
            &["body: it is not of type \"object\""],
        );
    }

    #[test]
    fn null_is_taken_only_where_it_is_allowed() {
        check("Host", &json!({"Init": null, "Mode": null}), &[]);
        check(
            "Host",
            &json!({"Memory": null}),
            &["body.Memory: it is not of type \"integer\""],
        );
    }
}
