//! JSON objects whose keys are not known in advance and may occur twice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The members in their order. A map would keep only the last of several with the
/// same key.
#[derive(Debug)]
pub struct Members<T>(pub Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collector<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collector<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collector(PhantomData))
    }
}

/// A JSON value in which no object has a key twice, at any depth. `serde_json` would
/// silently keep the last one.
#[derive(Debug)]
pub struct Distinct(pub Value);

/// Parses the text of a variable, at most this long. `T` refuses nothing except a key that
/// an object has twice. No value is in the problem.
pub fn parse<T: DeserializeOwned>(text: &str, bytes_max: usize) -> Result<T, String> {
    if text.len() > bytes_max {
        return Err(format!("is larger than {} KiB", bytes_max / 1024));
    }
    serde_json::from_str(text).map_err(|error| {
        let problem = match error.is_data() {
            true => "has a key twice in one object",
            false => "is not JSON",
        };
        let (line, column) = (error.line(), error.column());
        format!("{problem} (line {line}, column {column})")
    })
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collector;

        impl<'de> Visitor<'de> for Collector {
            type Value = Distinct;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON without a key twice")
            }

            fn visit_unit<E>(self) -> Result<Distinct, E> {
                Ok(Distinct(Value::Null))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Distinct, E> {
                Ok(Distinct(flag.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Distinct, E> {
                Ok(Distinct(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Distinct, E> {
                Ok(Distinct(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Distinct, E> {
                Ok(Distinct(number.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Distinct, E> {
                Ok(Distinct(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Distinct, A::Error> {
                let mut entries = Vec::new();
                while let Some(Distinct(entry)) = seq.next_element()? {
                    entries.push(entry);
                }
                Ok(Distinct(entries.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
                let mut members = Map::new();
                while let Some((key, Distinct(value))) = map.next_entry::<String, _>()? {
                    if members.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key twice"));
                    }
                }
                Ok(Distinct(members.into()))
            }
        }

        deserializer.deserialize_any(Collector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_an_error_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"b":{"a":null,"a":null}}"#,
            r#"[{},{"c":[{"a":{},"\u0061":{}}]}]"#,
        ] {
            let told = parse::<Distinct>(text, 99).expect_err(text);
            assert!(told.starts_with("has a key twice in one object"), "{told}");
        }
    }

    #[test]
    fn any_other_json_is_what_serde_makes_of_it() {
        let text = r#"{"a":[null,true,-1,18446744073709551615,1.5,"x",{"a":{}}],"b":{"a":1}}"#;
        let Distinct(value) = serde_json::from_str(text).expect("JSON");
        assert_eq!(value, serde_json::from_str::<Value>(text).expect("JSON"));
        for text in ["", "{", "[1,]", "{}x", &"[".repeat(60_000)] {
            let told = parse::<Distinct>(text, 60_000).expect_err(text);
            assert!(told.starts_with("is not JSON"), "{text}");
        }
    }
}
