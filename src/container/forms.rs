//! The accepted forms of options whose values an Engine parses further.
//!
//! An Engine trims, splits and looks up such values in its own way, and Docker and Podman
//! differ. So each value has one form that is known to be safe.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde_json::Value;

/// More memory than any target needs: a larger number is no limit at all.
pub const BYTES_MAX: i64 = 1 << 40;

/// More than any machine has: a larger number is no limit at all.
pub const PROCESSORS_MAX: i64 = 1024;

// The words for forms of both bodies.
pub const COMMAND: &str = "a text or a list of texts";
pub const CHECK: &str = "a Test, whole numbers, and an Interval of a second or more";
pub const PATH_OF_FILES: &str = "a plain and absolute path outside /proc and /sys";
pub const USER: &str = "a user, or a user and a group";

/// Whether a value is absent, false or empty.
pub fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Whether an option is left to the Engine, or has this form.
pub fn is_absent_or(value: &Value, has_form: impl Fn(&Value) -> bool) -> bool {
    value.is_null() || has_form(value)
}

/// Whether a value is one of these texts, or empty, which is the Engine's default.
pub fn is_one_of(value: &Value, texts: &[&str]) -> bool {
    is_text(value, |text| texts.contains(&text))
}

/// Whether a text is one of these words.
pub fn is_word_of(words: &str, text: &str) -> bool {
    words.split(' ').any(|word| word == text)
}

/// Whether a value is a text of this form, or empty, which is the Engine's default.
pub fn is_text(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.is_empty() || has_form(text))
}

/// Whether a value is a text or a list of texts of this form.
pub fn are_texts(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    is_text(value, &has_form) || is_list(value, has_form)
}

pub fn is_array(value: &Value, has_form: impl Fn(&Value) -> bool) -> bool {
    let entries = value.as_array();
    entries.is_some_and(|entries| entries.iter().all(has_form))
}

pub fn is_list(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    is_array(value, |entry| entry.as_str().is_some_and(&has_form))
}

pub fn is_object(value: &Value, has_form: impl Fn(&str, &Value) -> bool) -> bool {
    let members = value.as_object();
    members.is_some_and(|members| members.iter().all(|(key, value)| has_form(key, value)))
}

/// Whether a text has only ASCII letters, digits and these characters.
pub fn is_plain(text: &str, more: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Whether a value is a whole number in this range. Engines read numbers in texts and
/// numbers with a fraction in different ways.
pub fn is_number(value: &Value, range: RangeInclusive<i64>) -> bool {
    value.as_i64().is_some_and(|number| range.contains(&number))
}

pub fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Whether a path is plain and absolute. Podman puts paths into options of its own, where
/// a colon, a comma or a quote begins another option.
pub fn is_path(text: &str) -> bool {
    text.starts_with('/') && is_plain(text, "/._-+@~") && text.split('/').all(|part| part != "..")
}

/// Whether a path is outside the kernel's own files: containers have reached the host
/// through those.
pub fn is_path_of_files(text: &str) -> bool {
    let first = text.split('/').find(|part| !matches!(*part, "" | "."));
    is_path(text) && !matches!(first, Some("proc" | "sys"))
}

/// Whether a text can be part of a command, which only the target reads. A runtime in C
/// takes a NUL for the end.
pub fn is_argument(text: &str) -> bool {
    !text.contains('\0')
}

pub fn is_signal(text: &str) -> bool {
    is_plain(text, "+-")
}

pub fn is_dns_option(text: &str) -> bool {
    is_plain(text, ":-")
}

/// Whether a number of billionths of a processor is a limit. A kernel accepts a hundredth
/// of a processor at least. Podman divides the number by 10,000, and takes a result of 0
/// for no limit.
pub fn is_processor_limit(value: &Value) -> bool {
    is_number(value, 10_000_000..=PROCESSORS_MAX * 1_000_000_000)
}

pub fn is_oom_score(value: &Value) -> bool {
    is_number(value, 0..=1000)
}

/// Whether a check is rare enough not to keep the Engine busy. Times are in nanoseconds,
/// at most a day.
pub fn is_healthcheck(check: &Value) -> bool {
    let is_time = |value: &Value| {
        is_number(value, 0..=0) || is_number(value, 1_000_000_000..=86_400_000_000_000)
    };
    is_object(check, |key, value| match key {
        "Test" => is_list(value, is_argument),
        "Retries" => is_number(value, 0..=1000),
        "Interval" | "Timeout" | "StartPeriod" | "StartInterval" => is_time(value),
        _ => false,
    })
}

pub fn is_host_name(text: &str) -> bool {
    text.len() <= 253 && is_plain(text, ".-_")
}

pub fn is_hardware_address(text: &str) -> bool {
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(is_byte)
}

pub fn is_user(text: &str) -> bool {
    text.split(':').count() <= 2 && text.split(':').all(|part| is_plain(part, "._-"))
}

/// Podman's `keep-groups` keeps the groups of the Engine's own user.
pub fn is_group(text: &str) -> bool {
    is_plain(text, "._-") && !text.eq_ignore_ascii_case("keep-groups")
}

/// `10G`, `64m`, `1048576`.
pub fn is_size(text: &str) -> bool {
    let number = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    text.len() - number.len() <= 2 && number.parse::<u64>().is_ok_and(|size| size > 0)
}

/// Settings that the kernel keeps for each namespace of a container.
pub fn is_sysctl(key: &str, value: &Value) -> bool {
    let mut prefixes = "net. fs.mqueue. kernel.msg kernel.sem kernel.shm".split(' ');
    let is_namespaced = prefixes.any(|prefix| key.starts_with(prefix));
    is_namespaced && is_plain(key, "._-") && is_text(value, |text| is_plain(text, " ._-"))
}

/// The resources of a process that a patch may limit. `nice`, `rtprio` and `rttime` are
/// missing: they could give a target precedence over the host's processes.
const RESOURCES: &str =
    "as core cpu data fsize locks memlock msgqueue nofile nproc rss sigpending stack";

pub fn are_ulimits(limits: &Value) -> bool {
    let is_ulimit = |limit: &Value| {
        let name = limit["Name"].as_str();
        name.is_some_and(|name| is_word_of(RESOURCES, name))
            && is_object(limit, |key, value| match key {
                "Name" => true,
                // -1 is no limit; the control group's limits still apply.
                "Soft" | "Hard" => is_absent_or(value, |value| is_number(value, -1..=BYTES_MAX)),
                _ => false,
            })
    };
    is_array(limits, is_ulimit)
}
