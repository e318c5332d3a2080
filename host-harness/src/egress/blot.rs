//! The credential in a server's answer: a server that repeats what it was sent (an error page, a debugging endpoint) must
//! not hand the credential to the guest.
//!
//! Head and body are searched for the credential that went with the request, in all common spellings, and it is
//! overwritten with as many asterisks: lengths stay what the head says. An answer in a coding that cannot be searched is
//! refused; the host asks for none.

use crate::scrub::Spellings;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wasmtime_wasi_http::{Error, WasiBody};

/// Asks for an answer that can be searched: in no coding, and whole, since a guest could otherwise ask for the credential
/// in two halves.
pub(super) fn ask_for_plain<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.remove(RANGE);
    headers.remove(IF_RANGE);
}

/// The answer without the credential.
pub(super) fn blotted(
    mut response: Response<WasiBody>,
    secret: Arc<Spellings>,
) -> Result<Response<WasiBody>, Error> {
    if let Some(coding) = unsearchable(response.headers()) {
        return Err(Error::HttpResponseContentCoding(Some(coding)));
    }
    for value in response.headers_mut().values_mut() {
        if !secret.fits(value.len()) {
            continue;
        }
        let mut bytes = value.as_bytes().to_vec();
        if secret.overwrite(&mut bytes) {
            *value = HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static(""));
        }
    }
    Ok(response.map(|body| Blotted::new(body, secret).boxed_unsync()))
}

fn unsearchable(headers: &HeaderMap) -> Option<String> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))?;
    Some(String::from_utf8_lossy(coding.as_bytes()).into_owned())
}

/// A body in which a secret is overwritten as it passes, also where it comes in pieces.
struct Blotted {
    inner: WasiBody,
    secret: Arc<Spellings>,
    /// What may be the beginning of the secret: it waits for what comes next.
    held: BytesMut,
    ended: bool,
}

impl Blotted {
    fn new(inner: WasiBody, secret: Arc<Spellings>) -> Blotted {
        Blotted {
            inner,
            secret,
            held: BytesMut::new(),
            ended: false,
        }
    }

    /// What can go on of these bytes and those that are held.
    fn pass(&mut self, data: &Bytes) -> Bytes {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(data);
        self.secret.overwrite(&mut bytes);
        self.held = bytes.split_off(bytes.len() - self.secret.begun_at_end(&bytes));
        bytes.freeze()
    }
}

impl Body for Blotted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        while !self.ended {
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let data = self.pass(&data);
                        if !data.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    // Trailers: nobody needs them, and they would have to be searched as well.
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.ended = true,
            }
        }
        let rest = std::mem::take(&mut self.held).freeze();
        Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && (self.ended || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.len() as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use proptest::prelude::*;
    use secrecy::SecretString;

    const TOKEN: &str = "ghs_0123456789abcdef";

    fn secret() -> Arc<Spellings> {
        Arc::new(Spellings::of(&SecretString::from(TOKEN)))
    }

    #[test]
    fn nobody_asks_for_a_part_of_an_answer_that_is_searched() {
        let mut request = Request::get("/")
            .header(RANGE, "bytes=0-7")
            .header(IF_RANGE, "\"e\"")
            .header(ACCEPT_ENCODING, "gzip")
            .body(())
            .unwrap();
        ask_for_plain(&mut request);
        assert_eq!(request.headers().len(), 1);
        assert_eq!(request.headers()[ACCEPT_ENCODING], "identity");
    }

    /// What comes of a body that comes in these pieces.
    fn passed(pieces: &[&[u8]]) -> Vec<u8> {
        let frames: Vec<Result<Frame<Bytes>, Error>> = pieces
            .iter()
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        let collected = Blotted::new(body, secret()).collect();
        let collected = futures_util::FutureExt::now_or_never(collected).unwrap();
        collected.unwrap().to_bytes().to_vec()
    }

    #[test]
    fn a_body_without_the_credential_is_what_it_was() {
        let pieces: [&[u8]; 3] = [b"{\"a\":", b"\"ghs_01\"", b"}\xff"];
        assert_eq!(passed(&pieces), pieces.concat());
    }

    proptest! {
        #[test]
        fn the_credential_is_overwritten_however_the_body_is_cut(
            before in "[ -~]{0,30}",
            after in "[ -~]{0,30}",
            spelling in 0..3_usize,
            mut cuts in prop::collection::vec(0..100_usize, 0..6),
        ) {
            let spelt = [
                TOKEN.to_owned(),
                STANDARD.encode(format!("x:{TOKEN}:y")),
                TOKEN.replace('_', "%5F"),
            ];
            let text = format!("{before}{}{after}", spelt[spelling]);
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(text.len()));
            cuts.sort_unstable();
            let mut pieces = vec![];
            let mut from = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            let left = passed(&pieces);
            prop_assert_eq!(left.len(), text.len());
            let left = String::from_utf8(left).unwrap();
            prop_assert!(left.contains("****************"), "{}", left);
            let again = passed(&[left.as_bytes()]);
            prop_assert_eq!(again, left.into_bytes(), "nothing is left to overwrite");
        }
    }

    #[test]
    fn a_head_that_repeats_the_credential_is_overwritten_too() {
        let mut response = Response::new(super::super::body::full(Bytes::new()));
        let repeated = format!("token {TOKEN};");
        response
            .headers_mut()
            .insert("x-seen", repeated.parse().unwrap());
        let response = blotted(response, secret()).unwrap();
        assert_eq!(response.headers()["x-seen"], "token ********************;");
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        for (coding, is_refused) in [("gzip", true), ("identity", false), ("Identity", false)] {
            let mut response = Response::new(super::super::body::full(Bytes::new()));
            response
                .headers_mut()
                .insert("content-encoding", coding.parse().unwrap());
            assert_eq!(blotted(response, secret()).is_err(), is_refused, "{coding}");
        }
    }
}
