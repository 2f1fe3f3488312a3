//! The HTTP before a WebSocket's frames, up to the request or answer that starts them.

use std::borrow::Cow;

use turnledger_core::Direction;

/// The longest head that is looked at.
const LONGEST_HEAD: usize = 64 << 10;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One direction of a connection, until it is a WebSocket. A client's offer of extensions, such as
/// `permessage-deflate`, is removed from its request. The server then cannot use them, and messages stay readable.
/// Everything else passes unchanged; a client's head passes once it is complete.
#[derive(Debug)]
pub(super) struct Handshake {
    direction: Direction,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In a head; these bytes have arrived.
    Head(Vec<u8>),
    /// In a body; this many bytes are still to come.
    Body(u64),
    /// It is a WebSocket.
    Done,
    /// It is not a WebSocket, or not one that can be read.
    Opaque,
}

/// What bytes are worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken<'a> {
    /// What is to be handed on first.
    pub(super) http: Cow<'a, [u8]>,
    /// The frames after it.
    pub(super) frames: &'a [u8],
}

impl Handshake {
    pub(super) const fn new(direction: Direction) -> Self {
        Self { direction, state: State::Head(Vec::new()) }
    }

    /// Takes the next bytes.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Taken<'a> {
        let holds_back = self.direction == Direction::ClientToServer;
        let mut http = Cow::Borrowed(&bytes[..0]);
        let mut rest = bytes;
        while !rest.is_empty() {
            match &mut self.state {
                State::Done => break,
                State::Opaque => {
                    add(&mut http, rest);
                    rest = &[];
                }
                State::Body(left) => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    let (body, after) = rest.split_at(length);
                    add(&mut http, body);
                    *left -= length as u64;
                    rest = after;
                    if *left == 0 {
                        self.state = State::Head(Vec::new());
                    }
                }
                State::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(rest);
                    // The end may have begun in what came before.
                    let from = before.saturating_sub(HEAD_END.len() - 1);
                    let found = head[from..].windows(HEAD_END.len()).position(|window| window == HEAD_END);
                    let end = found.map(|at| from + at + HEAD_END.len());
                    if end.is_none() && head.len() <= LONGEST_HEAD && is_beginning(head, self.direction) {
                        if !holds_back {
                            add(&mut http, rest);
                        }
                        rest = &[];
                        continue;
                    }
                    head.truncate(end.unwrap_or(head.len()));
                    let head = std::mem::take(head);
                    let (ours, after) = rest.split_at(head.len() - before);
                    rest = after;
                    let changed = end.filter(|_| holds_back).map(|_| without_offers(&head));
                    self.state = if end.is_some() { after_head(&head, self.direction) } else { State::Opaque };
                    match changed {
                        Some(changed) => add(&mut http, &changed),
                        None if holds_back => add(&mut http, &head),
                        None => add(&mut http, ours),
                    }
                }
            }
        }
        Taken { http, frames: rest }
    }

    /// What was held back, when nothing more comes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.state, State::Opaque) {
            State::Head(head) if self.direction == Direction::ClientToServer => head,
            _ => Vec::new(),
        }
    }
}

fn add(all: &mut Cow<'_, [u8]>, more: &[u8]) {
    if !more.is_empty() {
        all.to_mut().extend_from_slice(more);
    }
}

/// Whether these bytes may begin a head that starts a WebSocket. Anything else must pass at once.
fn is_beginning(head: &[u8], direction: Direction) -> bool {
    let expected: &[u8] = match direction {
        Direction::ClientToServer => b"GET ",
        Direction::ServerToClient => b"HTTP/1.",
    };
    head.iter().zip(expected).all(|(got, expected)| got == expected)
}

/// A head's headers, each with its name in lower case, without continuation lines.
fn headers(head: &[u8]) -> impl Iterator<Item = (String, String)> {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_ascii_lowercase();
        (!line.starts_with(b" ") && !line.starts_with(b"\t")).then(|| (text(&line[..colon]), text(&line[colon + 1..])))
    })
}

/// What follows a head.
fn after_head(head: &[u8], direction: Direction) -> State {
    let first = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let status = first.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    let (mut asks, mut length, mut is_chunked) = (false, None, false);
    for (name, value) in headers(head) {
        match &*name {
            "upgrade" => asks |= value.split(',').any(|protocol| protocol.trim() == "websocket"),
            "content-length" => length = value.parse().ok(),
            "transfer-encoding" => is_chunked = true,
            _ => {}
        }
    }
    match direction {
        _ if !is_beginning(head, direction) => State::Opaque,
        Direction::ClientToServer if asks => State::Done,
        Direction::ServerToClient if asks && status == Some(101) => State::Done,
        _ if is_chunked => State::Opaque,
        // Requests and answers say whether they have a body; some answers never have one.
        Direction::ServerToClient if matches!(status, Some(100..=199 | 204 | 304)) => State::Head(Vec::new()),
        Direction::ServerToClient if length.is_none() => State::Opaque,
        _ => match length.unwrap_or(0) {
            0 => State::Head(Vec::new()),
            length => State::Body(length),
        },
    }
}

/// A request's head without the extensions that it offers.
fn without_offers(head: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(head.len());
    let mut is_offer = false;
    for (number, line) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        is_offer = number > 0
            && (goes_on && is_offer || !goes_on && name.trim_ascii().eq_ignore_ascii_case(b"sec-websocket-extensions"));
        if !is_offer {
            kept.extend_from_slice(line);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use turnledger_core::Direction::{self, ClientToServer, ServerToClient};

    use super::{Handshake, LONGEST_HEAD};

    /// What is handed on of the handshake, and the frames, for bytes that come in pieces of such sizes.
    fn passed(direction: Direction, bytes: &[u8], sizes: &[usize]) -> (Vec<u8>, Vec<u8>) {
        let mut handshake = Handshake::new(direction);
        let (mut http, mut frames, mut rest) = (Vec::new(), Vec::new(), bytes);
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            let taken = handshake.take(piece);
            http.extend_from_slice(&taken.http);
            frames.extend_from_slice(taken.frames);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        http.extend(handshake.rest());
        (http, frames)
    }

    fn check(direction: Direction, bytes: &[u8], http: &[u8], frames: &[u8]) {
        for sizes in [&[usize::MAX][..], &[1], &[3, 40]] {
            let (passed_http, passed_frames) = passed(direction, bytes, sizes);
            assert_eq!(
                (String::from_utf8_lossy(&passed_http), String::from_utf8_lossy(&passed_frames)),
                (String::from_utf8_lossy(http), String::from_utf8_lossy(frames)),
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn an_offer_of_extensions_is_taken_out() {
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n";
        let offers = [
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            "sec-websocket-EXTENSIONS:x-webkit-deflate-frame\r\n",
            "Sec-WebSocket-Extensions: permessage-deflate;\r\n\tclient_max_window_bits\r\n more\r\n",
        ];
        let after = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        for offered in
            [offers[0].to_owned(), offers[1].to_owned(), offers[2].to_owned(), offers.concat(), String::new()]
        {
            let bytes = format!("{request}{offered}{after}frames");
            check(ClientToServer, bytes.as_bytes(), format!("{request}{after}").as_bytes(), b"frames");
        }
        // What a server says is said.
        let answer = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: some\r\n\r\n";
        check(ServerToClient, &[&answer[..], b"frames"].concat(), answer, b"frames");
    }

    #[test]
    fn other_requests_before_the_one_that_makes_a_websocket() {
        let health = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        let upgrade = b"GET / HTTP/1.1\r\nUpgrade: h2c, websocket\r\n\r\n";
        check(
            ClientToServer,
            &[&health[..], health, upgrade, b"ab"].concat(),
            &[&health[..], health, upgrade].concat(),
            b"ab",
        );
        let answers =
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineHTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 204 None\r\n\r\n";
        let agreed = b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\n\r\n";
        check(ServerToClient, &[&answers[..], agreed, b"ab"].concat(), &[&answers[..], agreed].concat(), b"ab");
    }

    #[test]
    fn what_is_no_websocket_passes_as_it_is() {
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\nUpgrade", "x".repeat(LONGEST_HEAD));
        for (direction, bytes) in [
            (ClientToServer, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nnoise"),
            (ClientToServer, "GET / HT"),
            (ClientToServer, "POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\nmore"),
            (ClientToServer, "\x16\x03\x01 a greeting of TLS"),
            (ClientToServer, ""),
            (ClientToServer, &long),
            (ServerToClient, "HTTP/1.1 401 Unauthorized\r\nUpgrade: websocket\r\n\r\nmore"),
            (ServerToClient, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"),
            (ServerToClient, "no HTTP at all\r\n\r\n"),
        ] {
            check(direction, bytes.as_bytes(), bytes.as_bytes(), b"");
        }
        // What is no request does not wait for more.
        assert_eq!(Handshake::new(ClientToServer).take(b"noise").http, &b"noise"[..]);
        assert_eq!(Handshake::new(ServerToClient).take(b"HTTP").http, &b"HTTP"[..]);
        assert_eq!(Handshake::new(ClientToServer).take(b"GE").http, &b""[..]);
    }

    proptest! {
        #[test]
        fn nothing_but_offers_is_lost(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            start in prop::sample::select(vec!["", "GET ", "GET / HTTP/1.1\r\n", "HTTP/1.1 101 x\r\n", "HTTP/1.1 200\r\nContent-Length: 7\r\n\r\n"]),
            upgrade: bool,
            sizes in prop::collection::vec(1_usize..50, 1..4),
        ) {
            let upgrade = if upgrade { "Upgrade: websocket\r\n\r\n" } else { "" };
            let bytes = [start.as_bytes(), upgrade.as_bytes(), &bytes].concat();
            for direction in [ClientToServer, ServerToClient] {
                let (http, frames) = passed(direction, &bytes, &sizes);
                prop_assert_eq!([http, frames].concat(), &bytes[..]);
            }
        }
    }
}
