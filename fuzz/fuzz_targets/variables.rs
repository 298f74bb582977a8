//! The operator's variables: whatever is taken makes requests that are whole,
//! at the address that was given.
#![no_main]

use dynamic_access::config::Config;
use dynamic_access::docker::{image, list};
use libfuzzer_sys::fuzz_target;

const DEFAULTS: [(&str, &str); 15] = [
    ("docker_url", "http://127.0.0.1:2375"),
    ("docker_plaintext", "loopback"),
    ("agent_image", "dynamic-access-agent"),
    ("deployment_id", "dynamic-access"),
    ("max_targets", "100"),
    ("max_lifetime", "8d"),
    ("stop_grace", "0s"),
    ("image_pull", "missing"),
    ("registry_auth", ""),
    ("docker_authorization", ""),
    ("container_patch", "{}"),
    ("container_patch_unsafe", "refuse"),
    ("environments", "{}"),
    ("service_urls", "https://*.bastionzero.com"),
    ("token_delivery", "file"),
];

fuzz_target!(|input: (u8, &str)| {
    let (number, text) = input;
    let (changed, _) = DEFAULTS[usize::from(number) % DEFAULTS.len()];
    let variables = |name: &'static str| {
        let default = DEFAULTS.into_iter().find(|(known, _)| *known == name);
        let (_, value) = default.ok_or("is not defined")?;
        Ok(if name == changed { text } else { value }.to_owned())
    };
    match Config::parse(&variables) {
        Ok(config) => {
            let images = config.profiles.images();
            let path = image::inspect(images[0]).request.uri().to_string();
            assert_eq!(path, format!("/images/{}/json", images[0]));
            let uri = config.docker_url.join(path.parse().expect("a path"));
            assert!(uri.port_u16().is_some_and(|port| port > 0));
            assert_eq!(uri.path(), path);
            assert!(
                !uri.authority()
                    .expect("an authority")
                    .as_str()
                    .contains('@')
            );
            list::survey(&config.deployment_id);
            assert!(config.max_targets <= 1000);
        }
        Err(problems) => assert!(problems.to_string().contains(changed)),
    }
});
