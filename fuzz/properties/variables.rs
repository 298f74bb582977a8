//! The operator's variables.

use super::*;

pub fn a_lifetime_is_what_its_digits_and_its_unit_say(draws: Draws) {
    let texts = prop_oneof![
        8 => "[0-9]{1,6}[smhd]",
        1 => "[0-9]{0,30}[smhd]?",
        1 => "[+ -]?[0-9]{1,3}[smhdD]{0,2}",
        1 => texts(),
    ];
    for_all(draws, texts, |text| {
        let read = text.trim_ascii();
        // Digit by digit, and wide enough for thirty of them.
        let seconds = read.char_indices().last().and_then(|(end, unit)| {
            let unit = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)]
                .into_iter()
                .find(|(letter, _)| *letter == unit)?;
            let mut digits = read[..end].chars().peekable();
            digits.peek()?;
            let value = digits.try_fold(0_u128, |value, digit| {
                Some(value * 10 + u128::from(digit.to_digit(10)?))
            });
            Some(value? * unit.1)
        });
        let expected = seconds.filter(|seconds| (60..=31_622_400).contains(seconds));
        let lifetime = config_with("max_lifetime", &text).map(|config| config.max_lifetime);
        let lifetime = lifetime.ok().map(|lifetime| u128::from(lifetime.as_secs()));
        assert_eq!(lifetime, expected);
    });
}

pub fn a_count_is_what_its_digits_say(draws: Draws) {
    let texts = prop_oneof![4 => "0?[0-9]{1,4}", 1 => "[ +-]?[0-9]{1,24}", 1 => texts()];
    for_all(draws, texts, |text| {
        let count = config_with("max_targets", &text).map(|config| config.max_targets);
        let read = text.trim_ascii();
        let digits = read.trim_start_matches('0');
        match count {
            Ok(0) => assert!(!read.is_empty() && digits.is_empty()),
            Ok(count) => assert!(count <= 1000 && digits == count.to_string()),
            Err(_) => assert!(!(0..=1000).any(|count: i32| count.to_string() == read)),
        }
    });
}

pub fn a_variable_is_taken_or_its_problem_names_it_and_shows_nothing_of_its_value(draws: Draws) {
    let name = select(&VARIABLES[..]).prop_map(|(name, _)| name);
    let values = prop_oneof![
        texts(),
        Just(format!("http://{PLANTED}@host:2375")),
        near_ids(),
    ];
    for_all(draws, (name, values), |(name, value)| {
        match config_with(name, &value) {
            Ok(config) => check_config(&config),
            Err(problem) => {
                assert!(problem.contains(name), "{problem}");
                assert!(!shows_planted(&problem), "{problem}");
            }
        }
    });
}

/// Checks that the requests of a configuration go to its Engine.
fn check_config(config: &config::Config) {
    let image = config.profiles.images()[0];
    let path = image::inspect(image).request.uri().to_string();
    assert_eq!(path, format!("/images/{image}/json"));
    let uri = config.docker_url.join(path.parse().expect("a path"), 0);
    assert!(uri.port_u16().is_some_and(|port| port > 0));
    assert_eq!(uri.path(), path);
    let authority = uri.authority().expect("an authority");
    assert!(!authority.as_str().contains('@'));
    check_request(&list::survey(&config.deployment_id).request, &[]);
    assert!(config.max_targets <= 1000);
}
