//! Which files a distribution installed.

use plimsoll_types::PathBytes;

/// The paths of a `RECORD`: the first column of a table with commas, relative to `site_packages` or absolute.
pub(crate) fn record(bytes: &[u8], site_packages: &PathBytes) -> Vec<PathBytes> {
    paths(bytes, first_column, site_packages)
}

/// The paths of an `installed-files.txt`: one a line, relative to the directory it is in.
pub(crate) fn installed_files(bytes: &[u8], egg_info: &PathBytes) -> Vec<PathBytes> {
    paths(bytes, <[u8]>::to_vec, egg_info)
}

fn paths(bytes: &[u8], path_of: impl Fn(&[u8]) -> Vec<u8>, directory: &PathBytes) -> Vec<PathBytes> {
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let mut paths: Vec<PathBytes> = lines
        .map(path_of)
        .filter(|path| !path.is_empty())
        .map(|path| match path.first() {
            Some(b'/') => PathBytes::clean(&path),
            _ => directory.join(&path),
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Quoted where the path holds a comma or a quote, which then stands twice.
fn first_column(line: &[u8]) -> Vec<u8> {
    let Some(quoted) = line.strip_prefix(b"\"") else {
        return line.split(|byte| *byte == b',').next().unwrap_or_default().to_vec();
    };
    let mut column = Vec::new();
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
            break;
        }
        column.push(byte);
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(paths: &[PathBytes]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn recorded_paths_are_relative_to_site_packages() {
        let bytes = b"flask/a.py,sha256=x,1\r\n../../../bin/flask,,\n\"a,\"\"b\"\".py\",,\n/opt/x,,\nflask/a.py,,\n\n,,\n";
        let paths = record(bytes, &"usr/lib/python3/site-packages".into());
        assert_eq!(
            shown(&paths),
            [
                "/opt/x",
                "/usr/bin/flask",
                "/usr/lib/python3/site-packages/a,\"b\".py",
                "/usr/lib/python3/site-packages/flask/a.py"
            ]
        );
    }

    #[test]
    fn installed_files_are_relative_to_their_list() {
        let paths = installed_files(b"../six.py\nPKG-INFO\n", &"lib/six.egg-info".into());
        assert_eq!(shown(&paths), ["/lib/six.egg-info/PKG-INFO", "/lib/six.py"]);
    }

    #[test]
    fn no_path_leaves_the_image() {
        assert_eq!(
            shown(&record(b"../../../../etc/passwd,,\n\"unclosed", &"a/b".into())),
            ["/a/b/unclosed", "/etc/passwd"]
        );
    }
}
