//! The log of a target.

use serde_json::Value;

use super::forms::{is_absent_or, is_one_of, is_plain};

/// The most bytes that the log of one target may take.
const LOG_BYTES_MAX: u64 = 10 << 30;

/// Whether a log that is written to the host's disk has a limit.
pub fn has_bounded_log(log: &Value) -> bool {
    let is_on_disk = matches!(
        log["Type"].as_str(),
        None | Some("" | "json-file" | "k8s-file" | "local")
    );
    let text = |key: &str| log["Config"][key].as_str();
    let size = text("max-size").and_then(bytes_of).filter(|size| *size > 0);
    // By default, an Engine keeps at most five files.
    let files = text("max-file").map_or(Some(5), |files| files.parse::<u64>().ok());
    let total = size
        .zip(files)
        .and_then(|(size, files)| size.checked_mul(files));
    !is_on_disk || total.is_some_and(|total| (1..=LOG_BYTES_MAX).contains(&total))
}

/// The bytes of a size such as `10m`: digits, and at most one letter.
fn bytes_of(size: &str) -> Option<u64> {
    let number = size.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match size[number.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Whether a tag only names the target. Docker reads a tag as a template, which can also
/// show a container's variables, its token among them.
fn is_tag(tag: &str) -> bool {
    let fields = "{{.ID}} {{.FullID}} {{.Name}} {{.ImageID}} {{.ImageName}} {{.DaemonName}}";
    let fields = fields.split(' ');
    let rest = fields.fold(tag.to_owned(), |rest, field| rest.replace(field, "_"));
    is_plain(&rest, "._-")
}

/// Whether a log has only options that are known to be safe. A path would be a file on
/// the host, an address a socket there, and `env` would show variables.
pub fn is_plain_log(log: &Value) -> bool {
    let types = ["json-file", "local", "k8s-file", "journald", "none"];
    let is_type = is_absent_or(&log["Type"], |value| is_one_of(value, &types));
    let mut options = log["Config"].as_object().into_iter().flatten();
    let is_option = |(key, value): (&String, &Value)| {
        let text = value.as_str().unwrap_or("?");
        match key.as_str() {
            "max-size" | "max-file" | "max-buffer-size" => is_plain(text, ""),
            "compress" | "mode" => is_plain(text, "-"),
            "tag" => is_tag(text),
            _ => false,
        }
    };
    is_type && is_absent_or(&log["Config"], Value::is_object) && options.all(is_option)
}
