//! The cache of compiled commands.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use orm_core::ir::Shape;
use rustc_hash::FxHashMap;

/// How many shapes are kept.
const CAPACITY: usize = 1024;

/// A bounded map from the shape of a command to whatever a driver made of it, for many threads.
///
/// A hit takes a read lock and copies an `Arc`. Room is made for a quarter of the map at once, by dropping the
/// entries that were used least recently, so a full cache costs a scan only every 256 misses.
///
/// ```
/// use orm_core::ir::Shape;
/// let cache = orm_sql::ShapeCache::default();
/// let sql = cache.get_or_try_insert(Shape(1), || Ok::<_, ()>("SELECT 1")).unwrap();
/// assert_eq!(*sql, "SELECT 1");
/// assert_eq!(cache.get(Shape(1)).as_deref(), Some(&"SELECT 1"));
/// ```
#[derive(Debug)]
pub struct ShapeCache<V> {
    entries: RwLock<FxHashMap<u128, Entry<V>>>,
    clock: AtomicU64,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    /// The clock when a value was last put in before this entry was used.
    used: AtomicU64,
}

impl<V> Default for ShapeCache<V> {
    fn default() -> Self {
        ShapeCache { entries: RwLock::default(), clock: AtomicU64::new(0) }
    }
}

impl<V> ShapeCache<V> {
    /// An empty cache.
    ///
    /// ```
    /// let cache = orm_sql::ShapeCache::<String>::new();
    /// assert!(cache.get(orm_core::ir::Shape(1)).is_none());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything: for a schema that has changed.
    ///
    /// ```
    /// use orm_core::ir::Shape;
    /// let cache = orm_sql::ShapeCache::new();
    /// cache.insert(Shape(1), "SELECT 1");
    /// cache.clear();
    /// assert!(cache.get(Shape(1)).is_none());
    /// ```
    pub fn clear(&self) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was kept for a shape.
    ///
    /// ```
    /// use orm_core::ir::Shape;
    /// let cache = orm_sql::ShapeCache::new();
    /// cache.insert(Shape(1), "SELECT 1");
    /// assert_eq!(cache.get(Shape(1)).as_deref(), Some(&"SELECT 1"));
    /// assert!(cache.get(Shape(2)).is_none());
    /// ```
    pub fn get(&self, shape: Shape) -> Option<Arc<V>> {
        // A thread that panicked while it held the lock left the map whole: no value is changed in place.
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&shape.0)?;
        // The clock ticks on insertion only, so that hits of a warm cache share their lines read-only.
        let now = self.clock.load(Ordering::Relaxed);
        if entry.used.load(Ordering::Relaxed) != now {
            entry.used.store(now, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.value))
    }

    /// What was kept for a shape, else what `make` gives, which is kept from then on. Two threads may both make it;
    /// the first to finish wins. An error is not kept.
    ///
    /// ```
    /// use orm_core::ir::Shape;
    /// let cache = orm_sql::ShapeCache::new();
    /// assert_eq!(cache.get_or_try_insert(Shape(1), || Err::<&str, _>("no")), Err("no"));
    /// assert_eq!(cache.get_or_try_insert(Shape(1), || Ok::<_, ()>("SELECT 1")).as_deref(), Ok(&"SELECT 1"));
    /// ```
    pub fn get_or_try_insert<E>(
        &self,
        shape: Shape,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        if let Some(value) = self.get(shape) {
            return Ok(value);
        }
        Ok(self.insert(shape, make()?))
    }

    /// Keeps a value for a shape, unless there is one: that one is returned.
    ///
    /// ```
    /// use orm_core::ir::Shape;
    /// let cache = orm_sql::ShapeCache::new();
    /// assert_eq!(*cache.insert(Shape(1), "first"), "first");
    /// assert_eq!(*cache.insert(Shape(1), "second"), "first");
    /// ```
    pub fn insert(&self, shape: Shape, value: V) -> Arc<V> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&shape.0) {
            return Arc::clone(&entry.value);
        }
        if entries.len() >= CAPACITY {
            let mut times: Vec<u64> =
                entries.values().map(|entry| entry.used.load(Ordering::Relaxed)).collect();
            let (_, oldest_kept, _) = times.select_nth_unstable(CAPACITY / 4);
            let oldest_kept = *oldest_kept;
            entries.retain(|_, entry| entry.used.load(Ordering::Relaxed) >= oldest_kept);
            if entries.len() >= CAPACITY {
                // All of the same age: nothing was inserted since they were used.
                entries.clear();
            }
        }
        let used = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        let value = Arc::new(value);
        entries.insert(shape.0, Entry { value: Arc::clone(&value), used: AtomicU64::new(used) });
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let cache = ShapeCache::new();
        for n in 0..10_000_u128 {
            cache.insert(Shape(n), n);
            assert!(cache.get(Shape(0)).is_some(), "lost at {n}");
            assert!(cache.entries.read().unwrap().len() <= CAPACITY);
        }
        assert!(cache.get(Shape(1)).is_none());
        assert!(cache.get(Shape(9_999)).is_some());
    }

    #[test]
    fn a_cache_of_one_age_begins_again() {
        let cache = ShapeCache::new();
        (0..CAPACITY as u128).for_each(|n| drop(cache.insert(Shape(n), n)));
        (0..CAPACITY as u128).for_each(|n| assert!(cache.get(Shape(n)).is_some()));
        cache.insert(Shape(9_999), 9_999);
        assert_eq!(cache.entries.read().unwrap().len(), 1);
    }

    #[test]
    fn the_first_value_stays() {
        let cache = ShapeCache::new();
        cache.insert(Shape(7), "first");
        assert_eq!(*cache.insert(Shape(7), "second"), "first");
    }
}
