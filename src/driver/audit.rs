//! `audit`: what became of every byte of every segment.
