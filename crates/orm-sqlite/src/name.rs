//! What the name of a database means: a file, a database in memory, or nothing that several connections can share.

/// What a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Name<'n> {
    Memory,
    File(&'n str),
    /// Why, and what to write instead.
    Refused(&'static str, &'static str),
}

const MEMORY: &str = ":memory:";

/// Reads a path, `sqlite:` with a path behind it, or a URI of SQLite (<https://sqlite.org/uri.html>).
///
/// To SQLite, an empty name is a file that one connection has for itself, and a name in memory a database for each connection:
/// a pool of them would be as many databases.
pub fn parse(text: &str) -> Name<'_> {
    let url = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
    let name = url.unwrap_or(text);
    if name == MEMORY {
        return Name::Memory;
    }
    if name.is_empty() {
        return Name::Refused("the path of the database is empty", "a database in memory is `:memory:`");
    }
    if let Some(uri) = name.strip_prefix("file:") {
        return of_uri(uri, name);
    }
    if url.is_some() && name.contains('?') {
        return Name::Refused(
            "a URL of SQLite is a path, without options",
            "set them on `Sqlite::builder()`: `.read_only()`, `.busy_timeout(..)` …",
        );
    }
    Name::File(name)
}

fn of_uri<'n>(uri: &str, name: &'n str) -> Name<'n> {
    let uri = uri.split_once('#').map_or(uri, |(uri, _)| uri);
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let path = match path.strip_prefix("//") {
        // The authority is empty or `localhost`.
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => path,
    };
    let options: Vec<(String, String)> = query
        .split('&')
        .map(|option| option.split_once('=').unwrap_or((option, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect();
    let is = |key: &str, value: &str| options.iter().any(|(k, v)| k == key && v == value);
    let path = decoded(path);
    if path == MEMORY || is("mode", "memory") {
        return match is("cache", "shared") {
            true => Name::Refused(
                "a database in memory is not shared by its name",
                "clone the handle, which is the database",
            ),
            false => Name::Memory,
        };
    }
    if path.is_empty() {
        return Name::Refused("the path of the database is empty", "a database in memory is `:memory:`");
    }
    Name::File(name)
}

/// Without the percent signs; an escape that is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_memory_are_one_database() {
        for name in [
            ":memory:",
            "sqlite::memory:",
            "sqlite://:memory:",
            "file::memory:",
            "sqlite:file::memory:",
            "file:%3Amemory%3A",
            "file:any?mode=memory",
            "file:any?cache=private&mode=memory",
            "file:///any?mode=memory#part",
        ] {
            assert_eq!(parse(name), Name::Memory, "{name}");
        }
    }

    #[test]
    fn a_name_that_cannot_be_shared_is_refused() {
        for name in [
            "",
            "sqlite:",
            "sqlite://",
            "file:",
            "file://",
            "file:?mode=ro",
            "file::memory:?cache=shared",
            "file:any?mode=memory&cache=shared",
            "sqlite:app.db?mode=ro",
        ] {
            assert!(matches!(parse(name), Name::Refused(..)), "{name}");
        }
    }

    #[test]
    fn other_names_are_files() {
        for name in ["app.db", "/var/app.db", "memory", "file:app.db?mode=ro", "file:/a%20b.db", "what?.db"] {
            assert_eq!(parse(name), Name::File(name));
        }
        assert_eq!(parse("sqlite:///var/app.db"), Name::File("/var/app.db"));
        assert_eq!(decoded("100%"), "100%");
    }
}
