//! One version of the Engine's API: the operations in use, each with a JSON schema of its requests.

use anyhow::{Context, Result, anyhow};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use regex::Regex;
use serde_json::{Map, Value, json};

use crate::request::Request;

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
        let line = format!("{} {}", request.method, request.path_and_query().0);
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
        for (name, text) in form_urlencoded::parse(request.path_and_query().1.as_bytes()) {
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
    use crate::request::tests::request;

    const JSON: Option<&str> = Some("application/json");

    /// The operation and the problems of a request by the oldest version.
    fn judged(request: &Request) -> (String, String) {
        let specification = Specification::read(SPECIFICATIONS[0]).expect("a specification");
        let (operation, mut problems) = specification.judge(request);
        problems.sort();
        (operation, problems.join(", "))
    }

    /// Checks a table of requests and their problems. A problem that ends in an asterisk only begins like this.
    #[track_caller]
    fn check(table: &str, request: impl Fn(&str) -> Request) {
        for row in table.lines().filter(|row| !row.is_empty()) {
            let (sent, expected) = row.split_once(" =>").expect("two columns");
            let (_, said) = judged(&request(sent));
            match expected.trim().strip_suffix('*') {
                Some(beginning) => assert!(said.starts_with(beginning), "{row}: {said}"),
                None => assert_eq!(said, expected.trim(), "{row}"),
            }
        }
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
            let (operation, problems) = judged(&request(line, None, None));
            assert_eq!((&*operation, &*problems), (expected, ""), "{line}");
        }
        let unknown = "
POST /containers/json => path is not known*
DELETE /containers/a/b => path is not known*
DELETE /containers/ => path is not known*
GET /images/json => path is not known*
GET /image/x/json => path is not known*
GET /v1.41/containers/json => path is not known*
GET /info => path is not known*
";
        check(unknown, |line| request(line, None, None));
    }

    #[test]
    fn a_query_has_known_parameters_of_their_types_and_each_once() {
        let table = r#"
GET /containers/json?all=true =>
GET /containers/json?al=true => query.al is not known
GET /containers/json?all=yes => query.all: it is not of type "boolean"
GET /containers/json?all=true&all=true => query.all is there more than once
GET /networks?filters={%22name%22:[%22a%22]} =>
GET /networks?filters={%22nam%22:[%22a%22]} => query.filters.nam is not known
GET /networks?filters={%22name%22:%22a%22} => query.filters.name: it is not of type "array"
GET /networks?filters=name => query.filters: it is not of type "object"
"#;
        check(table, |line| request(line, None, None));
        let table = r#"
POST /services/x/update?version=5 =>
POST /services/x/update?version=5s => query.version: it is not of type "integer"
POST /services/x/update => query.version is missing
POST /containers/create?name=a-%62 =>
POST /containers/create?name=a%2Fb => query.name: *
"#;
        check(table, |line| request(line, JSON, Some("{}")));
    }

    #[test]
    fn a_field_of_a_body_is_known_and_has_its_type_and_is_named_without_its_value() {
        // The schema of a `HostConfig` has two parts; `Memory` and `Binds` are of one each. A map, and an object without
        // named fields, take any field.
        let table = r#"
containers {"HostConfig":{"Memory":1,"Mounts":[{"Type":"bind"}],"LogConfig":{"Type":"none"}}} =>
containers {"HostConfig":{"Memry":1},"Img":""} => body.HostConfig.Memry is not known, body.Img is not known
containers {"HostConfig":{"Mounts":[{},{"Typ":"bind"}]}} => body.HostConfig.Mounts[].Typ is not known
containers {"HostConfig":{"LogConfig":{"Typ":"none"}}} => body.HostConfig.LogConfig.Typ is not known
containers {"HostConfig":{"Memory":"a","Binds":[]}} => body.HostConfig.Memory: it is not of type "integer"
containers {"HostConfig":{"Memory":null}} => body.HostConfig.Memory: it is not of type "integer"
containers {"HostConfig":{"Init":null}} =>
containers {"Labels":{"a/b":"c"},"Volumes":{"/a":{}}} =>
containers {"Labels":{"a/b":1}} => body.Labels.a/b: it is not of type "string"
services {"TaskTemplate":{"ContainerSpec":{"Img":""}}} => body.TaskTemplate.ContainerSpec.Img is not known
secrets {"Name":"a","Labels":{"a/b":"c"},"Nam":"secret"} => body.Nam is not known
"#;
        check(table, |row| {
            let (of, body) = row.split_once(' ').expect("a body");
            request(&format!("POST /{of}/create"), JSON, Some(body))
        });
    }

    #[test]
    fn a_body_has_an_accepted_type_and_an_operation_that_takes_one() {
        let no_type = "body: it is not of type \"object\", content-type: it is not one of \
            \"application/json\" or \"application/octet-stream\"";
        let create = "POST /containers/create";
        let archive = "PUT /containers/x/archive?path=%2Frun";
        for (line, content_type, body, expected) in [
            (create, "application/json; charset=utf-8", Some("{}"), ""),
            (create, "application/json", Some("{"), "body is not JSON"),
            (
                create,
                "application/json",
                None,
                "body is too long to be recorded",
            ),
            (create, "text/plain", None, no_type),
            (
                "DELETE /containers/x",
                "application/json",
                Some("{}"),
                "body is not known",
            ),
            (archive, "application/x-tar", None, ""),
        ] {
            let (_, said) = judged(&request(line, Some(content_type), body));
            assert_eq!(said, expected, "{line} {content_type} {body:?}");
        }
        let zip = judged(&request(archive, Some("application/zip"), None));
        assert!(zip.1.starts_with("content-type: "), "{}", zip.1);
        let mut bare = request(create, None, None);
        assert_eq!(judged(&bare).1, "body is missing");
        bare.bytes = 9;
        assert_eq!(judged(&bare).1, no_type);
    }

    #[test]
    fn the_body_of_a_request_that_was_cut_off_is_not_judged() {
        let mut cut = request("POST /containers/create?nam=a", JSON, Some("{"));
        cut.is_whole = false;
        assert_eq!(judged(&cut).1, "query.nam is not known");
    }

    #[test]
    fn a_header_is_one_of_http_or_of_the_operation() {
        check(
            "x-registry-auth =>\nx-registry-auht => header.x-registry-auht is not known",
            |header| Request {
                headers: vec![header.to_owned()],
                ..request("POST /images/create", None, None)
            },
        );
    }
}
