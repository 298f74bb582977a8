//! The promises, held against every schedule.
//!
//! At most one container runs for an activation token; nothing of ours outlives its use by
//! more than the reaper's grace; nothing of anyone else's is touched; a success is true.
//! The server's code runs natively against a model of an Engine or of a Swarm, in virtual
//! time. [`promise`] checks each request, each change, each answer, and what each reap
//! leaves.
//!
//! # What is tried
//!
//! A *scenario* has the targets that exist before it, one to three webhooks, and the events
//! that may happen ([`scenario::Event`]). A *schedule* is one order of all steps: a webhook
//! is called, its call takes effect and is answered, a call whose answer was lost takes
//! effect later, an event happens, time passes. Then each webhook is called again, alone
//! and without faults, until it is settled, and a reaper comes three times. Every schedule
//! of each scenario is tried:
//!
//! | tests | webhooks | on | what may happen |
//! |---|---|---|---|
//! | [`faults`] | one | Docker, Podman | one call, or all from one on, meet any [`fate::Fate`] |
//! | | one of six | Docker | two faults; or a fault and an end, a restart or a prune |
//! | [`pairs`] | two | Docker, Podman | any order of steps, and one delay |
//! | | two | Docker | one fault of any kind; two crashes; one end |
//! | | three | Docker, Podman | any order of effects |
//! | [`renewals`] | one, two, of which one renews | Docker, Podman, a Swarm | any order; one fault |
//! | [`on_swarm`] | one, two | a Swarm | the same, and what a Swarm does; its bounds are there |
//!
//! # What is left out
//!
//! * Time passes only while nobody can go on, except for the delays and lags of a
//!   scenario. It passes until the next moment at which something is due.
//! * An answer arrives as soon as it is given, except on an Engine with a delay. The
//!   Engine cannot see the difference, and the caller only on its clock: the slow fates
//!   cover that.
//! * At most one call without an answer may still take effect later (two with
//!   [`fate::Fates::Hangs`]), and only within ten minutes.
//! * While a webhook repeats the same look, events happen only before its first, second,
//!   fifth and seventeenth look.
//! * Nothing fails after the work.
//!
//! Two shortcuts leave nothing out. A schedule ends where its state was met before
//! ([`schedule`]). The server's code runs once for each history of replies ([`server`]).
//!
//! # How to repeat one schedule
//!
//! A broken promise prints its schedule, and the command that runs it again:
//! `REPLAY="pair/start + stop | running 1m:0,1,1" cargo test --test promise -- --nocapture`.
//!
//! | module | knows |
//! |---|---|
//! | [`model`] | the model of an Engine, and that of a Swarm |
//! | [`fate`] | the possible fates of a call |
//! | [`rows`], [`scenario`], [`tokens`], [`before`] | the beginning of a schedule |
//! | [`server`] | what a webhook does next, after all replies so far |
//! | [`world`] | the state of a schedule |
//! | [`run`], [`steps`], [`phases`] | one schedule, its next steps, and the phases after the work |
//! | [`schedule`] | every schedule, one after the other |
//! | [`promise`] | the promises |
//! | [`faults`], [`pairs`], [`on_swarm`], [`renewals`] | the tests |

mod before;
mod digest;
mod fate;
mod faults;
mod model;
mod on_swarm;
mod pairs;
mod phases;
mod promise;
mod renewals;
mod rows;
mod run;
mod scenario;
mod schedule;
mod server;
mod steps;
mod tokens;
mod world;
