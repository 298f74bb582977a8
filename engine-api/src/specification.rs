//! A published specification of the Engine's API, in Swagger 2, cut down to the operations in use.

use std::fs;
use std::path::Path;

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

/// One version of the API.
pub struct Specification {
    /// Such as `1.41`.
    pub version: String,
    operations: Vec<Operation>,
}

/// A method on the paths of one form.
struct Operation {
    /// Such as `GET /containers/{id}/json`.
    name: String,
    /// Matches the same with a real path.
    line: Regex,
    /// The schemas of the parameters in a query, by their names.
    query: Value,
    /// Judges a request as [`Operation::value`] makes it.
    validator: Validator,
}

impl Specification {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let document =
            serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
        Self::parse(&document).with_context(|| format!("{name} is not a specification"))
    }

    /// Reads a document of Swagger 2.
    pub fn parse(document: &Value) -> Result<Self> {
        let version = document["info"]["version"].as_str();
        let paths = document["paths"].as_object().context("it has no paths")?;
        let mut operations = Vec::new();
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let name = format!("{} {path}", method.to_ascii_uppercase());
                let operation = Operation::parse(&name, operation, document);
                operations.push(operation.context(name)?);
            }
        }
        Ok(Self {
            version: version.context("it has no version")?.to_owned(),
            operations,
        })
    }

    /// The name of a request's operation, and the problems of the request.
    pub fn judge(&self, request: &Request) -> (String, Vec<Finding>) {
        let line = format!("{} {}", request.method, request.path());
        match self.operations.iter().find(|one| one.line.is_match(&line)) {
            Some(operation) => (operation.name.clone(), operation.judge(request)),
            None => {
                let says = "is not known, or not in engine-api/specifications/cut.py";
                (line, vec![Finding::new("path", says)])
            }
        }
    }
}

impl Operation {
    fn parse(name: &str, operation: &Value, document: &Value) -> Result<Self> {
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

    fn judge(&self, request: &Request) -> Vec<Finding> {
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

    /// Judges a request by the oldest version.
    fn judged(request: &Request) -> (String, Vec<String>) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specifications/v1.41.json");
        let specification = Specification::read(Path::new(path)).expect("a specification");
        let (operation, findings) = specification.judge(request);
        (operation, findings.iter().map(Finding::to_string).collect())
    }

    #[track_caller]
    fn check(request: &Request, expected: &[&str]) {
        assert_eq!(judged(request).1, expected, "{}", request.target);
    }

    #[test]
    fn a_path_belongs_to_its_operation() {
        for (line, expected) in [
            ("GET /containers/json", "GET /containers/json"),
            ("GET /containers/x/json", "GET /containers/{id}/json"),
            ("DELETE /containers/json", "DELETE /containers/{id}"),
            ("GET /networks", "GET /networks"),
            ("GET /images/x/json", "GET /images/{name}/json"),
            (
                "GET /images/r.example.com:5/a/b:c/json",
                "GET /images/{name}/json",
            ),
        ] {
            let expected = (expected.to_owned(), Vec::new());
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
            let (_, findings) = judged(&request(line));
            assert!(findings[0].starts_with("path is not known"), "{line}");
        }
    }

    #[test]
    fn parameters_of_a_query_are_known_typed_and_there_once() {
        let list = |query: &str| request(&format!("GET /containers/json?{query}"));
        check(&list("all=true"), &[]);
        check(&list("al=true"), &["query.al is not known"]);
        check(
            &list("all=yes"),
            &["query.all: it is not of type \"boolean\""],
        );
        check(
            &list("all=true&all=true"),
            &["query.all is there more than once"],
        );
        let spec = |query: &str| json(&format!("POST /services/x/update{query}"), "{}");
        check(&spec("?version=5"), &[]);
        check(
            &spec("?version=5s"),
            &["query.version: it is not of type \"integer\""],
        );
        check(&spec(""), &["query.version is missing"]);
        let create = |name: &str| json(&format!("POST /containers/create?name={name}"), "{}");
        check(&create("a-%62"), &[]);
        assert_eq!(judged(&create("a%2Fb")).1.len(), 1);
    }

    #[test]
    fn filters_are_lists_of_texts_under_names_that_the_description_has() {
        let list = |filters: &str| request(&format!("GET /networks?filters={filters}"));
        check(&list("{%22name%22:[%22a%22]}"), &[]);
        check(
            &list("{%22nam%22:[%22a%22]}"),
            &["query.filters.nam is not known"],
        );
        check(
            &list("{%22name%22:%22a%22}"),
            &["query.filters.name: it is not of type \"array\""],
        );
        check(
            &list("name"),
            &["query.filters: it is not of type \"object\""],
        );
    }

    #[test]
    fn a_misspelt_field_or_a_wrong_type_of_a_body_is_named_without_its_value() {
        for (line, body, expected) in [
            (
                "POST /containers/create",
                r#"{"Image":"a","HostConfig":{"Memory":1,"Mounts":[{"Type":"bind"}]}}"#,
                None,
            ),
            (
                "POST /containers/create",
                r#"{"Image":"a","HostConfig":{"Memry":1}}"#,
                Some("body.HostConfig.Memry is not known"),
            ),
            (
                "POST /containers/create",
                r#"{"HostConfig":{"Mounts":[{"Typ":"bind"}]}}"#,
                Some("body.HostConfig.Mounts[].Typ is not known"),
            ),
            (
                "POST /containers/create",
                r#"{"HostConfig":{"Memory":"secret"}}"#,
                Some("body.HostConfig.Memory: it is not of type \"integer\""),
            ),
            (
                "POST /services/create",
                r#"{"TaskTemplate":{"ContainerSpec":{"Img":"a"}}}"#,
                Some("body.TaskTemplate.ContainerSpec.Img is not known"),
            ),
            (
                "POST /secrets/create",
                r#"{"Name":"a","Labels":{"a/b":"c"},"Nam":"secret"}"#,
                Some("body.Nam is not known"),
            ),
        ] {
            let expected: Vec<String> = expected.map(str::to_owned).into_iter().collect();
            assert_eq!(judged(&json(line, body)).1, expected, "{body}");
        }
    }

    #[test]
    fn a_body_has_an_accepted_type_and_an_operation_that_takes_one() {
        let create = |content_type: &str, body: Option<&str>| {
            with_body("POST /containers/create", content_type, body)
        };
        check(&create("application/json; charset=utf-8", Some("{}")), &[]);
        check(
            &create("application/json", Some("{")),
            &["body is not JSON"],
        );
        check(
            &create("application/json", None),
            &["body is too long to be recorded"],
        );
        let (_, findings) = judged(&create("text/plain", None));
        assert!(
            findings.join("\n").contains("content-type: "),
            "{findings:?}"
        );
        let bare = Request {
            content_type: None,
            ..create("", None)
        };
        let (_, findings) = judged(&bare);
        assert!(
            findings.join("\n").contains("content-type: "),
            "{findings:?}"
        );
        check(&request("POST /containers/create"), &["body is missing"]);
        check(&json("DELETE /containers/x", "{}"), &["body is not known"]);
        let archive = |content_type| {
            let line = "PUT /containers/x/archive?path=%2Frun";
            with_body(line, content_type, None)
        };
        check(&archive("application/x-tar"), &[]);
        assert_eq!(judged(&archive("application/zip")).1.len(), 1);
    }

    #[test]
    fn the_body_of_a_request_that_was_cut_off_is_not_judged() {
        let cut = Request {
            is_whole: false,
            ..json("POST /containers/create?nam=a", "{")
        };
        check(&cut, &["query.nam is not known"]);
    }

    #[test]
    fn a_header_is_one_of_http_or_of_the_operation() {
        let pull = |header: &str| Request {
            headers: vec![header.to_owned()],
            ..request("POST /images/create")
        };
        check(&pull("x-registry-auth"), &[]);
        check(
            &pull("x-registry-auht"),
            &["header.x-registry-auht is not known"],
        );
    }
}
