//! Text: functions, and matching by regular expressions that fold ASCII letters and no others.

use std::fmt::Write as _;

use orm_core::Result;
use orm_core::ir::{Expr, Func, LikeOp};
use orm_core::value::Datum;

use super::expr::{begin, end};
use super::{Lower, unsupported};
use crate::bson::{Key, Writer};

impl Lower<'_> {
    pub(super) fn text_function(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        func: Func,
        args: &[&Expr],
    ) -> Result<()> {
        match (func, args) {
            (Func::Lower, [text]) => self.of_text(w, key, "$toLower", text),
            (Func::Upper, [text]) => self.of_text(w, key, "$toUpper", text),
            (Func::CharLength, [text]) => self.of_text(w, key, "$strLenCP", text),
            (Func::Trim, [text]) => {
                let open = w.open(key);
                let trim = w.open("$trim");
                self.expr(w, Key::Name("input"), text)?;
                w.str("chars", " ");
                w.close(trim);
                w.close(open);
                Ok(())
            }
            (Func::Replace, [text, from, to]) => {
                self.unless_null(w, key, [*text, *from, *to], |lower, w, key, operands| {
                    // Of an empty text nothing is found; MongoDB finds it everywhere.
                    let (open, list) = begin(w, key, "$cond");
                    let (test, pair) = begin(w, Key::At(0), "$eq");
                    lower.operand(w, Key::At(0), &operands[1])?;
                    w.str(1, "");
                    end(w, test, pair);
                    lower.operand(w, Key::At(1), &operands[0])?;
                    let replace = w.open(2_usize);
                    let parts = w.open("$replaceAll");
                    for (name, operand) in ["input", "find", "replacement"].into_iter().zip(&operands) {
                        lower.operand(w, Key::Name(name), operand)?;
                    }
                    w.close(parts);
                    w.close(replace);
                    end(w, open, list);
                    Ok(())
                })
            }
            (Func::Substring, [text, start]) => self.cut_out(w, key, text, start, None),
            (Func::Substring, [text, start, length]) => self.cut_out(w, key, text, start, Some(length)),
            (other, _) => Err(unsupported(format!("the function {other:?}"))),
        }
    }

    /// An operator that makes something of NULL, or refuses it.
    fn of_text(&mut self, w: &mut Writer, key: Key<'_>, operator: &str, text: &Expr) -> Result<()> {
        self.unless_null(w, key, [text], |lower, w, key, [text]| {
            let open = w.open(key);
            lower.operand(w, Key::Name(operator), &text)?;
            w.close(open);
            Ok(())
        })
    }

    /// Characters from `start`, counted from 1, up to `start + length`: places before the first hold nothing.
    fn cut_out(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        text: &Expr,
        start: &Expr,
        length: Option<&Expr>,
    ) -> Result<()> {
        let constant = |expr: Option<&Expr>| match expr {
            Some(Expr::Value(Datum::I64(value), _)) => Some(*value),
            _ => None,
        };
        let (Some(from), Some(count)) =
            (constant(Some(start)), length.map_or(Some(i64::from(i32::MAX)), |l| constant(Some(l))))
        else {
            return Err(unsupported("a part of a text whose place is no constant"));
        };
        let (first, last) = (from.max(1), from.saturating_add(count));
        let count = last.saturating_sub(first).clamp(0, i32::MAX.into());
        self.unless_null(w, key, [text], |lower, w, key, [text]| {
            let (open, list) = begin(w, key, "$substrCP");
            lower.operand(w, Key::At(0), &text)?;
            w.i64(1, (first - 1).min(i32::MAX.into()));
            w.i64(2, count);
            end(w, open, list);
            Ok(())
        })
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn like(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        op: LikeOp,
        text: &Expr,
        pattern: &Expr,
        insensitive: bool,
        wanted: bool,
    ) -> Result<()> {
        if let Expr::Value(datum, _) = pattern {
            let Datum::Text(pattern) = datum else {
                w.bool(key, false);
                return Ok(());
            };
            let regex = regex(op, pattern, insensitive);
            return self.with(w, key, [text], |lower, w, key, [text]| {
                // NULL is matched by nothing.
                let denial = (!wanted).then(|| begin(w, key, "$and"));
                let mut key = key;
                let mut inner = None;
                if denial.is_some() {
                    lower.null_test(w, Key::At(0), &text, false)?;
                    inner = Some(begin(w, Key::At(1), "$not"));
                    key = Key::At(0);
                }
                let open = w.open(key);
                let parts = w.open("$regexMatch");
                lower.operand(w, Key::Name("input"), &text)?;
                w.str("regex", &regex);
                w.close(parts);
                w.close(open);
                if let (Some((open, list)), Some((not, pair))) = (denial, inner) {
                    end(w, not, pair);
                    end(w, open, list);
                }
                Ok(())
            });
        }
        if matches!(op, LikeOp::Pattern | LikeOp::Regex) {
            return Err(unsupported("a pattern that is no constant")
                .with_hint("`contains`, `starts_with` and `ends_with` take any expression"));
        }
        self.dynamic_match(w, key, op, text, pattern, insensitive, wanted)
    }

    /// Finds a text that is computed in another one.
    #[allow(clippy::too_many_arguments)]
    fn dynamic_match(
        &mut self,
        w: &mut Writer,
        key: Key<'_>,
        op: LikeOp,
        text: &Expr,
        part: &Expr,
        insensitive: bool,
        wanted: bool,
    ) -> Result<()> {
        self.with(w, key, [text, part], |lower, w, key, [text, part]| {
            let fold =
                |lower: &mut Self, w: &mut Writer, key: Key<'_>, operand: &super::expr::Operand<'_>| {
                    if !insensitive {
                        return lower.operand(w, key, operand);
                    }
                    let open = w.open(key);
                    lower.operand(w, Key::Name("$toLower"), operand)?;
                    w.close(open);
                    Ok(())
                };
            // Evaluated in order: an operator that refuses NULL does not see it.
            let (open, list) = begin(w, key, "$cond");
            let (either, tests) = begin(w, Key::At(0), "$or");
            lower.null_test(w, Key::At(0), &text, true)?;
            lower.null_test(w, Key::At(1), &part, true)?;
            end(w, either, tests);
            w.bool(1, false);
            let (compare, pair) = begin(w, Key::At(2), if wanted { "$eq" } else { "$ne" });
            match op {
                LikeOp::Contains => {
                    let (at_least, places) = begin(w, Key::At(0), "$gte");
                    let (index, texts) = begin(w, Key::At(0), "$indexOfCP");
                    fold(lower, w, Key::At(0), &text)?;
                    fold(lower, w, Key::At(1), &part)?;
                    end(w, index, texts);
                    w.i32(1, 0);
                    end(w, at_least, places);
                }
                LikeOp::StartsWith => {
                    let (same, texts) = begin(w, Key::At(0), "$eq");
                    let (cut, parts) = begin(w, Key::At(0), "$substrCP");
                    fold(lower, w, Key::At(0), &text)?;
                    w.i32(1, 0);
                    let length = w.open(2_usize);
                    lower.operand(w, Key::Name("$strLenCP"), &part)?;
                    w.close(length);
                    end(w, cut, parts);
                    fold(lower, w, Key::At(1), &part)?;
                    end(w, same, texts);
                }
                _ => {
                    let (same, texts) = begin(w, Key::At(0), "$eq");
                    let (cut, parts) = begin(w, Key::At(0), "$substrCP");
                    fold(lower, w, Key::At(0), &text)?;
                    let (max, bounds) = begin(w, Key::At(1), "$max");
                    w.i32(0, 0);
                    let (minus, lengths) = begin(w, Key::At(1), "$subtract");
                    for (at, operand) in [&text, &part].into_iter().enumerate() {
                        let length = w.open(at);
                        lower.operand(w, Key::Name("$strLenCP"), operand)?;
                        w.close(length);
                    }
                    end(w, minus, lengths);
                    end(w, max, bounds);
                    let length = w.open(2_usize);
                    lower.operand(w, Key::Name("$strLenCP"), &text)?;
                    w.close(length);
                    end(w, cut, parts);
                    fold(lower, w, Key::At(1), &part)?;
                    end(w, same, texts);
                }
            }
            w.bool(1, true);
            end(w, compare, pair);
            end(w, open, list);
            Ok(())
        })
    }
}

/// A regular expression for a way of matching and its operand. `$` would also match before a last line break.
pub(super) fn regex(op: LikeOp, pattern: &str, insensitive: bool) -> String {
    const ANY: &str = r"[\s\S]";
    const END: &str = r"(?![\s\S])";
    let mut out = String::with_capacity(pattern.len() + 16);
    if matches!(op, LikeOp::Pattern | LikeOp::StartsWith) {
        out.push('^');
    }
    match op {
        LikeOp::Regex => return pattern.to_owned(),
        LikeOp::Pattern => {
            let mut letters = pattern.chars();
            while let Some(letter) = letters.next() {
                match letter {
                    '%' => {
                        out += ANY;
                        out.push('*');
                    }
                    '_' => out += ANY,
                    '\\' => literal(&mut out, letters.next().unwrap_or('\\'), insensitive),
                    other => literal(&mut out, other, insensitive),
                }
            }
        }
        _ => pattern.chars().for_each(|letter| literal(&mut out, letter, insensitive)),
    }
    if matches!(op, LikeOp::Pattern | LikeOp::EndsWith) {
        out += END;
    }
    out
}

fn literal(out: &mut String, letter: char, insensitive: bool) {
    match letter {
        'a'..='z' | 'A'..='Z' if insensitive => {
            let _ = write!(out, "[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
        }
        letter if letter.is_ascii_control() => {
            let _ = write!(out, "\\x{:02x}", letter as u32);
        }
        letter if letter.is_ascii_punctuation() && letter != '_' => {
            out.push('\\');
            out.push(letter);
        }
        letter => out.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts_and_nothing_else() {
        assert_eq!(regex(LikeOp::Pattern, "a%_", false), r"^a[\s\S]*[\s\S](?![\s\S])");
        assert_eq!(regex(LikeOp::Pattern, r"100\%", false), r"^100\%(?![\s\S])");
        assert_eq!(regex(LikeOp::Contains, "a.b", true), r"[aA]\.[bB]");
        assert_eq!(regex(LikeOp::StartsWith, "é\n", false), "^é\\x0a");
    }
}
