//! Events as metrics: sums and histograms of what came since the request before, so that adding them up gives the report's
//! numbers.

#![expect(
    deprecated,
    reason = "the conventions for generative AI have a repository of their own now, of which there is no release for Rust"
)]

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric as Message, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_semantic_conventions::metric as convention;

use super::names::{CLIENT, LINES, MODEL, NAME, OPERATION, PROVIDER, REVIEWER, STATUS, TOKEN_TYPE, TOOL, TOOL_KIND};
use super::resource::{SCHEMA_URL, Source, scope};
use super::seen::{Kind, Seen, nanos};
use super::value::{Scalar, attribute};

/// A metric.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit, in the words of UCUM.
    pub unit: &'static str,
    /// Whether it is a histogram; else it is a sum that only grows.
    pub is_histogram: bool,
    /// What it is, as `docs/opentelemetry.md` says it.
    pub doc: &'static str,
    /// The attributes that its points may have.
    pub attributes: &'static [&'static str],
}

const fn sum(name: &'static str, unit: &'static str, attributes: &'static [&'static str], doc: &'static str) -> Metric {
    Metric { name, unit, is_histogram: false, doc, attributes }
}

const fn histogram(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    doc: &'static str,
) -> Metric {
    Metric { name, unit, is_histogram: true, doc, attributes }
}

const THREADS: Metric = sum("turnledger.threads", "{thread}", &[NAME, MODEL, CLIENT], "threads that were opened");
const TURNS: Metric = sum("turnledger.turns", "{turn}", &[STATUS, MODEL, PROVIDER, CLIENT], "turns that ended");
const TOKENS: Metric = histogram(
    convention::GEN_AI_CLIENT_TOKEN_USAGE,
    "{token}",
    &[OPERATION, PROVIDER, MODEL, TOKEN_TYPE],
    "tokens of turns: `input` with what was cached, `output` with reasoning",
);
const CACHED: Metric =
    sum("turnledger.tokens.cached_input", "{token}", &[MODEL, PROVIDER], "the part of turns' input that was cached");
const REASONING: Metric = sum(
    "turnledger.tokens.reasoning_output",
    "{token}",
    &[MODEL, PROVIDER],
    "the part of turns' output that is reasoning",
);
const DURATION: Metric = histogram(
    convention::GEN_AI_CLIENT_OPERATION_DURATION,
    "s",
    &[OPERATION, PROVIDER, MODEL, TOOL, TOOL_KIND],
    "how long turns (`invoke_agent`) and calls (`execute_tool`) took, with what they waited for approvals",
);
const CALLS: Metric =
    sum("turnledger.tool.calls", "{call}", &[TOOL_KIND, TOOL, STATUS, CLIENT], "calls of tools that ended");
const APPROVALS: Metric =
    sum("turnledger.approvals", "{approval}", &[REVIEWER, STATUS, NAME], "approvals that a reviewer was asked for");
const WAIT: Metric = histogram("turnledger.approval.wait", "s", &[REVIEWER], "how long approvals were waited for");
const REVIEW_TOKENS: Metric =
    sum("turnledger.automatic_review.tokens", "{token}", &[TOKEN_TYPE, MODEL], "tokens of automatic reviews");
const ACCEPTED: Metric = sum("turnledger.lines", "{line}", &[LINES, MODEL], "accepted lines: `added` and `deleted`");
const STEERS: Metric = sum("turnledger.steers", "{steer}", &[STATUS], "further input to running turns");
const COMPACTIONS: Metric = sum("turnledger.compactions", "{compaction}", &[STATUS, NAME], "compactions of a context");
const HOOKS: Metric = sum("turnledger.hooks", "{run}", &[STATUS, NAME], "runs of hooks");
const SKILLS: Metric = sum("turnledger.skills", "{use}", &[NAME], "uses of skills");

/// All metrics.
pub const METRICS: &[Metric] = &[
    THREADS,
    TURNS,
    TOKENS,
    CACHED,
    REASONING,
    DURATION,
    CALLS,
    APPROVALS,
    WAIT,
    REVIEW_TOKENS,
    ACCEPTED,
    STEERS,
    COMPACTIONS,
    HOOKS,
    SKILLS,
];

/// The bounds of tokens, as the conventions advise.
const TOKEN_BOUNDS: &[u64] =
    &[1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
/// The bounds of durations in milliseconds: 0.01 s, and each the double of the one before, as the conventions advise; and
/// five longer ones, since a turn may take an hour.
const MS_BOUNDS: &[u64] = &[
    10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 20_480, 40_960, 81_920, 163_840, 327_680, 655_360,
    1_310_720, 2_621_440,
];

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What a point is of: the hour, the metric, and the attributes.
type Key = (Option<i64>, &'static str, Named);

/// A point's attributes.
type Named = Vec<(&'static str, String)>;

/// What was counted. Durations are in milliseconds.
#[derive(Debug, Default)]
struct Point {
    /// The first and the last time of what it counts, in milliseconds.
    span: Option<(i64, i64)>,
    count: u64,
    sum: u64,
    min: u64,
    max: u64,
    buckets: Vec<u64>,
}

#[derive(Debug, Default)]
struct Meter {
    points: BTreeMap<Key, Point>,
}

impl Meter {
    fn add(&mut self, metric: &Metric, seen: &Seen<'_>, more: &[(&'static str, &str)], value: Option<u64>) {
        let Some(value) = value else { return };
        let columns = &seen.columns;
        let of_event = |name: &'static str| match name {
            OPERATION => seen.operation(),
            PROVIDER => seen.param("model_provider"),
            MODEL => columns.model.as_deref(),
            CLIENT => columns.client.as_deref(),
            STATUS => columns.status.as_deref(),
            REVIEWER => columns.reviewer.as_deref(),
            NAME => columns.name.as_deref(),
            TOOL => columns.name.as_deref().filter(|_| seen.kind.of_tool().is_some()),
            TOOL_KIND => seen.kind.of_tool(),
            _ => None,
        };
        let given = |name| more.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        let said = |name: &&'static str| Some((*name, given(*name).or_else(|| of_event(name))?.to_owned()));
        let attributes = metric.attributes.iter().filter_map(said).collect();
        let hour = columns.at_ms.map(|at| at.div_euclid(HOUR_MS));
        let point = self.points.entry((hour, metric.name, attributes)).or_default();
        if let Some(at) = columns.at_ms {
            let (first, last) = point.span.unwrap_or((at, at));
            point.span = Some((first.min(at), last.max(at)));
        }
        point.min = if point.count == 0 { value } else { point.min.min(value) };
        point.max = point.max.max(value);
        point.count += 1;
        point.sum = point.sum.saturating_add(value);
        if metric.is_histogram {
            let bounds = bounds(metric);
            point.buckets.resize(bounds.len() + 1, 0);
            // A value belongs to the first bucket whose bound it does not pass.
            point.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
        }
    }

    fn count(&mut self, seen: &Seen<'_>) {
        let columns = &seen.columns;
        let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let took = number(columns.duration_ms);
        let (input, output) = (number(columns.input_tokens), number(columns.output_tokens));
        match seen.kind {
            Kind::Thread => self.add(&THREADS, seen, &[], Some(1)),
            Kind::Turn => {
                self.add(&TURNS, seen, &[], Some(1));
                self.add(&DURATION, seen, &[], took);
                self.add(&TOKENS, seen, &[(TOKEN_TYPE, "input")], input);
                self.add(&TOKENS, seen, &[(TOKEN_TYPE, "output")], output);
                self.add(&CACHED, seen, &[], number(columns.cached_input_tokens));
                self.add(&REASONING, seen, &[], number(columns.reasoning_output_tokens));
            }
            Kind::Call(_) => {
                self.add(&CALLS, seen, &[], Some(1));
                self.add(&DURATION, seen, &[], took);
            }
            Kind::Review => {
                self.add(&APPROVALS, seen, &[], Some(1));
                self.add(&WAIT, seen, &[], took);
            }
            Kind::GuardianReview => {
                // One that does not say both is in no sum of the report.
                let both = input.zip(output);
                self.add(&REVIEW_TOKENS, seen, &[(TOKEN_TYPE, "input")], both.map(|(input, _)| input));
                self.add(&REVIEW_TOKENS, seen, &[(TOKEN_TYPE, "output")], both.map(|(_, output)| output));
            }
            Kind::Lines => {
                self.add(&ACCEPTED, seen, &[(LINES, "added")], number(columns.added_lines));
                self.add(&ACCEPTED, seen, &[(LINES, "deleted")], number(columns.deleted_lines));
            }
            Kind::Steer => self.add(&STEERS, seen, &[], Some(1)),
            Kind::Compaction => self.add(&COMPACTIONS, seen, &[], Some(1)),
            Kind::Hook => self.add(&HOOKS, seen, &[], Some(1)),
            Kind::Skill => self.add(&SKILLS, seen, &[], Some(1)),
            Kind::Other => {}
        }
    }
}

fn bounds(metric: &Metric) -> &'static [u64] {
    if metric.unit == "s" { MS_BOUNDS } else { TOKEN_BOUNDS }
}

/// The metrics of events, if they have any.
pub(super) fn request(seen: &[Seen<'_>], source: &Source, observed_ms: u64) -> Option<ExportMetricsServiceRequest> {
    let mut meter = Meter::default();
    for seen in seen {
        meter.count(seen);
    }
    let mut of_metrics: BTreeMap<&str, Vec<(Named, Point)>> = BTreeMap::new();
    for ((_, name, attributes), point) in meter.points {
        of_metrics.entry(name).or_default().push((attributes, point));
    }
    let metrics: Vec<_> = METRICS
        .iter()
        .filter_map(|metric| Some(message(metric, of_metrics.remove(metric.name)?, observed_ms)))
        .collect();
    if metrics.is_empty() {
        return None;
    }
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, schema_url: SCHEMA_URL.into() }];
    let resource = Some(source.resource());
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, schema_url: SCHEMA_URL.into() }];
    Some(ExportMetricsServiceRequest { resource_metrics })
}

fn message(metric: &Metric, points: Vec<(Named, Point)>, observed_ms: u64) -> Message {
    let aggregation_temporality = AggregationTemporality::Delta.into();
    let data = if metric.is_histogram {
        let data_points = points.into_iter().map(|(named, point)| of_histogram(metric, &named, point, observed_ms));
        Data::Histogram(Histogram { data_points: data_points.collect(), aggregation_temporality })
    } else {
        let data_points = points.into_iter().map(|(named, point)| of_sum(&named, &point, observed_ms));
        Data::Sum(Sum { data_points: data_points.collect(), aggregation_temporality, is_monotonic: true })
    };
    Message {
        name: metric.name.into(),
        description: metric.doc.into(),
        unit: metric.unit.into(),
        metadata: Vec::new(),
        data: Some(data),
    }
}

fn attributes(named: &[(&str, String)]) -> Vec<KeyValue> {
    named.iter().map(|(name, value)| attribute(name, Scalar::Text(value))).collect()
}

/// The times of a point: those of what it counts, else when it is sent. It begins a millisecond before the first, since a
/// point's beginning is not in it.
fn times(point: &Point, observed_ms: u64) -> (u64, u64) {
    let (first, last) = point.span.map_or((observed_ms, observed_ms), |(first, last)| {
        (u64::try_from(first).unwrap_or(0), u64::try_from(last).unwrap_or(0))
    });
    (nanos(first.saturating_sub(1)), nanos(last))
}

fn of_sum(named: &[(&str, String)], point: &Point, observed_ms: u64) -> NumberDataPoint {
    let (start_time_unix_nano, time_unix_nano) = times(point, observed_ms);
    NumberDataPoint {
        attributes: attributes(named),
        start_time_unix_nano,
        time_unix_nano,
        value: Some(Number::AsInt(i64::try_from(point.sum).unwrap_or(i64::MAX))),
        ..NumberDataPoint::default()
    }
}

fn of_histogram(metric: &Metric, named: &[(&str, String)], point: Point, observed_ms: u64) -> HistogramDataPoint {
    let (start_time_unix_nano, time_unix_nano) = times(&point, observed_ms);
    let of_unit = |number: u64| in_unit(metric, number);
    HistogramDataPoint {
        attributes: attributes(named),
        start_time_unix_nano,
        time_unix_nano,
        count: point.count,
        sum: Some(of_unit(point.sum)),
        min: Some(of_unit(point.min)),
        max: Some(of_unit(point.max)),
        bucket_counts: point.buckets,
        explicit_bounds: bounds(metric).iter().copied().map(of_unit).collect(),
        ..HistogramDataPoint::default()
    }
}

/// Milliseconds in seconds; tokens as they are.
#[expect(clippy::cast_precision_loss, reason = "2^53 milliseconds are longer than there were computers")]
fn in_unit(metric: &Metric, number: u64) -> f64 {
    if metric.unit == "s" { number as f64 / 1000.0 } else { number as f64 }
}
