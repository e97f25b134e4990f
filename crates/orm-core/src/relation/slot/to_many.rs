//! Slots for any number of rows.

use std::mem;

use super::content::{Rows, State};
use super::{Slot, ToMany, not_loaded};
use crate::error::Result;
use crate::meta::RelationMeta;
use crate::model::Model;
use crate::relation::{Mark, Siblings};

macro_rules! to_many {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<T> {
            pub(super) state: State<Rows<T>>,
        }

        impl<T: Send + Sync + 'static> $name<T> {
            /// A loaded slot.
            ///
            /// ```
            /// use orm::relation::{HasMany, ManyToMany};
            /// assert_eq!(HasMany::loaded([1, 2]).get().unwrap(), [1, 2]);
            /// assert_eq!(ManyToMany::loaded([1, 2]).get().unwrap(), [1, 2]);
            /// ```
            pub fn loaded(rows: impl Into<Vec<T>>) -> Self {
                $name { state: State::given(Box::new(rows.into())) }
            }

            /// The rows. [`NotLoaded`](crate::ErrorKind::NotLoaded) before they are loaded.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let ada = User::find(1).include(User::posts.include(Post::tags)).one(&db).await?;
            /// let posts = ada.posts.get()?;
            /// assert_eq!((posts.len(), posts[0].tags.get()?.len()), (2, 1));
            /// # Ok(()) }
            /// ```
            pub fn get(&self) -> Result<&[T]> {
                self.content().ok_or_else(not_loaded::<T>)
            }

            /// The rows, to change or to load their own relations.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let mut ada = User::find(1).include(User::posts).one(&db).await?;
            /// ada.posts.get_mut()?.load(Post::tags, &db).await?;
            /// assert_eq!(ada.posts.get()?[0].tags.get()?[0].name, "machines");
            /// # Ok(()) }
            /// ```
            pub fn get_mut(&mut self) -> Result<&mut Vec<T>> {
                self.state.loaded_mut().map(|rows| rows.rows_mut()).ok_or_else(not_loaded::<T>)
            }

            /// Takes the rows out.
            ///
            /// ```
            /// # use orm_guide::prelude::*;
            /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> { let db = sample().await?;
            /// let ada = User::find(1).include(User::posts).one(&db).await?;
            /// let posts: Vec<Post> = ada.posts.into_vec()?;
            /// assert_eq!(posts.len(), 2);
            /// # Ok(()) }
            /// ```
            pub fn into_vec(self) -> Result<Vec<T>> {
                self.state.into_loaded().map(|rows| rows.into_rows()).ok_or_else(not_loaded::<T>)
            }

            /// Puts rows into the slot. The rows' foreign keys are not changed.
            ///
            /// ```
            /// use orm::relation::{HasMany, ManyToMany};
            /// let (mut many, mut linked) = (HasMany::default(), ManyToMany::default());
            /// many.set(vec![1, 2]);
            /// linked.set(vec![3]);
            /// assert_eq!((many.get().unwrap(), linked.get().unwrap()), (&[1, 2][..], &[3][..]));
            /// ```
            pub fn set(&mut self, rows: Vec<T>) {
                self.state = State::given(Box::new(rows));
            }
        }

        impl<T> $name<T> {
            /// The rows, if they are loaded.
            pub(super) fn content(&self) -> Option<&[T]> {
                self.state.loaded().map(|rows| rows.rows().as_slice())
            }
        }

        impl<T: Clone + Send + Sync + 'static> Clone for $name<T> {
            fn clone(&self) -> Self {
                let state = match &self.state {
                    State::Loaded(rows, mark) => {
                        State::Loaded(Box::new(rows.rows().clone()) as Rows<T>, mark.clone())
                    }
                    State::Unloaded(siblings) => State::Unloaded(siblings.clone()),
                };
                $name { state }
            }
        }

        impl<T: Model> Slot for $name<T> {
            type Target = T;
            type Loaded<'a> = &'a [T];
            type Content = Vec<T>;
            const SHARED: bool = false;

            fn is_loaded(&self) -> bool {
                self.state.loaded().is_some()
            }
            fn read(&self) -> Result<&[T]> {
                self.get()
            }
            fn siblings(&self) -> Option<&Siblings> {
                self.state.siblings()
            }
            fn mark(&self) -> Option<&Mark> {
                self.state.mark()
            }
            fn put(&mut self, content: Vec<T>, mark: Mark) {
                self.state = State::Loaded(Box::new(content), mark);
            }
            fn hand_out(content: &mut Vec<T>) -> Vec<T> {
                mem::take(content)
            }
            fn distribute(
                _: &RelationMeta,
                count: usize,
                places: &[u32],
                children: Vec<T>,
            ) -> Result<Vec<Vec<T>>> {
                Ok(sort_into(count, places, children))
            }
        }

        impl<T: Model> ToMany for $name<T> {}
    };
}
to_many! {
    /// The rows whose foreign key points to this row.
    ///
    /// ```
    /// use orm_core::relation::HasMany;
    /// assert!(HasMany::<i32>::default().get().is_err());
    /// assert_eq!(HasMany::loaded([1, 2]).get().unwrap(), [1, 2]);
    /// ```
    HasMany
}
to_many! {
    /// The rows that a model between links to this row.
    ///
    /// ```
    /// use orm_core::relation::ManyToMany;
    /// assert!(ManyToMany::<i32>::default().get().is_err());
    /// assert_eq!(ManyToMany::loaded([1, 2]).into_vec().unwrap(), [1, 2]);
    /// ```
    ManyToMany
}

pub(super) fn sort_into<T>(count: usize, places: &[u32], children: Vec<T>) -> Vec<Vec<T>> {
    let mut sizes = vec![0; count];
    for place in places {
        sizes[*place as usize] += 1;
    }
    let mut contents: Vec<Vec<T>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for (place, child) in places.iter().zip(children) {
        contents[*place as usize].push(child);
    }
    contents
}
