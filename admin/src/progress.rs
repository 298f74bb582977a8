//! Prints progress: one short line per step, on stderr.

use std::time::Instant;

/// Prints one line of progress.
pub fn say(line: &str) {
    eprintln!("==> {line}");
}

/// Prints a remark below the last line of progress.
pub fn remark(line: &str) {
    eprintln!("    {line}");
}

/// Runs one step and prints how long it took. The caller shows a failure.
pub fn timed<T, E>(name: &str, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let started = Instant::now();
    let done = step()?;
    say(&format!(
        "{name}: done in {:.1} s",
        started.elapsed().as_secs_f32()
    ));
    Ok(done)
}
