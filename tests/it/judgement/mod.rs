//! Judgement, end to end: which branch a gate blames, what review accepts, and what proves a landing.

mod blame;
mod conflicts;
mod ends;
mod marks;
mod proofs;
mod reviews;
mod summaries;
mod surroundings;
