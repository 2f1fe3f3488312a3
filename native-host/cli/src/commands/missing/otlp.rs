//! Sending events to a receiver of OpenTelemetry, in a build without it: there is never a receiver.

use std::io::{self, Write};

use turnledger::ledger::LedgerBuilder;

use super::missing;
use crate::settings::Settings;

pub(super) enum Receiver {}

impl Receiver {
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        if settings.otlp.value.is_none() { Ok(None) } else { Err(missing(&settings.otlp.origin.to_string())) }
    }

    pub(super) fn ledger(&self, _: LedgerBuilder, _: &Settings) -> anyhow::Result<LedgerBuilder> {
        match *self {}
    }

    pub(super) fn says(&self) -> Vec<String> {
        match *self {}
    }
}

pub(super) enum Lines {}

impl Lines {
    pub(super) fn of(settings: &Settings) -> anyhow::Result<Option<Self>> {
        Ok(Receiver::of(settings)?.map(|receiver| match receiver {}))
    }

    pub(super) fn finish(self, _: bool) -> anyhow::Result<bool> {
        match self {}
    }
}

impl Write for Lines {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}
