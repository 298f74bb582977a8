//! Measures how much memory instances ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

/// The most linear memory that any instance of a host has had; clones share one value.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// The maximum since the last call, in bytes; zero if no instance was made.
    pub fn take_peak(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl ResourceLimiter for Meter {
    // Wasmtime also calls this for an instance's initial memory.
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0.fetch_max(desired, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
