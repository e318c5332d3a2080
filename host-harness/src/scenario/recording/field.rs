//! How a header field is spelled in a recording: as in HTTP, and with two colons before base64 as in LDIF (RFC 2849).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};

pub(super) fn spell(name: &HeaderName, value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => format!("{name}: {text}"),
        Err(_) => format!("{name}:: {}", STANDARD.encode(value)),
    }
}

pub(super) fn read(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, rest) = text
        .split_once(':')
        .ok_or("a header field is written `name: value`, or `name:: base64`")?;
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "what stands before the colon is no name of a header field")?;
    let value = match rest.strip_prefix(':') {
        Some(base64) => STANDARD
            .decode(base64.trim())
            .map_err(|_| "what stands behind two colons is no base64")?,
        None => rest.strip_prefix(' ').unwrap_or(rest).as_bytes().to_vec(),
    };
    let value = HeaderValue::from_bytes(&value)
        .map_err(|_| "a value of a header field has no control characters")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(name: &str, value: &[u8]) -> String {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value).unwrap();
        let spelled = spell(&name, &value);
        assert_eq!(read(&spelled), Ok((name, value)));
        spelled
    }

    #[test]
    fn a_field_is_written_as_in_http_and_in_base64_if_it_is_no_text() {
        assert_eq!(there_and_back("accept", b"a/b"), "accept: a/b");
        assert_eq!(there_and_back("x", b""), "x: ");
        assert_eq!(there_and_back("x", b": y "), "x: : y ");
        assert_eq!(there_and_back("x", "ü".as_bytes()), "x: ü");
        assert_eq!(there_and_back("x", b"\xff"), "x:: /w==");
    }

    #[test]
    fn fields_written_by_hand_need_no_space() {
        let (name, value) = read("Accept:a").unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("accept", &b"a"[..]));
        for wrong in ["", "accept", "a b: c", ": c", "x:: ?", "x: a\nb"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
