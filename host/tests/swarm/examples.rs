//! The folders of `examples/`, on a Swarm.

use test_support::example::{API_SECRET, Example, Person};
use test_support::prelude::*;

use crate::nodes::must;
use crate::stage::{AGREED_BOUND, Stage, agreed};

pub fn ssh_reaches_a_box_at_its_node(stage: &Stage<'_>) {
    let docker = RealEngine::given().docker();
    let example = Example::on(&docker, "ssh-box");
    let image = must(stage.swarm.load_image(&docker, example.name));
    let mut environments = example.environments();
    environments["ssh-box"]["image"] = json!(image);
    let environments = environments.to_string();
    let variables = [
        ("api_secret", API_SECRET),
        ("agent_image", image.as_str()),
        ("environments", environments.as_str()),
        ("publish_address", "0.0.0.0"),
    ];
    let server = stage.server_with(1, &variables);
    let person = Person::at(server.address());
    let ssh = example.command("ssh -i");
    wait_within(AGREED_BOUND, "a box", || {
        person.must(&example.command("order.sh"));
        person.run(&ssh).status.success().then_some(())
    });
    let _session = person.type_into(&ssh, "id -un");
    agreed("the box's answer", || person.read("said") == "box\n");
    person.must(&example.command("DELETE"));
    agreed("the end of the session", || person.read("code") == "255\n");
}
