//! `labels`: the keys and values by which a caller finds a target.

use serde_json::{Map, Value};

use crate::docker::list::listed_bytes;
use crate::error::RequestError;
use crate::members::Members;
use crate::ownership::{is_key, is_value};

/// The most labels of a caller.
const LABELS_MAX: usize = 16;

/// The most bytes of all labels of a target in a list, which holds their JSON as text.
/// 1,000 targets must fit into a reply of 10 MiB.
const LABELS_BYTES_MAX: usize = 2048;

const WRONG: RequestError = RequestError::BadField(
    "labels may have at most 16 members, 2 KiB together. A key has 1 to 63 letters, digits and characters of -._/, and is given once; a value has at most 256 characters, none of them a control character.",
);

pub fn parse(Members(members): Members<String>) -> Result<Map<String, Value>, RequestError> {
    let mut labels = Map::new();
    for (key, value) in members {
        if !is_key(&key) || !is_value(&value) || labels.insert(key, value.into()).is_some() {
            return Err(WRONG);
        }
    }
    let bytes = listed_bytes(&Value::from(labels.clone()).to_string());
    match labels.len() <= LABELS_MAX && bytes <= LABELS_BYTES_MAX {
        true => Ok(labels),
        false => Err(WRONG),
    }
}
