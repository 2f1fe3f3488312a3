//! `turnledger collect`: clients of every kind, and a process that ends at any time.

mod answers;
mod clients;
mod commands;
mod ending;
mod hostile;
mod kills;
mod tls;
