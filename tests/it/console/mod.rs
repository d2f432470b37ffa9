//! The console without a terminal: keys and messages go in, effects and frames come out.

mod fixture;
mod frames;
mod keys;
mod lists;
mod screen;
mod selection;
