//! The folders of `examples/`, each used as its README says.

use test_support::engine::RealEngine;
use test_support::example::{API_SECRET, Example, Person};
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::wait::wait_for;

/// A server with the example's environment, as `cargo xtask up --example` starts it.
pub fn server(engine: &RealEngine, deployment: &Deployment<'_>, example: &Example) -> Server {
    let environments = example.environments().to_string();
    let variables = [
        ("deployment_id", deployment.id.as_str()),
        ("api_secret", API_SECRET),
        ("environments", environments.as_str()),
    ];
    Server::with(engine, &variables)
}

#[test]
fn the_readme_begins_with_the_ssh_box() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme.split_once("## A shell").expect("its first part");
    let commands = after.lines().filter_map(|line| line.strip_prefix("    "));
    let example = Example::on(&RealEngine::given().docker(), "ssh-box");
    let theirs = ["xtask up", "order.sh", "ssh -i"].map(|part| example.command(part));
    assert_eq!(commands.take(3).collect::<Vec<_>>(), theirs);
}

#[test]
fn ssh_reaches_its_box_alone_until_the_box_is_stopped() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let example = Example::on(&engine.docker(), "ssh-box");
    let server = server(&engine, &deployment, &example);
    let health = server.call("GET", "/health", "");
    assert_eq!(health.status, 200, "{health:?}");
    let person = Person::at(server.address());
    person.must(&example.command("order.sh"));
    let ssh = example.command("ssh -i");
    wait_for("a box that listens", || {
        person.run(&ssh).status.success().then_some(())
    });
    let mut session = person.start(&ssh);
    assert_eq!(session.ask("id -un"), "box");
    let look = "cat /run/dynamic-access/* /etc/dropbear-host-key 2>/dev/null; echo nothing";
    assert_eq!(session.ask(look), "nothing");
    check_strangers(&person, &ssh);
    person.must(&example.command("DELETE"));
    let (code, errors) = session.ended();
    assert_eq!(code, Some(255), "{errors}");
    assert!(errors.contains("closed by remote host"), "{errors}");
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

/// Another key does not open the box, and another host key is noticed.
fn check_strangers(person: &Person, ssh: &str) {
    person.must("ssh-keygen -q -t ed25519 -N '' -f stranger");
    for (command, reason) in [
        (ssh.replace("box/key", "stranger"), "Permission denied"),
        (
            format!(
                "echo \"box $(cat stranger.pub)\" >other-hosts; {}",
                ssh.replace("box/known-hosts", "other-hosts")
            ),
            "Host key verification failed",
        ),
    ] {
        let refused = person.run(&command);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert!(
            !refused.status.success() && errors.contains(reason),
            "{errors}"
        );
    }
}
