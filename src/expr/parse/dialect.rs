//! PostgreSQL's syntax of expressions: sqlparser's dialect of that name, mended where it leaves the manual (4.1.6, and the
//! `a_expr` and `b_expr` of PostgreSQL's grammar).

use std::any::TypeId;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token};

/// What is mended.
const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// The dialect of expressions.
#[derive(Debug)]
pub(super) struct Postgres;

type Parsed = Result<Expr, ParserError>;

/// Methods that are as in PostgreSQL's dialect.
macro_rules! as_in_postgres {
    ($($method:ident)+) => { $(fn $method(&self) -> bool { POSTGRES.$method() })+ };
}

impl Dialect for Postgres {
    /// Some of the parser's decisions ask for the type of the dialect.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRES.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        POSTGRES.is_delimited_identifier_start(c)
    }

    fn is_identifier_start(&self, c: char) -> bool {
        POSTGRES.is_identifier_start(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        POSTGRES.is_identifier_part(c)
    }

    fn is_custom_operator_part(&self, c: char) -> bool {
        POSTGRES.is_custom_operator_part(c)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRES.prec_value(precedence)
    }

    as_in_postgres!(
        supports_unicode_string_literal supports_string_escape_constant supports_nested_comments
        supports_numeric_literal_underscores supports_filter_during_aggregation supports_notnull_operator
        supports_bitwise_shift_operators supports_factorial_operator supports_geometric_types
        supports_array_typedef_with_brackets supports_interval_options allow_extract_custom
        allow_extract_single_quotes
    );

    /// All operators that the table does not name have one precedence, between `+` and LIKE; sqlparser has these beside `=`.
    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        let precedence = match &parser.peek_token_ref().token {
            Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk => Precedence::PgOther,
            token if is_word(token, "isnull") => Precedence::Is,
            _ => return POSTGRES.get_next_precedence(parser),
        };
        Some(Ok(self.prec_value(precedence)))
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Parsed> {
        let is_trim = has_keyword(&parser.peek_token_ref().token, Keyword::TRIM)
            && parser.peek_nth_token_ref(1).token == Token::LParen;
        is_trim.then(|| trim(parser))
    }

    fn parse_infix(&self, parser: &mut Parser<'_>, left: &Expr, _: u8) -> Option<Parsed> {
        if is_word(&parser.peek_token_ref().token, "isnull") {
            parser.advance_token();
            return Some(Ok(Expr::IsNull(Box::new(left.clone()))));
        }
        let negated = has_keyword(&parser.peek_token_ref().token, Keyword::NOT);
        let at = usize::from(negated);
        has_keyword(&parser.peek_nth_token_ref(at).token, Keyword::BETWEEN)
            .then(|| self.between(parser, left, negated))
    }
}

impl Postgres {
    /// The lower bound ends at AND, so that comparisons may stand in it (a `b_expr`); the upper bound ends at them.
    fn between(&self, parser: &mut Parser<'_>, left: &Expr, negated: bool) -> Parsed {
        if negated {
            parser.expect_keyword_is(Keyword::NOT)?;
        }
        parser.expect_keyword_is(Keyword::BETWEEN)?;
        let low = parser.parse_subexpr(self.prec_value(Precedence::Is))?;
        parser.expect_keyword_is(Keyword::AND)?;
        let high = parser.parse_subexpr(self.prec_value(Precedence::Between))?;
        let (expr, low, high) = (Box::new(left.clone()), Box::new(low), Box::new(high));
        Ok(Expr::Between { expr, negated, low, high })
    }
}

/// `trim([BOTH | LEADING | TRAILING] [characters] FROM x)`, and `trim(x, characters)`: the function that PostgreSQL makes of it.
fn trim(parser: &mut Parser<'_>) -> Parsed {
    let span = parser.peek_token_ref().span;
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let side = [Keyword::BOTH, Keyword::LEADING, Keyword::TRAILING];
    let name = match parser.parse_one_of_keywords(&side) {
        Some(Keyword::LEADING) => "ltrim",
        Some(Keyword::TRAILING) => "rtrim",
        _ => "btrim",
    };
    let mut args = Vec::new();
    if !parser.parse_keyword(Keyword::FROM) {
        args = parser.parse_comma_separated(Parser::parse_expr)?;
        if args.len() > 1 || !parser.parse_keyword(Keyword::FROM) {
            parser.expect_token(&Token::RParen)?;
            return Ok(call(name, span, args));
        }
    }
    let mut operand = parser.parse_comma_separated(Parser::parse_expr)?;
    operand.append(&mut args);
    parser.expect_token(&Token::RParen)?;
    Ok(call(name, span, operand))
}

fn call(name: &str, span: Span, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    let list = FunctionArgumentList {
        duplicate_treatment: None,
        args: args.collect(),
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_span(span, name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A word that the parser has no keyword for.
fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

fn has_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.keyword == keyword)
}
