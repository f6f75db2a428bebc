//! What a misspelt word was meant to be.

/// The candidate nearest to `word` without regard to case; of several, the first.
///
/// At most a third of the word's characters may be wrong, and at most three; an insertion, an
/// omission, a wrong character and two swapped neighbours count as one each.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let limit = (word.len() / 3).min(3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let bound = best.map_or(limit + 1, |(distance, _)| distance);
        // The length tells of most that they are too far.
        if candidate.chars().count().abs_diff(word.len()) < bound
            && let Some(distance) = distance_below(&word, &folded(candidate), bound)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Whether `word` is `other`, with case, but for one slip: a character too many, too few, or wrong, or two
/// neighbours swapped.
pub fn is_one_slip(word: &str, other: &str) -> bool {
    let (word, other): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    distance_below(&word, &other, 2) == Some(1)
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The edit distance (optimal string alignment) where it is below `bound`.
fn distance_below(left: &[char], right: &[char], bound: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) >= bound {
        return None;
    }
    let (mut before_last, mut next) = (Vec::new(), Vec::new());
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut left_before = None;
    for (row, &a) in left.iter().enumerate() {
        next.clear();
        next.push(row + 1);
        add_distances(&mut next, a, left_before, right, &last, &before_last);
        if next.iter().all(|&distance| distance >= bound) {
            return None;
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut next);
        left_before = Some(a);
    }
    last.pop().filter(|&distance| distance < bound)
}

/// Adds to the next row of the table, which has its first entry, for character `a` after `before`, given
/// the two rows above it.
fn add_distances(
    next: &mut Vec<usize>,
    a: char,
    before: Option<char>,
    right: &[char],
    last: &[usize],
    before_last: &[usize],
) {
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    let mut right_before = None;
    let mut left_of = next.first().copied().unwrap_or_default();
    for (column, &b) in right.iter().enumerate() {
        let replaced = at(last, column) + usize::from(a != b);
        let mut distance = replaced.min(at(last, column + 1) + 1).min(left_of + 1);
        if let (Some(a_before), Some(b_before)) = (before, right_before)
            && (a, a_before) == (b_before, b)
        {
            distance = distance.min(at(before_last, column - 1) + 1);
        }
        next.push(distance);
        left_of = distance;
        right_before = Some(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, candidates: &[&'static str], expected: Option<&str>) {
        assert_eq!(nearest(word, candidates.iter().copied()), expected, "{word}");
    }

    #[test]
    fn one_slip_is_forgiven() {
        let actions = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"];
        check("kms:Decript", &actions, Some("kms:Decrypt"));
        check("kms:Decrpyt", &actions, Some("kms:Decrypt"));
        check("kms:Decryptt", &actions, Some("kms:Decrypt"));
        check("kms:ecrypt", &actions, Some("kms:Encrypt"));
        check("KMS:DESCRIBKEY", &actions, Some("kms:DescribeKey"));
    }

    #[test]
    fn a_third_of_the_word_is_the_limit_and_three() {
        check("abc", &["abd"], Some("abd"));
        check("abc", &["add"], None);
        check("ab", &["ac"], None);
        check("ab", &["AB"], Some("AB"));
        check("abcdefghijklmnop", &["abcdefghijklmxyz"], Some("abcdefghijklmxyz"));
        check("abcdefghijklmnop", &["abcdefghijklwxyz"], None);
        check("", &["a"], None);
    }

    #[test]
    fn the_nearest_wins_and_then_the_first() {
        check("alices", &["alibes", "alice", "alicea"], Some("alibes"));
        check("alices", &["alibex", "alicea"], Some("alicea"));
    }
}
