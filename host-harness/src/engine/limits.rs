//! What one call may use. Every limit says what happens when it is reached.

use std::time::Duration;

/// Linear memories of one component. The limit of memory is per linear memory, so it holds for one alone.
pub(super) const MEMORIES: usize = 1;
/// Tables of one component: that of its module and that of the adapter around it.
pub(super) const TABLES: usize = 2;
/// Core instances of one component: a module and the small adapters around it. The plugin for GitHub has three.
pub(super) const INSTANCES: usize = 16;

/// Limits of one call of a plugin. A guest that reaches one loses its call and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, in bytes. More: the guest is stopped. A delivery of GitHub's largest size (25 MB) has to fit
    /// twice, once as it came and once while it is read.
    pub memory: usize,
    /// Elements of a table. More: the guest is stopped. The plugin for GitHub has 60; languages that bring an interpreter
    /// have thousands.
    pub table_elements: usize,
    /// CPU time, not counting waits. More: the guest is stopped. Reading a 22 KB delivery takes less than 0.1 ms, so
    /// the default leaves room for a factor of thousands.
    pub cpu: Duration,
    /// Wall time of the whole call. More: the guest is stopped. Has to hold the longest discovery of a run (60 s)
    /// and the requests around it.
    pub wall: Duration,
    /// Bytes that may be copied into the host in one host call, and so the longest that one can take, since nothing
    /// interrupts it. What goes from the host to the guest, a delivery for instance, does not count. More: the guest is
    /// stopped. A plugin's largest answer, the news of 100 runs with their logs, has 1 MB.
    pub hostcall_bytes: usize,
    /// Handles (requests, responses, streams…) open at once. More: the guest is stopped. One exchange holds about ten, and
    /// no call has more than 16 under way.
    pub handles: usize,
    /// Size of the header section of a request or response as the host holds it, in bytes. More: the guest gets an
    /// error. GitHub's answers have 30 fields of 2 KB together; most servers take no more than 16 KB.
    pub header_bytes: usize,
    /// Body of one request, in bytes. More: the guest gets the error `HTTP-request-body-size`, and the request is broken
    /// off. GitHub takes 65,535 characters of inputs, which are 400 KB at most with all escapes.
    pub request_body: usize,
    /// Body of one response, in bytes. More: the guest gets the error `HTTP-response-body-size`. GitHub's largest answer
    /// to a plugin, 100 runs of a workflow, has about 1.5 MB.
    pub response_body: usize,
    /// Requests of one call. More: the guest gets the error `HTTP-request-denied`. The most that a call needs: the
    /// discovery of a run, about 40.
    pub requests: u32,
    /// Log messages of one call. More: they are dropped, and the last one says so. One for each request that it may send.
    pub log_lines: u32,
    /// Log messages of one call, in bytes, after each was cut to 4,000. More: they are dropped, and the last one says
    /// so. All lines at a length of 1,200 bytes, more than anybody reads.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 64 << 20,
            table_elements: 10_000,
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(120),
            hostcall_bytes: 8 << 20,
            handles: 1_024,
            header_bytes: 128 << 10,
            request_body: 2 << 20,
            response_body: 16 << 20,
            requests: 200,
            log_lines: 200,
            log_bytes: 256 * 1024,
        }
    }
}

/// How many calls can be under way at once in the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Instances. A call above this number waits for one to be free.
    pub instances: u32,
}

impl Default for PoolSize {
    fn default() -> PoolSize {
        PoolSize { instances: 1_000 }
    }
}
