//! Requests that meet each other.

/// Does something as often as this at once, and returns what came of each.
pub fn at_once<T: Send>(times: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let act = &act;
    std::thread::scope(|scope| {
        let start = |number| scope.spawn(move || act(number));
        let started: Vec<_> = (0..times).map(start).collect();
        let ended = started.into_iter().map(|one| one.join());
        ended.map(|one| one.expect("none has failed")).collect()
    })
}
