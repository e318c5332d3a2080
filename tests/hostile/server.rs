//! A server that is no better than its guests: it speaks HTTP/1.1 by hand, since no library sends what it sends.

use crate::canary::spellings;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The server. Ends with the runtime of its test.
pub struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one on loopback.
    pub async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(vec![]));
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // How a guest's connection ends is the guest's business.
                tokio::spawn(serve(stream, seen.clone()));
            }
        });
        Server { address, heads }
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of all requests so far, as they came.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The first lines of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        self.heads().iter().map(first).collect()
    }
}

async fn serve(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(head) = read_head(&mut stream).await? {
        heads.lock().unwrap().push(head.clone());
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        answer(&mut stream, &path, &head).await?;
    }
    Ok(())
}

async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

async fn answer(stream: &mut TcpStream, path: &str, head: &str) -> std::io::Result<()> {
    match path.split('?').next().unwrap_or_default() {
        "/echo" => whole(stream, "200 OK", &mirrored_fields(head), &repeated(head)).await,
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            whole(stream, "200 OK", "", "slowly").await
        }
        "/redirect" => {
            let place = path.split_once('?').map_or("", |(_, place)| place);
            whole(stream, "302 Found", &format!("location: {place}\r\n"), "").await
        }
        "/take" => {
            take_body(stream, head).await?;
            whole(stream, "200 OK", "", "taken").await
        }
        "/endless" => {
            begin_chunks(stream).await?;
            let chunk = format!("10000\r\n{}\r\n", "e".repeat(0x10000));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
        "/trickle" => {
            begin_chunks(stream).await?;
            loop {
                stream.write_all(b"1\r\nt\r\n").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        "/silent" => std::future::pending().await,
        "/fields" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(b"x-flood: some value\r\n").await?;
            }
        }
        "/field" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-huge: ").await?;
            loop {
                stream.write_all(&[b'h'; 0x10000]).await?;
            }
        }
        _ => whole(stream, "200 OK", "", "hello").await,
    }
}

async fn whole(
    stream: &mut TcpStream,
    status: &str,
    fields: &str,
    body: &str,
) -> std::io::Result<()> {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{fields}content-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await
}

async fn begin_chunks(stream: &mut TcpStream) -> std::io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await
}

/// All fields of a request, as fields of the answer.
fn mirrored_fields(head: &str) -> String {
    let lines = head.lines().skip(1).filter(|line| !line.is_empty());
    lines.map(|line| format!("x-mirror-{line}\r\n")).collect()
}

/// The head of a request as it came, and its credential in the other spellings in which servers repeat things.
fn repeated(head: &str) -> String {
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix("authorization: Bearer "));
    let value = value.unwrap_or_default();
    let in_base64 = (0..3).flat_map(|before| {
        let text = format!("{}{value}:", "user".get(..before).unwrap());
        [STANDARD.encode(&text), URL_SAFE.encode(&text)]
    });
    let others = spellings(value).into_iter().filter_map(|(name, bytes)| {
        let other = !name.starts_with("base64") && name != "backwards";
        other.then(|| String::from_utf8(bytes).unwrap())
    });
    let all: Vec<String> = in_base64.chain(others).collect();
    format!("{head}{}", all.join("\n"))
}

/// Reads the body of a request, as far as it comes.
async fn take_body(stream: &mut TcpStream, head: &str) -> std::io::Result<()> {
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut last = Vec::new();
    let mut read = 0_u64;
    while length.map_or(!last.ends_with(b"0\r\n\r\n"), |length: u64| read < length) {
        last.push(stream.read_u8().await?);
        read += 1;
        if last.len() > 1_000 {
            last.drain(..900);
        }
    }
    Ok(())
}
