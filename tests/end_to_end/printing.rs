//! What is printed to somebody who reads no more (`… | head -1`).

use crate::program::Program;
use crate::sender::get;
use host_harness::simulator::KeptAddress;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn whoever_stops_reading_what_is_printed_stops_it_and_sees_no_panic() {
    let program = Program::new();
    program.file(
        "bad.toml",
        "[[run]]\n[expect]\ncounts = { \"github.dispatch\" = 7 }\n",
    );
    for arguments in [
        &["test", "bad.toml", "--trace"][..],
        &["test", "--schema"],
        &["chaos", "--list"],
    ] {
        let finished = program.start_unread(arguments).wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&finished.stderr);
        assert_eq!(
            (finished.status.code(), &*stderr),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn a_server_goes_on_when_nobody_reads_what_it_says() {
    let program = Program::new();
    let kept = KeptAddress::find().unwrap();
    let listen = kept.get().to_string();
    let mut server = program.start_unread(&["simulate", "port", "--listen", &listen]);
    let began = Instant::now();
    while TcpStream::connect(kept.get()).is_err() {
        assert!(began.elapsed() < Duration::from_secs(15), "nobody listens");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Each is a line that nobody reads.
    for _ in 0..3 {
        let (status, text) = get(kept.get(), "/v1/actions/runs").await;
        assert_eq!(status, 401, "{text}");
    }
    assert!(server.try_wait().unwrap().is_none());
    server.kill().unwrap();
    let finished = server.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&finished.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}
