//! Heredocs with a line that begins with their marker and goes on: Terraform ends one at a line that is the
//! marker and nothing else, the parser at that line already.

/// A text with other markers of the same length at such heredocs; nothing where it has none.
pub(super) fn remarked(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut made = String::with_capacity(text.len());
    let mut open: Option<(&str, String)> = None;
    let mut is_other = false;
    for (nth, line) in lines.iter().enumerate() {
        match &open {
            Some((marker, other)) if line.trim() == *marker => {
                made.push_str(&line.replacen(marker, other, 1));
                open = None;
            }
            Some(_) => made.push_str(line),
            None => {
                let behind = lines.get(nth + 1..).unwrap_or_default();
                let begun = marker(line).and_then(|marker| Some((marker, inside(marker, behind)?)));
                let Some((marker, inside)) = begun else {
                    made.push_str(line);
                    continue;
                };
                let other = match inside.iter().any(|line| is_begun_with(marker, line)) {
                    true => another(marker, inside),
                    false => None,
                };
                is_other |= other.is_some();
                let other = other.unwrap_or_else(|| marker.to_owned());
                let (before, _) = line.rsplit_once(marker).unwrap_or((line, ""));
                let rest = line.get(before.len() + marker.len()..).unwrap_or_default();
                made.extend([before, &other, rest]);
                open = Some((marker, other));
            }
        }
    }
    is_other.then_some(made)
}

/// The marker of the heredoc that begins at the end of a line.
fn marker(line: &str) -> Option<&str> {
    let (_, behind) = line.rsplit_once("<<")?;
    let marker = behind.strip_prefix('-').unwrap_or(behind).trim_end();
    (!marker.is_empty() && marker.chars().all(is_of_marker)).then_some(marker)
}

/// The lines of a heredoc, from the first behind its marker on; nothing where no line ends it.
fn inside<'l, 't>(marker: &str, lines: &'l [&'t str]) -> Option<&'l [&'t str]> {
    let end = lines.iter().position(|line| line.trim() == marker)?;
    lines.get(..end)
}

/// Whether the parser takes a line for the end.
fn is_begun_with(marker: &str, line: &str) -> bool {
    let behind = line.trim_start().strip_prefix(marker);
    behind.is_some_and(|behind| !behind.starts_with(is_of_marker))
}

/// A marker of the same length that no line begins with.
fn another(marker: &str, inside: &[&str]) -> Option<String> {
    let mut others = ('A'..='Z').map(|letter| letter.to_string().repeat(marker.len()));
    others.find(|other| !inside.iter().any(|line| line.trim_start().starts_with(other.as_str())))
}

fn is_of_marker(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_is_the_marker_ends_a_heredoc() {
        let text = "locals {\n  a = <<EOF\nrun \"x << EOF\nstop\nEOF\"\nEOF\n  b = <<-END\n    AAA\n  END\n}\n";
        let other = text.replace("a = <<EOF", "a = <<AAA").replace("EOF\"\nEOF\n", "EOF\"\nAAA\n");
        assert_eq!(remarked(text).as_deref(), Some(other.as_str()));
        assert!(super::super::repeated::body(text).is_ok());
        // What is taken already is not taken again.
        let taken = "a = <<EOF\nAAA\nEOF)\nEOF\n";
        assert_eq!(remarked(taken).as_deref(), Some("a = <<BBB\nAAA\nEOF)\nBBB\n"));
        for plain in
            ["a = <<EOF\nEOFS\nEOF\n", "# <<EOF\na = 1\n", "a = 1 << 2\n", "a = <<EOF\nEOF)\n"]
        {
            assert_eq!(remarked(plain), None, "{plain}");
        }
    }
}
