//! Evidence of tests: reads from the output of test runners, and from JUnit reports, which tests ran, and
//! compares a candidate's tests with those of its base.
//!
//! An exit status of 0 is no proof. The code under test can end its runner early, and a change can keep tests from
//! running; the names and numbers that the runner prints show it.
//!
//! | module | what lives there |
//! |---|---|
//! | [`OutputReader`] | reads output, line by line; one reader per runner in `runners` |
//! | [`read_junit`] | reads a JUnit report |
//! | [`Report`] | what was read: runners, names, counts; the file that is kept of it |
//! | [`compare()`] | which tests are missing, skipped, moved or new |
//! | [`advice()`] | how to make a runner name its tests |
//! | [`clue()`] | where a test may be found in the sources |
//!
//! A report says what was printed, not what is true: a program that prints the output of a runner is
//! believed. Therefore marks in the code, the guard of the tests and the isolated gate stand beside it.

mod advice;
mod clue;
mod compare;
mod counted;
mod junit;
mod names;
mod reader;
mod report;
mod runners;
mod stored;
#[cfg(test)]
mod tests;
mod words;

pub use advice::advice;
pub use clue::{Clue, clue};
pub use compare::{Difference, compare};
pub use junit::{JunitError, read_junit};
pub use names::normalised;
pub use reader::OutputReader;
pub use report::{Counts, Ran, Report, Status};
pub use stored::StoredError;
