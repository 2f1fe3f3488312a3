//! Who sends.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_semantic_conventions::resource::{SERVICE_NAME, SERVICE_VERSION};

use super::value::{Scalar, attribute};

/// The version of the semantic conventions whose names are used.
pub const SCHEMA_URL: &str = opentelemetry_semantic_conventions::SCHEMA_URL;

/// The attributes of the resource: `service.name`, `service.version`, and what the host adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    attributes: Vec<(String, String)>,
}

impl Default for Source {
    /// The service `turnledger`.
    fn default() -> Self {
        let named = [(SERVICE_NAME, "turnledger"), (SERVICE_VERSION, env!("CARGO_PKG_VERSION"))];
        Self { attributes: named.map(|(name, value)| (name.into(), value.into())).into() }
    }
}

impl Source {
    /// Adds an attribute, in place of one of the same name: `service.instance.id`, which tells senders apart.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.attributes.retain(|(other, _)| *other != name);
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn resource(&self) -> Resource {
        let attributes = self.attributes.iter().map(|(name, value)| attribute(name, Scalar::Text(value)));
        Resource { attributes: attributes.collect(), ..Resource::default() }
    }
}

pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "turnledger".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    }
}
