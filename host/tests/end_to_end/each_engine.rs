//! Tests that are the same on Docker and on Podman.

/// Makes two tests of each function that takes an Engine: one on Docker, and one on Podman.
macro_rules! on_each_engine {
    ($($test:ident),+ $(,)?) => {
        mod on_docker {
            $(#[test]
            fn $test() {
                super::$test(&test_support::engine::RealEngine::given());
            })+
        }
        mod on_podman {
            $(#[test]
            fn $test() {
                super::$test(&test_support::engine::RealEngine::podman());
            })+
        }
    };
}
