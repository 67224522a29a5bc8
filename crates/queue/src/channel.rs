//! The channels there are, and the only place that names them.

use std::fmt;

use plimsoll_types::Lane;

/// What the messages of a channel are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Layers to analyze: from the coordinator to the workers.
    Layers,
    /// What became of them: from the workers to the aggregator.
    Results,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 2] = [Self::Layers, Self::Results];

    /// The word in names of queues.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Results => "results",
        }
    }
}

/// Where messages go to and come from: one queue of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    /// What the messages are about.
    pub kind: Kind,
    /// How urgent they are, where that is told apart.
    pub lane: Option<Lane>,
}

impl Channel {
    /// Layers to analyze, of one lane.
    pub fn layers(lane: Lane) -> Self {
        Self { kind: Kind::Layers, lane: Some(lane) }
    }

    /// Results, of all lanes.
    pub fn results() -> Self {
        Self { kind: Kind::Results, lane: None }
    }

    /// The name of the queue below a prefix, such as `plimsoll.layers.push`.
    pub(crate) fn name(self, prefix: &str, separator: char) -> String {
        let mut name = format!("{prefix}{separator}{}", self.kind.as_str());
        if let Some(lane) = self.lane {
            name.push(separator);
            name.push_str(lane.as_str());
        }
        name
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name("plimsoll", '.'))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_an_operator_expects() {
        assert_eq!(Channel::layers(Lane::Interactive).to_string(), "plimsoll.layers.interactive");
        assert_eq!(Channel::results().to_string(), "plimsoll.results");
        assert_eq!(Channel::layers(Lane::Push).name("team-a", '-'), "team-a-layers-push");
    }

    #[test]
    fn no_two_channels_share_a_name() {
        let lanes = Lane::ALL.iter().copied().map(Some).chain([None]);
        let names: BTreeSet<_> =
            lanes.flat_map(|lane| Kind::ALL.map(|kind| Channel { kind, lane }.to_string())).collect();
        assert_eq!(names.len(), 8);
    }
}
