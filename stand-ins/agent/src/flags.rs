//! Reads the real agent's flags, in the form in which the image's entrypoint gives them: `-name value`.

use std::collections::BTreeMap;

/// The flags that have a value.
const FLAGS: [&str; 4] = ["serviceUrl", "activationToken", "environmentId", "targetId"];

/// The values of the flags, by name.
pub type Flags = BTreeMap<&'static str, String>;

/// Reads the arguments; an error never repeats one, which could be the token.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Flags, String> {
    let mut given = BTreeMap::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut flags = FLAGS.into_iter();
        let flag = flags.find(|flag| argument.strip_prefix('-') == Some(flag));
        let flag = flag.ok_or("flag provided but not defined")?;
        let value = arguments.next();
        let value = value.ok_or_else(|| format!("flag needs an argument: -{flag}"))?;
        given.insert(flag, value);
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, String> {
        super::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn each_flag_has_its_value() {
        let line = "-serviceUrl http://a -activationToken t -environmentId e -targetId i";
        let flags = parse(line).expect(line).into_values();
        assert_eq!(flags.collect::<Vec<_>>(), ["t", "e", "http://a", "i"]);
        assert_eq!(parse(""), Ok(Flags::new()));
    }

    #[test]
    fn a_wrong_flag_is_refused_without_repeating_it() {
        for line in ["t0ken", "-t0ken", "-serviceUrl"] {
            let reason = parse(line).expect_err("a reason");
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }
}
