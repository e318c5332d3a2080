//! An App in front of a scripted GitHub.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use http::Request;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

const PKCS1: &str = include_str!("../../simulator/github/app/test-key-no-secret.pkcs1.pem");
const PKCS8: &str = include_str!("../../simulator/github/app/test-key-no-secret.pkcs8.pem");

/// What GitHub answers, and what it was asked.
struct Script<F> {
    answer: F,
    asked: RefCell<Vec<Asked>>,
}

#[derive(Debug, Clone)]
struct Asked {
    line: String,
    claims: Value,
    body: String,
}

impl<F: Fn(&str, usize) -> Response<Bytes>> Script<F> {
    /// `answer` gets method and path, and how many such requests came before.
    fn of(answer: F) -> Script<F> {
        Script {
            answer,
            asked: RefCell::default(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let asked = self.asked.borrow();
        asked.iter().map(|asked| asked.line.clone()).collect()
    }

    fn mints(&self) -> usize {
        let is_mint = |line: &&String| line.ends_with("access_tokens");
        self.lines().iter().filter(is_mint).count()
    }
}

impl<F: Fn(&str, usize) -> Response<Bytes>> Sender for Script<F> {
    type Error = &'static str;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, &'static str> {
        // As on a network: others run before the answer is there.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let line = format!("{} {}", request.method(), request.uri().path());
        let bearer = request.headers()["authorization"].to_str().unwrap();
        let claims = bearer.strip_prefix("Bearer ").unwrap().split('.').nth(1);
        let claims = URL_SAFE_NO_PAD.decode(claims.unwrap()).unwrap();
        let before = self.lines().iter().filter(|known| **known == line).count();
        self.asked.borrow_mut().push(Asked {
            line: line.clone(),
            claims: serde_json::from_slice(&claims).unwrap(),
            body: String::from_utf8(request.body().to_vec()).unwrap(),
        });
        let answer = (self.answer)(&line, before);
        match answer.status().as_u16() {
            599 => Err("no route"),
            _ => Ok(answer),
        }
    }
}

fn answer(status: u16, body: Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(body.to_string().into())
        .unwrap()
}

fn minted(number: usize) -> Response<Bytes> {
    let end = jiff::Timestamp::from_second(host_time() + 3600).unwrap();
    answer(
        201,
        json!({ "token": format!("ghs_{number}"), "expires_at": end.to_string() }),
    )
}

/// The App is installed for `acme` under the id 7.
fn installed(line: &str, before: usize) -> Response<Bytes> {
    match line {
        "GET /orgs/acme/installation" => answer(200, json!({ "id": 7, "suspended_at": null })),
        "POST /app/installations/7/access_tokens" => minted(before + 1),
        _ => answer(404, json!({ "message": "Not Found" })),
    }
}

fn app_with(scope: Scope, api: &str) -> GitHubApp {
    GitHubApp::new(AppOptions {
        id: "Iv1.abc".to_owned(),
        key: PKCS1,
        api: api.parse().unwrap(),
        scope,
        permissions: BTreeMap::new(),
    })
    .unwrap()
}

fn app() -> GitHubApp {
    app_with(
        Scope::Organization("Acme".to_owned()),
        "https://api.github.example",
    )
}

fn acme(app: &GitHubApp) -> Account {
    app.account(&"https://api.github.example/x".parse().unwrap(), None)
        .unwrap()
}

async fn header<S: Sender>(app: &GitHubApp, sender: &S) -> Result<String, AppError<S::Error>> {
    let (header, _) = app.authorization(&acme(app), sender).await?;
    Ok(header.to_str().unwrap().to_owned())
}

async fn refusal<S: Sender>(app: &GitHubApp, sender: &S) -> Refusal {
    match header(app, sender).await {
        Err(AppError::Refused(refusal)) => refusal,
        _ => panic!("not refused"),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_key_is_read_in_every_form_in_which_it_is_handed_around() {
    let in_one_line = PKCS1.replace('\n', "\\n");
    let base64 = STANDARD.encode(PKCS1);
    let (begin, rest) = base64.split_at(76);
    let in_lines = format!("{begin}\n{rest}\n");
    for text in [PKCS1, PKCS8, &in_one_line, &base64, &in_lines] {
        assert!(AppKey::parse(text).is_ok());
    }
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    let certificate = PKCS8.replace("PRIVATE KEY", "CERTIFICATE");
    let damaged = PKCS1.replacen("MII", "MIJ", 1);
    for text in [
        "hunter2",
        "",
        &certificate,
        &STANDARD.encode("hunter2"),
        &damaged,
    ] {
        let Err(error) = AppKey::parse(text) else {
            panic!("{text} was taken for a key");
        };
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_made_once_and_used_until_shortly_before_its_end() {
    let (app, github) = (app(), Script::of(installed));
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
    assert_eq!(
        github.lines(),
        [
            "GET /orgs/acme/installation",
            "POST /app/installations/7/access_tokens"
        ]
    );
    tokio::time::advance(HOUR - Duration::from_secs(301)).await;
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_2");
    assert_eq!(github.mints(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_jwt_says_who_and_is_valid_for_a_little_less_than_github_allows() {
    let (app, github) = (app(), Script::of(installed));
    header(&app, &github).await.unwrap();
    let asked = github.asked.borrow()[1].clone();
    assert_eq!(asked.body, "");
    assert_eq!(asked.claims["iss"], "Iv1.abc");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let (iat, exp) = (&asked.claims["iat"], &asked.claims["exp"]);
    assert!((now - 60 - iat.as_i64().unwrap()).abs() < 5, "{iat}");
    assert!((now + 540 - exp.as_i64().unwrap()).abs() < 5, "{exp}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_at_once_make_one_token() {
    let (app, github) = (app(), Script::of(installed));
    let all = join_all((0..100).map(|_| header(&app, &github))).await;
    assert!(
        all.into_iter()
            .all(|header| header.unwrap() == "Bearer ghs_1")
    );
    assert_eq!(github.mints(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_asks_gives_up_the_next_one_asks() {
    let (app, github) = (app(), Script::of(installed));
    let impatient = tokio::time::timeout(Duration::from_millis(60), header(&app, &github));
    let (given_up, got) = tokio::join!(impatient, header(&app, &github));
    assert!(given_up.is_err());
    assert_eq!(got.unwrap(), "Bearer ghs_1");
}

#[tokio::test(start_paused = true)]
async fn while_one_replaces_an_ageing_token_the_others_go_on_with_it() {
    let (app, github) = (app(), Script::of(installed));
    header(&app, &github).await.unwrap();
    tokio::time::advance(HOUR - Duration::from_secs(200)).await;
    let all = join_all((0..3).map(|_| header(&app, &github))).await;
    let all: Vec<String> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(all, ["Bearer ghs_2", "Bearer ghs_1", "Bearer ghs_1"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_replaced_is_used_to_its_end() {
    let app = app();
    let github = Script::of(|line: &str, before: usize| match before {
        1.. if line.starts_with("POST") => answer(599, json!({})),
        _ => installed(line, before),
    });
    header(&app, &github).await.unwrap();
    tokio::time::advance(HOUR - Duration::from_secs(200)).await;
    for _ in 0..5 {
        assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
    }
    assert_eq!(github.mints(), 2, "GitHub is not asked by each request");
    tokio::time::advance(Duration::from_secs(195)).await;
    assert!(matches!(
        header(&app, &github).await,
        Err(AppError::Unreachable("no route"))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_server_refuses_is_replaced_and_a_newer_one_stays() {
    let (app, github) = (app(), Script::of(installed));
    let (old, _) = app.authorization(&acme(&app), &github).await.unwrap();
    assert!(app.was_refused(&acme(&app), &old));
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_2");
    assert!(app.was_refused(&acme(&app), &old));
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_2");
    let said = app.blot(Cow::Borrowed("ghs_1 ghs_2"));
    assert_eq!(said, "[secret] [secret]");
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_with_any_token_have_one_made_now_and_then_and_not_each() {
    let (app, github) = (app(), Script::of(installed));
    for _ in 0..100 {
        let (token, _) = app.authorization(&acme(&app), &github).await.unwrap();
        app.was_refused(&acme(&app), &token);
        tokio::time::advance(RENEWED_FOR / 10).await;
    }
    assert!(github.mints() <= 11, "{} mints", github.mints());
}

#[tokio::test(start_paused = true)]
async fn while_github_wants_a_pause_it_is_not_asked_for_a_token_again() {
    let limited = Script::of(|line: &str, before: usize| {
        let mut reply = answer(429, json!({ "message": "slow down" }));
        reply.headers_mut().insert("retry-after", 7.into());
        match before {
            0 => reply,
            _ => installed(line, before),
        }
    });
    let app = app();
    for _ in 0..5 {
        let got = header(&app, &limited).await;
        assert!(matches!(got, Err(AppError::Limited(pause)) if pause <= Duration::from_secs(7)));
    }
    assert_eq!(limited.lines().len(), 1);
    tokio::time::advance(Duration::from_secs(7)).await;
    assert!(
        matches!(header(&app, &limited).await, Err(AppError::Limited(_))),
        "the mint's own"
    );
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(header(&app, &limited).await.unwrap(), "Bearer ghs_2");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_not_installed_is_asked_about_once_and_again_after_ten_seconds() {
    let app = app();
    let github = Script::of(|_: &str, _: usize| answer(404, json!({})));
    for _ in 0..3 {
        assert_eq!(refusal(&app, &github).await, Refusal::NotInstalled);
    }
    assert_eq!(
        github.lines(),
        [
            "GET /orgs/acme/installation",
            "GET /users/acme/installation"
        ]
    );
    tokio::time::advance(Duration::from_secs(11)).await;
    let github = Script::of(installed);
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
}

#[tokio::test(start_paused = true)]
async fn a_user_has_installations_too() {
    let app = app();
    let github = Script::of(|line: &str, before: usize| match line {
        "GET /users/acme/installation" => answer(200, json!({ "id": 7 })),
        "GET /orgs/acme/installation" => answer(404, json!({})),
        _ => installed(line, before),
    });
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_installation_is_said_to_be_suspended_wherever_github_says_so() {
    let now = "2026-01-01T00:00:00Z";
    let found =
        Script::of(|_: &str, _: usize| answer(200, json!({ "id": 7, "suspended_at": now })));
    assert_eq!(refusal(&app(), &found).await, Refusal::Suspended);
    let words = json!({ "message": "This installation has been suspended" });
    let minting = Script::of(|line: &str, before: usize| match line {
        "POST /app/installations/7/access_tokens" => answer(403, words.clone()),
        _ => installed(line, before),
    });
    assert_eq!(refusal(&app(), &minting).await, Refusal::Suspended);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_was_installed_anew_is_found_under_its_new_id() {
    let app = app();
    header(&app, &Script::of(installed)).await.unwrap();
    tokio::time::advance(HOUR).await;
    let github = Script::of(|line: &str, before: usize| match line {
        "GET /orgs/acme/installation" => answer(200, json!({ "id": 8 })),
        "POST /app/installations/8/access_tokens" => minted(before + 80),
        _ => answer(404, json!({})),
    });
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_80");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_corrected_by_githubs_and_the_life_of_the_token_too() {
    let hour_ahead = SystemTime::now() + HOUR;
    let app = app();
    let github = Script::of(|line: &str, before: usize| {
        let mut reply = match (line, before) {
            ("GET /orgs/acme/installation", 0) => answer(
                401,
                json!({ "message": "'Expiration time' claim ('exp') must be in the future" }),
            ),
            ("POST /app/installations/7/access_tokens", _) => {
                let end = jiff::Timestamp::from_second(host_time() + 7200).unwrap();
                answer(
                    201,
                    json!({ "token": format!("ghs_{before}"), "expires_at": end.to_string() }),
                )
            }
            _ => installed(line, before),
        };
        let date = httpdate::fmt_http_date(hour_ahead).parse().unwrap();
        reply.headers_mut().insert("date", date);
        reply
    });
    header(&app, &github).await.unwrap();
    let exp = |number: usize| {
        github.asked.borrow()[number].claims["exp"]
            .as_i64()
            .unwrap()
    };
    assert!((exp(1) - exp(0) - 3600).abs() < 5);
    assert_eq!(github.lines().len(), 3);
    tokio::time::advance(Duration::from_secs(3400)).await;
    assert_eq!(header(&app, &github).await.unwrap(), "Bearer ghs_1");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_github_does_not_accept_is_said_with_its_words_and_without_the_jwt() {
    let app = app();
    let github = Script::of(|_: &str, _: usize| {
        answer(
            401,
            json!({ "message": "A JSON web token could not be decoded" }),
        )
    });
    let refusal = refusal(&app, &github).await;
    let said = app.explain(Some(&acme(&app)), &refusal);
    assert!(
        said.contains("A JSON web token could not be decoded") && said.contains("Iv1.abc"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_a_pause_and_an_error_of_githubs_is_no_refusal() {
    let limited = Script::of(|_: &str, _: usize| {
        let mut reply = answer(
            403,
            json!({ "message": "You have exceeded a secondary rate limit" }),
        );
        reply.headers_mut().insert("retry-after", 7.into());
        reply
    });
    assert!(matches!(
        header(&app(), &limited).await,
        Err(AppError::Limited(pause)) if pause == Duration::from_secs(7)
    ));
    let broken = Script::of(|_: &str, _: usize| answer(502, json!("<html>")));
    assert!(matches!(
        header(&app(), &broken).await,
        Err(AppError::Unavailable(words)) if words.contains("502")
    ));
}

#[test]
fn a_fixed_installation_gets_its_own_token_whatever_is_asked_for() {
    let uri = "https://api.github.example/repos/globex/api"
        .parse()
        .unwrap();
    let fixed = app();
    assert_eq!(fixed.account(&uri, None), Ok(Account("acme".to_owned())));
    let free = app_with(Scope::AnyInstallation, "https://api.github.example");
    let globex = free.account(&uri, None).unwrap();
    assert_eq!(globex, Account("globex".to_owned()));
    let numbered = "https://api.github.example/repositories/7".parse().unwrap();
    assert_eq!(free.account(&numbered, Some(&globex)), Ok(globex));
    assert_eq!(free.account(&numbered, None), Err(Refusal::NoOrganization));
}

#[tokio::test(start_paused = true)]
async fn tokens_have_only_the_permissions_that_are_configured() {
    let app = GitHubApp::new(AppOptions {
        id: "1".to_owned(),
        key: PKCS8,
        api: "https://github.example/api/v3".parse().unwrap(),
        scope: Scope::Installation(7),
        permissions: BTreeMap::from([("actions".to_owned(), "write".to_owned())]),
    })
    .unwrap();
    let github = Script::of(|_: &str, before: usize| minted(before));
    header(&app, &github).await.unwrap();
    let asked = github.asked.borrow()[0].clone();
    assert_eq!(asked.line, "POST /api/v3/app/installations/7/access_tokens");
    assert_eq!(asked.body, r#"{"permissions":{"actions":"write"}}"#);
    assert_eq!(asked.claims["iss"], 1, "an app id is a number");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_names_organizations_without_end_does_not_fill_the_memory() {
    let app = app_with(Scope::AnyInstallation, "https://api.github.example");
    let github = Script::of(|_: &str, _: usize| answer(404, json!({})));
    for number in 0..ORGANIZATIONS + 10 {
        let account = Account(format!("o{number}"));
        assert!(app.authorization(&account, &github).await.is_err());
    }
    assert_eq!(app.lock().len(), ORGANIZATIONS);
}
