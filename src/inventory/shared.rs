//! What an account holds, shared by all its clones.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Things by name or ARN, in the order of the names.
///
/// A clone shares everything. A change copies the names, which are shared too, and the one thing that is
/// changed: an edit of one role among thousands so costs some microseconds.
#[derive(Clone, Debug)]
pub struct Shared<T> {
    all: Arc<BTreeMap<Arc<str>, Arc<T>>>,
}

impl<T> Shared<T> {
    /// What is called `name`.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.all.get(name).map(AsRef::as_ref)
    }

    /// Whether something is called `name`.
    pub fn contains_key(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// The names with what they name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> + Clone {
        self.all.iter().map(|(name, one)| (&**name, &**one))
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.all.keys().map(|name| &**name)
    }

    /// Everything.
    pub fn values(&self) -> impl Iterator<Item = &T> + Clone {
        self.all.values().map(AsRef::as_ref)
    }

    /// How much there is.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Puts something in, in place of what has its name.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, one: T) {
        Arc::make_mut(&mut self.all).insert(name.into(), Arc::new(one));
    }
}

impl<T: Clone> Shared<T> {
    /// What is called `name`, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        if !self.contains_key(name) {
            return None;
        }
        Arc::make_mut(&mut self.all).get_mut(name).map(Arc::make_mut)
    }

    /// Everything, to be changed: all of it is copied that a clone shares.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        Arc::make_mut(&mut self.all).values_mut().map(Arc::make_mut)
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { all: Arc::default() }
    }
}

impl<T, N: Into<Arc<str>>> FromIterator<(N, T)> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(all: I) -> Self {
        let all = all.into_iter().map(|(name, one)| (name.into(), Arc::new(one)));
        Self { all: Arc::new(all.collect()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_clones_as_they_are() {
        let one: Shared<u32> = [("b", 2), ("a", 1)].into_iter().collect();
        let mut other = one.clone();
        *other.get_mut("a").expect("it is there") = 3;
        other.insert("c", 4);
        assert!(other.get_mut("d").is_none());
        assert!(one.iter().eq([("a", &1), ("b", &2)]));
        assert!(other.iter().eq([("a", &3), ("b", &2), ("c", &4)]));
        assert_eq!((other.len(), other.is_empty()), (3, false));
        assert!(other.keys().eq(["a", "b", "c"]) && other.values().eq(&[3, 2, 4]));
        other.values_mut().for_each(|it| *it = 0);
        assert!(other.values().all(|it| *it == 0) && one.values().all(|it| *it > 0));
    }
}
