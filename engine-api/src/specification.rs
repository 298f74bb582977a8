//! One version of the Engine's API: the operations in use, each with a JSON schema of its requests.

use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::recorded::Request;

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
    /// Reads the text of a file that `cut.py` made.
    pub fn read(text: &str) -> Result<Self> {
        let document: Value = serde_json::from_str(text).context("a specification is not JSON")?;
        let version = document["version"].as_str().context("it has no version")?;
        let operations = document["operations"].as_object();
        let operations = operations.context("it has no operations")?.iter();
        let operations =
            operations.map(|(name, request)| Operation::read(name, request, &document));
        Ok(Self {
            version: version.to_owned(),
            operations: operations.collect::<Result<_>>()?,
        })
    }

    /// The name of a request's operation, and the problems of the request.
    ///
    /// A problem names the place: `path`, `query.NAME`, `header.NAME`, `content-type`, or `body` with the path of a
    /// field. It does not have the value, which may be a secret.
    pub fn judge(&self, request: &Request) -> (String, Vec<String>) {
        let line = format!("{} {}", request.method, request.path());
        match self.operations.iter().find(|one| one.line.is_match(&line)) {
            Some(operation) => (operation.name.clone(), operation.judge(request)),
            None => {
                let problem = "path is not known, or not in engine-api/specifications/cut.py";
                (line, vec![problem.to_owned()])
            }
        }
    }
}

impl Operation {
    fn read(name: &str, request: &Value, document: &Value) -> Result<Self> {
        // The name of an image has slashes of its own, which Swagger cannot express.
        let line = name.replace("{id}", "[^/]+").replace("{name}", ".+");
        Ok(Self {
            name: name.to_owned(),
            line: Regex::new(&format!("^{line}$"))?,
            query: request["properties"]["query"]["properties"].clone(),
            validator: validator(request, document)?,
        })
    }

    fn judge(&self, request: &Request) -> Vec<String> {
        let mut problems = match self.value(request) {
            Ok(value) => problems(&self.validator, &value),
            Err(problem) => vec![problem],
        };
        // The body of a request that was cut off is not judged.
        problems.retain(|problem| request.is_whole || problem != "body is missing");
        problems
    }

    /// A request as one value, or why it cannot be one.
    fn value(&self, request: &Request) -> Result<Value, String> {
        let mut query = Map::new();
        for (name, text) in form_urlencoded::parse(request.query().unwrap_or_default().as_bytes()) {
            let value = typed(&text, &self.query[name.as_ref()]);
            if query.insert(name.to_string(), value).is_some() {
                return Err(format!("query.{name} is there more than once"));
            }
        }
        let headers = request.headers.iter();
        let headers = headers.filter(|name| !HEADERS_OF_HTTP.contains(&name.as_str()));
        let headers: Map<String, Value> = headers.map(|name| (name.clone(), json!(true))).collect();
        let mut value = json!({"query": query, "header": headers});
        if request.is_whole && request.bytes > 0 {
            let media_type = request.media_type();
            value["body"] = match (media_type.as_deref(), &request.body) {
                (Some("application/json"), Some(text)) => {
                    serde_json::from_str(text).map_err(|_| "body is not JSON")?
                }
                (Some("application/json"), None) => {
                    return Err("body is too long to be recorded".to_owned());
                }
                // An archive: any text will do.
                _ => json!(""),
            };
            value["content-type"] = json!(media_type);
        }
        Ok(value)
    }
}

/// The value of a text in a query, or the text itself.
fn typed(text: &str, schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => json!([text]),
        Some("string") | None => json!(text),
        Some(_) => serde_json::from_str(text).unwrap_or(json!(text)),
    }
}

/// A validator for one schema of a document.
pub fn validator(schema: &Value, document: &Value) -> Result<Validator> {
    let mut schema = schema.clone();
    schema["definitions"] = document["definitions"].clone();
    jsonschema::validator_for(&schema).map_err(|error| anyhow!("{error}"))
}

/// The problems of a value, without the value.
pub fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for error in validator.iter_errors(value) {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter();
                all.extend(unknown.map(|name| format!("{} is not known", field(at, Some(name)))));
            }
            ValidationErrorKind::Required { property } => {
                all.push(format!("{} is missing", field(at, property.as_str())));
            }
            _ => all.push(format!("{}: {}", field(at, None), error.masked_with("it"))),
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
    use crate::SPECIFICATIONS;

    /// A request without a body.
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

    /// Checks the problems of a request by the oldest version, or how a single one begins.
    #[track_caller]
    fn check(request: &Request, expected: &str) {
        let specification = Specification::read(SPECIFICATIONS[0]).expect("a specification");
        let mut said = specification.judge(request).1;
        said.sort();
        match expected.strip_suffix('*') {
            Some(beginning) => assert!(
                said.len() == 1 && said[0].starts_with(beginning),
                "{said:?}"
            ),
            None => assert_eq!(said.join("\n"), expected, "{}", request.target),
        }
    }

    /// Checks the body of a create.
    #[track_caller]
    fn check_body(of: &str, body: &str, expected: &str) {
        check(&json(&format!("POST /{of}/create"), body), expected);
    }

    #[test]
    fn a_path_belongs_to_its_operation() {
        let specification = Specification::read(SPECIFICATIONS[0]).expect("a specification");
        for (line, expected) in [
            ("GET /containers/json", "GET /containers/json"),
            ("GET /containers/x/json", "GET /containers/{id}/json"),
            ("DELETE /containers/json", "DELETE /containers/{id}"),
            ("GET /networks", "GET /networks"),
            ("GET /images/x/json", "GET /images/{name}/json"),
            ("GET /images/r.org:5/a/b:c/json", "GET /images/{name}/json"),
        ] {
            let expected = (expected.to_owned(), Vec::new());
            assert_eq!(specification.judge(&request(line)), expected, "{line}");
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
            check(&request(line), "path is not known*");
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
        for (line, expected) in [
            ("services/x/update?version=5", ""),
            (
                "services/x/update?version=5s",
                r#"query.version: it is not of type "integer""#,
            ),
            ("services/x/update", "query.version is missing"),
            ("containers/create?name=a-%62", ""),
            ("containers/create?name=a%2Fb", "query.name: *"),
        ] {
            check(&json(&format!("POST /{line}"), "{}"), expected);
        }
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
    fn a_misspelt_field_is_named_wherever_it_stands() {
        let body =
            r#"{"HostConfig":{"Memory":1,"Mounts":[{"Type":"bind"}],"LogConfig":{"Type":"none"}}}"#;
        check_body("containers", body, "");
        let body = r#"{"Img":"a","HostConfig":{"Memry":1,"Mounts":[{},{"Typ":"bind"}],"LogConfig":{"Typ":"none"}}}"#;
        let expected = "body.HostConfig.LogConfig.Typ is not known\nbody.HostConfig.Memry is not known\n\
            body.HostConfig.Mounts[].Typ is not known\nbody.Img is not known";
        check_body("containers", body, expected);
        let body = r#"{"TaskTemplate":{"ContainerSpec":{"Img":"a"}}}"#;
        check_body(
            "services",
            body,
            "body.TaskTemplate.ContainerSpec.Img is not known",
        );
        let body = r#"{"Name":"a","Labels":{"a/b":"c"},"Nam":"secret"}"#;
        check_body("secrets", body, "body.Nam is not known");
    }

    #[test]
    fn a_wrong_type_is_named_without_its_value_and_leaves_the_other_fields_known() {
        // The schema of a `HostConfig` has two parts; these fields are of one each.
        let body = r#"{"HostConfig":{"Memory":"secret","Binds":[]}}"#;
        let expected = r#"body.HostConfig.Memory: it is not of type "integer""#;
        check_body("containers", body, expected);
    }

    #[test]
    fn a_map_and_an_object_without_named_fields_take_any_field() {
        check_body(
            "containers",
            r#"{"Labels":{"a/b":"c"},"Volumes":{"/a":{}}}"#,
            "",
        );
        let expected = r#"body.Labels.a/b: it is not of type "string""#;
        check_body("containers", r#"{"Labels":{"a/b":1}}"#, expected);
    }

    #[test]
    fn null_is_taken_only_where_it_is_allowed() {
        check_body("containers", r#"{"HostConfig":{"Init":null}}"#, "");
        let expected = r#"body.HostConfig.Memory: it is not of type "integer""#;
        check_body("containers", r#"{"HostConfig":{"Memory":null}}"#, expected);
    }

    #[test]
    fn a_body_has_an_accepted_type_and_an_operation_that_takes_one() {
        let create = |content_type, body| with_body("POST /containers/create", content_type, body);
        let archive =
            |content_type| with_body("PUT /containers/x/archive?path=%2Frun", content_type, None);
        let untyped = Request {
            content_type: None,
            ..create("", None)
        };
        let no_type = "body: it is not of type \"object\"\ncontent-type: it is not one of \
            \"application/json\" or \"application/octet-stream\"";
        for (request, expected) in [
            (create("application/json; charset=utf-8", Some("{}")), ""),
            (create("application/json", Some("{")), "body is not JSON"),
            (
                create("application/json", None),
                "body is too long to be recorded",
            ),
            (request("POST /containers/create"), "body is missing"),
            (json("DELETE /containers/x", "{}"), "body is not known"),
            (archive("application/x-tar"), ""),
            (archive("application/zip"), "content-type: *"),
            (untyped, no_type),
            (create("text/plain", None), no_type),
        ] {
            check(&request, expected);
        }
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
