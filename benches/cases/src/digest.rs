//! A sum over everything that was read, to see that all libraries read the same.

use serde::{Deserialize, Serialize};

/// Counts over a result, independent of the order of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub rows: u64,
    pub nulls: u64,
    pub keys: i64,
    pub text: u64,
}

impl Digest {
    /// The digest of a result.
    pub fn of(content: &impl Content) -> Self {
        let mut digest = Digest::default();
        content.add_to(&mut digest);
        digest
    }

    /// Counts a row.
    pub fn row(&mut self) {
        self.rows += 1;
    }

    /// Adds a key.
    pub fn key(&mut self, key: impl TryInto<i64>) {
        self.keys = key.try_into().map_or(i64::MIN, |key| self.keys.wrapping_add(key));
    }

    /// Adds text: its bytes, each with its position.
    pub fn text(&mut self, text: &str) {
        let bytes = (1..).zip(text.bytes());
        self.text += bytes.map(|(at, byte): (u64, u8)| at * u64::from(byte)).sum::<u64>();
    }

    /// Adds text that may be missing.
    pub fn opt_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.nulls += 1,
        }
    }
}

/// A result, or a part of one.
pub trait Content {
    /// Adds all of it.
    fn add_to(&self, digest: &mut Digest);
}

impl<T: Content> Content for Vec<T> {
    fn add_to(&self, digest: &mut Digest) {
        self.iter().for_each(|row| row.add_to(digest));
    }
}

impl<T: Content> Content for Option<T> {
    fn add_to(&self, digest: &mut Digest) {
        match self {
            Some(row) => row.add_to(digest),
            None => digest.nulls += 1,
        }
    }
}

impl<A: Content, B: Content> Content for (A, B) {
    fn add_to(&self, digest: &mut Digest) {
        self.0.add_to(digest);
        self.1.add_to(digest);
    }
}

/// [`Content`] for structs with the fields of the three tables, whatever library they belong to.
#[macro_export]
macro_rules! tables {
    ($user:ty, $post:ty, $comment:ty) => {
        impl $crate::Content for $user {
            fn add_to(&self, digest: &mut $crate::Digest) {
                digest.row();
                digest.key(self.id);
                digest.text(&self.name);
                digest.opt_text(self.hair_color.as_deref());
            }
        }
        impl $crate::Content for $post {
            fn add_to(&self, digest: &mut $crate::Digest) {
                digest.row();
                digest.key(self.id + 3 * self.user_id);
                digest.text(&self.title);
                digest.opt_text(self.body.as_deref());
            }
        }
        impl $crate::Content for $comment {
            fn add_to(&self, digest: &mut $crate::Digest) {
                digest.row();
                digest.key(self.id + 3 * self.post_id);
                digest.text(&self.text);
            }
        }
    };
}
