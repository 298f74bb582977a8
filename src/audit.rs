//! The events of the log: who asked for which change, and how it ended.
//!
//! Programs rely on their names and on the codes of [`Error::code`] and [`Reason::code`]:
//! `docs/audit.md` lists them.
//!
//! [`Reason::code`]: crate::reaper::Reason::code

use crate::docker::target::Target;
use crate::docker::{TargetId, label};
use crate::error::Error;
use crate::route::Route;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A start that succeeded, or that failed because of this server or its Engine.
    TargetStart,
    /// A refused start: for its payload, a limit, or an earlier start.
    TargetStartDenied,
    TargetStop,
    TargetRenew,
    /// A removal by the server on its own.
    TargetReap,
    /// A request without the credentials for its route, or from another site's page.
    AuthFailure,
    /// Any other refused request: a status of 400 to 499.
    RequestDenied,
    /// A health check with variables that are allowed but unsafe.
    ConfigUnsafe,
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetStart => "target.start",
            Self::TargetStartDenied => "target.start.denied",
            Self::TargetStop => "target.stop",
            Self::TargetRenew => "target.renew",
            Self::TargetReap => "target.reap",
            Self::AuthFailure => "auth.failure",
            Self::RequestDenied => "request.denied",
            Self::ConfigUnsafe => "config.unsafe",
        }
    }

    /// The event of a request, from its route, if that is known, and its error.
    pub fn of(route: Option<&Route>, error: Option<&Error>, is_unsafe: bool) -> Option<Self> {
        let is_refused = error.is_some_and(|error| error.status().is_client_error());
        match (route, error) {
            (_, Some(Error::Caller(_))) => Some(Self::AuthFailure),
            (Some(Route::Start | Route::StartTarget { .. }), _) if is_refused => {
                Some(Self::TargetStartDenied)
            }
            (Some(Route::Start | Route::StartTarget { .. }), _) => Some(Self::TargetStart),
            (Some(Route::Stop | Route::StopTarget(_)), _) => Some(Self::TargetStop),
            (Some(Route::RenewTarget(_)), _) => Some(Self::TargetRenew),
            _ if is_refused => Some(Self::RequestDenied),
            (Some(Route::Health), _) if is_unsafe => Some(Self::ConfigUnsafe),
            _ => None,
        }
    }
}

/// The target of an event, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The full id of the container.
    pub container: Option<String>,
    /// The environment, in its caller's spelling.
    pub environment: Option<String>,
    /// The id of the image, which is a digest.
    pub image: Option<String>,
}

impl Subject {
    /// A container that no list has shown: only its id is known.
    pub fn of_id(id: &TargetId) -> Self {
        Self {
            container: Some(id.as_str().to_owned()),
            ..Self::default()
        }
    }

    pub fn of(container: &Target) -> Self {
        Self {
            container: Some(container.id.as_str().to_owned()),
            environment: container.label(label::ENVIRONMENT_ID).map(str::to_owned),
            image: Some(container.image_id.clone()),
        }
    }
}

/// The id of the caller's trace, from its `traceparent` (W3C Trace Context, section
/// 3.2); `None` if that has another form.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let is_hex = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut fields = traceparent.split('-');
    let (version, trace, parent) = (fields.next()?, fields.next()?, fields.next()?);
    let is_right = (version.len(), trace.len(), parent.len()) == (2, 32, 16)
        && [version, trace, parent].into_iter().all(is_hex)
        && version != "ff"
        && trace.bytes().any(|digit| digit != b'0');
    is_right.then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::{Caller, Role};
    use crate::error::{CallerError, OrderError, RequestError, TargetError};

    #[test]
    fn each_change_and_each_refusal_is_an_event() {
        let id = TargetId::parse(&"0".repeat(64)).expect("an id");
        let caller = Caller {
            role: Role::Operator,
            position: 1,
        };
        let asked = Route::StartTarget { wait: None };
        let stop = Route::StopTarget(id.clone());
        let renew = Route::RenewTarget(id.clone());
        let late = || Some(Error::from(TargetError::RenewedTooLate(id.clone())));
        let full = || Some(OrderError::TooManyTargets(1, "").into());
        let busy = || Some(TargetError::InProgress.into());
        let not_permitted = Some(CallerError::NotPermitted(caller).into());
        let absent = Some(TargetError::NoSuchTarget.into());
        let reap = Route::Reap { dry_run: false };
        let (denied, failed) = ("target.start.denied", "auth.failure");
        let refused = "request.denied";
        for (route, error, event) in [
            (Some(&Route::Start), None, "target.start"),
            (Some(&asked), None, "target.start"),
            (Some(&Route::Start), busy(), "target.start"),
            (Some(&Route::Start), full(), denied),
            (Some(&asked), full(), denied),
            (Some(&renew), None, "target.renew"),
            (Some(&renew), late(), "target.renew"),
            (Some(&Route::Stop), None, "target.stop"),
            (Some(&stop), busy(), "target.stop"),
            (None, Some(CallerError::Unauthorized("").into()), failed),
            (Some(&stop), not_permitted, failed),
            (Some(&stop), Some(CallerError::CrossSite.into()), failed),
            (Some(&Route::Health), None, ""),
            (Some(&reap), None, ""),
            (Some(&Route::Metrics), None, ""),
            (None, Some(RequestError::UnknownPath.into()), refused),
            (Some(&Route::Metrics), absent, refused),
            (Some(&Route::Metrics), busy(), ""),
        ] {
            let found = Event::of(route, error.as_ref(), false).map(Event::name);
            assert_eq!(found.unwrap_or_default(), event, "{route:?} {error:?}");
        }
        let health = Event::of(Some(&Route::Health), None, true);
        assert_eq!(health.map(Event::name), Some("config.unsafe"));
    }

    #[test]
    fn no_refusal_is_without_an_event() {
        let routes = [
            Route::Start,
            Route::Stop,
            Route::Health,
            Route::Reap { dry_run: true },
            Route::ListTargets(crate::target_view::Filter::default()),
            Route::StartTarget { wait: None },
            Route::OpenApi,
            Route::Metrics,
            Route::Page { environment: None },
        ];
        let routes = || routes.iter().map(Some).chain([None]);
        for (error, _) in crate::error::tests::all() {
            for route in routes().filter(|_| error.status().is_client_error()) {
                let event = Event::of(route, Some(&error), false);
                assert!(event.is_some(), "{route:?} {error:?}");
            }
        }
    }

    #[test]
    fn a_trace_is_known_by_its_id() {
        const ID: &str = "0af7651916cd43dd8448eb211c80319c";
        for traceparent in [
            "00-ID-b7ad6b7169203331-01",
            "01-ID-b7ad6b7169203331-01-later",
        ] {
            let traceparent = traceparent.replace("ID", ID);
            assert_eq!(trace_id(&traceparent), Some(ID), "{traceparent}");
        }
        let (capitals, zeros) = (ID.to_uppercase(), "0".repeat(32));
        for (traceparent, id) in [
            ("ff-ID-b7ad6b7169203331-01", ID),
            ("00-ID-b7ad6b7169203331-01", &capitals),
            ("00-ID-b7ad6b7169203331-01", &zeros),
            ("00-ID", ID),
            ("planted", ""),
            ("", ""),
        ] {
            let traceparent = traceparent.replace("ID", id);
            assert_eq!(trace_id(&traceparent), None, "{traceparent}");
        }
    }
}
