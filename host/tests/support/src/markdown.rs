//! What the pages for people show, for tests that hold it to be true.

/// The first block of a page in a language that begins with this text.
#[track_caller]
pub fn block<'a>(page: &'a str, language: &str, beginning: &str) -> &'a str {
    let fence = format!("\n```{language}\n");
    let start = page.find(&format!("{fence}{beginning}")).expect("a block");
    let rest = &page[start + fence.len()..];
    let end = rest.find("\n```\n").expect("its end");
    &rest[..=end]
}
