//! A published specification of the Engine's API, in Swagger 2.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::finding::Finding;
use crate::recorded::Request;
use crate::schema;

/// The headers of HTTP itself, and of what stands in front of an Engine, of which a specification says nothing.
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
    method: String,
    steps: Vec<Step>,
    parameters: Vec<Parameter>,
    consumes: Vec<String>,
}

/// A part of a path between two slashes.
enum Step {
    Fixed(String),
    /// The name of a thing.
    Name,
}

struct Parameter {
    name: String,
    place: String,
    kind: String,
    is_required: bool,
    /// Says which filters there are, of a parameter that takes some.
    description: String,
    validator: Validator,
}

impl Specification {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        Self::parse(&text).with_context(|| format!("{name} is not a specification"))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self> {
        let document: Value = serde_saphyr::from_str(text)?;
        let version = document["info"]["version"].as_str();
        let paths = document["paths"].as_object().context("it has no paths")?;
        let mut operations = Vec::new();
        for (path, methods) in paths {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                operations.push(Operation::parse(path, method, operation, &document)?);
            }
        }
        Ok(Self {
            version: version.context("it has no version")?.to_owned(),
            operations,
        })
    }

    /// Whether it says what an Engine makes of a path. The path may ask for a version of its own, and that of a newer
    /// one is answered by newer Engines alone.
    pub fn covers(&self, path: &str) -> bool {
        match split_version(path).0 {
            Some(version) => number(version) <= number(&self.version),
            None => true,
        }
    }

    /// The name of the operation that a request is, and what is wrong with the request.
    pub fn judge(&self, request: &Request) -> (String, Vec<Finding>) {
        let (_, path) = split_version(request.path());
        match self.operation(&request.method, path) {
            Some(operation) => (operation.name.clone(), operation.judge(request)),
            None => {
                let name = format!("{} {path}", request.method);
                (name, vec![Finding::new("path", "is not known")])
            }
        }
    }

    /// The operation of a path; of several, the one with the fewest names in its path, which is the most specific.
    fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let steps: Vec<&str> = path.split('/').skip(1).collect();
        let fits = |operation: &&Operation| operation.method == method && operation.fits(&steps);
        let names = |operation: &&Operation| {
            let steps = operation.steps.iter();
            steps.filter(|step| matches!(step, Step::Name)).count()
        };
        self.operations.iter().filter(fits).min_by_key(names)
    }
}

/// The version at the beginning of a path, if it names one, and the rest.
fn split_version(path: &str) -> (Option<&str>, &str) {
    let split = path.strip_prefix("/v").and_then(|rest| {
        let end = rest.find('/')?;
        number(&rest[..end])?;
        Some((&rest[..end], &rest[end..]))
    });
    match split {
        Some((version, rest)) => (Some(version), rest),
        None => (None, path),
    }
}

fn number(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Operation {
    fn parse(path: &str, method: &str, operation: &Value, document: &Value) -> Result<Self> {
        let method = method.to_ascii_uppercase();
        let name = format!("{method} {path}");
        let consumes = match &operation["consumes"] {
            Value::Null => &document["consumes"],
            own => own,
        };
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Result<_> = parameters
            .map(|parameter| Parameter::parse(parameter, &document["definitions"]))
            .collect();
        let consumes = consumes.as_array().into_iter().flatten();
        Ok(Self {
            steps: path.split('/').skip(1).map(Step::parse).collect(),
            parameters: parameters.with_context(|| name.clone())?,
            consumes: consumes
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            method,
            name,
        })
    }

    /// Whether a path is one of this operation's. The name of an image has slashes of its own, which Swagger cannot say.
    fn fits(&self, path: &[&str]) -> bool {
        let is_of_images =
            matches!(self.steps.first(), Some(Step::Fixed(first)) if first == "images");
        match self
            .steps
            .iter()
            .position(|step| matches!(step, Step::Name))
        {
            Some(at) if is_of_images && path.len() > self.steps.len() => {
                let after = self.steps.len() - at - 1;
                let (end, tail) = (path.len() - after, &self.steps[at + 1..]);
                all_fit(&self.steps[..at], &path[..at]) && all_fit(tail, &path[end..])
            }
            _ => all_fit(&self.steps, path),
        }
    }

    fn judge(&self, request: &Request) -> Vec<Finding> {
        let mut findings = self.judge_query(request.query().unwrap_or_default());
        findings.extend(self.judge_headers(&request.headers));
        findings.extend(self.judge_body(request));
        findings
    }

    fn parameter(&self, place: &str, name: &str) -> Option<&Parameter> {
        let mut all = self.parameters.iter();
        all.find(|parameter| parameter.place == place && parameter.name == name)
    }

    fn judge_query(&self, query: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut seen = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name);
            let field = format!("query.{name}");
            match self.parameter("query", &name) {
                Some(parameter) => findings.extend(parameter.judge(&decoded(value), &field)),
                None => findings.push(Finding::new(&field, "is not known")),
            }
            if seen.contains(&name) {
                findings.push(Finding::new(&field, "is there more than once"));
            }
            seen.push(name);
        }
        let required = self.parameters.iter().filter(|parameter| {
            parameter.place == "query" && parameter.is_required && !seen.contains(&parameter.name)
        });
        findings.extend(
            required
                .map(|parameter| Finding::new(&format!("query.{}", parameter.name), "is missing")),
        );
        findings
    }

    fn judge_headers(&self, headers: &[String]) -> Vec<Finding> {
        let is_known = |name: &str| {
            let mut all = self.parameters.iter();
            HEADERS_OF_HTTP.contains(&name)
                || all.any(|known| known.place == "header" && known.name.eq_ignore_ascii_case(name))
        };
        let unknown = headers.iter().filter(|name| !is_known(name));
        unknown
            .map(|name| Finding::new(&format!("header.{name}"), "is not known"))
            .collect()
    }

    fn judge_body(&self, request: &Request) -> Vec<Finding> {
        let parameter = self.parameters.iter().find(|one| one.place == "body");
        if !request.is_whole {
            return Vec::new();
        }
        if request.bytes == 0 {
            return match parameter {
                Some(body) if body.is_required => vec![Finding::new("body", "is missing")],
                _ => Vec::new(),
            };
        }
        let Some(parameter) = parameter else {
            return vec![Finding::new("body", "is not known")];
        };
        let Some(media_type) = request.media_type() else {
            return vec![Finding::new("header.content-type", "is missing")];
        };
        if !self.consumes.contains(&media_type) {
            return vec![Finding::new(
                "header.content-type",
                &format!("is {media_type}"),
            )];
        }
        match (media_type.as_str(), request.body.as_deref()) {
            ("application/json", None) => vec![Finding::new("body", "is too long to be recorded")],
            ("application/json", Some(text)) => match serde_json::from_str(text) {
                Ok(value) => schema::findings(&parameter.validator, &value, "body"),
                Err(_) => vec![Finding::new("body", "is not JSON")],
            },
            _ => Vec::new(),
        }
    }
}

fn all_fit(steps: &[Step], path: &[&str]) -> bool {
    steps.len() == path.len() && steps.iter().zip(path).all(|(step, part)| step.fits(part))
}

impl Step {
    fn parse(text: &str) -> Self {
        match text.starts_with('{') {
            true => Self::Name,
            false => Self::Fixed(text.to_owned()),
        }
    }

    fn fits(&self, part: &str) -> bool {
        match self {
            Self::Fixed(text) => text == part,
            Self::Name => !part.is_empty(),
        }
    }
}

impl Parameter {
    fn parse(parameter: &Value, definitions: &Value) -> Result<Self> {
        let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        let place = text("in");
        let schema = match place.as_str() {
            "body" => schema::validator(&parameter["schema"], definitions)?,
            // The rest of what is said of a parameter, such as `required: true`, would mean something else in a schema.
            _ => schema::validator(&constraints(parameter), &Value::Null)?,
        };
        Ok(Self {
            name: text("name"),
            kind: text("type"),
            description: text("description"),
            is_required: parameter["required"] == Value::Bool(true),
            validator: schema,
            place,
        })
    }

    /// Judges the text of a parameter in a query.
    fn judge(&self, text: &str, field: &str) -> Vec<Finding> {
        let value = match self.kind.as_str() {
            "integer" | "boolean" | "number" => serde_json::from_str(text).unwrap_or(json!(text)),
            "array" => json!([text]),
            _ => json!(text),
        };
        let mut findings = schema::findings(&self.validator, &value, field);
        if self.name == "filters" {
            findings.extend(self.judge_filters(text, field));
        }
        findings
    }

    /// A specification calls filters a text, and says in prose that they are lists of texts, and which there are.
    fn judge_filters(&self, text: &str, field: &str) -> Vec<Finding> {
        let Ok(Value::Object(filters)) = serde_json::from_str(text) else {
            return vec![Finding::new(field, "is not an object in JSON")];
        };
        let mut findings = Vec::new();
        for (name, values) in &filters {
            let at = format!("{field}.{name}");
            if !self.description.contains(&format!("`{name}=")) {
                findings.push(Finding::new(&at, "is not known"));
            }
            let values = values.as_array();
            if !values.is_some_and(|values| values.iter().all(Value::is_string)) {
                findings.push(Finding::new(&at, "is not a list of texts"));
            }
        }
        findings
    }
}

/// What is said of the value of a parameter that is not a body.
fn constraints(parameter: &Value) -> Value {
    const KEYWORDS: [&str; 8] = [
        "type",
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "items",
    ];
    let said = KEYWORDS.iter().filter_map(|keyword| {
        let value = parameter.get(keyword)?;
        Some(((*keyword).to_owned(), value.clone()))
    });
    said.collect()
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"
info: {version: "1.41"}
consumes: [application/json]
definitions:
  Host: {type: object, properties: {Memory: {type: integer}}}
paths:
  /containers/json:
    get:
      parameters:
        - {name: all, in: query, type: boolean}
        - {name: filters, in: query, type: string, description: "- `id=<ID>` an id"}
  /containers/{id}:
    delete: {parameters: [{name: id, in: path, type: string}]}
    get: {parameters: [{name: id, in: path, type: string}]}
  /containers/create:
    post:
      parameters:
        - {name: name, in: query, type: string, pattern: "^[a-z]+$"}
        - {name: body, in: body, required: true, schema: {$ref: "#/definitions/Host"}}
  /containers/{id}/archive:
    put:
      consumes: [application/x-tar]
      parameters:
        - {name: path, in: query, type: string, required: true}
        - {name: t, in: query, type: integer}
        - {name: tar, in: body, required: true, schema: {type: string, format: binary}}
  /images/{name}/json: {get: {responses: {200: {description: x}}}}
  /images/create:
    post: {parameters: [{name: X-Registry-Auth, in: header, type: string}]}
"##;

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

    fn judged(request: &Request) -> (String, Vec<String>) {
        let specification = Specification::parse(TEXT).expect("a specification");
        let (operation, findings) = specification.judge(request);
        (operation, findings.iter().map(Finding::to_string).collect())
    }

    #[track_caller]
    fn check(request: &Request, expected: &[&str]) {
        assert_eq!(judged(request).1, expected, "{}", request.target);
    }

    #[test]
    fn a_path_belongs_to_the_most_specific_operation() {
        for (line, expected) in [
            ("GET /containers/json", "GET /containers/json"),
            ("GET /v1.24/containers/json", "GET /containers/json"),
            ("GET /containers/x", "GET /containers/{id}"),
            ("DELETE /containers/json", "DELETE /containers/{id}"),
            ("GET /images/x/json", "GET /images/{name}/json"),
            (
                "GET /images/r.example.com:5/a/b:c/json",
                "GET /images/{name}/json",
            ),
        ] {
            let (operation, findings) = judged(&request(line));
            assert_eq!(
                (operation.as_str(), findings.len()),
                (expected, 0),
                "{line}"
            );
        }
        for line in [
            "POST /containers/json",
            "DELETE /containers/a/b",
            "DELETE /containers/",
            "GET /images/json",
            "GET /image/x/json",
        ] {
            assert_eq!(judged(&request(line)).1, ["path is not known"], "{line}");
        }
    }

    #[test]
    fn a_newer_version_in_a_path_is_not_covered() {
        let specification = Specification::parse(TEXT).expect("a specification");
        for (path, expected) in [
            ("/containers/json", true),
            ("/v1.9/containers/json", true),
            ("/v1.41/containers/json", true),
            ("/v1.42/containers/json", false),
            ("/v2.0/containers/json", false),
        ] {
            assert_eq!(specification.covers(path), expected, "{path}");
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
        let put = |query: &str| {
            let line = format!("PUT /containers/x/archive?{query}");
            with_body(&line, "application/x-tar", None)
        };
        check(&put("path=%2Fa&t=5"), &[]);
        check(
            &put("t=5s"),
            &[
                "query.t: it is not of type \"integer\"",
                "query.path is missing",
            ],
        );
        let create = |name: &str| {
            let line = format!("POST /containers/create?name={name}");
            judged(&with_body(&line, "application/json", Some("{}"))).1
        };
        assert!(create("a").is_empty());
        assert_eq!(create("%41").len(), 1);
    }

    #[test]
    fn filters_are_lists_of_texts_under_names_that_the_description_has() {
        let list = |filters: &str| request(&format!("GET /containers/json?filters={filters}"));
        check(&list("{%22id%22:[%22a%22]}"), &[]);
        check(
            &list("{%22idd%22:[%22a%22]}"),
            &["query.filters.idd is not known"],
        );
        check(
            &list("{%22id%22:%22a%22}"),
            &["query.filters.id is not a list of texts"],
        );
        check(&list("id"), &["query.filters is not an object in JSON"]);
    }

    #[test]
    fn a_body_has_a_type_that_is_taken_and_the_fields_of_its_schema() {
        let create = |content_type: &str, body: Option<&str>| {
            with_body("POST /containers/create", content_type, body)
        };
        check(
            &create("application/json; charset=utf-8", Some(r#"{"Memory":1}"#)),
            &[],
        );
        check(
            &create("application/json", Some(r#"{"Memry":1}"#)),
            &["body.Memry is not known"],
        );
        check(
            &create("application/json", Some("{")),
            &["body is not JSON"],
        );
        check(
            &create("application/json", None),
            &["body is too long to be recorded"],
        );
        check(
            &create("text/plain", None),
            &["header.content-type is text/plain"],
        );
        let bare = Request {
            content_type: None,
            ..create("", None)
        };
        check(&bare, &["header.content-type is missing"]);
        check(&request("POST /containers/create"), &["body is missing"]);
        let of_none = with_body("DELETE /containers/x", "application/json", Some("{}"));
        check(&of_none, &["body is not known"]);
    }

    #[test]
    fn the_body_of_a_request_that_was_cut_off_is_not_judged() {
        let cut = Request {
            is_whole: false,
            ..with_body("POST /containers/create", "application/json", Some("{"))
        };
        check(&cut, &[]);
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
