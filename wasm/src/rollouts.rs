//! Rollouts that are being read, each by a pipeline of its own.

use std::collections::BTreeMap;

use turnledger_core::event::common::RpcTransport;
use turnledger_core::{Limits, Output, Pipeline, Rollout, Stats, UnixMillis, Unreadable};

use crate::digest::HostDigest;

#[derive(Debug)]
struct Reading {
    pipeline: Pipeline<HostDigest>,
    rollout: Rollout,
}

/// The files that are open, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Rollouts {
    open: BTreeMap<u32, Box<Reading>>,
    /// What those counted that are read to their end.
    ended: Stats,
}

impl Rollouts {
    /// Reads a line of a file. The first one opens it.
    pub(crate) fn line(
        &mut self,
        number: u32,
        (digest, limits): (&HostDigest, Limits),
        line: &[u8],
        output: &mut Output,
    ) -> Result<(), Unreadable> {
        let Reading { pipeline, rollout } = &mut **self.open.entry(number).or_insert_with(|| {
            let pipeline = Pipeline::new(digest.clone(), RpcTransport::Stdio, limits);
            Box::new(Reading { pipeline, rollout: Rollout::new(1) })
        });
        pipeline.read(rollout, line, output)
    }

    /// A file has no more lines. One that was never read has nothing to end.
    pub(crate) fn end(&mut self, number: u32, output: &mut Output) {
        if let Some(mut reading) = self.open.remove(&number) {
            let Reading { pipeline, rollout } = &mut *reading;
            pipeline.end(rollout, output);
            self.ended.add(pipeline.stats());
        }
    }

    /// The thread of a file; none before its first line was read.
    pub(crate) fn thread(&self, number: u32) -> Option<String> {
        self.open.get(&number)?.rollout.thread_id().map(ToString::to_string)
    }

    /// When the latest line of a file was written.
    pub(crate) fn at(&self, number: u32) -> UnixMillis {
        self.open.get(&number).map(|reading| reading.rollout.at()).unwrap_or_default()
    }

    /// Adds what all files counted.
    pub(crate) fn add_stats(&self, stats: &mut Stats) {
        stats.add(&self.ended);
        for reading in self.open.values() {
            stats.add(reading.pipeline.stats());
        }
    }
}
