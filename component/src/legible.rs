//! Text that somebody else has written, made fit for where it is shown: it ends no line, is no markup and no link, and has
//! a length that can be read.

/// How much of a name is shown, in characters.
const MAX_NAME: usize = 200;

/// A name that somebody else has chosen, as part of one line.
#[must_use]
pub fn one_line(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_NAME).collect::<String>().trim().to_owned()
}

/// A text whose characters mean nothing to Markdown or HTML (CommonMark section 2.4: any ASCII punctuation may be
/// escaped).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Whether a URL can stand in a Markdown link as it is.
#[must_use]
pub fn is_plain_url(url: &str) -> bool {
    let is_plain = |b: u8| {
        b.is_ascii_graphic() && !matches!(b, b'(' | b')' | b'<' | b'>' | b'#' | b'\\' | b'[' | b']')
    };
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= 1000
        && url.bytes().all(is_plain)
}

/// A text of a length that can be read.
#[must_use]
pub fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut start: String = characters.by_ref().take(60).collect();
    if characters.next().is_some() {
        start.push('…');
    }
    start
}
