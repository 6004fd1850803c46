//! A strict parser of the metrics: any deviation from `OpenMetrics` 1.0.0 fails the test.

use std::collections::BTreeMap;

/// The prefix of every metric's name.
const PREFIX: &str = "authentik_entity_provider_";
/// The prefix of the metrics of the process, which every client library has.
const PROCESS: &str = "process_";

/// All samples by name and labels, such as `runs_total{mode="full",outcome="held"}`, without the
/// prefix.
#[derive(Debug, PartialEq)]
pub struct Metrics {
    samples: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

/// The current metric family.
struct Family<'a> {
    name: &'a str,
    kind: Option<&'a str>,
    unit: Option<&'a str>,
    samples: usize,
}

impl Family<'_> {
    /// Whether a sample belongs to the family.
    fn has(&self, sample: &str) -> bool {
        let kind = self
            .kind
            .unwrap_or_else(|| panic!("{} has no TYPE", self.name));
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "info" => &["_info"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{} is a {other}", self.name),
        };
        let suffix = sample.strip_prefix(self.name);
        suffix.is_some_and(|suffix| suffixes.contains(&suffix))
    }

    fn end(&self) {
        assert!(self.samples > 0, "{} has no sample", self.name);
        for unit in ["seconds", "bytes", "ratio"] {
            assert_eq!(
                self.name.ends_with(unit),
                self.unit == Some(unit),
                "{} has another unit",
                self.name
            );
        }
    }
}

impl Metrics {
    /// Parses a text.
    pub fn read(text: &str) -> Self {
        let mut metrics = Self {
            samples: BTreeMap::new(),
            kinds: BTreeMap::new(),
        };
        let body = text
            .strip_suffix("# EOF\n")
            .expect("the last line is `# EOF`");
        assert!(body.is_empty() || body.ends_with('\n'));
        let mut family: Option<Family> = None;
        for line in body.lines() {
            metrics.line(line, &mut family);
        }
        family.expect("there is a family").end();
        metrics
    }

    /// Parses a line; HELP starts a family.
    fn line<'a>(&mut self, line: &'a str, family: &mut Option<Family<'a>>) {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match (&words[..], family) {
            (["#", "HELP", name, help], family) => {
                assert!(
                    [PREFIX, PROCESS]
                        .iter()
                        .any(|prefix| name.starts_with(prefix))
                        && help.len() > 10
                        && help.ends_with('.'),
                    "{line}"
                );
                if let Some(before) = family.replace(Family {
                    name,
                    kind: None,
                    unit: None,
                    samples: 0,
                }) {
                    before.end();
                }
            }
            (["#", "TYPE", name, kind], Some(family)) => {
                assert!(
                    *name == family.name && family.kind.replace(kind).is_none(),
                    "{line}"
                );
                assert!(
                    self.kinds
                        .insert((*name).to_owned(), (*kind).to_owned())
                        .is_none(),
                    "twice: {line}"
                );
            }
            (["#", "UNIT", name, unit], Some(family)) => {
                assert!(*name == family.name && family.samples == 0, "{line}");
                assert!(family.unit.replace(unit).is_none(), "{line}");
            }
            (["#", ..], _) => panic!("no such comment: {line}"),
            (_, Some(family)) => {
                let (name, labels, value) = sample(line);
                assert!(family.has(name), "{line}");
                family.samples += 1;
                let name = format!("{}{labels}", name.strip_prefix(PREFIX).unwrap_or(name));
                assert!(self.samples.insert(name, value).is_none(), "twice: {line}");
            }
            (_, None) => panic!("no family: {line}"),
        }
    }

    /// Returns the value of a sample, if it exists.
    pub fn find(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }

    /// Returns the value of a sample.
    #[track_caller]
    pub fn value(&self, sample: &str) -> f64 {
        self.find(sample)
            .unwrap_or_else(|| panic!("no {sample} in {:?}", self.samples))
    }

    /// Returns the values of a family by the value of its one label.
    pub fn by_label(&self, family: &str) -> BTreeMap<&str, f64> {
        let own = self.samples.iter().filter_map(|(name, value)| {
            let (own, labels) = name.strip_suffix("\"}")?.split_once('{')?;
            (own == family).then(|| (labels.split_once("=\"").unwrap().1, *value))
        });
        own.collect()
    }

    /// Returns the names of all samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.keys().map(String::as_str)
    }

    /// Returns the kind of each family, in order, with its full name.
    pub fn kinds(&self) -> &BTreeMap<String, String> {
        &self.kinds
    }

    /// Returns the counters of runs.
    pub fn runs(&self) -> BTreeMap<&str, f64> {
        let all = self
            .samples
            .iter()
            .map(|(name, value)| (name.as_str(), *value));
        all.filter(|(name, _)| name.starts_with("runs_total{"))
            .collect()
    }
}

/// Splits a sample into name, labels and value.
fn sample(line: &str) -> (&str, &str, f64) {
    let (rest, value) = line
        .split_once(' ')
        .unwrap_or_else(|| panic!("no value: {line}"));
    let (name, labels) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
    assert!(
        name.chars().all(|c| c == '_' || c.is_ascii_lowercase()),
        "{line}"
    );
    if !labels.is_empty() {
        let pairs = labels
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .expect(line);
        for pair in pairs.split(',') {
            let (key, value) = pair.split_once('=').expect(line);
            let value = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .expect(line);
            assert!(key.chars().all(|c| c.is_ascii_lowercase()), "{line}");
            assert!(
                value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._+/{}".contains(c)),
                "{line}"
            );
        }
    }
    let value: f64 = value
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(value.is_finite(), "{line}");
    (name, labels, value)
}
