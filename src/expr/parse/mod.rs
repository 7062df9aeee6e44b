//! Text to [`Ast`]: sqlparser with PostgreSQL's syntax, then lowered to what logmill knows.

mod ast;
mod dialect;
mod lower;
mod lower_call;
mod lower_predicate;
mod position;
mod target;
mod words;

use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::ExprError;
pub(crate) use ast::{Ast, BinaryOp, Call, Comparison, IsTest, Kind, Match, MatchSyntax, Target};
use dialect::Postgres;
use lower::Lowering;
use position::Positions;

/// Longest expression, so that no chain of operators is deep enough to exhaust the stack.
const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

/// How deep calls, CASE and parentheses nest; the parser's own protection grows its stack.
const NESTING_MAX: usize = 128;

/// Parses an expression; nothing may follow.
pub(crate) fn parse(text: &str) -> Result<Ast, ExprError> {
    match parse_aliased(text)? {
        (ast, None) => Ok(ast),
        (_, Some(alias)) => Err(ExprError::new(alias.span, "AS is not allowed here")),
    }
}

/// A name given with AS.
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) span: std::ops::Range<usize>,
}

/// Parses `expression [AS name]`.
pub(crate) fn parse_aliased(text: &str) -> Result<(Ast, Option<Alias>), ExprError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(ExprError::new(
            0..0,
            format!("expression of more than {EXPRESSION_BYTES_MAX} bytes"),
        ));
    }
    let positions = Positions::new(text);
    let failed = |e| parser_error(&positions, e);
    let tokens = words::tokenize(text).map_err(failed)?;
    let mut parser =
        Parser::new(&Postgres).with_recursion_limit(NESTING_MAX).with_tokens_with_locations(tokens);
    let tree = parser.parse_expr().map_err(failed)?;
    let mut alias = None;
    if parser.parse_keyword(Keyword::AS) {
        let name = parser.parse_identifier().map_err(failed)?;
        alias = Some(Alias { span: positions.range(name.span), name: name.value });
    }
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let span = positions.range(next.span);
        return Err(ExprError::new(
            span,
            format!("unexpected {} after the expression", next.token),
        ));
    }
    Ok((Lowering::new(&positions).lower(&tree)?, alias))
}

/// Finds the place that a parser's message names, and takes it out of the message.
fn parser_error(positions: &Positions<'_>, error: ParserError) -> ExprError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => "nested too deeply".to_owned(),
    };
    let Some((words, place)) = message.rsplit_once(" at Line: ") else {
        return ExprError::new(0..positions.text().len(), message);
    };
    let mut numbers = place.split(", Column: ").map(|n| n.trim().parse().unwrap_or(0));
    let (line, column) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let words = words.replace("found: EOF", "found the end");
    ExprError::new(positions.word_at(line, column), words)
}

#[cfg(test)]
mod tests {
    use super::{Kind, parse};

    #[test]
    fn a_dotted_name_is_one_name_and_case_is_kept() {
        for (text, name) in [
            ("http.Status", "http.Status"),
            ("\"@timestamp\"", "@timestamp"),
            ("user", "user"),
            ("a.b.c", "a.b.c"),
            ("user.id", "user.id"),
            ("case.end.from", "case.end.from"),
        ] {
            let ast = parse(text).expect(text);
            assert!(matches!(&ast.kind, Kind::Name(n) if n == name), "{ast:?}");
            assert_eq!(ast.span, 0..text.len());
        }
    }

    #[test]
    fn a_syntax_error_points_at_its_token() {
        let error = parse("status = = 2").expect_err("two operators");
        assert_eq!(error.span, 9..10, "{error:?}");
        let error = parse("a b").expect_err("two names");
        assert_eq!(error.span, 2..3, "{error:?}");
        let error = parse("'ü' + +* 1").expect_err("wrong operator");
        assert_eq!(error.span, 8..9, "{error:?}");
    }

    #[test]
    fn deep_and_long_expressions_are_refused_rather_than_a_crash() {
        let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).is_err());
        let long = format!("1{}", "+1".repeat(20_000));
        assert!(parse(&long).is_err());
        let chain = vec!["a = 1"; 5000].join(" OR ");
        assert!(parse(&chain).is_ok());
    }
}
