//! What became of a webhook's last deliveries.

use super::client::{GitHub, shortened};
use super::hook::{Hook, Wanted};
use super::place::HookId;
use super::webhook::DELIVERIES;
use crate::doctor::finding::Finding;
use jiff::Timestamp;
use serde::Deserialize;

/// How many deliveries are looked at.
const LOOKED_AT: usize = 20;

/// One attempt, as GitHub's log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: u64,
    #[serde(default, deserialize_with = "super::client::moment")]
    delivered_at: Option<Timestamp>,
    /// `OK`, or what went wrong.
    status: String,
    /// None, or 0: nobody answered.
    status_code: Option<u16>,
    event: String,
}

impl Delivery {
    fn code(&self) -> Option<u16> {
        self.status_code.filter(|code| *code > 0)
    }

    pub(super) fn is_taken(&self) -> bool {
        matches!(self.code(), Some(200..=299))
    }

    fn when(&self) -> String {
        let when = self.delivered_at.map(|moment| moment.to_string());
        when.unwrap_or_else(|| "at a time that is not told".to_owned())
    }

    /// With what it was answered.
    fn answer(&self) -> String {
        match self.code() {
            Some(code) => format!("with {code}"),
            None => format!("with nothing ({})", shortened(&self.status)),
        }
    }
}

/// The last deliveries of a hook, newest first. Err: why they cannot be seen.
pub(super) async fn last(github: &GitHub<'_>, hook: &HookId) -> Result<Vec<Delivery>, String> {
    let path = format!("{}/deliveries?per_page={LOOKED_AT}", hook.path());
    let asked = github.get(&hook.place.asker(github), &path).await;
    let answer = asked.map_err(|trouble| trouble.to_string())?;
    if !answer.is_success() {
        return Err(answer.words());
    }
    let unreadable = || "the answer cannot be read".to_owned();
    answer.read().ok_or_else(unreadable)
}

/// What whoever got a delivery said to it, if GitHub has kept that.
pub(super) async fn said(
    github: &GitHub<'_>,
    hook: &HookId,
    delivery: &Delivery,
) -> Option<String> {
    #[derive(Deserialize)]
    struct Whole {
        response: Said,
    }
    #[derive(Deserialize)]
    struct Said {
        payload: Option<String>,
    }
    let path = format!("{}/deliveries/{}", hook.path(), delivery.id);
    let asked = github.get(&hook.place.asker(github), &path).await;
    let whole: Whole = asked.ok()?.read()?;
    let said = shortened(&whole.response.payload?);
    (!said.is_empty()).then_some(said)
}

/// Those that tell something about the hook as it is: of events that are wanted, since it was last changed, and after
/// `before`, the newest when it was mended.
pub(super) fn telling(
    all: Vec<Delivery>,
    hook: &Hook,
    wanted: &Wanted,
    before: Option<u64>,
) -> Vec<Delivery> {
    // GitHub shows whole seconds.
    let since = hook.updated_at.map(Timestamp::as_second);
    all.into_iter()
        .take_while(|it| Some(it.id) != before)
        .filter(|it| it.delivered_at.map(Timestamp::as_second) >= since)
        .filter(|it| it.event == "ping" || wanted.events.contains(&it.event))
        .collect()
}

/// Whether the last deliveries were taken. `said`: what was answered to the newest.
pub(super) fn judge(telling: &[Delivery], said: Option<&str>, has_secret: bool) -> Finding {
    let Some(newest) = telling.first() else {
        return Finding::not_known(
            DELIVERIES,
            "there was none yet since it was made or changed",
            "start a workflow, and run this again",
        );
    };
    let failed: Vec<&Delivery> = telling.iter().filter(|it| !it.is_taken()).collect();
    let answer = newest.answer();
    if newest.is_taken() {
        let Some(last) = failed.first() else {
            return Finding::ok(DELIVERIES, format!("the last ones were answered {answer}"));
        };
        let says = format!(
            "the last one was answered {answer}, but {} of the last {} were not taken, the last of them answered {}",
            failed.len(),
            telling.len(),
            last.answer()
        );
        return Finding::warning(DELIVERIES, says, "redeliver those in the hook's settings");
    }
    let said = said.map(|text| format!(": {text:?}")).unwrap_or_default();
    let says = format!(
        "the last one ({}, {}) was answered {answer}{said}",
        shortened(&newest.event),
        newest.when()
    );
    Finding::wrong(DELIVERIES, says, remedy(newest.code(), has_secret))
}

fn remedy(code: Option<u16>, has_secret: bool) -> &'static str {
    match code {
        None => {
            "check that the host runs, and that GitHub reaches it at that URL: name, firewall, certificate"
        }
        Some(401) if has_secret => {
            "the secrets differ: run this again with --fix, which gives the hook the one that is configured here"
        }
        Some(401) => "set webhook-secret here, and the hook's secret to the same",
        Some(404) => {
            "check what answers at that URL: the host's path-prefix, the installation's id, the proxy before it"
        }
        Some(300..=399) => {
            "give the hook the URL to which that one redirects: GitHub does not follow"
        }
        Some(_) => "look into the log of the host, or of the proxy before it",
    }
}

/// Whether the newest was refused because of its signature.
pub(super) fn is_refused_for_its_secret(telling: &[Delivery]) -> bool {
    telling.first().and_then(Delivery::code) == Some(401)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn delivery(id: u64, status_code: Option<u16>, second: i64) -> Delivery {
        Delivery {
            id,
            delivered_at: Some(Timestamp::from_second(second).unwrap()),
            status: "timed out".to_owned(),
            status_code,
            event: "workflow_run".to_owned(),
        }
    }

    #[test]
    fn the_newest_delivery_decides() {
        for (codes, state) in [
            (&[][..], State::NotKnown),
            (&[Some(202), Some(204)], State::Ok),
            (&[Some(202), Some(503)], State::Warning),
            (&[Some(401), Some(202)], State::Wrong),
            (&[None], State::Wrong),
            (&[Some(0)], State::Wrong),
            (&[Some(302)], State::Wrong),
        ] {
            let all: Vec<_> = codes.iter().map(|code| delivery(1, *code, 0)).collect();
            assert_eq!(judge(&all, None, true).state, state, "{codes:?}");
        }
    }

    #[test]
    fn what_was_before_the_last_change_tells_nothing() {
        let config = super::super::hook::Config::default();
        let mut hook = Hook::of_app(config, vec![]);
        hook.updated_at = Some(Timestamp::from_second(100).unwrap());
        let wanted = Wanted {
            urls: vec![],
            path: String::new(),
            events: vec!["workflow_run".to_owned()],
            has_secret: true,
            takes_unsigned: false,
        };
        let mut push = delivery(5, Some(500), 130);
        push.event = "push".to_owned();
        let all = vec![
            push,
            delivery(4, Some(202), 120),
            delivery(3, Some(401), 110),
            delivery(2, Some(401), 99),
        ];
        let ids = |before| {
            let telling = telling(all.clone(), &hook, &wanted, before);
            telling.iter().map(|it| it.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None), [4, 3]);
        assert_eq!(ids(Some(3)), [4]);
    }

    #[test]
    fn a_redirect_is_no_success() {
        assert!(!delivery(1, Some(302), 0).is_taken());
        assert!(delivery(1, Some(202), 0).is_taken());
    }
}
