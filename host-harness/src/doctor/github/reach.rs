//! What the first answer of GitHub tells: it can be reached, what it thinks of the credential, and what its clock says.
//! Decisions only.

use super::client::{Answer, Asked, Trouble};
use crate::doctor::finding::Finding;
use crate::egress::Unreached;

pub(super) const REACHABLE: &str = "github.reachable";
pub(super) const CREDENTIAL: &str = "github.credential";
pub(super) const CLOCK: &str = "github.clock";
pub(super) const BUDGET: &str = "github.rate-budget";

/// How far clocks may differ without a word, in seconds: as much as the host itself lets pass.
const SLIGHT: u64 = 30;
/// How far they may differ before the JWTs of an App, which live for ten minutes, are refused, in seconds.
const TOO_FAR: u64 = 5 * 60;

/// Whether GitHub's API answers at `api`.
pub(super) fn reached(api: &str, asked: &Asked) -> Finding {
    match asked {
        Ok(answer) if is_github(answer) => Finding::ok(REACHABLE, format!("{api} answers")),
        Ok(answer) => Finding::wrong(
            REACHABLE,
            format!(
                "what answers at {api} is not GitHub's API (status {})",
                answer.status
            ),
            "set api-url to https://api.github.com, or to that of an Enterprise Server, which ends in /api/v3; a proxy \
             on the way may answer too",
        ),
        Err(Trouble::Unreached(reason)) => {
            let says = match reason {
                // It names the server itself.
                Unreached::Address(sentence) => sentence.clone(),
                _ => format!("{api} cannot be reached: {reason}"),
            };
            Finding::wrong(REACHABLE, says, way(reason))
        }
        // The App's key cannot sign, for instance: nothing was asked.
        Err(trouble) => Finding::not_known(REACHABLE, trouble.to_string(), "run this again"),
    }
}

/// API answers are JSON and carry marks that pages of the website do not have.
fn is_github(answer: &Answer) -> bool {
    let has_mark = ["x-github-media-type", "x-github-request-id"]
        .iter()
        .any(|name| answer.headers.contains_key(*name));
    has_mark && answer.read::<serde_json::Value>().is_some()
}

fn way(reason: &Unreached) -> &'static str {
    match reason {
        Unreached::Address(_) => {
            "this host sends requests to public addresses only, unless it is told"
        }
        Unreached::Denied(_) => "check api-url",
        Unreached::Name => "check api-url and the name service of this machine",
        Unreached::Refused | Unreached::TimedOut => {
            "check api-url, the firewall, and whether the server is up"
        }
        Unreached::Certificate(_) => {
            "name the server's authority in ca-file, or check the name in api-url and the clock of this machine"
        }
        Unreached::Tls(_) | Unreached::Broken(_) => {
            "check api-url: its scheme, its port, and what stands between"
        }
    }
}

/// Whether GitHub accepts a token, by its answer to any request.
pub(super) fn token(answer: &Answer) -> Finding {
    match answer.status {
        401 => Finding::wrong(
            CREDENTIAL,
            format!("GitHub does not accept the token ({})", answer.words()),
            "make a new token, and put it where credential.token points to",
        ),
        status if status < 400 => Finding::ok(CREDENTIAL, "GitHub accepts the token"),
        _ => not_now(answer),
    }
}

/// Whether GitHub knows the App and its key, by its answer to `GET /app`.
pub(super) fn app(answer: &Answer) -> Finding {
    match answer.status {
        200 => {
            let slug = answer.read::<super::app::AppObject>().map(|app| app.slug);
            let slug = slug.as_deref().unwrap_or("?");
            Finding::ok(
                CREDENTIAL,
                format!("GitHub knows the App {slug:?} by its key"),
            )
        }
        401 | 404 => Finding::wrong(
            CREDENTIAL,
            format!("GitHub does not accept the App's key ({})", answer.words()),
            "check that credential.app.id and credential.app.private-key are of the same App, that the key was not \
             deleted there, and the clock of this machine",
        ),
        _ => not_now(answer),
    }
}

fn not_now(answer: &Answer) -> Finding {
    let says = format!("GitHub cannot tell now ({})", answer.words());
    Finding::not_known(CREDENTIAL, says, "run this again")
}

/// That requests are anonymous.
pub(super) fn no_credential() -> Finding {
    Finding::wrong(
        CREDENTIAL,
        "there is none: requests are anonymous, and start nothing",
        "set credential.token or credential.app",
    )
}

/// How GitHub's clock and ours differ. `of_app`: whether an App's JWTs depend on it.
pub(super) fn clock(skew: Option<i64>, of_app: bool) -> Finding {
    let Some(skew) = skew else {
        let says = "GitHub's answer has no date";
        return Finding::not_known(CLOCK, says, "ask what stands between to leave `date` in");
    };
    let (distance, side) = (
        skew.unsigned_abs(),
        if skew > 0 { "behind" } else { "ahead of" },
    );
    let says = format!("this machine's clock is {distance} s {side} GitHub's");
    let mend = "set this machine's clock, and keep it right with NTP";
    if distance <= SLIGHT {
        Finding::ok(CLOCK, "this machine's clock agrees with GitHub's")
    } else if distance > TOO_FAR && of_app {
        let says = format!("{says}, and the App's JWTs are refused at first");
        Finding::wrong(CLOCK, says, mend)
    } else {
        Finding::warning(CLOCK, says, mend)
    }
}

/// What is left of the rate limit, by the answer to `GET /rate_limit`. No run is started at `threshold`.
pub(super) fn budget(asked: &Asked, threshold: u32, now: i64) -> Finding {
    #[derive(serde::Deserialize)]
    struct Limits {
        resources: Resources,
    }
    #[derive(serde::Deserialize)]
    struct Resources {
        core: Core,
    }
    #[derive(serde::Deserialize)]
    struct Core {
        limit: u32,
        remaining: u32,
        reset: i64,
    }
    let answer = match asked {
        Ok(answer) => answer,
        Err(trouble) => {
            return Finding::not_known(
                BUDGET,
                trouble.to_string(),
                "mend that, and run this again",
            );
        }
    };
    let Some(Limits {
        resources: Resources { core },
    }) = answer.read()
    else {
        // An Enterprise Server whose limits are off answers 404.
        return match answer.status {
            404 => Finding::ok(BUDGET, "this server has no rate limit"),
            _ => Finding::not_known(
                BUDGET,
                format!("GitHub answered {}", answer.words()),
                "run this again",
            ),
        };
    };
    let (left, limit) = (core.remaining, core.limit);
    let minutes = core.reset.saturating_sub(now).max(0) / 60 + 1;
    let says = format!("{left} of {limit} requests are left for the next {minutes} min");
    if left <= threshold {
        let says =
            format!("{says}, and no run is started at {threshold} (scheduler.rate-threshold)");
        let mend = "wait for that, and see who else uses the credential";
        Finding::wrong(BUDGET, says, mend)
    } else if left < limit / 10 {
        let mend =
            "see who else uses the credential; an App has a limit of its own for each organization";
        Finding::warning(BUDGET, says, mend)
    } else {
        Finding::ok(
            BUDGET,
            format!("more than a tenth of {limit} requests an hour is left"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use http::HeaderMap;

    fn answer(status: u16, headers: &[&'static str], body: &'static str) -> Answer {
        let value = http::HeaderValue::from_static("x");
        Answer {
            status,
            headers: headers
                .iter()
                .map(|name| (http::HeaderName::from_static(name), value.clone()))
                .collect::<HeaderMap>(),
            body: body.into(),
            skew: None,
        }
    }

    #[test]
    fn a_website_is_not_taken_for_the_api() {
        let mark = "x-github-request-id";
        for (headers, body, state) in [
            (&[mark][..], "{}", State::Ok),
            (&[mark], "<!doctype html>", State::Wrong),
            (&[], "{}", State::Wrong),
        ] {
            let asked = Ok(answer(404, headers, body));
            assert_eq!(reached("https://g.example", &asked).state, state);
        }
    }

    #[test]
    fn clocks_may_differ_by_half_a_minute_and_those_of_apps_by_five_at_most() {
        for (skew, of_token, of_app) in [
            (Some(-30), State::Ok, State::Ok),
            (Some(31), State::Warning, State::Warning),
            (Some(-300), State::Warning, State::Warning),
            (Some(301), State::Warning, State::Wrong),
            (None, State::NotKnown, State::NotKnown),
        ] {
            assert_eq!(clock(skew, false).state, of_token, "{skew:?}");
            assert_eq!(clock(skew, true).state, of_app, "{skew:?}");
        }
    }

    #[test]
    fn a_server_without_limits_is_fine() {
        let asked = Ok(answer(
            404,
            &[],
            r#"{"message":"Rate limiting is not enabled."}"#,
        ));
        assert_eq!(budget(&asked, 20, 0).state, State::Ok);
        let asked = Ok(answer(503, &[], ""));
        assert_eq!(budget(&asked, 20, 0).state, State::NotKnown);
    }

    #[test]
    fn a_server_in_trouble_says_nothing_about_the_credential() {
        for judge in [token, app] {
            assert_eq!(judge(&answer(502, &[], "")).state, State::NotKnown);
        }
    }
}
