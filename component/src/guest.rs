//! The component: the contract's exports on one side, its imports as a [`Host`] on the other. No decisions here.

use crate::contract::exports::ocean::integration_action::actions::Guest;
use crate::contract::ocean::integration_action::logging;
use crate::contract::ocean::integration_action::types::{
    Attempt, Configured, Delivery, Failure, Installation, Level, Manifest, Origin, Problem, Run,
    RunPlan, RunUpdate, Scope, Started,
};
use crate::contract::wasi::clocks::{monotonic_clock, wall_clock};
use crate::contract::wasi::http::outgoing_handler;
use crate::contract::wasi::http::types::{
    self as http, Fields, FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use crate::contract::wasi::io::streams::{OutputStream, StreamError};
use crate::host::{Host, MAX_RESPONSE_BYTES, Method, Request, Response, TransportError};
use crate::{cancel, check, definition, dispatch, manifest, properties, webhook};

struct Component;

crate::contract::export!(Component with_types_in crate::contract);

impl Guest for Component {
    fn describe() -> Manifest {
        manifest::describe()
    }

    fn configure(
        installation: Installation,
        definition: String,
        origin: Origin,
        scope: Scope,
    ) -> Result<Configured, Vec<Problem>> {
        definition::configure(&Imports, &installation, &definition, origin, scope)
    }

    fn plan(installation: Installation, run: Run) -> Result<RunPlan, Failure> {
        properties::plan(&installation, &run)
    }

    fn dispatch(
        installation: Installation,
        run: Run,
        attempt: Attempt,
    ) -> Result<Started, Failure> {
        dispatch::dispatch(&Imports, &installation, &run, &attempt)
    }

    fn handle_webhook(
        installation: Installation,
        delivery: Delivery,
    ) -> Result<Vec<RunUpdate>, Failure> {
        webhook::handle(&Imports, &installation, &delivery)
    }

    fn check(
        installation: Installation,
        run: Run,
        external_run_id: String,
    ) -> Result<Vec<RunUpdate>, Failure> {
        check::check(&Imports, &installation, &run, &external_run_id)
    }

    fn cancel(
        installation: Installation,
        run: Run,
        external_run_id: String,
    ) -> Result<(), Failure> {
        cancel::cancel(&Imports, &installation, &run, &external_run_id)
    }
}

/// The component's imports.
struct Imports;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// How much one write may hand over (`blocking-write-and-flush`).
const CHUNK: usize = 4096;

/// How much one read asks for.
const READ: u64 = 64 * 1024;

impl Host for Imports {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let (outgoing, body) = outgoing(request)?;
        // An immediate error means that the host did not even begin.
        let future = outgoing_handler::handle(outgoing, Some(time_limits()))
            .map_err(|code| TransportError::from_code(&code).before_sending())?;
        let written = body.map_or(Ok(()), |body| {
            write(body, request.body.as_deref().unwrap_or_default())
        });
        // If writing failed, the answer or the error that waits here says why.
        match (wait(&future), written) {
            (Ok(response), _) => Ok(read(response)),
            (Err(error), _) => Err(error),
        }
    }

    fn sleep(&self, milliseconds: u64) {
        monotonic_clock::subscribe_duration(milliseconds * NANOSECONDS_PER_MILLISECOND).block();
    }

    fn elapsed_ms(&self) -> u64 {
        monotonic_clock::now() / NANOSECONDS_PER_MILLISECOND
    }

    fn wall_clock_ms(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds
            .saturating_mul(1000)
            .saturating_add(u64::from(now.nanoseconds) / NANOSECONDS_PER_MILLISECOND)
    }

    fn log(&self, level: Level, message: &str) {
        logging::log(level, message);
    }
}

/// The request in the host's form, with its body still to be written.
fn outgoing(request: &Request) -> Result<(OutgoingRequest, Option<OutgoingBody>), TransportError> {
    let impossible = |what: &str| {
        TransportError::NotSent(["the host does not take the request's ", what].concat())
    };
    let length = request.body.as_ref().map_or(0, String::len).to_string();
    let mut entries: Vec<(String, Vec<u8>)> = request
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()))
        .collect();
    if request.method == Method::Post {
        entries.push(("content-length".to_owned(), length.into_bytes()));
    }
    let headers = Fields::from_list(&entries).map_err(|_| impossible("headers"))?;
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method {
        Method::Get => http::Method::Get,
        Method::Post => http::Method::Post,
    };
    let scheme = if request.secure {
        Scheme::Https
    } else {
        Scheme::Http
    };
    outgoing
        .set_method(&method)
        .map_err(|()| impossible("method"))?;
    outgoing
        .set_scheme(Some(&scheme))
        .map_err(|()| impossible("scheme"))?;
    outgoing
        .set_authority(Some(&request.authority))
        .map_err(|()| impossible("authority"))?;
    outgoing
        .set_path_with_query(Some(&request.path))
        .map_err(|()| impossible("path"))?;
    let body = match request.method {
        Method::Get => None,
        Method::Post => Some(outgoing.body().map_err(|()| impossible("body"))?),
    };
    Ok((outgoing, body))
}

/// GitHub cuts calls off after 10 seconds; these limits are for everything on the way. The host may set lower ones.
fn time_limits() -> RequestOptions {
    let options = RequestOptions::new();
    // A host that does not know a limit keeps its own.
    let _ = options.set_connect_timeout(Some(10 * NANOSECONDS_PER_SECOND));
    let _ = options.set_first_byte_timeout(Some(30 * NANOSECONDS_PER_SECOND));
    let _ = options.set_between_bytes_timeout(Some(15 * NANOSECONDS_PER_SECOND));
    options
}

fn write(body: OutgoingBody, text: &str) -> Result<(), ()> {
    let stream: OutputStream = body.write()?;
    for chunk in text.as_bytes().chunks(CHUNK) {
        stream.blocking_write_and_flush(chunk).map_err(|_| ())?;
    }
    // The stream must be gone before its body is finished.
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|_| ())
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, TransportError> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(result)) => result.map_err(|code| TransportError::from_code(&code)),
        _ => Err(TransportError::Unknown(
            "the host gave no response".to_owned(),
        )),
    }
}

/// Reads a response to its end, to its limit, or to where it breaks off.
fn read(incoming: IncomingResponse) -> Response {
    let status = incoming.status();
    let headers = incoming.headers().entries();
    let (body, complete) = match incoming.consume() {
        Ok(body) => read_body(&body),
        Err(()) => (Vec::new(), false),
    };
    Response {
        status,
        headers,
        body,
        complete,
    }
}

fn read_body(body: &http::IncomingBody) -> (Vec<u8>, bool) {
    let Ok(stream) = body.stream() else {
        return (Vec::new(), false);
    };
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ) {
            Ok(more) if bytes.len() + more.len() > MAX_RESPONSE_BYTES => return (bytes, false),
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => return (bytes, true),
            Err(StreamError::LastOperationFailed(_)) => return (bytes, false),
        }
    }
}
