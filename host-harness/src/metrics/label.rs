//! Labels are closed sets of words, so that nothing that a customer can make ever becomes a series.

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::time::Duration;

/// A label whose values are known when the program is compiled.
pub(super) trait Label: Copy + Debug + Eq + Hash + Send + Sync + 'static {
    /// The label's name.
    const KEY: &'static str;
    /// All values. Each is a series from the start, at 0: an alert on the first failure ever needs something to rise
    /// from.
    const ALL: &'static [Self];

    /// The value as it is exposed.
    fn value(&self) -> &str;
}

/// Declares a label: an enum, and the word for each of its values.
macro_rules! label {
    (
        $(#[$about:meta])*
        $name:ident is $key:literal:
        $($(#[$meaning:meta])* $variant:ident = $value:literal,)+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$meaning])* $variant,)+
        }

        impl $crate::metrics::label::Label for $name {
            const KEY: &'static str = $key;
            const ALL: &'static [$name] = &[$($name::$variant,)+];

            fn value(&self) -> &str {
                match self {
                    $($name::$variant => $value,)+
                }
            }
        }
    };
}
pub(super) use label;

/// A label in the library's terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Labelled<L>(L);

impl<L: Label> EncodeLabelSet for Labelled<L> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        (L::KEY, self.0.value()).encode(encoder.encode_label())
    }
}

/// A counter for each value of a label.
#[derive(Debug, Clone)]
pub(super) struct Counters<L>(Family<Labelled<L>, Counter>);

impl<L: Label> Counters<L> {
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Counters<L> {
        let family = Family::default();
        for value in L::ALL {
            drop(family.get_or_create(&Labelled(*value)));
        }
        registry.register(name, help, family.clone());
        Counters(family)
    }

    pub(super) fn add_one(&self, value: L) {
        self.0.get_or_create(&Labelled(value)).inc();
    }
}

/// A counter for each pair of two labels' values.
#[derive(Debug, Clone)]
pub(super) struct PairCounters<A, B>(Family<(Labelled<A>, Labelled<B>), Counter>);

impl<A: Label, B: Label> PairCounters<A, B> {
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> PairCounters<A, B> {
        let family = Family::default();
        for a in A::ALL {
            for b in B::ALL {
                drop(family.get_or_create(&(Labelled(*a), Labelled(*b))));
            }
        }
        registry.register(name, help, family.clone());
        PairCounters(family)
    }

    pub(super) fn add_one(&self, a: A, b: B) {
        self.0.get_or_create(&(Labelled(a), Labelled(b))).inc();
    }
}

/// A gauge for each value of a label.
#[derive(Debug, Clone)]
pub(super) struct Gauges<L>(Family<Labelled<L>, Gauge>);

impl<L: Label> Gauges<L> {
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Gauges<L> {
        let family = Family::default();
        for value in L::ALL {
            drop(family.get_or_create(&Labelled(*value)));
        }
        registry.register(name, help, family.clone());
        Gauges(family)
    }

    pub(super) fn set(&self, value: L, level: u64) {
        self.0.get_or_create(&Labelled(value)).set(whole(level));
    }
}

/// A histogram of durations for each value of a label.
#[derive(Debug, Clone)]
pub(super) struct DurationsBy<L>(Family<Labelled<L>, Histogram>);

impl<L: Label> DurationsBy<L> {
    /// `name` without the unit, which is added.
    pub(super) fn register(
        registry: &mut Registry,
        name: &str,
        help: &str,
        new: fn() -> Histogram,
    ) -> DurationsBy<L> {
        let family = Family::new_with_constructor(new);
        for value in L::ALL {
            drop(family.get_or_create(&Labelled(*value)));
        }
        registry.register_with_unit(name, help, Unit::Seconds, family.clone());
        DurationsBy(family)
    }

    pub(super) fn observe(&self, value: L, took: Duration) {
        self.0
            .get_or_create(&Labelled(value))
            .observe(took.as_secs_f64());
    }
}

/// A histogram of durations.
#[derive(Debug, Clone)]
pub(super) struct Durations(Histogram);

impl Durations {
    /// `name` without the unit, which is added; `bounds` in seconds.
    pub(super) fn register(
        registry: &mut Registry,
        name: &str,
        help: &str,
        bounds: &[f64],
    ) -> Durations {
        let histogram = Histogram::new(bounds.iter().copied());
        registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        Durations(histogram)
    }

    pub(super) fn observe(&self, took: Duration) {
        self.0.observe(took.as_secs_f64());
    }
}

/// A number that goes up only.
pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

/// A number that goes up and down.
pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// The library's gauges are signed.
pub(super) fn whole(level: u64) -> i64 {
    i64::try_from(level).unwrap_or(i64::MAX)
}
