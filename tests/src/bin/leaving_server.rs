//! An app-server that takes one client, says something, and ends with code 3 while somebody that it started holds the
//! connection open.
//!
//! usage: `leaving_server PATH`

use std::env;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, exit};

use tungstenite::Message;

fn main() {
    let path = env::args().nth(1).expect("usage: leaving_server PATH");
    let (stream, _) = UnixListener::bind(path).expect("a socket").accept().expect("a client");
    let held = OwnedFd::from(stream.try_clone().expect("the connection"));
    let mut socket = tungstenite::accept(stream).expect("a handshake");
    socket.send(Message::text(r#"{"method":"initialized"}"#)).expect("it listens");
    Command::new("sleep").arg("30").stdin(held).spawn().expect("somebody");
    exit(3);
}
