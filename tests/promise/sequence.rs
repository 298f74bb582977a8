//! A platform that carries out the calls one after the other. All effects of a write
//! happen before the next call.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use dynamic_access::platform::{
    HttpRequest, HttpResponse, Keep, Platform, REPLY_BYTES_MAX, TransportError,
};

use crate::digest::digest;
use crate::model::{Key, Op, Orchestrator, Reply, Request, Swarm};
use crate::scenario::BEGINNING;

/// The fate of each removal of a container that cannot be removed.
#[derive(Clone, Copy)]
pub enum Stuck {
    Fails,
    Hangs,
}

/// An orchestrator, and a clock that runs only while somebody waits.
pub struct Sequence {
    pub orchestrator: RefCell<Orchestrator>,
    pub now: Cell<Duration>,
    /// The ids of the containers that cannot be removed.
    pub stuck: Vec<String>,
    pub removals: Stuck,
    pub seed: u64,
    /// How many replies were longer than they may be.
    pub too_long: Cell<usize>,
    calls: Cell<usize>,
    draws: Cell<usize>,
}

impl Sequence {
    pub fn of(orchestrator: Orchestrator) -> Self {
        Self {
            orchestrator: RefCell::new(orchestrator),
            now: Cell::new(BEGINNING),
            stuck: Vec::new(),
            removals: Stuck::Fails,
            seed: 0,
            too_long: Cell::default(),
            calls: Cell::default(),
            draws: Cell::default(),
        }
    }

    /// Carries out a request, and everything that follows from it.
    fn carry_out(&self, op: &Op) -> Reply {
        let mut orchestrator = self.orchestrator.borrow_mut();
        let call = self.calls.replace(self.calls.get() + 1);
        let (key, mut half) = (Key { actor: 0, call }, None);
        let now = self.now.get();
        let reply = loop {
            if let Some(reply) = orchestrator.step(op, &mut half, key, now).reply {
                break reply;
            }
        };
        if let Orchestrator::Swarm(swarm) = &mut *orchestrator {
            let next = |swarm: &Swarm| swarm.moves().next();
            while let Some((key, next)) = next(swarm) {
                swarm.make(key, next, now);
            }
        }
        reply
    }
}

impl Platform for Sequence {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        let op = Op::read(&request).expect("a request that the model knows");
        let reply = match (&op.request, self.removals) {
            (Request::Remove { id, .. }, Stuck::Fails) if self.stuck.contains(id) => {
                Reply::says(500, "device or resource busy")
            }
            (Request::Remove { id, .. }, Stuck::Hangs) if self.stuck.contains(id) => {
                self.sleep(limit).await;
                return Err(TransportError::TimedOut);
            }
            _ => self.carry_out(&op),
        };
        // A Swarm also shows a service as it was before its last update.
        let is_of_services = matches!(op.request, Request::Services(_));
        let length = reply.body.len() * if is_of_services { 2 } else { 1 };
        if length > REPLY_BYTES_MAX {
            self.too_long.set(self.too_long.get() + 1);
            return Err(TransportError::TooLong);
        }
        Ok(reply.to_http(""))
    }

    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
    }

    fn random(&self) -> u128 {
        let draw = self.draws.replace(self.draws.get() + 1);
        let half = |salt: u8| u128::from(digest((self.seed, draw, salt)));
        (half(0) << 64) | half(1)
    }
}
