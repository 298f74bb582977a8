//! Requests on a Swarm.

mod lists;
mod managers;
mod nodes;
mod reap;
mod renew;
mod repeated;
mod start;
mod stop;
