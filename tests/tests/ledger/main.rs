//! The ledger in a host: queue, spool, accounts, delivery.

mod accounts;
mod events;
mod faults;
mod spool;
mod transport;
