//! The server under test: what a webhook does next.
//!
//! A webhook's code sees only the time and the replies to its calls. With the same
//! history it therefore does the same. Each history runs once and is remembered, and all
//! schedules share it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::server;

use crate::digest::digest;
use crate::model::Reply;
use crate::scenario::{Scenario, Webhook};

/// An input of a webhook's code.
#[derive(Debug, Clone)]
pub enum Told {
    /// The webhook is called.
    Called(Webhook),
    /// Its call has that result.
    Reply(Result<Reply, TransportError>),
    /// Its pause is over.
    Time,
}

/// A deed of a webhook's code.
#[derive(Debug)]
pub enum Deed {
    /// It sends a request with this limit, and waits for the reply.
    Send(HttpRequest, Duration),
    /// It pauses until this moment.
    Sleep(Duration),
    /// It answers, with these log lines.
    Answer(HttpResponse, Vec<String>),
    /// It has done its work after the answer, with these log lines.
    Finish(Vec<String>),
}

/// Runs the server's code, and remembers its deeds.
pub struct Server {
    scenario: Rc<Scenario>,
    histories: HashMap<u64, History>,
    /// The last history that ran for each actor, to continue from there.
    running: HashMap<usize, (u64, Running)>,
}

/// All inputs of one actor up to some moment.
struct History {
    /// The history without its last input; none at the beginning.
    before: Option<u64>,
    told: Told,
    now: Duration,
    /// The actor's deeds after the last input.
    deeds: Rc<[Deed]>,
}

impl Server {
    pub fn new(scenario: Rc<Scenario>) -> Self {
        Self {
            scenario,
            histories: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// The deeds of an actor with the history `before` after this input at `now`, and its
    /// history then.
    pub fn next(
        &mut self,
        actor: usize,
        before: u64,
        told: Told,
        now: Duration,
    ) -> (u64, Rc<[Deed]>) {
        let (what, before) = match &told {
            Told::Called(webhook) => (digest((actor, webhook)), None),
            Told::Reply(Ok(reply)) => (digest(reply), Some(before)),
            Told::Reply(Err(error)) => (digest(format!("{error:?}")), Some(before)),
            Told::Time => (0, Some(before)),
        };
        let history = digest((before, what, now));
        if let Some(known) = self.histories.get(&history) {
            return (history, Rc::clone(&known.deeds));
        }
        let mut running = match self.running.remove(&actor) {
            Some((last, running)) if before == Some(last) => running,
            _ => self.again(actor, before),
        };
        let deeds: Rc<[Deed]> = running.tell(&self.scenario, told.clone(), now).into();
        self.running.insert(actor, (history, running));
        let known = History {
            before,
            told,
            now,
            deeds: Rc::clone(&deeds),
        };
        self.histories.insert(history, known);
        (history, deeds)
    }

    /// Runs a history once more.
    fn again(&self, actor: usize, history: Option<u64>) -> Running {
        let part = |number: u64| &self.histories[&number];
        let parts = std::iter::successors(history.map(part), |last| last.before.map(part));
        let parts: Vec<&History> = parts.collect();
        let mut running = Running::default();
        running.shell.actor = actor;
        for part in parts.into_iter().rev() {
            running.tell(&self.scenario, part.told.clone(), part.now);
        }
        running
    }
}

/// The code of one webhook, under way.
#[derive(Default)]
struct Running {
    shell: Shell,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Running {
    fn tell(&mut self, scenario: &Rc<Scenario>, told: Told, now: Duration) -> Vec<Deed> {
        self.shell.inside.borrow_mut().now = now;
        match told {
            Told::Called(webhook) => {
                let code = serve(self.shell.clone(), Rc::clone(scenario), webhook);
                self.future = Some(Box::pin(code));
            }
            Told::Reply(reply) => {
                let reply = reply.map(|reply| reply.to_http(scenario.server()));
                self.shell.inside.borrow_mut().reply = Some(reply);
            }
            Told::Time => {}
        }
        let future = self.future.as_mut().expect("it was called");
        let _ = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        std::mem::take(&mut self.shell.inside.borrow_mut().deeds)
    }
}

/// One call of a webhook, from its request to the end of its work after the answer.
async fn serve(shell: Shell, scenario: Rc<Scenario>, webhook: Webhook) {
    let (head, body) = webhook.request(&scenario);
    let variables = |name: &'static str| scenario.variable(name);
    let answer = server::serve(&shell, &variables, &head, async move |_| Ok(body)).await;
    shell.does(Deed::Answer(answer.response, answer.lines));
    if let Some(after) = answer.after {
        let lines = after.run(&shell).await;
        shell.does(Deed::Finish(lines));
    }
}

/// The part of the world that a webhook's code sees.
#[derive(Clone, Default)]
struct Shell {
    actor: usize,
    inside: Rc<RefCell<Inside>>,
}

#[derive(Default)]
struct Inside {
    now: Duration,
    reply: Option<Result<HttpResponse, TransportError>>,
    draws: u64,
    deeds: Vec<Deed>,
}

impl Shell {
    fn does(&self, deed: Deed) {
        self.inside.borrow_mut().deeds.push(deed);
    }
}

impl Platform for Shell {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        self.does(Deed::Send(request, limit));
        poll_fn(|_| match self.inside.borrow_mut().reply.take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        })
        .await
    }

    fn now(&self) -> Duration {
        self.inside.borrow().now
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now() + duration;
        if !duration.is_zero() {
            self.does(Deed::Sleep(until));
        }
        poll_fn(|_| match self.now() < until {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    fn random(&self) -> u128 {
        let mut inside = self.inside.borrow_mut();
        inside.draws += 1;
        let half = |salt: u8| u128::from(digest((self.actor, inside.draws, salt)));
        // The lowest bits, which shorten pauses, differ from actor to actor and are
        // small, because long pauses make short schedules.
        let bits = (half(0) << 64) | half(1);
        (bits & !0x1ff) | ((self.actor as u128 & 7) << 4)
    }
}
