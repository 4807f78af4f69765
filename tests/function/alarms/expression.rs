//! The part of CloudWatch's metric math that the template uses.
//!
//! What an operation makes of a missing operand is described in different ways, so that alarms must not
//! depend on it: see [`Missing`].

use std::collections::BTreeMap;

/// What an operation with a missing operand comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Spreads,
    IsZero,
}

/// The values of one period by id; `None` without datapoints.
pub type Values = BTreeMap<String, Option<f64>>;

/// Computes an expression.
///
/// # Panics
/// If it uses what is not known here.
pub fn evaluate(expression: &str, values: &Values, missing: Missing) -> Option<f64> {
    let mut parser = Parser { rest: expression, values, missing };
    let value = parser.comparison();
    assert!(parser.peek().is_none(), "{expression}: {} is not understood", parser.rest);
    value
}

struct Parser<'a> {
    rest: &'a str,
    values: &'a Values,
    missing: Missing,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn accept(&mut self, symbols: &[char]) -> Option<char> {
        let symbol = self.peek().filter(|symbol| symbols.contains(symbol))?;
        self.rest = &self.rest[1..];
        Some(symbol)
    }

    fn expect(&mut self, symbol: char) {
        assert_eq!(self.accept(&[symbol]), Some(symbol), "at {}", self.rest);
    }

    /// Operations of one precedence, from left to right.
    fn operations(
        &mut self,
        symbols: &[char],
        operand: fn(&mut Self) -> Option<f64>,
    ) -> Option<f64> {
        let mut left = operand(self);
        while let Some(symbol) = self.accept(symbols) {
            let right = operand(self);
            left = self.operation(symbol, left, right);
        }
        left
    }

    fn operation(&self, symbol: char, left: Option<f64>, right: Option<f64>) -> Option<f64> {
        let absent = (self.missing == Missing::IsZero && left.or(right).is_some()).then_some(0.0);
        let (left, right) = (left.or(absent)?, right.or(absent)?);
        match symbol {
            '>' => Some(f64::from(left > right)),
            '+' => Some(left + right),
            '-' => Some(left - right),
            '*' => Some(left * right),
            '/' => Some(left / right).filter(|share| share.is_finite()),
            _ => panic!("{symbol}"),
        }
    }

    fn comparison(&mut self) -> Option<f64> {
        self.operations(&['>'], Self::sum)
    }

    fn sum(&mut self) -> Option<f64> {
        self.operations(&['+', '-'], Self::product)
    }

    fn product(&mut self) -> Option<f64> {
        self.operations(&['*', '/'], Self::atom)
    }

    fn atom(&mut self) -> Option<f64> {
        if self.accept(&['(']).is_some() {
            let value = self.comparison();
            self.expect(')');
            return value;
        }
        self.peek();
        let end = self.rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '.');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "IF" | "FILL" => self.function(word),
            _ => word.parse().ok().or_else(|| *self.values.get(word).expect(word)),
        }
    }

    fn function(&mut self, name: &str) -> Option<f64> {
        self.expect('(');
        let mut arguments = vec![self.comparison()];
        while self.accept(&[',']).is_some() {
            arguments.push(self.comparison());
        }
        self.expect(')');
        match (name, arguments.as_slice()) {
            ("FILL", [value, filling]) => value.or(*filling),
            ("IF", [condition, yes, no]) => {
                if (*condition)? > 0.0 {
                    *yes
                } else {
                    *no
                }
            }
            _ => panic!("{name} of {arguments:?}"),
        }
    }
}

#[test]
fn metric_math_is_computed_as_written() {
    let values =
        Values::from([("a".into(), Some(6.0)), ("b".into(), Some(2.0)), ("none".into(), None)]);
    let value = |expression| evaluate(expression, &values, Missing::Spreads);
    assert_eq!(value("a + b * (a - 2) / 4"), Some(8.0));
    assert_eq!(value("IF(FILL(none, 0) > 0, 0, a)"), Some(6.0));
    assert_eq!(value("IF(FILL(b, 0) > 0, 0, a)"), Some(0.0));
    assert_eq!(value("none / (none + FILL(b, 0))"), None);
    assert_eq!(evaluate("none + a", &values, Missing::IsZero), Some(6.0));
    assert_eq!(evaluate("none / none", &values, Missing::IsZero), None);
}
