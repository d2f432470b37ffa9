//! Lists of names in sentences for people.

/// Returns the first `shown` names, followed by the number of the others.
#[must_use]
pub(crate) fn a_few_of<N: ToString>(names: &[N], shown: usize) -> String {
    let listed = names.iter().take(shown).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(shown) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::a_few_of;

    #[test]
    fn names_beyond_the_limit_are_counted() {
        assert_eq!(a_few_of(&["a", "b"], 2), "a, b");
        assert_eq!(a_few_of(&["a", "b", "c"], 2), "a, b and 1 more");
        assert_eq!(a_few_of::<&str>(&[], 2), "");
    }
}
