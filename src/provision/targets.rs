//! Shows the targets: a list of them, a list of their renewals, and an inspect for a few
//! of them.

use std::slice::from_mut;

use time::OffsetDateTime;

use super::Provisioner;
use crate::docker::TargetId;
use crate::docker::swarm::node::Node;
use crate::docker::target::{Survey, Target};
use crate::error::{Error, TargetError};
use crate::fault::Fault;
use crate::platform::Platform;
use crate::target_view::{Filter, ShownState, TargetView};

/// The most ended targets, the youngest first, that a list shows with their exit codes.
/// Each takes a call, and ended targets stay for ten minutes.
const EXIT_CODES_MAX: usize = 20;

/// Everything that one list shows of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The Engine's name and version, if the reply has them.
    pub engine: Option<String>,
    /// The Engine's own time, if the reply has it.
    pub now: Option<OffsetDateTime>,
    /// The nodes of the Swarm, by the names of their hosts, or why they are missing; none
    /// on an Engine.
    pub nodes: Result<Vec<Node>, Fault>,
    /// All targets, the oldest first.
    pub targets: Vec<TargetView>,
}

impl<P: Platform> Provisioner<'_, P> {
    /// The targets that a filter selects, the oldest first, with the exit codes of the
    /// youngest ended ones.
    pub async fn targets(&self, filter: &Filter) -> Result<Vec<TargetView>, Error> {
        let (mut survey, _) = self.backend.survey_with_renewals().await?;
        self.add_hosts(&mut survey.targets).await;
        let mut targets = self.oldest_first(&survey, filter).await;
        targets.retain(|target| filter.shows(target));
        Ok(targets)
    }

    /// All targets, and which Engine answered, with the exit codes of the youngest ended
    /// ones of an environment, or of all.
    pub async fn overview(&self, environment: Option<&str>) -> Result<Overview, Error> {
        let (mut survey, _) = self.backend.survey_with_renewals().await?;
        let mut nodes = self.backend.nodes().await;
        if let Ok(nodes) = &mut nodes {
            nodes.sort_unstable_by(|one, other| one.hostname.cmp(&other.hostname));
            add_hosts_of(nodes, &mut survey.targets);
        }
        let filter = Filter {
            environment: environment.map(str::to_owned),
            ..Filter::default()
        };
        let targets = self.oldest_first(&survey, &filter).await;
        Ok(Overview {
            nodes,
            engine: survey.engine,
            now: survey.now,
            targets,
        })
    }

    /// The targets of a list, with exit codes for the youngest that a filter selects.
    async fn oldest_first(&self, survey: &Survey, filter: &Filter) -> Vec<TargetView> {
        let mut targets: Vec<_> = survey
            .targets
            .iter()
            .map(|container| TargetView::new(container, self.config))
            .collect();
        targets.sort_unstable_by(|one, other| {
            (one.created, one.id.as_str()).cmp(&(other.created, other.id.as_str()))
        });
        let youngest_first = targets.iter_mut().rev();
        let shown = youngest_first.filter(|target| filter.shows(target));
        let ended = shown.filter(|target| target.state == ShownState::Ended);
        let unknown = ended.filter(|target| target.exit_code.is_none());
        for target in unknown.take(EXIT_CODES_MAX) {
            target.exit_code = self.exit_code(&target.id).await;
        }
        targets
    }

    /// One target.
    /// A container that is not ours is no target.
    pub async fn target(&self, id: &TargetId) -> Result<TargetView, Error> {
        let found = self.found(id).await?;
        Ok(self.shown(found).await)
    }

    /// The view of a target that was found. Without its renewals, or the addresses of
    /// nodes, the rest is still worth an answer.
    pub(super) async fn shown(&self, mut found: Target) -> TargetView {
        let _ = self.backend.add_renewals(from_mut(&mut found)).await;
        self.add_hosts(from_mut(&mut found)).await;
        let mut target = TargetView::new(&found, self.config);
        if target.state == ShownState::Ended && target.exit_code.is_none() {
            target.exit_code = self.exit_code(&target.id).await;
        }
        target
    }

    /// Adds the addresses of nodes to targets with published ports, if callers see those.
    /// Without the list of nodes, the rest is still worth an answer.
    pub async fn add_hosts(&self, targets: &mut [Target]) {
        let is_told = self.config.publication.host.is_none();
        if is_told
            && targets.iter().any(Target::lacks_host)
            && let Ok(nodes) = self.backend.nodes().await
        {
            add_hosts_of(&nodes, targets);
        }
    }

    /// The container or service of a target, without its renewal.
    pub(super) async fn found(&self, id: &TargetId) -> Result<Target, Error> {
        if !self.backend.gives_out(id) {
            return Err(TargetError::NoSuchTarget.into());
        }
        let found = self.backend.find_by_id(id).await?;
        let found = found.filter(|found| found.is_of(&self.config.deployment_id));
        Ok(found.ok_or(TargetError::NoSuchTarget)?)
    }

    /// The exit code of an ended target. Without it, the rest is still worth an answer. A
    /// Swarm's list shows it already, if it is known.
    async fn exit_code(&self, id: &TargetId) -> Option<i64> {
        if self.backend.has_nodes() {
            return None;
        }
        self.backend.ended(id).await.ok().flatten()?.exit_code
    }
}

fn add_hosts_of(nodes: &[Node], targets: &mut [Target]) {
    for target in targets.iter_mut().filter(|target| target.lacks_host()) {
        let on = nodes
            .iter()
            .find(|node| Some(&node.id) == target.node.as_ref());
        target.set_host(on.and_then(|node| node.address.as_deref()));
    }
}
