//! The server's side of HTTP/1.1, as far as a test's server needs it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Read};

use flate2::read::GzDecoder;
use serde_json::Value;

/// A request, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The headers, by lower-case name. Of a header that came twice the last one is kept.
    pub headers: BTreeMap<String, String>,
    /// The body. One with `Content-Encoding: gzip` is unpacked, any other is as it came.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads the next request of a connection, for a server of your own; `None` at the connection's end.
    ///
    /// # Errors
    ///
    /// Those of the connection, and [`InvalidData`](ErrorKind::InvalidData) if what comes is no request or its body cannot
    /// be unpacked. The connection cannot be read further.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(path), Some(_version)) = (words.next(), words.next(), words.next()) else {
            return Err(invalid("a request has a method, a path and a version"));
        };
        let headers = headers(reader)?;
        let mut body = Vec::new();
        if headers.get("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            read_chunks(reader, &mut body)?;
        } else if let Some(length) = headers.get("content-length") {
            let length = length.parse().map_err(|_| invalid("a length is a number"))?;
            read_exactly(reader, length, &mut body)?;
        }
        if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            let mut unpacked = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut unpacked)?;
            body = unpacked;
        }
        Ok(Some(Self { method: method.into(), path: path.into(), headers, body }))
    }

    /// The body as text, where it is text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The events in the body, in their order; `None` if the body is no upload: an object with a list `events`.
    pub fn events(&self) -> Option<Vec<Value>> {
        match serde_json::from_slice::<Value>(&self.body).ok()?.get_mut("events")?.take() {
            Value::Array(events) => Some(events),
            _ => None,
        }
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, problem)
}

fn headers(reader: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let header = header.trim();
        if header.is_empty() {
            return Ok(headers);
        }
        let (name, value) = header.split_once(':').ok_or_else(|| invalid("a header has a name and a value"))?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// Reads `length` bytes behind what `body` has.
fn read_exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    if reader.by_ref().take(length).read_to_end(body)? as u64 == length {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// Reads a body of unknown length, and the headers that may follow it.
fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| invalid("a chunk has a size"))?;
        if size == 0 {
            return headers(reader).map(drop);
        }
        read_exactly(reader, size, body)?;
        reader.read_line(&mut line)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::Request;

    fn request(headers: &[(&str, &str)], body: &[u8]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request { method: "POST".into(), path: "/a?b=c".into(), headers: headers.collect(), body: body.into() }
    }

    #[test]
    fn requests_of_a_connection() {
        let body = r#"{"events":[1]}"#;
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(body.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let length = packed.len().to_string();
        let mut connection = Vec::new();
        write!(connection, "POST /a?b=c HTTP/1.1\r\nContent-Length: 14\r\n\r\n{body}").unwrap();
        write!(connection, "POST /a?b=c HTTP/1.1\r\nX-Y:z\r\n\r\n").unwrap();
        write!(connection, "POST /a?b=c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        write!(connection, "A;x=y\r\n{}\r\n4\r\n{}\r\n0\r\nTrailer: x\r\n\r\n", &body[..10], &body[10..]).unwrap();
        write!(connection, "POST /a?b=c HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        connection.extend(packed);

        let mut reader = &connection[..];
        let mut next = || Request::read(&mut reader).unwrap();
        assert_eq!(next(), Some(request(&[("content-length", "14")], body.as_bytes())));
        assert_eq!(next(), Some(request(&[("x-y", "z")], b"")));
        assert_eq!(next(), Some(request(&[("transfer-encoding", "chunked")], body.as_bytes())));
        let packed = [("content-encoding", "gzip"), ("content-length", length.as_str())];
        assert_eq!(next(), Some(request(&packed, body.as_bytes())));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (text, problem) in [
            ("POST /a\r\n\r\n", ErrorKind::InvalidData),
            ("POST /a HTTP/1.1\r\nno header\r\n\r\n", ErrorKind::InvalidData),
            ("POST /a HTTP/1.1\r\nA: b\r\n", ErrorKind::UnexpectedEof),
            ("POST /a HTTP/1.1\r\nContent-Length: x\r\n\r\n", ErrorKind::InvalidData),
            ("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", ErrorKind::UnexpectedEof),
            ("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", ErrorKind::InvalidData),
            ("POST /a HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab", ErrorKind::UnexpectedEof),
        ] {
            assert_eq!(Request::read(&mut text.as_bytes()).unwrap_err().kind(), problem, "{text:?}");
        }
    }

    #[test]
    fn only_an_upload_has_events() {
        assert_eq!(request(&[], br#"{"events":[{"a":1},2]}"#).events(), Some(vec![json!({ "a": 1 }), json!(2)]));
        assert_eq!(request(&[], br#"{"events":[]}"#).events(), Some(vec![]));
        for body in ["", "{}", "[]", r#"{"events":{}}"#, r#"{"events":[]"#] {
            assert_eq!(request(&[], body.as_bytes()).events(), None, "{body}");
        }
        assert_eq!(request(&[], b"\xffa").text(), "\u{fffd}a");
    }
}
