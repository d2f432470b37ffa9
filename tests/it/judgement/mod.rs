//! Judgement, end to end: whom a gate blames, what review lets through, and what proves a landing.

mod blame;
mod conflicts;
mod ends;
mod proofs;
mod reviews;
mod summaries;
mod surroundings;
