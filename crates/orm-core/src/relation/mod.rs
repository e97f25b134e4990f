//! Relations: the slots in a model's fields, the typed constants that name them, and loading.
//!
//! A slot ([`HasMany`], [`HasOne`], [`BelongsTo`], [`ManyToMany`]) is empty until it is loaded, and says so when it is
//! read. [`Rel`] is the constant behind `User::posts`: an index into the metadata and the way to the slot. Loading is
//! one query per edge and level: [`IncludePlan`] is the plan as data, `Model::fetch` (made by the derive) turns it into the
//! right generic function of [`load`], and the children are moved into their parents' slots by an [`Attach`].
//!
//! [`Related`] is what belongs to one row, `User::posts.of(&user)`: a query, and the ways to change it, which differ where the
//! rows hold the key (`children`), where a model between does (`links`) and where an array of keys does (`array_links`).

mod array_links;
mod children;
mod complete;
mod include;
mod keys;
mod lazy;
mod links;
mod load;
mod mark;
mod morph;
mod nest;
mod of;
mod rel;
mod slot;

pub(crate) use array_links::hold;
pub use complete::complete;
pub use include::{Includable, Include, IncludeOf, IncludePlan};
pub(crate) use keys::datum_of;
pub use lazy::{FetchMode, LoadOne, LoadSlice, Loadable, LoadableSlice, Siblings};
pub use load::{
    Attach, attach, attach_includes, fetch_belongs_to, fetch_has_many, fetch_has_one, fetch_many_to_many,
};
pub use mark::Mark;
pub use morph::{Morph, MorphRel, MorphTarget, fetch_morph_to, morph_variant};
pub use nest::NestKey;
pub(crate) use nest::nest;
pub use of::Related;
pub use rel::{LedTo, Rel, Via, assert_two_ways};
pub use slot::{BelongsTo, HasMany, HasOne, ManyToMany, MorphTo, Slot, ToMany, ToOne};

#[cfg(test)]
mod tests;
