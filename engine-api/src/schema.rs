//! Makes JSON schemas from the schemas of Swagger 2, which allow unknown properties and have null as an extension.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use crate::finding::Finding;

/// The JSON schema of a schema in a specification, with these definitions in place of the references to them.
///
/// A property that the schema does not name is an error, except in a map and in an object without named properties.
pub fn strict(schema: &Value, definitions: &Value) -> Value {
    let mut made = merged(schema, definitions);
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = made.get_mut(keyword) {
            *inner = strict(inner, definitions);
        }
    }
    if let Some(properties) = made.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            *property = strict(property, definitions);
        }
        if made.get("additionalProperties").is_none() {
            made["additionalProperties"] = json!(false);
        }
    }
    if made["x-nullable"] == true {
        made["type"] = json!([made["type"], "null"]);
        if let Some(Value::Array(values)) = made.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    made
}

/// A schema with its reference and its `allOf` resolved. A validator that sees the parts of `allOf` one by one would
/// call a property of one part unknown after a wrong value in that part.
fn merged(schema: &Value, definitions: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        return merged(&definitions[name], definitions);
    }
    let mut made = schema.clone();
    let parts = made.as_object_mut().and_then(|made| made.remove("allOf"));
    for part in parts.iter().flat_map(Value::as_array).flatten() {
        json_patch::merge(&mut made, &merged(part, definitions));
    }
    made
}

/// Judges a value.
pub fn findings(validator: &Validator, value: &Value) -> Vec<Finding> {
    let mut all = Vec::new();
    for error in validator.iter_errors(value) {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter();
                all.extend(unknown.map(|name| Finding::new(field(at, Some(name)), "is not known")));
            }
            ValidationErrorKind::Required { property } => {
                all.push(Finding::new(field(at, property.as_str()), "is missing"));
            }
            // The value stays out of the message.
            _ => {
                let says = error.masked_with("it").to_string();
                all.push(Finding::new(field(at, None), says));
            }
        }
    }
    all
}

/// A JSON pointer, and a member below it, as people write it: `body.HostConfig.Mounts[].Type`. All entries of a list
/// are the same field.
fn field(pointer: &str, member: Option<&str>) -> String {
    let mut text = String::new();
    for step in pointer.split('/').skip(1).chain(member) {
        match step.parse::<usize>() {
            Ok(_) => text.push_str("[]"),
            Err(_) => {
                let joint = if text.is_empty() { "" } else { "." };
                text.push_str(joint);
                text.push_str(&step.replace("~1", "/").replace("~0", "~"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, value: &Value, expected: &[&str]) {
        let definitions = json!({
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
        });
        let schema = json!({"$ref": format!("#/definitions/{name}")});
        let validator =
            jsonschema::validator_for(&strict(&schema, &definitions)).expect("a schema");
        let findings = findings(&validator, value);
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
            "Memry is not known",
            "Mounts[].Typ is not known",
            "Only.Init is not known",
        ];
        check("Host", &value, &expected);
    }

    #[test]
    fn a_wrong_value_in_one_part_leaves_the_other_properties_known() {
        let value = json!({"Memory": "secret", "Init": true});
        let expected = ["Memory: it is not of type \"integer\""];
        check("Host", &value, &expected);
    }

    #[test]
    fn a_map_and_an_object_without_named_properties_take_any_property() {
        check("Labels", &json!({"a/b": "c"}), &[]);
        check("Anything", &json!({"a": {"b": 1}}), &[]);
        check("Mixed", &json!({"Known": "a", "other": 1}), &[]);
        let expected = ["a/b: it is not of type \"string\""];
        check("Labels", &json!({"a/b": 1}), &expected);
    }

    #[test]
    fn null_is_taken_only_where_it_is_allowed() {
        check("Host", &json!({"Init": null, "Mode": null}), &[]);
        let expected = ["Memory: it is not of type \"integer\""];
        check("Host", &json!({"Memory": null}), &expected);
    }
}
