//! A real browser: headless Chromium, driven by `chromedriver` in the W3C's WebDriver protocol. On loopback only, with a
//! profile of its own, and both are gone when the test is over, however it ends.

use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A browser with one window.
pub struct Browser {
    driver: Child,
    address: SocketAddr,
    _kept: host_harness::simulator::KeptAddress,
    session: String,
    profile: tempfile::TempDir,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
}

/// How long the driver may take to start, and a page to show something.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The protocol's name for the Enter key.
pub const ENTER: &str = "\u{E007}";

impl Browser {
    /// Starts a browser. None where there is none on this machine; then that is said, past the test's captured output.
    pub async fn start() -> Option<Browser> {
        let (Some(chromium), Some(driver)) = (
            program(&["chromium", "chromium-browser", "google-chrome"]),
            program(&["chromedriver"]),
        ) else {
            let line =
                "page: not tried in a browser, because chromium and chromedriver are not here\n";
            // Not `eprintln!`, which a passing test's output is captured from.
            let _ = std::io::stderr().write_all(line.as_bytes());
            return None;
        };
        let kept = host_harness::simulator::KeptAddress::find().unwrap();
        let address = kept.get();
        let mut browser = Browser {
            driver: Command::new(driver)
                .arg(format!("--port={}", address.port()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
            address,
            _kept: kept,
            session: String::new(),
            profile: tempfile::tempdir().unwrap(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        browser.until_ready().await;
        let session = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": chromium, "args": browser.arguments()},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let answer = browser.call(Method::POST, "/session", &session).await;
        browser.session = format!("/session/{}", answer["sessionId"].as_str().unwrap());
        browser.size(1280, 900).await;
        // What it has loaded for its own first page is nobody's business.
        browser.open("about:blank").await;
        browser.requests().await;
        Some(browser)
    }

    fn arguments(&self) -> Vec<String> {
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ];
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let arguments = arguments.into_iter().map(str::to_owned);
        arguments.chain([profile]).collect()
    }

    async fn until_ready(&mut self) {
        let ready = async {
            while TcpStream::connect(self.address).is_err() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        assert!(ready.is_ok(), "chromedriver does not listen");
    }

    /// One command of the protocol.
    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("http://{}{}{path}", self.address, self.session);
        let body = match method {
            Method::GET => Full::default(),
            _ => Full::from(body.to_string()),
        };
        let request = Request::builder()
            .method(method)
            .uri(url)
            .body(body)
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(status.is_success(), "{path}: {answer:#}");
        answer["value"].take()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.call(Method::POST, "/goog/cdp/execute", &body).await
    }

    /// Opens a page and waits until it has loaded.
    pub async fn open(&self, url: &str) {
        self.call(Method::POST, "/url", &json!({"url": url})).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        let url = self.call(Method::GET, "/url", &Value::Null).await;
        url.as_str().unwrap().to_owned()
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.call(Method::POST, "/execute/sync", &body).await
    }

    /// Waits until an expression is true in the page.
    pub async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let is_true = async {
            while self.script(&script).await != Value::Bool(true) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        if tokio::time::timeout(PATIENCE, is_true).await.is_err() {
            let text = self.script("return document.body.innerText").await;
            panic!(
                "never: {expression}, at {}\n{}",
                self.url().await,
                text.as_str().unwrap()
            );
        }
    }

    /// Presses keys, one after the other.
    pub async fn press(&self, keys: &str) {
        let keys = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})));
        let keys: Vec<Value> = keys.collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]});
        self.call(Method::POST, "/actions", &body).await;
    }

    /// Clicks what a selector finds.
    pub async fn click(&self, selector: &str) {
        let body = json!({"using": "css selector", "value": selector});
        let found = self.call(Method::POST, "/element", &body).await;
        let id = found.as_object().unwrap().values().next().unwrap();
        let path = format!("/element/{}/click", id.as_str().unwrap());
        self.call(Method::POST, &path, &json!({})).await;
    }

    /// Makes the window so large.
    pub async fn size(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Lets the person prefer `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// What the window shows, as a PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        use base64::Engine as _;
        let png = self.call(Method::GET, "/screenshot", &Value::Null).await;
        let png = base64::engine::general_purpose::STANDARD.decode(png.as_str().unwrap());
        png.unwrap()
    }

    /// What the console says since it was last asked: errors of scripts, and what the page's policy has stopped.
    pub async fn console(&self) -> Vec<String> {
        let lines = self.log("browser").await;
        lines
            .iter()
            .map(|line| line["message"].to_string())
            .collect()
    }

    /// Every address that the browser has asked for since this was last asked.
    pub async fn requests(&self) -> Vec<String> {
        let events = self.log("performance").await;
        let asked = events.iter().filter_map(|event| {
            let event: Value = serde_json::from_str(event["message"].as_str()?).ok()?;
            let message = &event["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            let url = message["params"]["request"]["url"].as_str()?;
            is_request.then(|| url.to_owned())
        });
        asked.collect()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let log = self
            .call(Method::POST, "/se/log", &json!({"type": kind}))
            .await;
        log.as_array().unwrap().clone()
    }

    /// Asks the driver to close the browser. Not by the client, whose runtime may be gone.
    fn quit(&self) -> std::io::Result<()> {
        if self.session.is_empty() {
            return Ok(());
        }
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let request = format!(
            "DELETE {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.session, self.address
        );
        stream.write_all(request.as_bytes())?;
        stream.read_to_end(&mut vec![]).map(drop)
    }

    /// The browser's process, where the driver has left it alone: by its profile, which nobody else has.
    fn left_alone(&self) -> Vec<String> {
        let profile = self.profile.path().display().to_string();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let is_ours = |id: &String| {
            let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&profile)
        };
        let ids = processes.map(|entry| entry.file_name().to_string_lossy().into_owned());
        ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(is_ours)
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.quit();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        for id in self.left_alone() {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    }
}

/// Where the first of these programs is.
fn program(names: &[&str]) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |it| it.join(name)));
    places.into_iter().find(|place| place.is_file())
}
