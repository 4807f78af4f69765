//! Properties that came out `undefined`. JSON leaves them out without a word, so a misspelt field looks as if
//! nobody had asked for it.

use rquickjs::{Object, Value};

/// As many as are noted, and as deep as is looked.
const MAX_NOTED: usize = 50;
const MAX_DEPTH: usize = 16;

/// Adds the paths of the undefined properties in a value that JSON can hold.
pub(super) fn note(value: &Value<'_>, found: &mut Vec<String>) -> rquickjs::Result<()> {
    look(value, "", MAX_DEPTH, found)
}

fn look(
    value: &Value<'_>,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> rquickjs::Result<()> {
    if depth == 0 || found.len() == MAX_NOTED {
        return Ok(());
    }
    if value.is_undefined() {
        found.push(path.to_owned());
    } else if let Some(array) = value.as_array() {
        for (index, item) in array.iter().enumerate() {
            look(&item?, &format!("{path}[{index}]"), depth - 1, found)?;
        }
    } else if let Some(object) = value.as_object().filter(|_| !value.is_function()) {
        properties(object, path, depth - 1, found)?;
    }
    Ok(())
}

fn properties(
    object: &Object<'_>,
    path: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> rquickjs::Result<()> {
    for property in object.props::<String, Value>() {
        let (name, value) = property?;
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        look(&value, &path, depth, found)?;
    }
    Ok(())
}
