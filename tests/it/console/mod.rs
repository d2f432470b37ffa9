//! The console without a terminal: keys in, effects and frames out.

mod fixture;
mod frames;
mod keys;
mod lists;
mod screen;
mod selection;
