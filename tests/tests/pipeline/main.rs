//! The core alone: facts and messages in, events and discards out.

#![allow(clippy::needless_pass_by_value, reason = "`json!` values read best where they are used")]

mod accounting;
mod catalog;
mod clocks;
mod connections;
mod contract;
mod contract_examples;
mod delivery;
mod derived;
mod diffs;
mod discards;
mod formats;
mod golden;
mod histories;
mod hostile;
mod house;
mod joins_calls;
mod joins_items;
mod joins_reviews;
mod joins_threads;
mod joins_turns;
mod limits;
mod long;
mod model;
mod privacy;
mod privacy_protocol;
mod properties;
mod purity;
mod restore;
mod rollout_lines;
mod rollout_saved;
mod rollout_trees;
mod rollouts;
mod rules_items;
mod rules_reviews;
mod rules_turns;
mod schema;
mod scripted;
mod seen;
mod snapshots;
mod starts;
mod support;
mod typed;
mod unknown_values;
mod worktrees;
