//! The server's side of HTTP/1.1, as far as the tests' servers need it.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use flate2::read::GzDecoder;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST /path`
    pub line: String,
    /// Its headers, by lower-case name.
    pub headers: HashMap<String, String>,
    /// Its body, unpacked.
    pub body: String,
}

impl Request {
    /// Reads the next request of a connection; `None` at its end, or if it is none.
    pub fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut headers = HashMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = match headers.get("content-encoding").map(String::as_str) {
            Some("gzip") => {
                let mut unpacked = Vec::new();
                GzDecoder::new(&body[..]).read_to_end(&mut unpacked).ok()?;
                unpacked
            }
            Some("zstd") => zstd::decode_all(&body[..]).ok()?,
            _ => body,
        };
        let line = line.rsplit_once(' ').map_or(&*line, |(line, _)| line).to_owned();
        Some(Self { line, headers, body: String::from_utf8(body).ok()? })
    }
}
