//! Finding secrets in what was committed: private keys, tokens of providers, passwords in addresses.
//!
//! The forms are data: the rules of gitleaks, and Paddock's own beside them (`rules/README.md`). A false
//! alarm sends a good branch back, so a match counts only if no allow-list of its rule has it and if its
//! characters look random where the rule asks for that. The secret itself is never shown or stored, only its
//! kind and place.
//!
//! [`search`] reads a text of any size in windows of bounded memory, as bytes and as UTF-16.

mod judge;
mod rules;
#[cfg(test)]
mod vectors;
mod wide;
mod window;

pub(crate) use window::{SearchError, Work, search};

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Kind of the secret, for people.
    pub kind: &'static str,
    /// The secret itself: for comparison, never for display.
    pub text: Vec<u8>,
    /// Line of the secret, from 1.
    pub line: usize,
}
