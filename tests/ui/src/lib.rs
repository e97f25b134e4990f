//! What must not compile: see `cases/`, one mistake a file, with the text the compiler gives.
