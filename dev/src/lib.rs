//! The code that the developer's commands and the tests share. Each module uses only those above
//! it:
//!
//! | module | does |
//! |---|---|
//! | [`interrupt`] | knows whether somebody asked us to end |
//! | [`message`] | reads messages of HTTP as they are on the wire |
//! | [`process`] | runs programs, in process groups that end with us, and starts daemons |
//! | [`network`] | finds free addresses; calls `ip` and `iptables` |
//! | [`docker`] | names an Engine, and talks to it through the Docker CLI |
//! | [`dockerd`] | names the files and the options of an Engine in a folder of its own |
//! | [`processes`] | finds and kills the processes of this machine |
//! | [`namespaces`] | reaches into the namespaces of a private Engine |
//! | [`swarm`] | makes a Swarm of several Engines |

pub mod docker;
pub mod dockerd;
pub mod interrupt;
pub mod message;
pub mod namespaces;
pub mod network;
pub mod process;
pub mod processes;
pub mod swarm;
