//! A metric family with ordered samples. The order of the library's own family changes between scrapes.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A family's samples with their labels.
#[derive(Debug)]
pub(super) struct Samples<L, M>(Vec<(L, M)>);

impl<L, M> FromIterator<(L, M)> for Samples<L, M> {
    fn from_iter<I: IntoIterator<Item = (L, M)>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

impl<L: EncodeLabelSet, M: EncodeMetric + TypedMetric> EncodeMetric for Samples<L, M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        self.0
            .iter()
            .try_for_each(|(labels, metric)| metric.encode(encoder.encode_family(labels)?))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
