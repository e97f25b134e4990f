//! What all slots do alike: say whether they are loaded, compare, print and serialise.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

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
                self.content.is_some()
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
                self.content.is_none()
            }

            /// Called by the derive.
            #[doc(hidden)]
            pub fn set_siblings(&mut self, siblings: &Siblings) {
                if self.content.is_none() {
                    self.siblings = Some(siblings.clone());
                }
            }
        }

        impl<T> Default for $name<T> {
            fn default() -> Self {
                $name { content: None, siblings: None }
            }
        }

        /// The content, or `not loaded`.
        impl<T: fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match &self.content {
                    Some(content) => content.fmt(f),
                    None => f.write_str("not loaded"),
                }
            }
        }

        /// Equal if both are loaded and hold equal rows, or neither is loaded.
        impl<T: PartialEq> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.content == other.content
            }
        }

        impl<T: Eq> Eq for $name<T> {}

        /// The content. A slot that was not loaded is an error; skip it with
        #[doc = concat!("`#[serde(default, skip_serializing_if = \"", stringify!($name), "::is_unloaded\")]`.")]
        impl<T: Serialize> Serialize for $name<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.get_for_serde() {
                    Some(content) => content.serialize(serializer),
                    None => Err(ser::Error::custom(not_loaded::<T>())),
                }
            }
        }

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let content = <$owned>::deserialize(deserializer)?;
                Ok(Self::from_serde(content))
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

macro_rules! serde_one {
    ($($name:ident, $pointer:ident;)*) => {$(
        impl<T> $name<T> {
            fn get_for_serde(&self) -> Option<Option<&T>> {
                self.content.as_ref().map(Option::as_deref)
            }
            fn from_serde(content: Option<T>) -> Self {
                $name { content: Some(content.map($pointer::new)), siblings: None }
            }
        }
    )*};
}
serde_one! { BelongsTo, Arc; MorphTo, Arc; HasOne, Box; }

macro_rules! serde_many {
    ($($name:ident;)*) => {$(
        impl<T> $name<T> {
            fn get_for_serde(&self) -> Option<&[T]> {
                self.content.as_deref()
            }
            fn from_serde(content: Vec<T>) -> Self {
                $name { content: Some(content), siblings: None }
            }
        }
    )*};
}
serde_many! { HasMany; ManyToMany; }
