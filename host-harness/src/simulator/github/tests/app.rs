//! The App: its JWTs, its installations and their tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::super::super::testing::Receiver;
use super::super::*;
use super::*;

const NOT_DECODED: &str = "A JSON web token could not be decoded";
const ISSUED: &str = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
const EXPIRY: &str = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which \
                      the assertion expires";

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value) -> Outcome<String> {
    let key = PrivatePkcs1KeyDer::from_pem_slice(TEST_KEY_PKCS1.as_bytes())?;
    let key = RsaKeyPair::from_der(key.secret_pkcs1_der()).map_err(|error| error.to_string())?;
    let text = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "not signed")?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn rs256(claims: &Value) -> Outcome<String> {
    signed(&json!({"alg": "RS256", "typ": "JWT"}), claims)
}

/// As a careful client makes them, for somebody's clock.
fn jwt_at(now: i64) -> Outcome<String> {
    rs256(&json!({"iss": 900_001, "iat": now - 60, "exp": now + 540}))
}

async fn call_with(
    github: &GitHub,
    credential: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Outcome<Answer> {
    let bearer = match credential {
        "" => String::new(),
        credential => format!("Bearer {credential}"),
    };
    send(github, method, path, &[("authorization", &bearer)], body).await
}

async fn get_with(github: &GitHub, credential: &str, path: &str) -> Outcome<Answer> {
    call_with(github, credential, "GET", path, "").await
}

async fn mint(github: &GitHub, installation: u64, body: &Value) -> Outcome<Answer> {
    let path = format!("/app/installations/{installation}/access_tokens");
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    call_with(github, &jwt_at(now())?, "POST", &path, &body).await
}

async fn token(github: &GitHub, installation: u64) -> Outcome<String> {
    let answer = mint(github, installation, &Value::Null).await?;
    assert_eq!(answer.status, 201, "{}", answer.json());
    Ok(answer.text("/token"))
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text("/message"))
}

fn says(status: u16, message: &str) -> (u16, String) {
    (status, message.to_owned())
}

/// A repository of its own for another account.
fn of(owner: &str, name: &str) -> Repository {
    Repository::new(owner, name).workflow(Workflow::new("deploy.yml").manual())
}

const DISPATCHES: &str = "/repos/acme/shop/actions/workflows/slow.yml/dispatches";

fn slow() -> String {
    json!({"ref": "main", "return_run_details": true}).to_string()
}

#[tokio::test]
async fn the_app_proves_itself_with_its_id_or_its_client_id() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_app_installation(AppInstallation::on("acme"));
    for issuer in [
        json!(900_001),
        json!("900001"),
        json!("Iv23liSimulatedApp01"),
    ] {
        let jwt = rs256(&json!({"iss": issuer, "iat": now() - 60, "exp": now() + 540}))?;
        let app = get_with(&github, &jwt, "/app").await?;
        assert_eq!(app.status, 200, "{issuer}: {}", app.json());
        assert_eq!(app.text("/id"), "900001");
        assert_eq!(app.text("/slug"), "ocean-runner");
        assert_eq!(app.text("/client_id"), github.app_client_id());
        assert_eq!(app.text("/permissions/actions"), "write");
        assert_eq!(app.text("/installations_count"), "1");
    }
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_jwt_at_the_edges_of_what_is_allowed_is_accepted() -> Outcome {
    let github = start(Options::default()).await?;
    // The clock can only move on between here and there, which the lower edge of `exp` has to allow for.
    for (issued, ends) in [(0, 600), (-86_400, 5), (-60, 540)] {
        let jwt = rs256(&json!({"iss": 900_001, "iat": now() + issued, "exp": now() + ends}))?;
        assert_eq!(
            get_with(&github, &jwt, "/app").await?.status,
            200,
            "{issued} {ends}"
        );
    }
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_wrong_jwt_is_refused_in_githubs_words_and_is_a_violation() -> Outcome {
    let github = start(Options::default()).await?;
    let good = json!({"iss": 900_001, "iat": now() - 60, "exp": now() + 540});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        rs256(&claims)
    };
    let without = |key: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().map(|claims| claims.remove(key));
        rs256(&claims)
    };
    let whole = rs256(&good)?;
    let signature = whole.rsplit('.').next().unwrap_or_default();
    let other = json!({"iss": 900_001, "iat": now() - 50, "exp": now() + 550});
    let header = part(&json!({"alg": "RS256", "typ": "JWT"}));
    let forged = format!("{header}.{}.{signature}", part(&other));
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none"})), part(&good));
    let cases = [
        (forged, 401, NOT_DECODED, "the App's key did not make"),
        (
            format!("{header}.{}.", part(&good)),
            401,
            NOT_DECODED,
            "did not make",
        ),
        (unsigned, 401, NOT_DECODED, "not signed with RS256"),
        (
            signed(&json!({"alg": "HS256"}), &good)?,
            401,
            NOT_DECODED,
            "not signed with RS256",
        ),
        (
            format!("{whole}="),
            401,
            NOT_DECODED,
            "three base64url parts",
        ),
        (
            format!("{header}.bm8.{signature}"),
            401,
            NOT_DECODED,
            "three base64url parts",
        ),
        (
            with("iss", json!("ocean-runner"))?,
            401,
            "'Issuer' claim ('iss') must be an Integer",
            "neither",
        ),
        (
            without("iss")?,
            401,
            "'Issuer' claim ('iss') must be an Integer",
            "neither",
        ),
        (
            with("iss", json!(900_002))?,
            404,
            "Integration not found",
            "does not exist",
        ),
        (without("iat")?, 401, ISSUED, "`iat` is not"),
        (
            with("iat", json!("yesterday"))?,
            401,
            ISSUED,
            "`iat` is not",
        ),
        (
            with("iat", json!(now() + 30))?,
            401,
            ISSUED,
            "issued in the future",
        ),
        (without("exp")?, 401, EXPIRY, "`exp` is not"),
        (with("exp", json!(now() - 1))?, 401, EXPIRY, "has expired"),
        (
            with("exp", json!(now() + 660))?,
            401,
            "'Expiration time' claim ('exp') is too far in the future",
            "more than ten minutes",
        ),
    ];
    for (jwt, status, message, violation) in cases {
        let answer = get_with(&github, &jwt, "/app").await?;
        assert_eq!(said(&answer), says(status, message), "{violation}");
        assert_eq!(answer.text("/status"), status.to_string());
        let found = github.violations();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(violation), "{found:?}");
        let secret = jwt.rsplit('.').next().unwrap_or_default();
        assert!(secret.is_empty() || !found[0].contains(secret), "{found:?}");
        github.clear_log();
    }
    Ok(())
}

#[tokio::test]
async fn a_clock_that_differs_from_githubs_is_an_error_and_no_violation() -> Outcome {
    for (offset, message) in [(3_600, EXPIRY), (-3_600, ISSUED)] {
        let github = start(Options {
            clock_offset_seconds: offset,
            ..Options::default()
        })
        .await?;
        let answer = get_with(&github, &jwt_at(now())?, "/app").await?;
        assert_eq!(said(&answer), says(401, message));
        let date = httpdate::parse_http_date(answer.header("date"))?;
        let theirs = i64::try_from(date.duration_since(UNIX_EPOCH)?.as_secs())?;
        assert!((theirs - now() - offset).abs() <= 2);
        let answer = get_with(&github, &jwt_at(theirs)?, "/app").await?;
        assert_eq!(answer.status, 200);
        assert_eq!(github.violations(), Vec::<String>::new());
        // Right by neither clock.
        let answer = get_with(&github, &jwt_at(now() + offset * 3)?, "/app").await?;
        assert_eq!(answer.status, 401);
        assert_eq!(github.violations().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn jwts_and_tokens_are_not_taken_for_each_other() -> Outcome {
    let github = start(Options::default()).await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let minted = token(&github, id).await?;
    assert_eq!(github.violations(), Vec::<String>::new());
    let given = github.token();
    let jwt = jwt_at(now())?;
    let cases = [
        (minted.as_str(), "/app", NOT_DECODED, "not a JWT"),
        (
            given.as_str(),
            "/app/installations",
            NOT_DECODED,
            "not a JWT",
        ),
        (
            "",
            "/orgs/acme/installation",
            NOT_DECODED,
            "no Authorization",
        ),
        (
            jwt.as_str(),
            "/repos/acme/shop",
            "Bad credentials",
            "only a token will do",
        ),
        (
            "ghs_900001_a.b.c",
            "/repos/acme/shop",
            "Bad credentials",
            "never issued",
        ),
    ];
    for (credential, path, message, violation) in cases {
        let answer = get_with(&github, credential, path).await?;
        assert_eq!(said(&answer), says(401, message), "{violation}");
        let found = github.violations().join("\n");
        assert!(found.contains(violation), "{found}");
        assert!(
            credential.is_empty() || !found.contains(credential),
            "{found}"
        );
        github.clear_log();
    }
    Ok(())
}

#[tokio::test]
async fn installations_are_listed_in_pages() -> Outcome {
    let github = start(Options::default()).await?;
    let jwt = jwt_at(now())?;
    assert_eq!(
        get_with(&github, &jwt, "/app/installations").await?.json(),
        json!([])
    );
    let first = github.add_app_installation(AppInstallation::on("acme"));
    github.add_app_installation(AppInstallation::on("octocat").of_user().suspended());
    let third = github.add_app_installation(AppInstallation::on("globex").id(77));
    assert_eq!((first, third), (55_000_001, 77));
    let page = get_with(&github, &jwt, "/app/installations?per_page=2").await?;
    assert_eq!(page.json().as_array().map(Vec::len), Some(2));
    assert_eq!(page.text("/0/id"), first.to_string());
    assert_eq!(page.text("/0/account/login"), "acme");
    assert_eq!(page.text("/0/suspended_at"), "null");
    assert_eq!(page.text("/1/target_type"), "User");
    assert!(page.text("/1/suspended_at").ends_with('Z'));
    assert!(
        page.header("link").contains("page=2>; rel=\"next\""),
        "{}",
        page.header("link")
    );
    let rest = get_with(&github, &jwt, "/app/installations?per_page=2&page=2").await?;
    assert_eq!(rest.text("/0/id"), "77");
    assert!(!rest.header("link").contains("next"));
    let later = get_with(
        &github,
        &jwt,
        "/app/installations?since=2999-01-01T00:00:00Z",
    )
    .await?;
    assert_eq!(later.json(), json!([]));
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_installation_is_found_by_its_id_its_account_and_its_repositories() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_repository(of("acme", "other"));
    github.add_repository(of("globex", "shop"));
    github.rename_repository("acme", "shop", "store");
    let id = github.add_app_installation(AppInstallation::on("acme").selected(["store"]));
    let user = github.add_app_installation(AppInstallation::on("octocat").of_user());
    let jwt = jwt_at(now())?;
    for (path, found) in [
        (format!("/app/installations/{id}"), id),
        ("/orgs/ACME/installation".into(), id),
        ("/users/acme/installation".into(), id),
        ("/users/octocat/installation".into(), user),
        ("/repos/acme/store/installation".into(), id),
    ] {
        let answer = get_with(&github, &jwt, &path).await?;
        assert_eq!(answer.text("/id"), found.to_string(), "{path}");
        assert_eq!(answer.text("/app_slug"), "ocean-runner");
    }
    for path in [
        "/app/installations/1",
        "/app/installations/none",
        "/orgs/octocat/installation",
        "/orgs/globex/installation",
        "/users/nobody/installation",
        "/repos/acme/other/installation",
        "/repos/acme/none/installation",
        "/repos/globex/shop/installation",
    ] {
        assert_eq!(
            said(&get_with(&github, &jwt, path).await?),
            says(404, "Not Found"),
            "{path}"
        );
    }
    let moved = get_with(&github, &jwt, "/repos/acme/shop/installation").await?;
    assert_eq!(moved.status, 301);
    let path = moved.header("location").replace(&github.api_url(), "");
    assert_eq!(
        get_with(&github, &jwt, &path).await?.text("/id"),
        id.to_string()
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_token_is_minted_for_an_hour_of_githubs_clock() -> Outcome {
    let github = start(Options {
        clock_offset_seconds: 300,
        ..Options::default()
    })
    .await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let path = format!("/app/installations/{id}/access_tokens");
    let answer = call_with(&github, &jwt_at(now() + 300)?, "POST", &path, "").await?;
    assert_eq!(answer.status, 201);
    let expires = answer.text("/expires_at");
    assert!(expires.ends_with('Z') && expires.len() == 20, "{expires}");
    let expires = expires.parse::<jiff::Timestamp>()?.as_second();
    assert!((expires - now() - 3_900).abs() <= 2, "{expires}");
    assert_eq!(answer.text("/repository_selection"), "all");
    assert_eq!(answer.json().get("repositories"), None);
    assert_eq!(
        answer.json().get("permissions"),
        Some(&json!({"actions": "write", "contents": "read", "metadata": "read"}))
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn every_token_is_new_and_comes_in_either_form() -> Outcome {
    let github = start(Options::default()).await?;
    let other = start(Options {
        app_token_format: AppTokenFormat::Classic,
        ..Options::default()
    })
    .await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    other.add_app_installation(AppInstallation::on("acme"));
    let plain = |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric());
    let long = token(&github, id).await?;
    assert!(
        long.starts_with("ghs_900001_") && (500..=540).contains(&long.len()),
        "{}",
        long.len()
    );
    assert_eq!(long.split('.').count(), 3);
    assert!(plain(&long.replace(['.', '_', '-'], "")));
    let short = token(&other, id).await?;
    assert!(
        short.len() == 40 && short.strip_prefix("ghs_").is_some_and(plain),
        "{short}"
    );
    let forced = [
        ("authorization", format!("Bearer {}", jwt_at(now())?)),
        ("x-github-stateless-s2s-token", "disabled".to_owned()),
    ];
    let forced = forced
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let path = format!("/app/installations/{id}/access_tokens");
    let answer = send(&github, "POST", &path, &forced, "").await?;
    assert_eq!(answer.text("/token").len(), 40);
    assert_ne!(answer.text("/token"), token(&other, id).await?);
    assert_ne!(token(&github, id).await?, long);
    assert_eq!(
        (
            github.app_tokens_minted("Acme"),
            github.app_tokens_minted("globex")
        ),
        (3, 0)
    );
    Ok(())
}

#[tokio::test]
async fn a_token_works_for_its_account_alone_and_its_runs_are_the_apps() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_repository(of("globex", "shop"));
    github.add_repository(of("globex", "open").private(false));
    let id = github.add_app_installation(AppInstallation::on("acme"));
    github.add_app_installation(AppInstallation::on("globex"));
    let token = token(&github, id).await?;
    let answer = call_with(&github, &token, "POST", DISPATCHES, &slow()).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(github.runs()[0].actor, "ocean-runner[bot]");
    for path in [
        "/repos/globex/shop",
        "/repos/globex/open",
        "/repos/globex/shop/actions/runs",
    ] {
        assert_eq!(
            said(&get_with(&github, &token, path).await?),
            says(404, "Not Found"),
            "{path}"
        );
    }
    let user = get_with(&github, &token, "/user").await?;
    assert_eq!(
        said(&user),
        says(403, "Resource not accessible by integration")
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_token_does_only_what_its_installation_was_granted() -> Outcome {
    let github = start(Options::default()).await?;
    let refused = says(403, "Resource not accessible by integration");
    let reads =
        github.add_app_installation(AppInstallation::on("acme").permission("actions", "read"));
    let reader = token(&github, reads).await?;
    let answer = call_with(&github, &reader, "POST", DISPATCHES, &slow()).await?;
    assert_eq!(said(&answer), refused);
    assert_eq!(
        answer.header("x-accepted-github-permissions"),
        "actions=write"
    );
    assert_eq!(
        get_with(&github, &reader, "/repos/acme/shop/actions/runs")
            .await?
            .status,
        200
    );
    let none = AppInstallation::on("acme")
        .without_permission("actions")
        .without_permission("metadata");
    let none = github.add_app_installation(none);
    let blind = token(&github, none).await?;
    assert_eq!(
        said(&get_with(&github, &blind, "/repos/acme/shop/actions/runs").await?),
        refused
    );
    assert_eq!(
        get_with(&github, &blind, "/repos/acme/shop").await?.status,
        200
    );
    assert!(github.runs().is_empty());
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_token_can_be_narrowed_and_not_widened() -> Outcome {
    let github = start(Options::default()).await?;
    let other = github.add_repository(of("acme", "other"));
    github.add_repository(of("acme", "hidden"));
    let foreign = github.add_repository(of("globex", "shop"));
    let id = github.add_app_installation(AppInstallation::on("acme").selected(["shop", "other"]));
    let whole = mint(&github, id, &json!({})).await?;
    assert_eq!(whole.text("/repository_selection"), "selected");
    let narrow = json!({"repositories": ["shop"], "permissions": {"actions": "read"}});
    let narrow = mint(&github, id, &narrow).await?;
    assert_eq!(narrow.text("/repository_selection"), "selected");
    assert_eq!(narrow.text("/repositories/0/full_name"), "acme/shop");
    // The short form, as in lists: these four are in the long one alone (schemas `repository`, `full-repository`).
    for key in [
        "organization",
        "network_count",
        "subscribers_count",
        "custom_properties",
    ] {
        let pointer = format!("/repositories/0/{key}");
        assert_eq!(narrow.json().pointer(&pointer), None, "{key}");
        let whole = get_with(&github, &whole.text("/token"), "/repos/acme/shop").await?;
        assert!(whole.json().get(key).is_some(), "{key}");
    }
    assert_eq!(
        narrow.json().get("permissions"),
        Some(&json!({"actions": "read", "metadata": "read"}))
    );
    let by_id = mint(&github, id, &json!({"repository_ids": [other]}))
        .await?
        .text("/token");
    for (token, path, status) in [
        (whole.text("/token"), "/repos/acme/other", 200),
        (whole.text("/token"), "/repos/acme/hidden", 404),
        (narrow.text("/token"), "/repos/acme/shop", 200),
        (narrow.text("/token"), "/repos/acme/other", 404),
        (by_id.clone(), "/repos/acme/other", 200),
        (by_id, "/repos/acme/shop", 404),
    ] {
        assert_eq!(
            get_with(&github, &token, path).await?.status,
            status,
            "{path}"
        );
    }
    let answer = call_with(&github, &narrow.text("/token"), "POST", DISPATCHES, &slow()).await?;
    assert_eq!(
        said(&answer),
        says(403, "Resource not accessible by integration")
    );
    assert_eq!(github.violations(), Vec::<String>::new());

    let missing = "There is at least one repository that does not exist or is not accessible to the parent \
                   installation.";
    let ungranted = "The permissions requested are not granted to this installation.";
    let many: Vec<u64> = (0..501).collect();
    for (body, status, message) in [
        (json!({"repositories": ["none"]}), 422, missing),
        (json!({"repositories": ["acme/shop"]}), 422, missing),
        (json!({"repositories": ["shop", "hidden"]}), 422, missing),
        (json!({"repository_ids": [foreign]}), 422, missing),
        (
            json!({"permissions": {"contents": "write"}}),
            422,
            ungranted,
        ),
        (json!({"permissions": {"issues": "read"}}), 422, ungranted),
        (
            json!({"repository_ids": many}),
            422,
            "Invalid request.\n\nNo more than 500 items",
        ),
        (
            json!({"repositories": "shop"}),
            422,
            "Invalid request.\n\nFor 'properties/repositories'",
        ),
        (
            json!({"repositories": [7]}),
            422,
            "Invalid request.\n\nFor 'items', 7 is not a string.",
        ),
        (
            json!({"permissions": {"actions": "all"}}),
            422,
            "Invalid request.\n\n",
        ),
        (
            json!({"permissions": ["actions"]}),
            422,
            "Invalid request.\n\n",
        ),
        (
            json!({"repos": ["shop"]}),
            422,
            "Invalid request.\n\n\"repos\" is not a permitted key.",
        ),
        (json!([]), 400, "Body should be a JSON object"),
    ] {
        let before = github.app_tokens_minted("acme");
        let answer = mint(&github, id, &body).await?;
        assert_eq!(answer.status, status, "{body}");
        assert!(
            answer.text("/message").starts_with(message),
            "{body}: {}",
            answer.json()
        );
        assert_eq!(github.app_tokens_minted("acme"), before, "{body}");
        // What is refused for what it asks is no violation; what no client should write is one.
        let malformed = status == 400 || message.starts_with("Invalid request.");
        let found = github.violations();
        assert_eq!(found.len(), usize::from(malformed), "{body}: {found:?}");
        github.clear_log();
    }
    Ok(())
}

#[tokio::test]
async fn a_suspended_installation_is_told_apart_from_a_missing_one() -> Outcome {
    let github = start(Options::default()).await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let early = token(&github, id).await?;
    let suspended = says(403, "This installation has been suspended");
    assert!(github.suspend("acme"));
    assert_eq!(said(&mint(&github, id, &Value::Null).await?), suspended);
    assert_eq!(
        said(&get_with(&github, &early, "/repos/acme/shop").await?),
        suspended
    );
    let shown = get_with(&github, &jwt_at(now())?, "/orgs/acme/installation").await?;
    assert!(shown.text("/suspended_at").ends_with('Z'));
    assert!(github.unsuspend("acme"));
    assert_eq!(
        get_with(&github, &early, "/repos/acme/shop").await?.status,
        200
    );

    assert!(github.uninstall("acme"));
    assert_eq!(
        said(&mint(&github, id, &Value::Null).await?),
        says(404, "Not Found")
    );
    let bad = says(401, "Bad credentials");
    assert_eq!(
        said(&get_with(&github, &early, "/repos/acme/shop").await?),
        bad
    );
    let again = github.add_app_installation(AppInstallation::on("acme"));
    assert_ne!(again, id);
    assert_eq!(
        said(&get_with(&github, &early, "/repos/acme/shop").await?),
        bad
    );
    assert!(!github.uninstall("globex") && !github.suspend("globex"));
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_token_lives_as_long_as_it_should_and_no_longer() -> Outcome {
    let life = Duration::from_millis(300);
    let github = start(Options {
        app_token_life: life,
        ..Options::default()
    })
    .await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let before = SystemTime::now();
    let short = token(&github, id).await?;
    let ended = async {
        loop {
            let answer = get_with(&github, &short, "/repos/acme/shop").await?;
            if answer.status != 200 {
                return Outcome::Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = tokio::time::timeout(LIMIT, ended).await??;
    assert_eq!(said(&answer), says(401, "Bad credentials"));
    assert!(before.elapsed()? >= life);
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_revoked_token_is_worthless_and_another_account_is_not_touched() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_repository(of("globex", "shop"));
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let other = github.add_app_installation(AppInstallation::on("globex"));
    let bad = says(401, "Bad credentials");
    let (one, two) = (token(&github, id).await?, token(&github, id).await?);
    let theirs = token(&github, other).await?;
    assert_eq!(github.revoke_app_tokens("acme"), 2);
    assert_eq!(
        said(&get_with(&github, &one, "/repos/acme/shop").await?),
        bad
    );
    assert_eq!(said(&get_with(&github, &two, "/rate_limit").await?), bad);
    assert_eq!(
        get_with(&github, &theirs, "/repos/globex/shop")
            .await?
            .status,
        200
    );
    let fresh = token(&github, id).await?;
    assert_eq!(
        get_with(&github, &fresh, "/repos/acme/shop").await?.status,
        200
    );
    assert!(github.set_standing(&fresh, Standing::Expired));
    assert_eq!(
        said(&get_with(&github, &fresh, "/repos/acme/shop").await?),
        bad
    );
    assert_eq!(github.app_tokens_minted("acme"), 3);
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_tokens_of_an_installation_share_one_quota() -> Outcome {
    let github = start(Options {
        rate_limit: 2,
        limit_grace: Duration::ZERO,
        ..Options::default()
    })
    .await?;
    github.add_repository(of("globex", "shop"));
    let id = github.add_app_installation(AppInstallation::on("acme").id(4_711));
    let other = github.add_app_installation(AppInstallation::on("globex"));
    let (one, two, theirs) = (
        token(&github, id).await?,
        token(&github, id).await?,
        token(&github, other).await?,
    );
    assert_eq!(
        get_with(&github, &one, "/repos/acme/shop").await?.status,
        200
    );
    let answer = get_with(&github, &two, "/repos/acme/shop").await?;
    assert_eq!(
        (answer.status, answer.header("x-ratelimit-remaining")),
        (200, "0")
    );
    let answer = get_with(&github, &two, "/repos/acme/shop").await?;
    assert_eq!(
        said(&answer),
        says(403, "API rate limit exceeded for installation ID 4711.")
    );
    assert_eq!(
        get_with(&github, &theirs, "/repos/globex/shop")
            .await?
            .status,
        200
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    // The other token was told; this one belongs to the same client.
    get_with(&github, &one, "/repos/acme/shop").await?;
    assert!(
        github
            .violations()
            .join("")
            .contains("sent while rate-limited")
    );
    assert!(github.set_remaining(&two, 1));
    assert_eq!(
        get_with(&github, &one, "/rate_limit")
            .await?
            .text("/rate/remaining"),
        "1"
    );
    Ok(())
}

#[tokio::test]
async fn deliveries_name_the_installation_of_the_repositorys_owner() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_repository(of("globex", "shop"));
    github.add_app_installation(AppInstallation::on("acme").id(4_711));
    let (receiver, running) = Receiver::start().await?;
    github.add_webhook(format!("http://{}/", running.address), None);
    github.start_foreign_run("acme", "shop", "slow.yml", "push", "octocat");
    github.start_foreign_run("globex", "shop", "deploy.yml", "push", "octocat");
    assert!(
        github
            .wait_until(LIMIT, |_| receiver.arrivals().len() >= 4)
            .await
    );
    for arrival in receiver.arrivals() {
        let body = arrival.json();
        let expected = match body
            .pointer("/repository/owner/login")
            .and_then(Value::as_str)
        {
            Some("acme") => 4_711,
            _ => 55_000_001,
        };
        assert_eq!(body.pointer("/installation/id"), Some(&json!(expected)));
        assert_eq!(
            arrival.header("x-github-hook-installation-target-id"),
            github.app_id().to_string()
        );
    }
    Ok(())
}

#[tokio::test]
async fn faults_strike_the_apps_operations_by_name() -> Outcome {
    let github = start(Options::default()).await?;
    let id = github.add_app_installation(AppInstallation::on("acme"));
    let jwt = jwt_at(now())?;
    for (operation, path) in [
        ("app", "/app"),
        ("app-installations", "/app/installations"),
        ("app-installation", "/orgs/acme/installation"),
        ("app-installation", "/users/acme/installation"),
        ("app-installation", "/repos/acme/shop/installation"),
    ] {
        github.inject(Fault::new(operation, bad_gateway()).once());
        assert_eq!(get_with(&github, &jwt, path).await?.status, 502, "{path}");
        assert_eq!(get_with(&github, &jwt, path).await?.status, 200, "{path}");
    }
    let lost = super::super::super::Effect::CutAfterProcessing;
    github.inject(Fault::new("app-token", lost).once());
    assert!(mint(&github, id, &Value::Null).await.is_err());
    assert_eq!(github.app_tokens_minted("acme"), 1);
    assert_eq!(mint(&github, id, &Value::Null).await?.status, 201);
    assert_eq!(
        (github.app_tokens_minted("acme"), github.count("app-token")),
        (2, 2)
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn installations_can_be_there_from_the_start_and_either_form_of_the_key_will_do() -> Outcome {
    let options = Options {
        app_installations: vec![AppInstallation::on("acme")],
        app_private_key: TEST_KEY_PKCS8.into(),
        ..Options::default()
    };
    let github = start(options).await?;
    assert_eq!(github.app_private_key(), TEST_KEY_PKCS8);
    let jwt = jwt_at(now())?;
    let answer = get_with(&github, &jwt, "/orgs/acme/installation").await?;
    assert_eq!(answer.text("/id"), "55000001");
    let options = Options {
        app_private_key: "nothing".into(),
        ..Options::default()
    };
    assert!(GitHub::start(options).await.is_err());
    Ok(())
}
