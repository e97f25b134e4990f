//! What all slots do alike: say whether they are loaded, compare, print and serialise.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::content::State;
use super::{BelongsTo, HasMany, HasOne, ManyToMany, MorphTo, not_loaded};
use crate::error::Result;
use crate::relation::Siblings;

macro_rules! common {
    ($($name:ident, $owned:ty;)*) => {$(
        impl<T> $name<T> {
            /// Whether the slot was loaded.
            ///
            /// ```
            /// use orm::relation::{BelongsTo, HasMany};
            /// assert!(BelongsTo::<i32>::absent().is_loaded());
            /// assert!(!HasMany::<i32>::default().is_loaded());
            /// ```
            pub fn is_loaded(&self) -> bool {
                self.state.loaded().is_some()
            }

            /// The opposite, for `#[serde(skip_serializing_if)]`.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// #[derive(serde::Serialize)]
            /// struct Card {
            ///     name: String,
            ///     #[serde(skip_serializing_if = "HasMany::is_unloaded")]
            ///     tags: HasMany<String>,
            /// }
            /// let card = Card { name: "Ada".to_owned(), tags: HasMany::default() };
            /// assert_eq!(serde_json::to_string(&card).unwrap(), r#"{"name":"Ada"}"#);
            /// ```
            pub fn is_unloaded(&self) -> bool {
                self.state.loaded().is_none()
            }

            /// Called by the derive.
            #[doc(hidden)]
            pub fn set_siblings(&mut self, siblings: &Siblings) {
                self.state.set_siblings(siblings);
            }
        }

        impl<T> Default for $name<T> {
            fn default() -> Self {
                $name { state: State::Unloaded(None) }
            }
        }

        /// The content, or `not loaded`.
        impl<T: fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.content() {
                    Some(content) => content.fmt(f),
                    None => f.write_str("not loaded"),
                }
            }
        }

        /// Equal if both are loaded and hold equal rows, or neither is loaded.
        impl<T: PartialEq> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.content() == other.content()
            }
        }

        impl<T: Eq> Eq for $name<T> {}

        /// The content. A slot that was not loaded is an error; skip it with
        #[doc = concat!("`#[serde(default, skip_serializing_if = \"", stringify!($name), "::is_unloaded\")]`.")]
        impl<T: Serialize> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.content() {
                    Some(content) => content.serialize(serializer),
                    None => Err(ser::Error::custom(not_loaded::<T>())),
                }
            }
        }

        impl<'de, T: Deserialize<'de> + Send + Sync + 'static> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let content = <$owned>::deserialize(deserializer)?;
                Ok(Self::holding(content))
            }
        }
    )*};
}
common! {
    BelongsTo, Option<T>;
    MorphTo, Option<T>;
    HasOne, Option<T>;
    HasMany, Vec<T>;
    ManyToMany, Vec<T>;
}

macro_rules! one {
    ($($name:ident, $pointer:ident;)*) => {$(
        impl<T: Send + Sync + 'static> $name<T> {
            fn holding(content: Option<T>) -> Self {
                $name { state: State::given(content.map(|row| $pointer::new(row) as _)) }
            }
        }
    )*};
}
one! { BelongsTo, Arc; MorphTo, Arc; HasOne, Box; }

macro_rules! many {
    ($($name:ident;)*) => {$(
        impl<T: Send + Sync + 'static> $name<T> {
            fn holding(content: Vec<T>) -> Self {
                Self::loaded(content)
            }
        }
    )*};
}
many! { HasMany; ManyToMany; }
