//! Reads the real agent's flags, as Go's `flag` package does: `-name value` or `-name=value`.

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
#[derive(Default)]
pub struct Target {
    /// The service to register with.
    pub service_url: String,
    /// The single-use token.
    pub activation_token: String,
    /// The environment that the target joins.
    pub environment_id: String,
    /// Its public id; the token itself unless a flag sets another.
    pub target_id: String,
}

/// The flags that were given.
#[derive(Default)]
pub struct Flags {
    target: Target,
    version: bool,
}

impl Flags {
    /// Reads the arguments; an error never repeats a value, which could be the token.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let flag = argument
                .strip_prefix('-')
                .ok_or("an argument is not a flag")?;
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if name == "version" {
                flags.version = true;
                continue;
            }
            let field = flags.field(name)?;
            *field = value
                .or_else(|| arguments.next())
                .ok_or_else(|| format!("flag needs an argument: -{name}"))?;
        }
        Ok(flags)
    }

    /// What the flags ask for, taken together.
    pub fn order(self) -> Order {
        let mut target = self.target;
        if self.version {
            return Order::Version;
        }
        if target.activation_token.is_empty() {
            return Order::Serve;
        }
        if target.target_id.is_empty() {
            target.target_id = target.activation_token.clone();
        }
        Order::Register(target)
    }

    fn field(&mut self, name: &str) -> Result<&mut String, String> {
        match name {
            "serviceUrl" => Ok(&mut self.target.service_url),
            "activationToken" => Ok(&mut self.target.activation_token),
            "environmentId" => Ok(&mut self.target.environment_id),
            "targetId" => Ok(&mut self.target.target_id),
            _ => Err("flag provided but not defined".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, String> {
        Flags::parse(line.split_whitespace().map(str::to_owned)).map(Flags::order)
    }

    #[test]
    fn a_token_asks_for_a_registration() {
        for line in [
            "-serviceUrl http://a -activationToken t -environmentId e -targetId i",
            "--serviceUrl=http://a -activationToken=t --environmentId e --targetId=i",
        ] {
            let Ok(Order::Register(target)) = parse(line) else {
                panic!("`{line}` asks for a registration");
            };
            assert_eq!(target.service_url, "http://a");
            assert_eq!(target.activation_token, "t");
            assert_eq!(target.environment_id, "e");
            assert_eq!(target.target_id, "i");
        }
    }

    #[test]
    fn a_target_without_an_id_takes_the_token_for_one() {
        let Ok(Order::Register(target)) = parse("-activationToken t") else {
            panic!("a token asks for a registration");
        };
        assert_eq!(target.target_id, "t");
    }

    #[test]
    fn no_flag_asks_to_serve() {
        assert!(matches!(parse(""), Ok(Order::Serve)));
    }

    #[test]
    fn the_version_is_asked_for_by_flag() {
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
