//! Check constraints and defaults as the user wrote them, in SQL: the part of it that has a meaning here.
//!
//! Comparisons, `AND`, `OR`, `NOT`, `IN`, `BETWEEN`, `LIKE`, `IS [NOT] NULL`, arithmetic, numbers, texts, columns by their names in the
//! database, and the functions `length`, `char_length`, `lower`, `upper`, `trim`, `abs`, `coalesce` and `CURRENT_TIMESTAMP`/`now()`.

use orm_core::ir::facts::type_of;
use orm_core::ir::{BinaryOp, ColumnRef, Expr, Func, LikeOp, Source, UnaryOp};
use orm_core::meta::ModelMeta;
use orm_core::value::{ColumnType, Datum, Numeric};

/// Reads an expression over the columns of a model. The error says what was not understood.
pub fn parse(model: &'static ModelMeta, text: &str) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { model, tokens: &tokens, at: 0 };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("{token:?} is not expected")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: &[&str] =
        &["<>", "!=", "<=", ">=", "||", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%"];
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else if first == '\'' || first == '"' {
            let mut value = String::new();
            let mut letters = rest[1..].char_indices().peekable();
            let end = loop {
                let (at, letter) = letters.next().ok_or("a quote is not closed")?;
                if letter != first {
                    value.push(letter);
                } else if letters.peek().is_some_and(|(_, next)| *next == first) {
                    value.push(first);
                    letters.next();
                } else {
                    break at + 2;
                }
            };
            out.push(if first == '"' { Token::Quoted(value) } else { Token::Text(value) });
            rest = &rest[end..];
        } else if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            out.push(Token::Number(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("`{first}` is not understood"))?;
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
    Ok(out)
}

struct Parser<'t> {
    model: &'static ModelMeta,
    tokens: &'t [Token],
    at: usize,
}

type Parsed = Result<Expr, String>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn require(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("`{sign}` is missing")) }
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::or(left, self.and()?);
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expr::and(Some(left), self.not()?);
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        if self.word("not") {
            return Ok(self.not()?.negate());
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        for (sign, op) in [
            ("=", BinaryOp::Eq),
            ("<>", BinaryOp::Ne),
            ("!=", BinaryOp::Ne),
            ("<=", BinaryOp::Le),
            (">=", BinaryOp::Ge),
            ("<", BinaryOp::Lt),
            (">", BinaryOp::Gt),
        ] {
            if self.sign(sign) {
                let right = self.sum()?;
                return compare(op, left, right);
            }
        }
        if self.word("is") {
            let negated = self.word("not");
            return if self.word("null") {
                Ok(Expr::IsNull(Box::new(left), negated))
            } else {
                Err("`IS` without `NULL` is not understood".into())
            };
        }
        let negated = self.word("not");
        let test = if self.word("in") {
            self.require("(")?;
            let mut any = Vec::new();
            loop {
                any.push(compare(BinaryOp::Eq, left.clone(), self.sum()?)?);
                if !self.sign(",") {
                    break;
                }
            }
            self.require(")")?;
            Expr::Any(any)
        } else if self.word("between") {
            let low = self.sum()?;
            if !self.word("and") {
                return Err("`BETWEEN` needs an `AND`".into());
            }
            let high = self.sum()?;
            Expr::All(vec![compare(BinaryOp::Ge, left.clone(), low)?, compare(BinaryOp::Le, left, high)?])
        } else if self.word("like") {
            Expr::Like {
                op: LikeOp::Pattern,
                expr: Box::new(left),
                pattern: Box::new(self.sum()?),
                insensitive: false,
            }
        } else if negated {
            return Err("`NOT` is not expected".into());
        } else {
            return Ok(left);
        };
        Ok(if negated { test.negate() } else { test })
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        loop {
            let op = if self.sign("+") {
                BinaryOp::Add
            } else if self.sign("-") {
                BinaryOp::Sub
            } else if self.sign("||") {
                BinaryOp::Concat
            } else {
                return Ok(left);
            };
            left = arithmetic(op, left, self.product()?);
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.factor()?;
        loop {
            let op = if self.sign("*") {
                BinaryOp::Mul
            } else if self.sign("/") {
                BinaryOp::Div
            } else if self.sign("%") {
                BinaryOp::Rem
            } else {
                return Ok(left);
            };
            left = arithmetic(op, left, self.factor()?);
        }
    }

    fn factor(&mut self) -> Parsed {
        if self.sign("-") {
            return Ok(match self.factor()? {
                Expr::Value(Datum::I64(number), ty) => Expr::Value(Datum::I64(-number), ty),
                Expr::Value(Datum::Decimal(number), ty) => Expr::Value(
                    Datum::Decimal(Numeric { mantissa: -number.mantissa, scale: number.scale }),
                    ty,
                ),
                other => {
                    let ty = type_of(&other).unwrap_or(ColumnType::I64);
                    Expr::Unary(UnaryOp::Neg, Box::new(other), ty)
                }
            });
        }
        if self.sign("(") {
            let inner = self.or()?;
            self.require(")")?;
            return Ok(inner);
        }
        let token = self.peek().cloned().ok_or("the expression ends too early")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Expr::Value(Datum::Text(text), ColumnType::Text)),
            Token::Number(digits) => number(&digits),
            Token::Quoted(name) => self.column(&name),
            Token::Word(word) => self.named(&word),
            Token::Sign(sign) => Err(format!("`{sign}` is not expected")),
        }
    }

    fn named(&mut self, word: &str) -> Parsed {
        match word.to_ascii_lowercase().as_str() {
            "true" => return Ok(Expr::Value(Datum::Bool(true), ColumnType::Bool)),
            "false" => return Ok(Expr::Value(Datum::Bool(false), ColumnType::Bool)),
            "null" => return Ok(Expr::Value(Datum::Null, ColumnType::Text)),
            "current_timestamp" => return Ok(Expr::Func(Func::Now, Vec::new())),
            _ => {}
        }
        if !self.sign("(") {
            return self.column(word);
        }
        let mut args = Vec::new();
        if !self.sign(")") {
            loop {
                args.push(self.sum()?);
                if !self.sign(",") {
                    break;
                }
            }
            self.require(")")?;
        }
        let func = match word.to_ascii_lowercase().as_str() {
            "length" | "char_length" => Func::CharLength,
            "lower" => Func::Lower,
            "upper" => Func::Upper,
            "trim" => Func::Trim,
            "abs" => Func::Abs,
            "coalesce" => Func::Coalesce,
            "now" => Func::Now,
            other => return Err(format!("the function `{other}` has no counterpart")),
        };
        Ok(Expr::Func(func, args))
    }

    fn column(&self, name: &str) -> Parsed {
        let exact = self.model.column_of_name(name);
        let folded = || self.model.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
        let index = exact.or_else(|| folded().map(|index| index as u16));
        let index = index.ok_or_else(|| format!("there is no column `{name}`"))?;
        Ok(Expr::Column(ColumnRef { source: Source { model: self.model, alias: "" }, index }))
    }
}

fn number(digits: &str) -> Parsed {
    if let Ok(number) = digits.parse::<i64>() {
        return Ok(Expr::Value(Datum::I64(number), ColumnType::I64));
    }
    let (whole, fraction) = digits.split_once('.').ok_or("a number is too large")?;
    let mantissa = format!("{whole}{fraction}").parse().map_err(|_| format!("`{digits}` is no number"))?;
    Ok(Expr::Value(Datum::Decimal(Numeric { mantissa, scale: fraction.len() as u32 }), ColumnType::Decimal))
}

/// A constant in the type of what it is compared with.
fn adapt(expr: Expr, ty: ColumnType) -> Parsed {
    Ok(match (expr, ty) {
        (Expr::Value(Datum::Decimal(number), _), ColumnType::F32 | ColumnType::F64) => {
            let value = number.mantissa as f64 / 10_f64.powi(number.scale as i32);
            Expr::Value(Datum::F64(value), ty)
        }
        (Expr::Value(Datum::Text(text), _), ty) => match ty {
            ColumnType::Text | ColumnType::Char | ColumnType::Enum(_) => {
                Expr::Value(Datum::Text(text), ColumnType::Text)
            }
            other => return Err(format!("a text is compared with a column of type {other:?}")),
        },
        (other, _) => other,
    })
}

fn compare(op: BinaryOp, left: Expr, right: Expr) -> Parsed {
    let ty = match (&left, &right) {
        (Expr::Value(..), other) | (other, _) => type_of(other).unwrap_or(ColumnType::Text),
    };
    Ok(Expr::binary(op, adapt(left, ty)?, adapt(right, ty)?, ty))
}

fn arithmetic(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let ty = match (&left, &right) {
        (Expr::Value(..), other) | (other, _) => type_of(other).unwrap_or(ColumnType::I64),
    };
    Expr::binary(op, left, right, ty)
}
