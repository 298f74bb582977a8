//! The operator's variables.

use dynamic_access::docker::part::Part;

use super::*;

#[test]
fn a_variable_is_taken_or_its_problem_names_it_and_shows_nothing_of_its_value() {
    let values = prop_oneof![
        texts(),
        Just(format!("http://{PLANTED}@host:2375")),
        near_ids(),
    ];
    for_all(
        (variable_names(), values),
        |(name, value)| match config::Config::parse(&variables(name, &value)) {
            Ok(config) => check_config(&config),
            Err(problem) => {
                let problem = problem.to_string();
                assert!(problem.contains(name), "{problem}");
                assert!(hides(&problem, &[PLANTED]), "{problem}");
            }
        },
    );
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
    let survey = list::survey(&config.deployment_id, &Part::whole());
    check_request(&survey.request, &[]);
    assert!(config.max_targets <= 1000);
}
