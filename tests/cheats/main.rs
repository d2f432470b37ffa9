//! Branches that break the product under a green gate, and honest branches that look like them. README.md
//! says how a case is written.
//!
//! `proofs` shows without Paddock that each cheat is one; `landings` shows what Paddock does with it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod case;
mod landings;
mod proofs;
mod recordings;
mod repository;
mod syntax;
mod tools;
mod tree;

/// Makes the tests of each runner, which has a folder of cases with its name.
macro_rules! runners {
    ($($runner:ident)*) => { $(
        mod $runner {
            #[test]
            fn only_its_cheats_break_the_product_and_its_gate_is_green() {
                super::proofs::prove(stringify!($runner));
            }

            #[test]
            fn its_cheats_are_held_and_its_honest_work_lands() {
                super::landings::run(stringify!($runner));
            }
        }
    )* };
}

runners! { cargo ctest jest make mocha node prove pytest unittest vitest }
