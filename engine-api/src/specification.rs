//! A published specification of the Engine's API, in Swagger 2, cut down to the operations in use.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::finding::Finding;
use crate::operation::Operation;
use crate::recorded::Request;

/// One version of the API.
pub struct Specification {
    /// Such as `1.41`.
    pub version: String,
    operations: Vec<Operation>,
}

impl Specification {
    /// Reads the text of a document.
    pub fn read(text: &str) -> Result<Self> {
        let document = serde_json::from_str(text).context("a specification is not JSON")?;
        Self::parse(&document).context("a document is not a specification")
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
        match self.operations.iter().find(|one| one.is_of(&line)) {
            Some(operation) => (operation.name.clone(), operation.judge(request)),
            None => {
                let says = "is not known, or not in engine-api/specifications/cut.py";
                (line, vec![Finding::new("path", says)])
            }
        }
    }
}
