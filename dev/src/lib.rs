//! What the developer's commands and the tests share. Each module uses only those above it:
//!
//! | module | does |
//! |---|---|
//! | [`interrupt`] | knows whether somebody asked us to end |
//! | [`process`] | runs programs, in process groups that end with us |
//! | [`processes`] | finds the processes of this machine |
//! | [`network`] | finds free addresses; calls `ip` and `iptables` |
//! | [`docker`] | names an Engine, and talks to it through the Docker CLI |
//! | [`namespaces`] | reaches into the namespaces of a private Engine |
//! | [`swarm`] | makes a Swarm of several Engines |

pub mod docker;
pub mod interrupt;
pub mod namespaces;
pub mod network;
pub mod process;
pub mod processes;
pub mod swarm;
