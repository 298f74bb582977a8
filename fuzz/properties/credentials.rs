//! Secrets, and the credentials that show them.

use super::*;

#[test]
fn secrets_are_taken_if_there_are_some_and_all_are_good() {
    let word = prop_oneof![
        4 => "[!-~]{16,40}",
        1 => "[!-~]{1,15}",
        1 => "[!-~]{16}\u{e9}",
        1 => "[!-~]{16}[\u{0}\u{7f}]",
        1 => Just("Y29vbGJlYW5z".to_owned()),
        1 => Just(PLANTED[1..].to_owned()),
    ];
    let inputs = (vec((word, "[ \t\n]{1,2}"), 0..4), "[ \n]{0,2}");
    for_all(inputs, |(words, first)| {
        let is_right = |(word, _): &(String, String)| {
            word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let expected = !words.is_empty() && words.iter().all(is_right);
        let text = words.iter().map(|(word, space)| format!("{word}{space}"));
        let secrets = Secrets::parse(&format!("{first}{}", text.collect::<String>()), "", "");
        assert_eq!(secrets.is_ok(), expected);
        match secrets {
            Ok(secrets) => {
                let shown = format!("{secrets:?}");
                assert!(words.iter().all(|(word, _)| !shown.contains(word)));
            }
            Err(problem) => assert!(hides(&problem.to_string(), &[PLANTED]), "{problem}"),
        }
    });
}

/// Values of a header with credentials: right, nearly right, or any bytes.
fn credentials() -> impl Strategy<Value = Vec<u8>> {
    let scheme = prop_oneof![
        4 => "[Bb][Aa][Ss][Ii][Cc]",
        1 => select(&["", "Bearer", "Basicc", "asic"][..]).prop_map(str::to_owned),
    ];
    let between = prop_oneof![4 => Just(" ".to_owned()), 1 => "[ \t=]{0,3}"];
    let text = prop_oneof![
        4 => select(&[SECRET, OTHER_SECRET][..]).prop_map(str::to_owned),
        1 => (0..SECRET.len()).prop_map(|length| SECRET[..length].to_owned()),
        1 => select(&[SECRET, OTHER_SECRET][..]).prop_map(str::to_ascii_lowercase),
        1 => "[!-~]{16,32}",
    ];
    prop_oneof![
        6 => (scheme, between, text, "[ ,]{0,2}").prop_map(|(scheme, between, text, end)| {
            format!("{scheme}{between}{text}{end}").into_bytes()
        }),
        1 => vec(any::<u8>(), 0..40),
    ]
}

fn is_right_credentials(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.split_once(' ').is_some_and(|(scheme, secret)| {
        let secret = secret.trim_matches(' ');
        scheme.eq_ignore_ascii_case("basic") && [SECRET, OTHER_SECRET].contains(&secret)
    })
}

/// Headers with credentials: mostly one.
pub fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let right = |secret| format!("Basic {secret}").into_bytes();
    let value = prop_oneof![
        Just(right(SECRET)),
        Just(right(OTHER_SECRET)),
        credentials()
    ];
    let header = (select(&["authorization", "authentication"][..]), value);
    prop_oneof![vec(header.clone(), 1), vec(header, 0..4)]
}

/// Whether headers open: they show one of the secrets after the word Basic, once or under both names.
pub fn are_right(headers: &[(&str, Vec<u8>)]) -> bool {
    match headers {
        [(_, value)] => is_right_credentials(value),
        [(one, value), (other, again)] => {
            one != other && value == again && is_right_credentials(value)
        }
        _ => false,
    }
}
