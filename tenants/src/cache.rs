//! Values that a tenant's transactions share in memory. Knows neither what they are nor how they are read.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The cached values of one type, by key.
type ByKey = HashMap<String, Box<dyn Any + Send + Sync>>;

/// A cache of values by type and key; each is valid at one version.
#[derive(Default)]
pub(crate) struct Cache(RwLock<HashMap<TypeId, ByKey>>);

impl Cache {
    /// Returns the value of this type and key, if it is of this version; else loads it and keeps it.
    pub(crate) fn get_or_load<T, V, E>(
        &self,
        key: &str,
        version: V,
        load: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
        V: PartialEq + Send + Sync + 'static,
    {
        if let Some(known) = self.get(key, &version) {
            return Ok(known);
        }
        let value = load()?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(TypeId::of::<T>()).or_default().insert(key.to_owned(), Box::new((version, value.clone())));
        Ok(value)
    }

    fn get<T: Clone + 'static, V: PartialEq + 'static>(&self, key: &str, version: &V) -> Option<T> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (kept_at, value) = all.get(&TypeId::of::<T>())?.get(key)?.downcast_ref::<(V, T)>()?;
        (kept_at == version).then(|| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_loaded_once_per_type_key_and_version() {
        let cache = Cache::default();
        let load = |key: &str, version: i64, value: &'static str| {
            cache.get_or_load(key, version, || Ok::<_, ()>(value)).expect("it loads")
        };
        assert_eq!(load("a", 1, "first"), "first");
        assert_eq!(load("a", 1, "second"), "first");
        assert_eq!(load("b", 1, "other"), "other");
        assert_eq!(load("a", 2, "second"), "second");
        assert_eq!(cache.get_or_load("a", 2_i64, || Ok::<_, ()>(7)), Ok(7));
        assert_eq!(cache.get_or_load("c", 1_i64, || Err::<u8, _>("fails")), Err("fails"));
        assert_eq!(cache.get_or_load("c", 1_i64, || Ok::<u8, &str>(1)), Ok(1));
    }
}
