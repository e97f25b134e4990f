//! The hash of a shape.

use super::Shape;

/// Folds words into 128 bits: two lanes of multiply-and-fold with different constants.
///
/// ```
/// use orm_core::ir::ShapeHasher;
/// let mut hasher = ShapeHasher::default();
/// hasher.word(7);
/// hasher.text("users");
/// assert_ne!(hasher.finish(), ShapeHasher::default().finish());
/// ```
#[derive(Debug, Clone)]
pub struct ShapeHasher {
    a: u64,
    b: u64,
}

impl Default for ShapeHasher {
    fn default() -> Self {
        ShapeHasher { a: 0x243f_6a88_85a3_08d3, b: 0x1319_8a2e_0370_7344 }
    }
}

impl ShapeHasher {
    /// Adds a word.
    ///
    /// ```
    /// use orm_core::ir::ShapeHasher;
    /// let (mut one, mut two) = (ShapeHasher::default(), ShapeHasher::default());
    /// one.word(1);
    /// two.word(2);
    /// assert_ne!(one.finish(), two.finish());
    /// ```
    #[inline]
    pub fn word(&mut self, word: u64) {
        let fold = |x: u64, k: u64| {
            let wide = u128::from(x) * u128::from(k);
            (wide as u64) ^ ((wide >> 64) as u64)
        };
        self.a = fold(self.a ^ word, 0x9e37_79b9_7f4a_7c15).wrapping_add(word.rotate_left(32));
        self.b = fold(self.b.rotate_left(23) ^ word, 0xd6e8_feb8_6659_fd93).wrapping_add(self.a);
    }

    /// Adds text.
    ///
    /// ```
    /// use orm_core::ir::ShapeHasher;
    /// let (mut one, mut two) = (ShapeHasher::default(), ShapeHasher::default());
    /// one.text("users");
    /// two.text("posts");
    /// assert_ne!(one.finish(), two.finish());
    /// ```
    pub fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The key.
    ///
    /// ```
    /// use orm_core::ir::{Shape, ShapeHasher};
    /// let key: Shape = ShapeHasher::default().finish();
    /// assert_eq!(key, ShapeHasher::default().finish());
    /// ```
    pub fn finish(&self) -> Shape {
        Shape((u128::from(self.a) << 64) | u128::from(self.b))
    }
}
