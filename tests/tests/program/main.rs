//! The program, as a person runs it.

mod commands;
mod doctor;
mod import;
mod import_again;
mod import_follow;
mod kinds;
mod policy;
mod readme;
mod report;
mod settings;
mod store;
mod tap;
mod tap_end;
mod tap_says;
mod tap_sockets;
mod tap_websocket;
mod upload;
