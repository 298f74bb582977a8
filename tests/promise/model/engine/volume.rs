//! The volumes of an Engine that nothing mounts, and the effect of each request on them.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use crate::model::op::{Filter, Op};
use crate::model::reply::rfc3339;
use crate::model::{Change, Key, Labels, Reply, Step, What};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Volume {
    pub name: String,
    pub labels: Labels,
    pub created: Duration,
}

impl Volume {
    /// The volume as a list and a create show it.
    fn entry(&self) -> Value {
        json!({
            "Name": self.name,
            "Driver": "local",
            "Labels": Some(&self.labels).filter(|labels| !labels.is_empty()),
            "Scope": "local",
            "CreatedAt": rfc3339(self.created),
        })
    }

    /// The id and the age in its name.
    fn renewal(&self) -> Option<(&str, Duration)> {
        let (rest, seconds) = self.name.rsplit_once('-')?;
        let (_, id) = rest.rsplit_once('-')?;
        Some((id, Duration::from_secs(seconds.parse().ok()?)))
    }

    /// Whether another is a longer renewal of the same target.
    pub fn is_replaced_by(&self, other: &Self) -> bool {
        let both = self.renewal().zip(other.renewal());
        both.is_some_and(|(own, other)| own.0 == other.0 && own.1 < other.1)
    }
}

impl Engine {
    /// Makes a volume, or leaves the one with this name as it is.
    pub(super) fn create_volume(&mut self, op: &Op, created: Duration) -> Step {
        let (name, labels) = (op.name.clone(), op.labels.clone());
        let mut there = self.volumes.iter();
        let at = there.position(|volume| volume.name == name);
        let at = at.unwrap_or_else(|| {
            self.volumes.push(Volume {
                name,
                labels,
                created,
            });
            self.volumes.len() - 1
        });
        let reply = Reply::new(201, self.volumes[at].entry());
        (self.renewed_by(&op.name), Some(reply))
    }

    pub(super) fn remove_volume(&mut self, name: &str) -> Step {
        let there = self.volumes.len();
        self.volumes.retain(|volume| volume.name != name);
        let reply = match self.volumes.len() < there {
            true => Reply::new(204, ""),
            false => Reply::says(404, format!("get {name}: no such volume")),
        };
        (self.renewed_by(name), Some(reply))
    }

    /// Begins a list, with the volumes that are there.
    pub(super) fn begin_list(&mut self, filter: &Filter, key: Key) {
        let shown = self.volumes.iter();
        let shown = shown.filter(|volume| filter.shows("", &volume.name, &volume.labels));
        self.lists.push((key, shown.cloned().collect()));
    }

    /// Ends a list, without the volumes that have gone or come since.
    pub(super) fn finish_list(&mut self, key: Key) -> Reply {
        let place = self.lists.iter().position(|(of, _)| *of == key);
        let (_, begun) = self.lists.remove(place.expect("it has begun"));
        let shown = begun.iter().filter(|volume| self.volumes.contains(volume));
        let shown: Vec<_> = shown.map(Volume::entry).collect();
        Reply::new(200, json!({"Volumes": shown, "Warnings": null}))
    }

    /// The change of a target by the renewal with this name; none if the target is gone.
    fn renewed_by(&self, name: &str) -> Option<Change> {
        let mut containers = self.containers.iter();
        let target = containers.find(|container| name.contains(&*container.id))?;
        let state = Some(target.state);
        Some(Change::new(target.key, state, state, What::Else))
    }

    /// The age up to which a target was renewed; zero if it was not.
    pub fn renewed(&self, key: Key) -> Duration {
        let id = key.container_id();
        let renewals = self.volumes.iter().filter_map(Volume::renewal);
        let own = renewals.filter(|(of, _)| *of == id);
        own.map(|(_, lifetime)| lifetime).max().unwrap_or_default()
    }
}
