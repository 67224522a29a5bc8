//! History lines read back as the Dockerfile instructions they came from.

/// The Dockerfile instruction behind a `created_by` text, on one line.
///
/// Builders wrap instructions differently: the classic Docker builder and buildah write
/// `/bin/sh -c #(nop)  CMD ["x"]` for what runs nothing and `/bin/sh -c make` for what runs something;
/// BuildKit writes `RUN /bin/sh -c make # buildkit`; both put build arguments before the shell
/// (`|1 VERSION=2 /bin/sh -c make`). A text of any other form is kept; runs of white space become one space.
pub fn dockerfile_line(created_by: &str) -> String {
    const SHELLS: [&str; 3] = ["/bin/sh -c", "cmd /S /C", "powershell -Command"];
    let line = created_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_suffix("# buildkit").unwrap_or(&line).trim_end();
    let (run, rest) = match line.strip_prefix("RUN ") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    // Build arguments may hold spaces, so they end where the shell begins.
    let rest = match rest.strip_prefix('|') {
        Some(arguments) if arguments.starts_with(|c: char| c.is_ascii_digit()) => SHELLS
            .iter()
            .filter_map(|shell| arguments.find(shell))
            .min()
            .map_or(rest, |shell_at| &arguments[shell_at..]),
        _ => rest,
    };
    let Some(command) = SHELLS.iter().find_map(|shell| rest.strip_prefix(shell)) else {
        return if run { format!("RUN {rest}") } else { rest.to_owned() };
    };
    match command.trim_start() {
        "" => line.to_owned(),
        command => match command.strip_prefix("#(nop)") {
            Some(instruction) => instruction.trim_start().to_owned(),
            None => format!("RUN {command}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builders_wrapping_comes_off() {
        for (created_by, line) in [
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD [\"bash\"]"),
            (
                "/bin/sh -c apt-get update  && apt-get install -y curl",
                "RUN apt-get update && apt-get install -y curl",
            ),
            ("|2 A=1 B=two words /bin/sh -c make", "RUN make"),
            ("RUN /bin/sh -c make # buildkit", "RUN make"),
            ("RUN |1 A=1 /bin/sh -c make # buildkit", "RUN make"),
            ("RUN make install", "RUN make install"),
            ("COPY app /app # buildkit", "COPY app /app"),
            ("ENTRYPOINT [\"/app\"]", "ENTRYPOINT [\"/app\"]"),
            ("cmd /S /C #(nop) USER nobody", "USER nobody"),
            ("/bin/sh -c", "/bin/sh -c"),
            ("RUN echo\n\tone", "RUN echo one"),
            ("|x not arguments", "|x not arguments"),
            ("", ""),
        ] {
            assert_eq!(dockerfile_line(created_by), line, "{created_by:?}");
        }
    }
}
