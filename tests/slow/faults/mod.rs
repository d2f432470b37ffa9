//! Faults that strace injects into the supervisor's own system calls: a kill in the middle of a call, or a
//! disk error. The program itself is unchanged.
//!
//! Calls of git, agents and gates are left alone (`-b execve` detaches from every process that executes
//! another program).

mod flushes;
mod injected;
mod kills;
mod locks;
