//! The types of values, and those of options in both bodies.

/// The type of a value. Each value may also be null, which means absent.
pub enum Shape {
    /// Any value.
    Any,
    Text,
    Flag,
    /// A whole number of 64 bits.
    Number,
    /// A text, or a list of texts: Go's `strslice`.
    Command,
    /// An object whose members have rows of their own.
    Options,
    /// An object with these keys; the rule of its row judges it too.
    Keys(&'static [(&'static str, Shape)]),
    /// A list of values of this type.
    List(&'static Shape),
    /// An object whose members have this type, under names that are not Docker's.
    Map(&'static Shape),
}

use Shape::{Any, Command, Flag, Keys, List, Map, Number, Options, Text};

pub const TEXTS: Shape = List(&Text);
pub const TEXT_MAP: Shape = Map(&Text);
pub const EMPTY_MAP: Shape = Map(&Keys(&[]));

impl Shape {
    /// The type in words.
    pub fn in_words(&self) -> &'static str {
        match self {
            Any => "anything",
            Text => "a text",
            Flag => "true or false",
            Number => "a whole number",
            Command => "a text or a list of texts",
            List(Text) => "a list of texts",
            List(_) => "a list",
            Options | Keys(_) | Map(_) => "an object",
        }
    }
}

pub const ULIMITS: Shape = List(&Keys(&[("Name", Text), ("Soft", Number), ("Hard", Number)]));

#[rustfmt::skip]
pub const MOUNT: Shape = Keys(&[
    ("Type", Text), ("Source", Text), ("Target", Text), ("ReadOnly", Flag), ("Consistency", Text),
    ("BindOptions", Keys(&[
        ("Propagation", Text), ("NonRecursive", Flag), ("CreateMountpoint", Flag),
        ("ReadOnlyNonRecursive", Flag), ("ReadOnlyForceRecursive", Flag),
    ])),
    ("VolumeOptions", Keys(&[
        ("NoCopy", Flag), ("Labels", TEXT_MAP), ("Subpath", Text),
        ("DriverConfig", Keys(&[("Name", Text), ("Options", TEXT_MAP)])),
    ])),
    ("TmpfsOptions", Keys(&[("SizeBytes", Number), ("Mode", Number), ("Options", List(&TEXTS))])),
    ("ImageOptions", Keys(&[("Subpath", Text)])), ("ClusterOptions", Keys(&[])),
]);

#[rustfmt::skip]
pub const HEALTHCHECK: Shape = Keys(&[
    ("Test", TEXTS), ("Interval", Number), ("Timeout", Number), ("Retries", Number), ("StartPeriod", Number),
    ("StartInterval", Number),
]);
