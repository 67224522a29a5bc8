//! How telemetry is configured, and by which environment variables.

use tracing_subscriber::filter::Targets;

use crate::Error;

/// Which lines are written; see [`Config::filter`].
pub(crate) const LOG: &str = "PLIMSOLL_LOG";
const LOG_FORMAT: &str = "PLIMSOLL_LOG_FORMAT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";

/// What is written where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of the service in traces, for example `plimsoll-worker`. `OTEL_SERVICE_NAME` overrides it.
    pub service: String,
    /// Which lines are written: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or several
    /// `target=level` divided by commas, for example `info,plimsoll_fleet=debug`. `PLIMSOLL_LOG`; `info`.
    pub filter: String,
    /// How they are written. `PLIMSOLL_LOG_FORMAT`; text.
    pub format: Format,
    /// The OTLP collector that gets spans by gRPC, for example `http://127.0.0.1:4317`; none: no spans are
    /// recorded. `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otlp_endpoint: Option<String>,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: time, level, target, message, fields.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

impl Config {
    /// `info` as text, and no spans.
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), filter: "info".into(), format: Format::Text, otlp_endpoint: None }
    }

    /// What the environment says. An empty variable counts as unset.
    pub fn from_env(service: impl Into<String>) -> Result<Self, Error> {
        Self::from_variables(service, |name| std::env::var(name).ok())
    }

    fn from_variables(
        service: impl Into<String>,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, Error> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let wrong = |name, value: String, why: &str| Error::Variable { name, value, why: why.into() };
        let mut config = Self::new(service);
        if let Some(filter) = variable(LOG) {
            config.filter = filter;
            config.targets()?;
        }
        match variable(LOG_FORMAT).as_deref() {
            None | Some("text") => {}
            Some("json") => config.format = Format::Json,
            Some(other) => return Err(wrong(LOG_FORMAT, other.into(), "the formats are text and json")),
        }
        config.otlp_endpoint = variable(ENDPOINT);
        if let (Some(_), Some(protocol)) = (&config.otlp_endpoint, variable(PROTOCOL))
            && protocol != "grpc"
        {
            let why = "spans leave by gRPC only; set it to grpc and name the collector's gRPC port (4317)";
            return Err(wrong(PROTOCOL, protocol, why));
        }
        Ok(config)
    }

    /// The filter, parsed.
    pub(crate) fn targets(&self) -> Result<Targets, Error> {
        self.filter.parse().map_err(|_| Error::Variable {
            name: LOG,
            value: self.filter.clone(),
            why: "expected a level (off, error, warn, info, debug, trace) or target=level,…".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&'static str, &str)]) -> Result<Config, Error> {
        let find = |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::from_variables("plimsoll", find)
    }

    #[test]
    fn an_empty_environment_means_text_of_level_info_and_no_spans() {
        assert_eq!(read(&[]).unwrap(), Config::new("plimsoll"));
        assert_eq!(read(&[(LOG, ""), (ENDPOINT, "")]).unwrap(), Config::new("plimsoll"));
    }

    #[test]
    fn every_variable_is_heard() {
        let config = read(&[
            (LOG, "warn,plimsoll_fleet=debug"),
            (LOG_FORMAT, "json"),
            (ENDPOINT, "http://127.0.0.1:4317"),
            (PROTOCOL, "grpc"),
        ]);
        let expected = Config {
            service: "plimsoll".into(),
            filter: "warn,plimsoll_fleet=debug".into(),
            format: Format::Json,
            otlp_endpoint: Some("http://127.0.0.1:4317".into()),
        };
        assert_eq!(config.unwrap(), expected);
    }

    #[test]
    fn what_nobody_understands_is_refused_by_name() {
        for (set, named) in [
            (vec![(LOG, "plimsoll=loud")], "PLIMSOLL_LOG="),
            (vec![(LOG_FORMAT, "xml")], "PLIMSOLL_LOG_FORMAT="),
            (vec![(ENDPOINT, "http://a:4318"), (PROTOCOL, "http/protobuf")], "OTEL_EXPORTER_OTLP_PROTOCOL="),
        ] {
            let error = read(&set).unwrap_err().to_string();
            assert!(error.starts_with(named), "{error}");
        }
        assert!(read(&[(PROTOCOL, "http/protobuf")]).is_ok(), "without an endpoint nothing is exported");
    }
}
