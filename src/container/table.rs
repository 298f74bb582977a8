//! The notation of a table of options, and how a table judges a body.
//!
//! Keys and types are checked first, because all other checks rely on them. An Engine
//! reads `"hostconfig"` as `"HostConfig"`, so it would apply a key in the wrong case that
//! the rules overlook. It also ignores keys that it does not know, so a misspelt limit
//! would not apply. A value of the wrong type would fail every start, but nothing
//! earlier.

use serde_json::{Map as Members, Value};

use super::Isolation;
use super::forms::{are_texts, is_absent_or, is_number};
use super::shape::Shape::{self, Any, Command, Flag, Keys, List, Map, Number, Options, Text};
use super::shape::TEXTS;

/// An option: its path, the type of its value, and its rule.
pub type Row = (&'static str, Shape, Rule);

/// Whether a value is accepted.
pub type Test = fn(&Value) -> bool;

/// Whether a value is made of these names.
pub type NamesTest = fn(&Value, &[&str]) -> bool;

/// Which values of an option are accepted. A test sees null where the option is absent.
pub enum Rule {
    /// Every value of its type.
    Free,
    /// Values of this form. The option may be absent.
    Form(Test, &'static str),
    /// An empty text, or texts of this form, one or a list. The option may be absent.
    Texts(fn(&str) -> bool, &'static str),
    /// Values of this form. The option cannot be removed.
    Required(Test, &'static str),
    /// Whole numbers from 0 to this one. The option may be absent.
    UpTo(i64),
    /// Limits from 1 to this one. The option cannot be removed.
    Limit(i64),
    /// Values made of these names. The words describe all others.
    Names(NamesTest, &'static [&'static str], &'static str),
    /// Values that pass. The words describe all others, or what a value must be.
    Guard(Test, &'static str),
    /// Only values that set nothing. The words describe all others.
    Refused(Test, &'static str),
    /// No value: the option counts as unknown, like one without a row.
    Unknown,
    /// Only values that leave the option to the server, even if isolation is given up.
    /// The words give the reason.
    Servers(Test, &'static str),
    /// `additions` takes the option out of patches, or a check beside the rows judges it.
    Elsewhere,
}

use Rule::{
    Elsewhere, Form, Free, Guard, Limit, Names, Refused, Required, Servers, Texts, Unknown, UpTo,
};

impl Rule {
    /// The problem with a value, as the words after the path.
    fn problem(&self, value: &Value, unknown: &str) -> Option<String> {
        match self {
            Free | Elsewhere => None,
            Required(..) if value.is_null() => Some("cannot be removed".to_owned()),
            Form(has_form, form) | Required(has_form, form) => {
                (!is_absent_or(value, has_form)).then(|| more(form))
            }
            Texts(has_form, form) => {
                (!is_absent_or(value, |value| are_texts(value, has_form))).then(|| more(form))
            }
            UpTo(max) => (!is_absent_or(value, |value| is_number(value, 0..=*max)))
                .then(|| more(&format!("a whole number from 0 to {max}"))),
            Limit(max) => (!is_number(value, 1..=*max))
                .then(|| permissible(&format!("must be a limit above 0 and up to {max}"))),
            Names(are_named, names, why) => (!are_named(value, names)).then(|| permissible(why)),
            Guard(is_safe, why) | Refused(is_safe, why) => {
                (!is_safe(value)).then(|| permissible(why))
            }
            Unknown => (!value.is_null()).then(|| unknown_key(unknown)),
            Servers(is_left, why) => (!is_left(value)).then(|| (*why).to_owned()),
        }
    }
}

fn more(form: &str) -> String {
    format!("must be {form}; to permit more, set container_patch_unsafe to allow")
}

/// Adds to a problem how the operator can permit it.
pub fn permissible(why: &str) -> String {
    format!("{why}; to permit it, set container_patch_unsafe to allow")
}

fn unknown_key(unknown: &str) -> String {
    format!("{unknown}; check the spelling or, to permit it, set container_patch_unsafe to allow")
}

/// The options of one body. An option without a row is unknown.
pub struct Table {
    pub rows: &'static [Row],
    /// The words about an unknown option.
    pub unknown: &'static str,
    /// Whether the keys inside options must be known before any rule applies. If not, the
    /// options' own rules refuse unknown ones.
    pub is_complete: bool,
    /// Checks what the server relies on and no row can express.
    pub check_servers: fn(&Value, &mut Vec<String>),
    /// Checks what isolates a target and no row can express.
    pub check_isolation: fn(&Value, &mut Vec<String>),
}

impl Table {
    /// Adds the problems of a merged body to those of its patches. Applies rules only if
    /// there are no problems yet, and only the server's own if isolation is given up.
    pub fn check(&self, body: &Value, isolation: Isolation, problems: &mut Vec<String>) {
        let mut unknown = Vec::new();
        let mut types = Types {
            table: self,
            problems,
            unknown: &mut unknown,
        };
        types.check(body, &Options, "");
        if isolation == Isolation::GivenUp {
            unknown.clear();
        }
        if self.is_complete {
            problems.append(&mut unknown);
        }
        if !problems.is_empty() {
            return;
        }
        problems.append(&mut unknown);
        for (path, _, rule) in self.rows {
            if isolation == Isolation::Kept || matches!(rule, Servers(..)) {
                let value = path.split('.').fold(body, |value, key| &value[key]);
                let problem = rule.problem(value, self.unknown);
                problems.extend(problem.map(|problem| format!("{path} {problem}")));
            }
        }
        (self.check_servers)(body, problems);
        if isolation == Isolation::Kept {
            (self.check_isolation)(body, problems);
        }
    }

    /// The options of an object, by their keys.
    fn options_of(&self, place: &str) -> impl Iterator<Item = (&'static str, &'static Shape)> {
        self.rows.iter().filter_map(move |(path, shape, _)| {
            let (parent, key) = path.rsplit_once('.').unwrap_or(("", path));
            (parent == place).then_some((key, shape))
        })
    }
}

/// The check of all types in a body.
struct Types<'a> {
    table: &'a Table,
    problems: &'a mut Vec<String>,
    unknown: &'a mut Vec<String>,
}

impl Types<'_> {
    fn check(&mut self, value: &Value, shape: &Shape, path: &str) {
        match (shape, value) {
            (Any, _)
            | (_, Value::Null)
            | (Text | Command, Value::String(_))
            | (Flag, Value::Bool(_)) => {}
            // Go accepts no number with a fraction, or of more bits, as a whole one.
            (Number, number) if number.is_i64() => {}
            (Command, Value::Array(_)) => self.check(value, &TEXTS, path),
            (Options, Value::Object(members)) => {
                let known: Vec<_> = self.table.options_of(path).collect();
                self.check_members(members, &known, path, true);
            }
            (Keys(known), Value::Object(members)) => {
                let known: Vec<_> = known.iter().map(|(key, shape)| (*key, shape)).collect();
                self.check_members(members, &known, path, self.table.is_complete);
            }
            (List(shape), Value::Array(entries)) => {
                for entry in entries {
                    self.check(entry, shape, path);
                }
            }
            (Map(shape), Value::Object(members)) => {
                for (name, member) in members {
                    self.check(member, shape, &join(path, name));
                }
            }
            _ => self
                .problems
                .push(format!("{path} must be {}", shape.in_words())),
        }
    }

    fn check_members(
        &mut self,
        members: &Members<String, Value>,
        known: &[(&str, &Shape)],
        path: &str,
        must_be_known: bool,
    ) {
        for (key, member) in members {
            let path = join(path, key);
            let is_alike = |(name, _): &&(&str, &Shape)| folded(name) == folded(key);
            if let Some((_, shape)) = known.iter().find(|(name, _)| name == key) {
                self.check(member, shape, &path);
            } else if let Some((name, _)) = known.iter().find(is_alike) {
                self.problems.push(format!("{path} must be spelt {name}"));
            } else if must_be_known {
                let unknown = unknown_key(self.table.unknown);
                self.unknown.push(format!("{path} {unknown}"));
            }
        }
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// Folds the case like Go's `encoding/json`, where two letters beyond ASCII equal an
/// ASCII letter.
pub fn folded(key: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(letter).collect()
}
