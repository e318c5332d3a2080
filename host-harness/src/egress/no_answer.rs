//! Why a request got no answer, in a form that can be written down and read back.
//!
//! wasmtime's error can be neither copied nor compared. Here it is a word, the one of `wasi:http`'s `error-code` in small
//! letters, and what the code carries where that matters: `http-response-body-size: 1048576`.

use std::fmt::Display;
use std::str::FromStr;
use wasmtime_wasi_http::Error;

/// Why there was no complete answer to a request. Shown to people it is a sentence; see [`NoAnswer::spelled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    word: &'static str,
    detail: Option<String>,
}

/// A text that says no reason why a request got no answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is no error code of wasi:http: write one such as `connection-terminated`")]
pub struct NotAReason;

/// Both directions from one table, so that they agree.
macro_rules! words {
    (
        plain { $($plain:literal => $plain_code:ident,)* }
        number { $($number:literal => $number_code:ident,)* }
        text { $($text:literal => $text_code:ident,)* }
    ) => {
        /// The word of an error, and what it carries.
        fn word_of(error: &Error) -> Option<(&'static str, Option<String>)> {
            match error {
                $(Error::$plain_code => Some(($plain, None)),)*
                $(Error::$number_code(most) => Some(($number, most.map(|most| most.to_string()))),)*
                $(Error::$text_code(text) => Some(($text, text.clone())),)*
                _ => None,
            }
        }

        /// The table's own copy of a word, and its error.
        fn error_of(word: &str, detail: Option<&str>) -> Option<(&'static str, Error)> {
            match word {
                $($plain if detail.is_none() => Some(($plain, Error::$plain_code)),)*
                $($number => {
                    let most = detail.map(str::parse).transpose().ok()?;
                    Some(($number, Error::$number_code(most)))
                })*
                $($text => Some(($text, Error::$text_code(detail.map(str::to_owned)))),)*
                _ => None,
            }
        }

        #[cfg(test)]
        const WORDS: &[&str] = &[$($plain,)* $($number,)* $($text,)*];
    };
}

words! {
    plain {
        "dns-timeout" => DnsTimeout,
        "destination-not-found" => DestinationNotFound,
        "destination-unavailable" => DestinationUnavailable,
        "destination-ip-prohibited" => DestinationIpProhibited,
        "destination-ip-unroutable" => DestinationIpUnroutable,
        "connection-refused" => ConnectionRefused,
        "connection-terminated" => ConnectionTerminated,
        "connection-timeout" => ConnectionTimeout,
        "connection-read-timeout" => ConnectionReadTimeout,
        "connection-write-timeout" => ConnectionWriteTimeout,
        "connection-limit-reached" => ConnectionLimitReached,
        "tls-protocol-error" => TlsProtocolError,
        "tls-certificate-error" => TlsCertificateError,
        "http-request-denied" => HttpRequestDenied,
        "http-request-length-required" => HttpRequestLengthRequired,
        "http-request-method-invalid" => HttpRequestMethodInvalid,
        "http-request-uri-invalid" => HttpRequestUriInvalid,
        "http-request-uri-too-long" => HttpRequestUriTooLong,
        "http-response-incomplete" => HttpResponseIncomplete,
        "http-response-timeout" => HttpResponseTimeout,
        "http-upgrade-failed" => HttpUpgradeFailed,
        "http-protocol-error" => HttpProtocolError,
        "loop-detected" => LoopDetected,
        "configuration-error" => ConfigurationError,
    }
    number {
        "http-request-body-size" => HttpRequestBodySize,
        "http-request-header-section-size" => HttpRequestHeaderSectionSize,
        "http-request-trailer-section-size" => HttpRequestTrailerSectionSize,
        "http-response-header-section-size" => HttpResponseHeaderSectionSize,
        "http-response-body-size" => HttpResponseBodySize,
        "http-response-trailer-section-size" => HttpResponseTrailerSectionSize,
    }
    text {
        "http-response-transfer-coding" => HttpResponseTransferCoding,
        "http-response-content-coding" => HttpResponseContentCoding,
        "internal-error" => InternalError,
    }
}

/// The word for a name that cannot be resolved. The egress never says more.
const DNS_ERROR: &str = "dns-error";

impl NoAnswer {
    /// Nothing is known about why.
    pub fn unknown() -> NoAnswer {
        NoAnswer::from(&Error::InternalError(None))
    }

    /// The error as the guest gets it.
    pub fn error(&self) -> Error {
        made(self.word, self.detail.as_deref())
            .map_or(Error::InternalError(None), |(_, error)| error)
    }

    /// The word, with what it carries behind a colon: what [`str::parse`] reads.
    pub fn spelled(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.word),
            None => self.word.to_owned(),
        }
    }
}

fn made(word: &str, detail: Option<&str>) -> Option<(&'static str, Error)> {
    match (word, detail) {
        (DNS_ERROR, None) => {
            let (rcode, info_code) = (None, None);
            Some((DNS_ERROR, Error::DnsError { rcode, info_code }))
        }
        _ => error_of(word, detail),
    }
}

impl From<&Error> for NoAnswer {
    /// What the egress never says (an alert of TLS, the size of one field, errors of a client that is not ours) becomes
    /// an internal error with the sentence.
    fn from(error: &Error) -> NoAnswer {
        let (word, detail) = match error {
            Error::DnsError { .. } => (DNS_ERROR, None),
            _ => word_of(error).unwrap_or_else(|| ("internal-error", Some(error.to_string()))),
        };
        NoAnswer { word, detail }
    }
}

impl FromStr for NoAnswer {
    type Err = NotAReason;

    fn from_str(text: &str) -> Result<NoAnswer, NotAReason> {
        let (word, detail) = match text.split_once(": ") {
            Some((word, detail)) => (word, Some(detail)),
            None => (text, None),
        };
        let (word, _) = made(word, detail).ok_or(NotAReason)?;
        let detail = detail.map(str::to_owned);
        Ok(NoAnswer { word, detail })
    }
}

impl Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(error: &Error) -> Error {
        let spelled = NoAnswer::from(error).spelled();
        spelled.parse::<NoAnswer>().unwrap().error()
    }

    #[test]
    fn every_error_that_the_egress_gives_a_guest_survives_being_written_down() {
        for error in [
            Error::ConnectionLimitReached,
            Error::ConnectionReadTimeout,
            Error::ConnectionRefused,
            Error::ConnectionTerminated,
            Error::ConnectionTimeout,
            Error::ConnectionWriteTimeout,
            Error::DestinationIpProhibited,
            Error::DestinationUnavailable,
            Error::DnsError {
                rcode: None,
                info_code: None,
            },
            Error::HttpProtocolError,
            Error::HttpRequestBodySize(Some(1_048_576)),
            Error::HttpRequestDenied,
            Error::HttpResponseBodySize(Some(u64::MAX)),
            Error::HttpResponseContentCoding(Some("x: y".to_owned())),
            Error::HttpResponseHeaderSectionSize(Some(65_536)),
            Error::HttpResponseIncomplete,
            Error::TlsCertificateError,
        ] {
            let back = there_and_back(&error);
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
            assert_eq!(NoAnswer::from(&error).to_string(), error.to_string());
        }
    }

    /// Against the sources: an error that is new in the egress has to be in the table.
    #[test]
    fn no_error_in_the_sources_of_the_egress_is_without_a_word() {
        let sources = [
            include_str!("authorize.rs"),
            include_str!("blot.rs"),
            include_str!("body.rs"),
            include_str!("cache.rs"),
            include_str!("head.rs"),
            include_str!("mod.rs"),
            include_str!("permits.rs"),
            include_str!("send.rs"),
        ];
        let table = include_str!("no_answer.rs");
        let mut found = 0;
        for part in sources
            .iter()
            .flat_map(|text| text.split(" Error::").skip(1))
        {
            let code: String = part
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            assert!(
                code == "DnsError" || table.contains(&format!("\" => {code},")),
                "{code}"
            );
            found += 1;
        }
        assert!(found > 10, "{found}");
    }

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for word in WORDS.iter().chain(&[DNS_ERROR]) {
            let read: NoAnswer = word.parse().unwrap();
            assert_eq!(read.spelled(), *word);
            assert_eq!(NoAnswer::from(&read.error()), read);
        }
    }

    #[test]
    fn what_is_no_reason_is_refused() {
        for text in [
            "",
            "no-such-word",
            "connection-refused: why",
            "http-response-body-size: many",
            "Connection-Refused",
        ] {
            assert_eq!(text.parse::<NoAnswer>(), Err(NotAReason), "{text}");
        }
    }

    #[test]
    fn what_the_egress_never_says_keeps_its_sentence() {
        let error = Error::TlsAlertReceived {
            alert_id: Some(40),
            alert_message: None,
        };
        let told = NoAnswer::from(&error).spelled();
        assert_eq!(told, format!("internal-error: {error}"));
    }
}
