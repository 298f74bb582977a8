//! The network of a target, and its endpoint there.

use serde_json::Value;

use super::forms::{
    is_hardware_address, is_host_name, is_ip, is_list, is_object, is_plain, is_text, is_unset,
};

/// Whether this can only be the name of a network. The Engine also accepts an id or its
/// first digits, other modes have a colon (`container:`), Podman's default may be the
/// host's network, and two of its modes reach the host's loopback.
pub fn is_network_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let may_be_id = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_host = matches!(lower.as_str(), "host" | "default" | "pasta" | "slirp4netns");
    is_plain(name, "._-") && !is_host && !may_be_id
}

/// Whether an endpoint only says how the target appears on its network.
pub fn is_endpoint(endpoint: &Value) -> bool {
    is_object(endpoint, |key, value| match key {
        "Gateway" | "IPAddress" | "IPv6Gateway" | "GlobalIPv6Address" => is_text(value, is_ip),
        "IPPrefixLen" | "GlobalIPv6PrefixLen" | "GwPriority" => true,
        "MacAddress" => is_text(value, is_hardware_address),
        "Aliases" | "DNSNames" => is_list(value, is_host_name),
        "IPAMConfig" => is_object(value, |key, value| match key {
            "IPv4Address" | "IPv6Address" => is_text(value, is_ip),
            "LinkLocalIPs" => is_list(value, is_ip),
            _ => false,
        }),
        // With an id, the Engine ignores the name.
        _ => is_unset(value),
    })
}
