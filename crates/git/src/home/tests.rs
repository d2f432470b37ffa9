//! Both sides against each other, without processes: what one writes, the other reads.

mod elsewhere;
mod forged;
mod hostile;
mod sample;
mod upkeep;
mod work;
