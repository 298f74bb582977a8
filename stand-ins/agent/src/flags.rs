//! Reads the real agent's flags, in the form in which the image's entrypoint gives them: `-name value`.

use std::collections::BTreeMap;

/// The flags that have a value.
const FLAGS: [&str; 4] = [
    "-serviceUrl",
    "-activationToken",
    "-environmentId",
    "-targetId",
];

/// What the flags ask for.
pub enum Order {
    /// Print the version.
    Version,
    /// Register as this target.
    Register(Target),
    /// Serve what was registered before.
    Serve,
}

/// What a registration needs; a flag that is missing leaves its field empty.
pub struct Target {
    /// The service to register with.
    pub service_url: String,
    /// The single-use token.
    pub activation_token: String,
    /// The environment that the target joins.
    pub environment_id: String,
    /// Its public id.
    pub target_id: String,
}

/// Reads the arguments; an error never repeats one, which could be the token.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Order, String> {
    let mut given = BTreeMap::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "-version" {
            return Ok(Order::Version);
        }
        let flag = FLAGS.into_iter().find(|flag| *flag == argument);
        let flag = flag.ok_or("flag provided but not defined")?;
        let value = arguments.next();
        let value = value.ok_or_else(|| format!("flag needs an argument: {flag}"))?;
        given.insert(flag, value);
    }
    let [service_url, activation_token, environment_id, target_id] =
        FLAGS.map(|flag| given.remove(flag).unwrap_or_default());
    if activation_token.is_empty() {
        return Ok(Order::Serve);
    }
    Ok(Order::Register(Target {
        service_url,
        activation_token,
        environment_id,
        target_id,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, String> {
        super::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_token_asks_for_a_registration() {
        let line = "-serviceUrl http://a -activationToken t -environmentId e -targetId i";
        let Ok(Order::Register(target)) = parse(line) else {
            panic!("`{line}` asks for a registration");
        };
        assert_eq!(target.service_url, "http://a");
        assert_eq!(target.activation_token, "t");
        assert_eq!(target.environment_id, "e");
        assert_eq!(target.target_id, "i");
    }

    #[test]
    fn no_flag_asks_to_serve_and_another_for_the_version() {
        assert!(matches!(parse(""), Ok(Order::Serve)));
        assert!(matches!(parse("-version"), Ok(Order::Version)));
    }

    #[test]
    fn a_wrong_flag_is_refused_without_repeating_it() {
        for line in ["t0ken", "-t0ken", "-serviceUrl"] {
            let reason = parse(line).err().expect("a reason");
            assert!(!reason.contains("t0ken"), "{reason}");
        }
    }
}
