//! The Engine's replies.

use super::*;

/// Statuses, mostly those that the Engine uses.
fn statuses() -> impl Strategy<Value = u16> {
    let known = [200, 201, 204, 304, 400, 404, 409, 500, 502, 503];
    prop_oneof![8 => select(known.to_vec()), 1 => 100..1000_u16]
}

/// Replies, mostly those of an Engine with this status, and else any status with any body.
pub fn replies() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let id = || prop_oneof![8 => ids(), 1 => near_ids()];
    let message = prop_oneof![
        texts(),
        Just("No such image: agent".to_owned()),
        Just("The name is already in use by container".to_owned()),
        "[a-z\u{e9}]{290,320}",
    ];
    let failed = (select(vec![400, 404, 409, 500, 503]), message)
        .prop_map(|(status, message)| (status, json!({"message": message})));
    let warnings = prop_oneof![vec(texts(), 0..3).prop_map(Value::from), json_values()];
    let created = (id(), warnings).prop_map(|(id, all)| (201, json!({"Id": id, "Warnings": all})));
    let summary = (id(), texts(), any::<i64>(), json_values());
    let summary = summary.prop_map(|(id, state, created, other)| {
        json!({"Id": id, "State": state, "Created": created, "Other": other})
    });
    let listed = vec(summary, 0..3).prop_map(|listed| (200, Value::from(listed)));
    let image = texts().prop_map(|id| (200, json!({"Id": id})));
    let ended = (texts(), any::<i64>()).prop_map(|(finished, code)| {
        let state = json!({"FinishedAt": finished, "ExitCode": code});
        (200, json!({"State": state}))
    });
    let text = |(status, body): (u16, Value)| (status, body.to_string().into_bytes());
    let fitting = prop_oneof![failed, created, listed, image, ended];
    prop_oneof![
        8 => fitting.clone().prop_map(text),
        2 => (statuses(), fitting).prop_map(move |(status, (_, body))| text((status, body))),
        2 => (statuses(), json_values()).prop_map(text),
        1 => (statuses(), vec(any::<u8>(), 0..80)),
    ]
}

/// A response with this date, if it can be one.
pub fn response(status: u16, date: &str, body: Vec<u8>) -> HttpResponse {
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if let Ok(date) = date.parse() {
        response.headers_mut().insert("date", date);
    }
    response
}

#[test]
fn no_reply_is_read_as_more_than_it_says() {
    let date = prop_oneof![
        Just("Mon, 23 Nov 2026 01:10:00 GMT".to_owned()),
        "[A-Za-z]{3}, [0-9]{1,2} (Jan|Feb|Nov) [0-9]{2,5} [0-9]{2}:[0-9]{2}:[0-9]{2} [A-Z+0-9]{3,5}",
        "[(]{0,40}[ -~]{0,40}",
    ];
    for_all((date, replies()), |(date, (status, body))| {
        check_reply(status, &date, body);
    });
}

/// Checks that readers accept no more of a reply than it says.
pub fn check_reply(status: u16, date: &str, body: Vec<u8>) {
    let reply = docker::Reply::new(response(status, date, body));
    let has_message = reply.message().is_some();
    let is_absent = status == 404 && has_message;
    check_fault(&reply.fault());
    let deployment = DeploymentId::parse("da").expect("an id");
    let name = ContainerName::from_token(&deployment, &Secret::new(TOKEN));
    let id = TargetId::parse(&"0a".repeat(32)).expect("an id");
    let agent = ImageReference::parse("agent").expect("an image");
    let renewal = volume::Renewal::new(id.clone(), Duration::from_secs(60));
    check_read(
        create::create(&name, &Value::Null).read(&reply),
        |read| match read {
            create::Outcome::Created { id, .. } => status == 201 && is_id(id.as_str()),
            _ => [404, 409, 500].contains(&status) && has_message,
        },
    );
    if !(is_absent && matches!(list::listed(&reply), Err(Fault::ListFailed(_)))) {
        check_read(list::listed(&reply), |listed| {
            status == 200 && listed.iter().all(|one| is_id(one.id.as_str()))
        });
    }
    check_read(remove::remove(&id).read(&reply), |read| match read {
        remove::Removed::Done => status == 204,
        remove::Removed::Absent => is_absent,
        remove::Removed::Declined => status == 409 && has_message,
        remove::Removed::Ending => false,
    });
    let is_found = |found: bool| if found { status == 200 } else { is_absent };
    check_read(image::inspect(&agent).read(&reply), |read| {
        is_found(read.is_some())
    });
    check_read(inspect::inspect(&id).read(&reply), |read| {
        is_found(read.is_some())
    });
    check_read(stats::count(&id).read(&reply), |_| status == 200);
    let volumes = volume::list(&deployment).read(&reply);
    if !(is_absent && matches!(volumes, Err(Fault::ListFailed(_)))) {
        check_read(volumes, |_| status == 200);
    }
    check_read(volume::create(&deployment, &renewal).read(&reply), |_| {
        status == 201
    });
    let removed = volume::remove(&deployment, &renewal).read(&reply);
    check_read(removed, |()| status == 204 || is_absent);
    check_read(start::start(&id).read(&reply), |read| match read {
        Ok(()) => status == 204 || status == 304,
        Err(_) => status >= 400 && has_message,
    });
}

/// What is read of a reply is right, or it is a fault.
fn check_read<T>(read: Result<T, Fault>, is_right: impl Fn(T) -> bool) {
    match read {
        Ok(read) => assert!(is_right(read)),
        Err(fault) => check_fault(&fault),
    }
}

/// A reply's fault is a failure in few words, or nonsense in our words.
fn check_fault(fault: &Fault) {
    match fault {
        Fault::EngineError { status, .. } => {
            assert!(status.as_u16() >= 400 && status.as_u16() < 600, "{status}");
        }
        Fault::Nonsense(detail) => assert!(hides(detail, &[PLANTED]), "{detail}"),
        other => panic!("a reply is not {other:?}"),
    }
}

/// The midnight before [`MOMENT`], in seconds.
const MIDNIGHT: i64 = 1_795_392_000;

/// A moment as a header writes it, ten past one.
pub const MOMENT: &str = "Mon, 23 Nov 2026 01:10:00 GMT";
pub const MOMENT_SECONDS: i64 = MIDNIGHT + 4200;

#[test]
fn a_listed_container_is_what_the_list_says_of_it() {
    let texts = || prop_oneof!["[a-z]{0,3}", any::<String>()];
    let labels = btree_map(
        prop_oneof![Just(DEPLOYMENT.to_owned()), Just(NAME.to_owned()), texts()],
        prop_oneof![Just("da".to_owned()), Just("da-1".to_owned()), texts()],
        0..5,
    );
    let names = vec(
        prop_oneof![Just("/da-1".to_owned()), Just("da-1".to_owned()), texts()],
        0..3,
    );
    let created = prop_oneof![MIDNIGHT..MIDNIGHT + 9000, any::<i64>()];
    let inputs = (ids(), labels, names, created);
    for_all(inputs, |(id, labels, names, created)| {
        let body = json!([
            {"Id": id, "State": "running", "Created": created, "Labels": labels, "Names": names}
        ]);
        let reply = docker::Reply::new(response(200, MOMENT, body.to_string().into_bytes()));
        let listed = list::listed(&reply).expect("a list").remove(0);
        assert_eq!(listed.id.as_str(), id);
        let age = (i128::from(MOMENT_SECONDS) - i128::from(created)).clamp(0, i64::MAX.into());
        assert_eq!(listed.age.map(|age| i128::from(age.as_secs())), Some(age));
        for (key, value) in &labels {
            assert_eq!(listed.label(key), Some(value.as_str()));
        }
        assert_eq!(listed.label("of no container"), None);
        let deployment = DeploymentId::parse("da").expect("an id");
        assert_eq!(listed.is_of(&deployment), is_ours(&labels, &names));
        for name in &names {
            assert!(listed.has_name(name.strip_prefix('/').unwrap_or(name)));
        }
    });
}

/// Whether labels and names belong to a container of the deployment `da`.
fn is_ours(labels: &BTreeMap<String, String>, names: &[String]) -> bool {
    let is_labelled = labels.get(DEPLOYMENT).is_some_and(|whose| whose == "da");
    let bears = |own: &String| {
        let slashed = format!("/{own}");
        let is_own = |name: &String| *name == slashed || (name == own && !own.starts_with('/'));
        names.iter().any(is_own)
    };
    is_labelled && labels.get(NAME).is_some_and(bears)
}
