//! What an action is called in Port's API.

use super::NewActionError;

/// Whether Port takes this as an identifier.
///
/// # Errors
/// [`NewActionError::Identifier`].
pub fn check_identifier(text: &str) -> Result<(), NewActionError> {
    let is_made_of_these = text.chars().all(fits);
    if text.is_empty() || text == "." || text == ".." || !is_made_of_these {
        return Err(NewActionError::Identifier);
    }
    Ok(())
}

fn fits(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || "@_.+:=-".contains(c)
}

/// An identifier out of a title: `Deploy the shop` is `deploy_the_shop`. None if no letter or digit is in it.
#[must_use]
pub fn suggested_identifier(title: &str) -> Option<String> {
    let words = title.split(|c: char| !(c.is_alphabetic() || c.is_ascii_digit()));
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    Some(words.join("_")).filter(|identifier| check_identifier(identifier).is_ok())
}
