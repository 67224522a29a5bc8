//! Lines on standard error.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::Format;

/// The layer that writes lines. Fields of the spans around an event are part of its line, so that a line says which
/// scan or layer it is about.
pub(crate) fn layer<S, W>(format: Format, writer: W, ansi: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match format {
        Format::Text => fmt::layer().with_writer(writer).with_ansi(ansi).boxed(),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .with_writer(writer)
            .boxed(),
    }
}

/// Whether lines on standard error may be coloured: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn colored() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer(format, move || writer.clone(), false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info_span!("job", layer = "sha256:ab")
                .in_scope(|| tracing::warn!(attempt = 2, "gone\nagain"));
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_names_the_span_it_is_about() {
        let text = written(Format::Text);
        assert!(text.contains("WARN job{layer=\"sha256:ab\"}") && text.contains("attempt=2"), "{text}");
    }

    #[test]
    fn json_is_one_object_per_line_with_the_fields_of_event_and_spans() {
        let text = written(Format::Json);
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [
            r#""level":"WARN""#,
            r#""message":"gone\nagain""#,
            r#""attempt":2"#,
            r#""spans":[{"layer":"sha256:ab","name":"job"}]"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
