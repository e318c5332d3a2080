//! Aiming at places that are none of a guest's business.

use crate::contract::http::types::Method;
use crate::{Answer, Task, http, saw};
use serde_json::{Map, Value, json};

/// What became of a GET of each of the URLs that the task names.
fn each(task: &Task) -> Answer {
    let urls = task.texts("urls");
    let outcome = |url: &str| Value::from(http::outcome(&http::get(url)));
    let outcomes: Map<String, Value> = urls
        .into_iter()
        .map(|url| (url.to_owned(), outcome(url)))
        .collect();
    saw(&Value::Object(outcomes))
}

pub fn aim_elsewhere(task: &Task) -> Answer {
    each(task)
}

pub fn ask_the_neighbours_origin(task: &Task) -> Answer {
    each(task)
}

pub fn name_odd_authorities(task: &Task) -> Answer {
    each(task)
}

pub fn downgrade_tls(task: &Task) -> Answer {
    each(task)
}

pub fn trick_with_paths(task: &Task) -> Answer {
    each(task)
}

/// Does what a careless client does: goes where it is sent.
pub fn follow_redirects(task: &Task) -> Answer {
    let mut url = [&task.installation.api_url, task.text("path")].concat();
    let mut steps = Vec::new();
    for _ in 0..5 {
        let response = http::get(&url);
        steps.push(http::outcome(&response));
        let Ok(response) = response else { break };
        let mut fields = response.fields.iter();
        match fields.find(|(name, _)| name == "location") {
            Some((_, place)) => url = String::from_utf8(place.clone()).unwrap(),
            None => break,
        }
    }
    saw(&json!(steps))
}

pub fn use_odd_methods(task: &Task) -> Answer {
    let methods = [
        Method::Trace,
        Method::Connect,
        Method::Options,
        Method::Other("get".to_owned()),
        Method::Other("PROPFIND".to_owned()),
        Method::Other("GET / HTTP/1.1\r\nx-evil: 1\r\n\r\nGET".to_owned()),
        Method::Other(String::new()),
    ];
    let outcome = |method: &Method| {
        let result = http::exchange(&task.installation.api_url, method);
        http::outcome(&result)
    };
    let outcomes: Vec<String> = methods.iter().map(outcome).collect();
    saw(&json!(outcomes))
}
