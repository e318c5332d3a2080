//! Guests that set fields which are the host's, set too many, or look for the credential.

use crate::arena::Arena;
use crate::canary::spellings;
use host_harness::engine::Limits;
use serde_json::{Value, json};

/// What all three ways of setting a field say.
fn thrice(word: &str) -> Value {
    json!([word, word, word])
}

/// Is told that they are forbidden, however they are spelt.
pub async fn set_forbidden_fields(arena: &Arena) {
    let names = [
        "authorization",
        "Authorization",
        "AUTHORIZATION",
        "proxy-authorization",
        "cookie",
        "Cookie",
        "set-cookie",
        "host",
        "HOST",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "transfer-encoding",
        "Transfer-Encoding",
        "upgrade",
        "http2-settings",
        "www-authenticate",
        "te",
        "trailer",
        "expect",
    ];
    let saw = arena
        .saw("set_forbidden_fields", json!({ "names": names }))
        .await;
    for name in names {
        assert_eq!(saw[format!("{name}: 1")], thrice("forbidden"), "{name}");
    }
}

/// Is told that there is no such field.
pub async fn break_out_of_a_field(arena: &Arena) {
    let saw = arena.saw("break_out_of_a_field", Value::Null).await;
    for (field, outcome) in saw.as_object().unwrap() {
        assert_eq!(outcome, &thrice("invalid"), "{field:?}");
    }
}

/// Loses its call, or gets an error; nothing is sent.
pub async fn set_one_huge_field(arena: &Arena) {
    let answer = arena.dispatch("set_one_huge_field", Value::Null).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(arena.server.requests(), Vec::<String>::new());
}

/// Loses its call at the limit of a header section.
pub async fn set_fields_without_end(arena: &Arena) {
    let answer = arena.dispatch("set_fields_without_end", Value::Null).await;
    assert!(answer.is_err(), "{answer:?}");
}

/// May do so, and sends them as they are: no field of the host's is among them twice.
pub async fn repeat_fields(arena: &Arena) {
    assert_eq!(arena.saw("repeat_fields", Value::Null).await, "200");
    let heads = arena.server.heads();
    let [head] = heads.as_slice() else {
        panic!("{heads:?}")
    };
    let count = |name: &str| {
        head.to_lowercase()
            .matches(&format!("\r\n{name}: "))
            .count()
    };
    assert_eq!(count("x-a"), 6);
    assert_eq!((count("host"), count("authorization")), (1, 1));
}

/// Finds it nowhere: not in fields, not in the body, not in its memory, in no spelling. The server did get it.
pub async fn look_for_the_credential(arena: &Arena) {
    let arena = Arena::of(arena.runtime.plugin().clone(), Limits::default()).await;
    let backwards: Vec<String> = spellings(&arena.secret)
        .iter()
        .filter(|(name, _)| name != "backwards")
        .map(|(_, spelling)| {
            spelling
                .iter()
                .rev()
                .map(|byte| char::from(*byte))
                .collect()
        })
        .collect();
    let with = json!({ "path": "/echo", "backwards": backwards });
    let saw = arena.saw("look_for_the_credential", with).await;
    assert_eq!(saw["outcome"], "200");
    assert!(saw["bytes"].as_u64() > Some(50), "{saw}");
    let heads = arena.server.heads();
    assert!(heads[0].contains(&arena.secret), "{heads:?}");
    assert_eq!(saw["found"], json!([]), "{saw}");
    // It would have found it: told a text that is in the answer, it does.
    let with = json!({ "path": "/echo?needle", "backwards": ["eldeen?ohce/"] });
    let saw = arena.saw("look_for_the_credential", with).await;
    assert_eq!(saw["found"], json!([0]), "{saw}");
}
