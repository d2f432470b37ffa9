//! Arguments to front end; nothing else.

fn main() {}
