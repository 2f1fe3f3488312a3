//! `turnledger collect health`

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// How long the collector may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Say whether the collector on this machine works.
///
/// It asks without TLS: a collector that does TLS itself is asked from outside, at `https://HOST/health`.
///
/// Exit codes: 0 it takes events; 1 it does not, or nothing answers at the address.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Address that the collector listens on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787", value_parser = super::address)]
    listen: SocketAddr,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let said = match status(args.listen) {
        Ok(line) if line.split(' ').nth(1) == Some("200") => return ExitCode::SUCCESS,
        Ok(line) => format!("the answer is {line:?}"),
        Err(error) => error.to_string(),
    };
    eprintln!("turnledger: http://{}/health: {said}; --listen names another address", args.listen);
    ExitCode::from(crate::commands::BAD_INPUT)
}

/// The first line of the answer.
fn status(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
