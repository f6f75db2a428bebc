//! Which combinations of patterns some text matches, each with a shortest one.
//!
//! All patterns run at once over the texts, shorter texts first: a state is the set of places that the
//! patterns have reached, together with the place in a trie of the exact texts. That is exact; only a
//! cap on the states ends it early.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::bits::Bits;

/// How many states are looked at before the search gives up.
const STATES: usize = 50_000;

/// One step of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// One of these characters.
    OneOf(Box<[char]>),
    /// Any character.
    One,
    /// Any run of characters.
    Run,
    /// Any character but this one: a colon inside a part of an ARN (rule C18), say.
    OneBut(char),
    /// Any run without this character.
    RunBut(char),
    /// Any run of these characters.
    RunOf(Box<[char]>),
}

impl Token {
    fn takes(&self, symbol: char) -> bool {
        match self {
            Self::OneOf(characters) | Self::RunOf(characters) => characters.contains(&symbol),
            Self::One | Self::Run => true,
            Self::OneBut(other) | Self::RunBut(other) => symbol != *other,
        }
    }

    fn is_run(&self) -> bool {
        matches!(self, Self::Run | Self::RunBut(_) | Self::RunOf(_))
    }
}

/// Texts, as patterns and one by one.
#[derive(Clone, Default, Debug)]
pub(super) struct Acceptor {
    /// A text that matches one of them is accepted.
    pub(super) globs: Vec<Vec<Token>>,
    /// So is each of these.
    pub(super) exact: Vec<Box<str>>,
}

/// What texts there are.
#[derive(Debug)]
pub(super) struct Members {
    /// Which acceptors take a text, with a shortest such text; shorter ones first.
    pub(super) found: Vec<(Bits, String)>,
    /// Whether these are all combinations.
    pub(super) complete: bool,
}

/// Every combination of acceptors that some text has which all of `required` take.
pub(super) fn members(acceptors: &[Acceptor], required: &[Vec<Token>]) -> Members {
    let required =
        required.iter().map(|glob| Acceptor { globs: vec![glob.clone()], exact: vec![] });
    let all: Vec<Acceptor> = acceptors.iter().cloned().chain(required).collect();
    Machine::new(&all, acceptors.len()).members()
}

/// One symbol, and what it does at every place.
struct Symbol {
    character: char,
    /// Places from which it leads to the next.
    advance: Bits,
    /// Places at which it stays.
    stay: Bits,
    /// Places at which it does something else than a character that no pattern names.
    special: Bits,
}

/// The places of one acceptor.
struct Places {
    /// All.
    all: Bits,
    /// Behind the ends of its patterns.
    ends: Bits,
    /// Each run that ends a pattern, with the place behind it: once there, every longer text is accepted.
    settled: Vec<(usize, Bits)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    places: Bits,
    /// A node of the trie; none once the text is the beginning of no exact one.
    node: Option<usize>,
}

#[derive(Default)]
struct Node {
    next: BTreeMap<char, usize>,
    accepted_by: Vec<usize>,
}

struct Machine {
    symbols: Vec<Symbol>,
    starts: Bits,
    /// Places of runs, which a text may leave out.
    runs: Bits,
    acceptors: Vec<Places>,
    trie: Vec<Node>,
    /// The first so many acceptors are told apart; the others must accept.
    told: usize,
}

impl Machine {
    fn new(acceptors: &[Acceptor], told: usize) -> Self {
        let globs = || acceptors.iter().flat_map(|acceptor| &acceptor.globs);
        let length = globs().map(|glob| glob.len() + 1).sum();
        let mut tokens = Vec::with_capacity(length);
        let mut starts = Bits::none(length);
        let mut places = Vec::with_capacity(acceptors.len());
        for acceptor in acceptors {
            let mut own =
                Places { all: Bits::none(length), ends: Bits::none(length), settled: Vec::new() };
            for glob in &acceptor.globs {
                starts.add(tokens.len());
                (tokens.len()..=tokens.len() + glob.len()).for_each(|place| own.all.add(place));
                tokens.extend(glob.iter().map(Some));
                own.ends.add(tokens.len());
                if glob.last() == Some(&Token::Run) {
                    let mut kept = Bits::none(length);
                    kept.add(tokens.len() - 1);
                    kept.add(tokens.len());
                    own.settled.push((tokens.len() - 1, kept));
                }
                tokens.push(None);
            }
            places.push(own);
        }
        let at = |place: usize| tokens.get(place).copied().flatten();
        let symbol = |character| Symbol {
            character,
            special: Bits::of(length, |place| match at(place) {
                Some(Token::OneOf(characters) | Token::RunOf(characters)) => {
                    characters.contains(&character)
                }
                Some(Token::OneBut(other) | Token::RunBut(other)) => character == *other,
                Some(Token::One | Token::Run) | None => false,
            }),
            advance: Bits::of(length, |place| {
                at(place).is_some_and(|token| !token.is_run() && token.takes(character))
            }),
            stay: Bits::of(length, |place| {
                at(place).is_some_and(|token| token.is_run() && token.takes(character))
            }),
        };
        Self {
            symbols: alphabet(acceptors).into_iter().map(symbol).collect(),
            runs: Bits::of(length, |place| at(place).is_some_and(Token::is_run)),
            starts,
            acceptors: places,
            trie: trie(acceptors),
            told,
        }
    }

    fn members(&self) -> Members {
        let start = self.settled(State { places: self.starts.clone(), node: Some(0) });
        let mut states = vec![(start.clone(), 0, '\0')];
        let mut seen = FxHashSet::default();
        seen.insert(start);
        let mut found = Vec::new();
        let mut vectors = FxHashSet::default();
        let mut at = 0;
        while let Some((state, ..)) = states.get(at) {
            if self.required(|places| state.places.meets(&places.ends)) {
                let vector = self.vector(state);
                if vectors.insert(vector.clone()) {
                    found.push((vector, text(&states, at)));
                }
            }
            let state = state.clone();
            for (number, symbol) in self.symbols.iter().enumerate() {
                // The first symbol stands for all that nothing here tells from it.
                if number > 0 && !self.tells(&state, symbol) {
                    continue;
                }
                let next = self.step(&state, symbol);
                let alive = self.required(|places| next.places.meets(&places.all));
                if alive && !seen.contains(&next) {
                    if states.len() >= STATES {
                        return Members { found, complete: false };
                    }
                    seen.insert(next.clone());
                    states.push((next, at, symbol.character));
                }
            }
            at += 1;
        }
        Members { found, complete: true }
    }

    fn tells(&self, state: &State, symbol: &Symbol) -> bool {
        let node = state.node.and_then(|node| self.trie.get(node));
        state.places.meets(&symbol.special)
            || node.is_some_and(|node| node.next.contains_key(&symbol.character))
    }

    fn required(&self, holds: impl Fn(&Places) -> bool) -> bool {
        self.acceptors.iter().skip(self.told).all(holds)
    }

    fn vector(&self, state: &State) -> Bits {
        let node = state.node.and_then(|node| self.trie.get(node));
        let exact = |number| node.is_some_and(|node| node.accepted_by.contains(&number));
        let glob = |number: usize| {
            self.acceptors.get(number).is_some_and(|places| state.places.meets(&places.ends))
        };
        Bits::of(self.told, |number| glob(number) || exact(number))
    }

    fn step(&self, state: &State, symbol: &Symbol) -> State {
        let mut places = state.places.clone();
        places.keep(&symbol.advance);
        places.shift();
        let mut staying = state.places.clone();
        staying.keep(&symbol.stay);
        places.join(&staying);
        let node = state.node.and_then(|node| self.trie.get(node));
        let node = node.and_then(|node| node.next.get(&symbol.character).copied());
        self.settled(State { places, node })
    }

    /// With the runs left out too, and without what cannot matter any more.
    fn settled(&self, mut state: State) -> State {
        loop {
            let mut behind = state.places.clone();
            behind.keep(&self.runs);
            behind.shift();
            if behind.within(&state.places) {
                break;
            }
            state.places.join(&behind);
        }
        for acceptor in &self.acceptors {
            let settled = acceptor.settled.iter().find(|(run, _)| state.places.has(*run));
            if let Some((_, kept)) = settled {
                state.places.remove(&acceptor.all);
                state.places.join(kept);
            }
        }
        state
    }
}

fn text(states: &[(State, usize, char)], mut at: usize) -> String {
    let mut characters = Vec::new();
    while at != 0 {
        let Some((_, before, character)) = states.get(at) else {
            break;
        };
        characters.push(*character);
        at = *before;
    }
    characters.into_iter().rev().collect()
}

fn trie(acceptors: &[Acceptor]) -> Vec<Node> {
    let mut nodes = vec![Node::default()];
    for (number, acceptor) in acceptors.iter().enumerate() {
        for text in &acceptor.exact {
            let mut at = 0;
            for character in text.chars() {
                let fresh = nodes.len();
                let Some(node) = nodes.get_mut(at) else {
                    break;
                };
                at = *node.next.entry(character).or_insert(fresh);
                if at == fresh {
                    nodes.push(Node::default());
                }
            }
            if let Some(node) = nodes.get_mut(at) {
                node.accepted_by.push(number);
            }
        }
    }
    nodes
}

/// The characters that the patterns tell apart, and one that stands for all others.
fn alphabet(acceptors: &[Acceptor]) -> Vec<char> {
    let mut told = BTreeSet::new();
    for acceptor in acceptors {
        acceptor.exact.iter().for_each(|text| told.extend(text.chars()));
        for token in acceptor.globs.iter().flatten() {
            match token {
                Token::OneOf(characters) | Token::RunOf(characters) => {
                    told.extend(characters.iter().copied());
                }
                Token::OneBut(other) | Token::RunBut(other) => told.extend([*other]),
                Token::One | Token::Run => {}
            }
        }
    }
    let plain = "xyzabcdefghijklmnopqrstuvw0123456789XYZ".chars();
    let other = plain.chain('\u{100}'..).find(|character| !told.contains(character));
    other.into_iter().chain(told.iter().copied()).collect()
}

/// All characters that fold alike (rule C11).
pub(super) fn folded_alike(character: char) -> Box<[char]> {
    static CLASSES: std::sync::LazyLock<FxHashMap<char, Vec<char>>> =
        std::sync::LazyLock::new(|| {
            let mut classes: FxHashMap<char, Vec<char>> = FxHashMap::default();
            // No letter with case lies behind the second plane.
            for character in '\0'..'\u{20000}' {
                let folded = super::values::fold(character);
                if folded != character {
                    classes.entry(folded).or_insert_with(|| vec![folded]).push(character);
                }
            }
            classes.values_mut().for_each(|alike| alike.sort_unstable());
            classes
        });
    // The few letters that texts are made of need no table of all.
    match character.to_ascii_lowercase() {
        'k' => return ['K', 'k', '\u{212A}'].into(),
        's' => return ['S', 's', '\u{17F}'].into(),
        lower @ 'a'..='z' => return [lower.to_ascii_uppercase(), lower].into(),
        other if other.is_ascii() => return [other].into(),
        _ => {}
    }
    let alike = CLASSES.get(&super::values::fold(character));
    alike.map_or_else(|| Box::from([character]), |alike| alike.as_slice().into())
}
