//! One operation of the Engine's API, and the requests that it accepts.

use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::finding::Finding;
use crate::recorded::Request;
use crate::schema;

/// The headers of HTTP itself, and of proxies in front of an Engine, which specifications do not mention.
const HEADERS_OF_HTTP: [&str; 5] = [
    "authorization",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
];

/// A method on the paths of one form.
pub struct Operation {
    /// Such as `GET /containers/{id}/json`.
    pub name: String,
    /// Matches the same with a real path.
    line: Regex,
    /// The schemas of the parameters in a query, by their names.
    query: Value,
    /// Judges a request as [`Operation::value`] makes it.
    validator: Validator,
}

impl Operation {
    /// Reads one from its part of a document.
    pub fn parse(name: &str, operation: &Value, document: &Value) -> Result<Self> {
        // The name of an image has slashes of its own, which Swagger cannot express.
        let line = name.replace("{id}", "[^/]+").replace("{name}", ".+");
        let parameters = |place: &'static str| {
            let all = operation["parameters"].as_array().into_iter().flatten();
            all.filter(move |parameter| parameter["in"] == place)
        };
        let of_http = HEADERS_OF_HTTP.map(str::to_owned).into_iter();
        let own = parameters("header").map(|parameter| name_of(parameter).to_ascii_lowercase());
        let headers: Map<String, Value> =
            of_http.chain(own).map(|name| (name, json!({}))).collect();
        let query: Map<String, Value> = parameters("query")
            .map(|parameter| Ok((name_of(parameter).to_owned(), of_query(parameter)?)))
            .collect::<Result<_>>()?;
        let required = parameters("query").filter(|parameter| parameter["required"] == true);
        let required: Vec<&str> = required.map(name_of).collect();
        let mut request = json!({
            "properties": {
                "query": {"properties": query, "required": required, "additionalProperties": false},
                "header": {"properties": headers, "additionalProperties": false},
                "content-type": {"enum": operation.get("consumes").unwrap_or(&document["consumes"])},
            },
            "additionalProperties": false,
        });
        if let Some(body) = parameters("body").next() {
            let schema = schema::strict(&body["schema"], &document["definitions"]);
            request["properties"]["body"] = schema;
            if body["required"] == true {
                request["required"] = json!(["body"]);
            }
        }
        let validator = jsonschema::validator_for(&request);
        Ok(Self {
            name: name.to_owned(),
            line: Regex::new(&format!("^{line}$"))?,
            query: Value::Object(query),
            validator: validator.map_err(|error| anyhow!("{error}"))?,
        })
    }

    /// Whether a method with a real path is this operation.
    pub fn is_of(&self, line: &str) -> bool {
        self.line.is_match(line)
    }

    /// The problems of a request.
    pub fn judge(&self, request: &Request) -> Vec<Finding> {
        let mut findings = match self.value(request) {
            Ok(value) => schema::findings(&self.validator, &value),
            Err(finding) => vec![finding],
        };
        // The body of a request that was cut off is not judged.
        findings.retain(|finding| request.is_whole || finding.field != "body");
        findings
    }

    /// A request as one value, or why it cannot be one.
    fn value(&self, request: &Request) -> Result<Value, Finding> {
        let mut query = Map::new();
        for (name, text) in form_urlencoded::parse(request.query().unwrap_or_default().as_bytes()) {
            let value = typed(&text, &self.query[name.as_ref()]);
            if query.insert(name.to_string(), value).is_some() {
                let says = "is there more than once";
                return Err(Finding::new(format!("query.{name}"), says));
            }
        }
        let headers = request.headers.iter();
        let headers: Map<String, Value> = headers.map(|name| (name.clone(), json!(true))).collect();
        let mut value = json!({"query": query, "header": headers});
        if request.is_whole && request.bytes > 0 {
            let media_type = request.media_type();
            value["body"] = match (media_type.as_deref(), &request.body) {
                (Some("application/json"), Some(text)) => {
                    serde_json::from_str(text).map_err(|_| Finding::new("body", "is not JSON"))?
                }
                (Some("application/json"), None) => {
                    return Err(Finding::new("body", "is too long to be recorded"));
                }
                // An archive: any text will do.
                _ => json!(""),
            };
            value["content-type"] = json!(media_type);
        }
        Ok(value)
    }
}

fn name_of(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap_or_default()
}

/// The schema of a parameter in a query.
///
/// For a specification, filters are a text; only its prose says that they are lists of texts, and which ones there are.
fn of_query(parameter: &Value) -> Result<Value> {
    if name_of(parameter) == "filters" {
        let description = parameter["description"].as_str().unwrap_or_default();
        let names = Regex::new("`([a-z-]+)=")?;
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let filters: Map<String, Value> = names
            .captures_iter(description)
            .map(|found| (found[1].to_owned(), texts.clone()))
            .collect();
        return Ok(json!({"type": "object", "properties": filters, "additionalProperties": false}));
    }
    let mut schema = parameter.clone();
    // In a schema, this would list properties.
    schema
        .as_object_mut()
        .context("it is no object")?
        .remove("required");
    Ok(schema)
}

/// The value of a text in a query, or the text itself.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => json!([text]),
        Some("string") | None => json!(text),
        Some(_) => serde_json::from_str(text).unwrap_or(json!(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SPECIFICATIONS;
    use crate::specification::Specification;

    fn request(line: &str) -> Request {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec!["content-length".to_owned()],
            content_type: None,
            bytes: 0,
            is_whole: true,
            body: None,
        }
    }

    fn with_body(line: &str, content_type: &str, body: Option<&str>) -> Request {
        Request {
            content_type: Some(content_type.to_owned()),
            bytes: 9,
            body: body.map(str::to_owned),
            ..request(line)
        }
    }

    fn json(line: &str, body: &str) -> Request {
        with_body(line, "application/json", Some(body))
    }

    /// The operation of a request and its findings, by the oldest version.
    fn judged(request: &Request) -> (String, String) {
        let specification = Specification::read(SPECIFICATIONS[0]).expect("a specification");
        let (operation, findings) = specification.judge(request);
        let findings: Vec<_> = findings.iter().map(Finding::to_string).collect();
        (operation, findings.join("\n"))
    }

    #[track_caller]
    fn check(request: &Request, expected: &str) {
        assert_eq!(judged(request).1, expected, "{}", request.target);
    }

    /// Checks that there is one finding, about this field.
    #[track_caller]
    fn check_field(request: &Request, field: &str) {
        let (_, findings) = judged(request);
        let is_one = findings.starts_with(field) && findings.lines().count() == 1;
        assert!(is_one, "{findings}");
    }

    #[test]
    fn a_path_belongs_to_its_operation() {
        for (line, expected) in [
            ("GET /containers/json", "GET /containers/json"),
            ("GET /containers/x/json", "GET /containers/{id}/json"),
            ("DELETE /containers/json", "DELETE /containers/{id}"),
            ("GET /networks", "GET /networks"),
            ("GET /images/x/json", "GET /images/{name}/json"),
            ("GET /images/r.org:5/a/b:c/json", "GET /images/{name}/json"),
        ] {
            let expected = (expected.to_owned(), String::new());
            assert_eq!(judged(&request(line)), expected, "{line}");
        }
        for line in [
            "POST /containers/json",
            "DELETE /containers/a/b",
            "DELETE /containers/",
            "GET /images/json",
            "GET /image/x/json",
            "GET /v1.41/containers/json",
            "GET /info",
        ] {
            check_field(&request(line), "path is not known");
        }
    }

    #[test]
    fn parameters_of_a_query_are_known_typed_and_there_once() {
        for (query, expected) in [
            ("all=true", ""),
            ("al=true", "query.al is not known"),
            ("all=yes", r#"query.all: it is not of type "boolean""#),
            ("all=true&all=true", "query.all is there more than once"),
        ] {
            check(&request(&format!("GET /containers/json?{query}")), expected);
        }
        for (query, expected) in [
            ("?version=5", ""),
            (
                "?version=5s",
                r#"query.version: it is not of type "integer""#,
            ),
            ("", "query.version is missing"),
        ] {
            check(
                &json(&format!("POST /services/x/update{query}"), "{}"),
                expected,
            );
        }
        check(&json("POST /containers/create?name=a-%62", "{}"), "");
        check_field(
            &json("POST /containers/create?name=a%2Fb", "{}"),
            "query.name: ",
        );
    }

    #[test]
    fn filters_are_lists_of_texts_under_names_that_the_description_has() {
        for (filters, expected) in [
            ("{%22name%22:[%22a%22]}", ""),
            ("{%22nam%22:[%22a%22]}", "query.filters.nam is not known"),
            (
                "{%22name%22:%22a%22}",
                r#"query.filters.name: it is not of type "array""#,
            ),
            ("name", r#"query.filters: it is not of type "object""#),
        ] {
            check(
                &request(&format!("GET /networks?filters={filters}")),
                expected,
            );
        }
    }

    #[test]
    fn a_misspelt_field_or_a_wrong_type_of_a_body_is_named_without_its_value() {
        for (what, body, expected) in [
            (
                "containers",
                r#"{"HostConfig":{"Memory":1,"Mounts":[{"Type":"bind"}]}}"#,
                "",
            ),
            (
                "containers",
                r#"{"HostConfig":{"Memry":1}}"#,
                "body.HostConfig.Memry is not known",
            ),
            (
                "containers",
                r#"{"HostConfig":{"Mounts":[{"Typ":"bind"}]}}"#,
                "body.HostConfig.Mounts[].Typ is not known",
            ),
            (
                "containers",
                r#"{"HostConfig":{"Memory":"secret"}}"#,
                r#"body.HostConfig.Memory: it is not of type "integer""#,
            ),
            (
                "services",
                r#"{"TaskTemplate":{"ContainerSpec":{"Img":"a"}}}"#,
                "body.TaskTemplate.ContainerSpec.Img is not known",
            ),
            (
                "secrets",
                r#"{"Name":"a","Labels":{"a/b":"c"},"Nam":"secret"}"#,
                "body.Nam is not known",
            ),
        ] {
            check(&json(&format!("POST /{what}/create"), body), expected);
        }
    }

    #[test]
    fn a_body_has_an_accepted_type_and_an_operation_that_takes_one() {
        let create = |content_type: &str, body: Option<&str>| {
            with_body("POST /containers/create", content_type, body)
        };
        check(&create("application/json; charset=utf-8", Some("{}")), "");
        check(&create("application/json", Some("{")), "body is not JSON");
        let long = create("application/json", None);
        check(&long, "body is too long to be recorded");
        let bare = Request {
            content_type: None,
            ..create("", None)
        };
        for wrong in [bare, create("text/plain", None)] {
            let (_, findings) = judged(&wrong);
            assert!(findings.contains("content-type: "), "{findings}");
        }
        check(&request("POST /containers/create"), "body is missing");
        check(&json("DELETE /containers/x", "{}"), "body is not known");
        let archive = |content_type| {
            let line = "PUT /containers/x/archive?path=%2Frun";
            with_body(line, content_type, None)
        };
        check(&archive("application/x-tar"), "");
        check_field(&archive("application/zip"), "content-type: ");
    }

    #[test]
    fn the_body_of_a_request_that_was_cut_off_is_not_judged() {
        let cut = Request {
            is_whole: false,
            ..json("POST /containers/create?nam=a", "{")
        };
        check(&cut, "query.nam is not known");
    }

    #[test]
    fn a_header_is_one_of_http_or_of_the_operation() {
        for (header, expected) in [
            ("x-registry-auth", ""),
            ("x-registry-auht", "header.x-registry-auht is not known"),
        ] {
            let pull = Request {
                headers: vec![header.to_owned()],
                ..request("POST /images/create")
            };
            check(&pull, expected);
        }
    }
}
