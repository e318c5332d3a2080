//! Bodies that never end, in both directions, and heads that are a flood.

use crate::contract::http::outgoing_handler::handle;
use crate::contract::http::types::{
    Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest,
};
use crate::contract::io::streams::OutputStream;
use crate::{Answer, Task, http, saw};
use serde_json::json;

fn post(task: &Task, fields: Fields) -> (OutgoingRequest, OutgoingBody, OutputStream) {
    let target = http::Target {
        path: "/take",
        ..http::Target::of(&task.installation.api_url)
    };
    let request = http::request(target, &Method::Post, fields).unwrap();
    let body = request.body().unwrap();
    let stream = body.write().unwrap();
    (request, body, stream)
}

fn outcome(future: &FutureIncomingResponse) -> String {
    http::outcome(
        &http::wait(future)
            .map(http::read)
            .map_err(|code| http::word(&code)),
    )
}

pub fn write_without_end(task: &Task) -> Answer {
    let (request, body, stream) = post(task, Fields::new());
    let future = handle(request, Some(http::impatient(1_000))).unwrap();
    let chunk = vec![b'b'; 4096];
    let mut written = 0_u64;
    while stream.blocking_write_and_flush(&chunk).is_ok() {
        written += 4096;
    }
    drop(stream);
    drop(body);
    saw(&json!({ "written": written, "outcome": outcome(&future) }))
}

pub fn never_finish_a_body(task: &Task) -> Answer {
    let (request, _body, stream) = post(task, Fields::new());
    let future = handle(request, Some(http::impatient(300))).unwrap();
    stream.blocking_write_and_flush(b"the first bytes").unwrap();
    saw(&json!(outcome(&future)))
}

/// Promises ten bytes and writes more, or fewer.
pub fn contradict_the_length(task: &Task) -> Answer {
    let outcomes = [3_usize, 30].map(|length| {
        let fields = Fields::new();
        fields.append("content-length", b"10").unwrap();
        let (request, body, stream) = post(task, fields);
        let future = handle(request, Some(http::impatient(500))).unwrap();
        let written = stream.blocking_write_and_flush(&vec![b'c'; length]).is_ok();
        drop(stream);
        let finished = OutgoingBody::finish(body, None).is_ok();
        json!({ "written": written, "finished": finished, "outcome": outcome(&future) })
    });
    saw(&json!(outcomes))
}

fn read(task: &Task, path: &str) -> Answer {
    let url = [&task.installation.api_url, path].concat();
    saw(&match http::get(&url) {
        Ok(response) => json!({
            "status": response.status,
            "fields": response.fields.len(),
            "bytes": response.body.len(),
            "end": response.end,
        }),
        Err(word) => json!(word),
    })
}

/// Reads and forgets, so that only the host's limit can end it.
pub fn read_without_end(task: &Task) -> Answer {
    let target = http::Target {
        path: "/endless",
        ..http::Target::of(&task.installation.api_url)
    };
    let request = http::request(target, &Method::Get, Fields::new()).unwrap();
    let response = http::wait(&http::begin(request).unwrap()).unwrap();
    let body = response.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut bytes = 0;
    while let Ok(more) = stream.blocking_read(1 << 20) {
        bytes += more.len();
    }
    saw(&json!({ "bytes": bytes }))
}

pub fn read_a_trickle(task: &Task) -> Answer {
    read(task, "/trickle")
}

pub fn wait_for_a_silent_server(task: &Task) -> Answer {
    read(task, "/silent")
}

pub fn take_a_flood_of_fields(task: &Task) -> Answer {
    read(task, "/fields")
}

pub fn take_a_huge_field(task: &Task) -> Answer {
    read(task, "/field")
}

/// Asks for lengths that nobody has the room for.
pub fn name_absurd_lengths(task: &Task) -> Answer {
    let url = [&task.installation.api_url, "/echo"].concat();
    let request = http::request(http::Target::of(&url), &Method::Get, Fields::new()).unwrap();
    let response = http::wait(&http::begin(request).unwrap()).unwrap();
    let body = response.consume().unwrap();
    let stream = body.stream().unwrap();
    let read = stream.read(u64::MAX).map_or(0, |bytes| bytes.len());
    let waited = stream
        .blocking_read(u64::MAX)
        .map_or(0, |bytes| bytes.len());
    let skipped = stream.blocking_skip(u64::MAX).unwrap_or(0);
    saw(&json!({ "some": read + waited > 0, "skipped": skipped }))
}

/// Writes more at once than it was told it may.
pub fn write_zeroes_without_end(task: &Task) -> Answer {
    let (request, _body, stream) = post(task, Fields::new());
    let _future = handle(request, Some(http::impatient(500))).unwrap();
    saw(&json!(stream.write_zeroes(u64::MAX).is_ok()))
}
