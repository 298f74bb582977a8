//! The little JSON that is needed here: members whose values are plain text. It keeps the binary small.

/// A JSON string (RFC 8259, section 7).
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for found in text.chars() {
        match found {
            '"' | '\\' => quoted.extend(['\\', found]),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(found))),
            _ => quoted.push(found),
        }
    }
    quoted.push('"');
    quoted
}

/// The text of a member whose value is a string without escapes; ids and URLs need none.
pub fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let name = quoted(name);
    let (_, rest) = json.split_once(&name)?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let (text, _) = value.strip_prefix('"')?.split_once('"')?;
    (!text.contains('\\')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_among_others() {
        let json = r#"{ "a": "1", "targetId" : "0a-1b", "n": 7 }"#;
        assert_eq!(member(json, "targetId"), Some("0a-1b"));
        assert_eq!(member(json, "a"), Some("1"));
    }

    #[test]
    fn what_is_not_plain_text_is_no_value() {
        for json in [
            "",
            "{}",
            r#"{"a":7}"#,
            r#"{"a""#,
            r#"{"a":"no end"#,
            r#"{"a":"\n"}"#,
        ] {
            assert_eq!(member(json, "a"), None, "{json}");
        }
    }

    #[test]
    fn a_quoted_text_is_read_back() {
        let json = format!("{{{}:{}}}", quoted("url"), quoted("http://a:1/b"));
        assert_eq!(member(&json, "url"), Some("http://a:1/b"));
    }
}
