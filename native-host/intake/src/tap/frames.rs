//! Splits a stream of bytes into the messages of a WebSocket.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use super::LONGEST;

/// Puts messages together from the frames of one direction.
#[derive(Debug)]
pub(super) struct Frames {
    state: State,
    /// The message so far; empty if it is too long.
    message: Vec<u8>,
    /// Whether the message cannot be read: it is too long, or compressed.
    is_unreadable: bool,
    unread: u64,
}

#[derive(Debug)]
enum State {
    /// In a frame's header, of which this came so far.
    Header(Vec<u8>),
    /// In a frame's payload.
    Payload(Payload),
    /// What comes is not understood.
    Opaque,
}

#[derive(Debug)]
struct Payload {
    left: u64,
    mask: Option<[u8; 4]>,
    /// How many bytes passed.
    passed: usize,
    /// Whether it belongs to a message, and ends it.
    ends: Option<bool>,
}

/// How much memory is kept for the next message.
const KEPT: usize = 1 << 20;

impl Default for Frames {
    fn default() -> Self {
        Self { state: State::Header(Vec::new()), message: Vec::new(), is_unreadable: false, unread: 0 }
    }
}

impl Frames {
    /// Takes the next bytes, and passes on the messages that they complete.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut see: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Opaque => return,
                State::Header(header) => {
                    let (byte, rest) = (bytes[0], &bytes[1..]);
                    header.push(byte);
                    bytes = rest;
                    match FrameHeader::parse(&mut Cursor::new(&*header)) {
                        Ok(None) => {}
                        Ok(Some((header, length))) => self.begin(&header, length, &mut see),
                        Err(_) => self.give_up(),
                    }
                }
                State::Payload(payload) => {
                    let length = usize::try_from(payload.left).unwrap_or(usize::MAX).min(bytes.len());
                    let (taken, rest) = bytes.split_at(length);
                    bytes = rest;
                    if payload.ends.is_some() && !self.is_unreadable {
                        let start = self.message.len();
                        self.message.extend_from_slice(taken);
                        if let Some(mask) = payload.mask {
                            let passed = payload.passed;
                            let masked = self.message[start..].iter_mut().enumerate();
                            masked.for_each(|(at, byte)| *byte ^= mask[(passed + at) % 4]);
                        }
                        if self.message.len() > LONGEST {
                            (self.is_unreadable, self.message) = (true, Vec::new());
                        }
                    }
                    payload.passed = payload.passed.wrapping_add(length);
                    payload.left -= length as u64;
                    if payload.left == 0 {
                        let ends = payload.ends;
                        self.end(ends, &mut see);
                    }
                }
            }
        }
    }

    /// How many messages could not be read.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    fn begin(&mut self, header: &FrameHeader, length: u64, see: &mut impl FnMut(&[u8])) {
        let ends = match header.opcode {
            OpCode::Data(Data::Text | Data::Binary | Data::Continue) => Some(header.is_final),
            OpCode::Data(Data::Reserved(_)) => return self.give_up(),
            OpCode::Control(_) => None,
        };
        // The first frame of a compressed message says so (RFC 7692).
        self.is_unreadable |= ends.is_some() && header.rsv1;
        if length == 0 {
            self.end(ends, see);
        } else {
            self.state = State::Payload(Payload { left: length, mask: header.mask, passed: 0, ends });
        }
    }

    /// What follows is not understood.
    fn give_up(&mut self) {
        (self.state, self.message) = (State::Opaque, Vec::new());
        self.unread += 1;
    }

    /// A frame is over.
    fn end(&mut self, ends: Option<bool>, see: &mut impl FnMut(&[u8])) {
        self.state = State::Header(Vec::new());
        if ends == Some(true) {
            if self.is_unreadable {
                self.unread += 1;
            } else {
                see(&self.message);
            }
            // After one long message, its memory is given back.
            if self.message.capacity() > KEPT {
                self.message = Vec::new();
            }
            self.message.clear();
            self.is_unreadable = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::{Data, OpCode};

    use super::{Frames, LONGEST};

    fn written(frames: Vec<Frame>, masked: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for mut frame in frames {
            if masked {
                frame.header_mut().mask = Some([1, 200, 3, 40]);
            }
            frame.format(&mut bytes).unwrap();
        }
        bytes
    }

    fn text(text: &str, opcode: Data, is_final: bool) -> Frame {
        Frame::message(text.as_bytes().to_vec(), OpCode::Data(opcode), is_final)
    }

    /// What is seen of a connection whose bytes come in pieces of these sizes, over and over.
    fn seen(bytes: &[u8], sizes: &[usize]) -> (Vec<String>, u64) {
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        let mut rest = bytes;
        for size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            frames.take(piece, |message| seen.push(String::from_utf8_lossy(message).into_owned()));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        (seen, frames.unread())
    }

    #[test]
    fn fragments_and_control_frames() {
        let frames = vec![
            text("one", Data::Text, true),
            text("tw", Data::Text, false),
            Frame::ping(b"ping".to_vec()),
            text("", Data::Continue, false),
            text("o", Data::Continue, true),
            text("", Data::Text, true),
            text(&"x".repeat(70_000), Data::Binary, true),
            Frame::close(None),
        ];
        let bytes = written(frames, true);
        for sizes in [&[usize::MAX][..], &[1], &[3, 1000]] {
            assert_eq!(seen(&bytes, sizes), (vec!["one".into(), "two".into(), String::new(), "x".repeat(70_000)], 0));
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_passed_over() {
        let mut packed = text("packed", Data::Text, true);
        packed.header_mut().rsv1 = true;
        let long = "x".repeat(LONGEST + 1);
        let bytes = written(vec![packed, text(&long, Data::Text, true), text("plain", Data::Text, true)], false);
        assert_eq!(seen(&bytes, &[1 << 16]), (vec!["plain".into()], 2));
    }

    #[test]
    fn frames_of_a_kind_that_there_is_not() {
        // What follows counts as one message.
        let message = written(vec![text("secret", Data::Text, true)], false);
        assert_eq!(seen(&[&b"\x83\x00"[..], &message].concat(), &[usize::MAX]), (Vec::new(), 1));
    }

    proptest! {
        #[test]
        fn however_it_comes_in_pieces(
            messages in prop::collection::vec(".{0,300}", 0..6),
            sizes in prop::collection::vec(1_usize..200, 1..4),
            masked: bool,
        ) {
            let frames = messages.iter().map(|message| text(message, Data::Text, true)).collect();
            let bytes = written(frames, masked);
            prop_assert_eq!(seen(&bytes, &sizes), (messages, 0));
        }

        #[test]
        fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            seen(&bytes, &[7]);
        }
    }
}
