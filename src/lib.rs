//! A provisioning server for BastionZero Dynamic Access Targets.
//!
//! It starts and stops short-lived containers on a Docker Engine or Swarm. The crate is a
//! pure core with one thin shell. The core turns values into values and reaches the world
//! through [`platform::Platform`] alone. The shell, `component`, exists only on WebAssembly.
//!
//! # Layout
//!
//! From the outside in; each module uses only those below it.
//!
//! | module | knows |
//! |---|---|
//! | `component` | Spin and WASI: HTTP in and out, variables, clock (wasm only) |
//! | [`server`] | the order in which one request is handled |
//! | `handlers` | one handler for each route: its work, its answer, and its part of the log line |
//! | `after_answer` | the work after an answer |
//! | [`log_line`], `audit` | the log lines, and which of them are events |
//! | [`api`], [`webhook`] | bodies in and answers out: `/v1`, and BastionZero's contract |
//! | `request_body` | which bodies are read, and how much of them |
//! | `page`, [`metrics`] | HTML for people, text for Prometheus |
//! | [`provision`] | start, stop, health: every decision about containers |
//! | [`reaper`] | which containers the server removes on its own, and why |
//! | [`route`] | the routes, and to whom each is open |
//! | `query` | the queries of requests |
//! | [`auth`] | credentials of callers |
//! | `answer` | the common parts of all answers, and the failures |
//! | `pull` | which images are pulled, and how a pull ended |
//! | [`backend`] | the operations on targets, by one Engine or by a Swarm |
//! | `attempt` | one attempt to start a target: the body of its container, and how to recognise it |
//! | [`engine`] | sends [`docker`]'s calls, each within a deadline |
//! | [`error`] | every error, in families: its status, its code, its two messages |
//! | [`order`] | the order of a start, and the digest that compares repeated ones |
//! | [`target_view`] | a target as callers and operators see it |
//! | [`config`] | variables → [`config::Config`], each problem named |
//! | [`container`] | the options of a target's container, and which of them a patch may change |
//! | `ages` | how long containers may wait, run and stay |
//! | [`key`] | the key of a start |
//! | [`docker`] | the Engine API as values: one file for each endpoint |
//! | [`fault`] | why a call to the Engine failed, and whether it had an effect |
//! | `pauses`, [`budget`] | the waits between two looks; the time limits of a webhook |
//! | `caller` | who calls: which secret of which variable |
//! | [`call_notes`] | the calls of one request to the Engine |
//! | `service_url` | where agents may register |
//! | `ownership` | the form of an owner and of a caller's labels |
//! | `environment_id` | which ids mean the same environment |
//! | `members` | JSON objects whose keys are not known in advance |
//! | `number` | whole numbers as text |
//! | [`secret`] | text that is never shown, and compared in constant time |
//! | [`platform`] | the outside world, as one trait |
//!
//! # Where a change belongs
//!
//! | change | place |
//! |---|---|
//! | a route | `route` and `query`, `webhook` or `api` for its body and answer, `provision` for its work, `handlers` for its handler |
//! | what the page shows | `page`, and a file in `templates` |
//! | a metric | `metrics`, its table in `deploy/observability/README.md`, and an alert there if it needs one; `provision/readings.rs` for a new reading |
//! | a variable | `config/mod.rs` (a secret of callers: `auth`), twice in `spin.toml`, a refused value in `config/tests.rs`, `docs/variables.md` |
//! | a key of `environments` | `config/overrides.rs` and `config/profile.rs`, and `docs/variables.md` |
//! | a Docker option that a patch may set, or must not | `container/create_body.rs` or `container/task_template.rs`, from which a test writes `docs/options.md`; on a Swarm `docker/swarm/template.rs` if Docker 25 does not know it |
//! | a call to the Engine | a file in `docker` (`docker/swarm`), and the operation in `backend` that makes it; its words in `tests/transcripts/script.rs` and its replies there, and in `docker/tests.rs` those that change no conversation; what its reader may accept in `fuzz/properties/engine.rs`; a line in `deploy/engine-proxy/calls.txt` (`deploy/swarm/calls.txt`), and a request in `admin/tests/calls.rs`; the model in `tests/promise/model`; its `operationId` in `engine-api/specifications/cut.py` |
//! | a refusal | a variant in its family in `error`, with its status, code and messages; a row in `error/tests.rs`, its code in `tests/promise/promise/answers.rs` if the model meets it, and in `docs/troubleshooting.md`; an order is refused in `provision/create.rs`, with rows in `tests/transcripts/choices.rs` |
//! | a promise | `tests/promise/promise.rs`, and the table in the README |
//! | a check of `doctor` | `xtask/src/doctor` (of a deployed server: `admin/src/doctor`), and rows in `host/tests/end_to_end/doctor.rs` |
//!
//! # Rules
//!
//! * Only `component` names Spin or WASI. The core has no clock, sleep,
//!   randomness, environment or network of its own.
//! * All state lives in the Engine: nothing is remembered between requests.
//! * `docker` imports nothing from above it. A file there makes a [`docker::call::Call`]:
//!   a request together with the reader of its response.
//! * An id in a path of the Engine API came from [`docker::TargetId::parse`].
//! * Only [`error`] chooses a failure's status, code and two messages.
//! * [`secret::Secret::expose`] is called only to check a secret, to put it into a container,
//!   its name or a registry's header, and to remove it from the log.
//! * No input makes the core panic.

mod after_answer;
mod ages;
mod answer;
pub mod api;
mod attempt;
mod audit;
pub mod auth;
pub mod backend;
pub mod budget;
pub mod call_notes;
mod caller;
#[cfg(target_family = "wasm")]
mod component;
pub mod config;
pub mod container;
pub mod docker;
pub mod engine;
mod environment_id;
pub mod error;
pub mod fault;
mod handlers;
pub mod key;
pub mod log_line;
mod members;
pub mod metrics;
mod number;
pub mod order;
mod ownership;
mod page;
mod pauses;
pub mod platform;
pub mod provision;
mod pull;
mod query;
pub mod reaper;
mod request_body;
pub mod route;
pub mod secret;
pub mod server;
mod service_url;
pub mod target_view;
pub mod webhook;
