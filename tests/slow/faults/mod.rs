//! Faults that the kernel reports, injected by strace into the supervisor's own system calls: it is killed in
//! the middle of one, or told of an error of the disk. Nothing is changed in the program for it.
//!
//! What git, agents and gates do is left alone (`-b execve` lets go of every process that runs another program).

mod flushes;
mod injected;
mod kills;
mod locks;
