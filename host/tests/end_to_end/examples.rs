//! The folders of `examples/`, each used as its README says.

use headless_chrome::browser::tab::ModifierKey;
use test_support::engine::RealEngine;
use test_support::example::{API_SECRET, Example, Person};
use test_support::own::Deployment;
use test_support::server::Server;
use test_support::wait::wait_for;
use test_support::{free_address, unique};

use crate::page::browser::Browser;

/// A server with the example's environment, as `cargo xtask up --example` starts it.
pub fn server(deployment: &Deployment<'_>, example: &Example) -> Server {
    let environments = example.environments().to_string();
    deployment.server(&[
        ("api_secret", API_SECRET),
        ("environments", environments.as_str()),
    ])
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
    let server = server(&deployment, &example);
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

#[test]
fn a_browser_types_into_a_notebook_through_the_proxy() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let example = Example::on(&engine.docker(), "notebook");
    let server = server(&deployment, &example);
    let health = server.call("GET", "/health", "");
    assert_eq!(health.status, 200, "{health:?}");
    let person = Person::at(server.address());
    let listen = free_address();
    let proxy = format!("LISTEN={listen} SERVER=http://127.0.0.1:3000 exec ");
    let _proxy = person.leave_running(&(proxy + &example.command("proxy.sh")));
    let order = ["openssl", "Idempotency-Key", "printf"].map(|part| example.command(part));
    let told = person.must(&order.join("\n"));
    let link = told.lines().last().expect("a link");
    let link = link.replace(":8080/", &format!(":{}/", listen.port()));
    let target = person.target();
    let id = target["id"].as_str().expect("an id");
    wait_for("the notebook", || {
        let open = format!("curl --fail --silent --output page {link:?}");
        person.run(&open).status.success().then_some(())
    });
    let browser = Browser::start();
    browser.open_url(&link);
    wait_for("Python", || {
        (browser.count("#kernel_indicator_icon.kernel_idle_icon") == 1).then_some(())
    });
    let typed = unique("typed");
    // Enter begins to type into the cell, and Enter with Shift runs it.
    browser.press("Enter", &[]);
    browser.type_text(&format!("!id -u >{typed}"));
    browser.press("Enter", &[ModifierKey::Shift]);
    wait_for("what was typed", || {
        let shown = engine.shell(id, &format!("cat {typed} || true"));
        (shown.trim() == "1000").then_some(())
    });
    // Who has no token is asked for it, and who names no notebook finds none.
    let without = link.split('?').next().expect("a path");
    let status = |link: &str| {
        let ask = "curl --silent --output page --write-out '%{http_code}' ";
        person.must(&format!("{ask} {link:?}"))
    };
    assert_eq!(status(without), "302");
    let nobodys = without.replace("//", "//other-");
    assert_eq!(status(&nobodys), "404");
    person.must(&example.command("DELETE"));
    wait_for("a proxy without the notebook", || {
        (status(&link) == "404").then_some(())
    });
}
