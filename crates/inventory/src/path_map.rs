//! A few paths of a layer, among which every path of an image is looked up.

use hashbrown::HashMap;
use plimsoll_types::PathBytes;

/// Bits of the sieve.
const BITS: usize = 4096;

/// A map by path that is quick to tell what it does not hold: hashing whole paths is most of a look into a small map.
pub(crate) struct PathMap<'a, V> {
    map: HashMap<&'a PathBytes, V>,
    /// A bit for each mark of a path it holds.
    sieve: Box<[u64; BITS / 64]>,
}

impl<V> Default for PathMap<'_, V> {
    fn default() -> Self {
        Self { map: HashMap::new(), sieve: Box::new([0; BITS / 64]) }
    }
}

impl<'a, V> PathMap<'a, V> {
    /// The value of a path; `new` makes it where there is none yet.
    pub(crate) fn or_insert_with(&mut self, path: &'a PathBytes, new: impl FnOnce() -> V) -> &mut V {
        let (word, bit) = mark(path);
        self.sieve[word] |= bit;
        self.map.entry(path).or_insert_with(new)
    }

    /// The value of a path.
    pub(crate) fn get(&self, path: &PathBytes) -> Option<&V> {
        let (word, bit) = mark(path);
        if self.sieve[word] & bit == 0 { None } else { self.map.get(path) }
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.map.values()
    }
}

/// What is told of a path without reading it: the last byte and the length, six bits of each.
fn mark(path: &PathBytes) -> (usize, u64) {
    let bytes = path.as_bytes();
    let last = bytes.last().copied().unwrap_or_default();
    (bytes.len() % (BITS / 64), 1 << (last % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map() {
        let paths: Vec<PathBytes> = ["", "a", "etc/passwd", "etc/group"].map(PathBytes::from).into();
        let mut map = PathMap::default();
        for (number, path) in paths.iter().enumerate() {
            map.or_insert_with(path, || number);
            assert_eq!(*map.or_insert_with(path, || 9), number);
        }
        for (number, path) in paths.iter().enumerate() {
            assert_eq!(map.get(path), Some(&number));
        }
        assert_eq!(map.get(&"etc/passwc".into()), None);
        assert_eq!(map.get(&"etc/xasswd".into()), None);
        assert_eq!(map.values().sum::<usize>(), 6);
    }
}
