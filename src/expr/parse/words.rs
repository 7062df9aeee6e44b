//! Tokens of an expression, and which words in it are syntax. The parser has keywords of all statements of many databases;
//! any that no expression of ours needs is a name like others, so that fields and functions may have it: `any(x)`, `path`,
//! `first(x)`, `interval + 1`.

use sqlparser::keywords::Keyword;
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::dialect::Postgres;

/// Syntax wherever they stand between operands, and, as PostgreSQL's reserved words, no names.
const OPERATORS: &[Keyword] = &[
    Keyword::ALL,
    Keyword::AND,
    Keyword::AS,
    Keyword::AT,
    Keyword::BETWEEN,
    Keyword::BOTH,
    Keyword::CASE,
    Keyword::COLLATE,
    Keyword::DISTINCT,
    Keyword::ELSE,
    Keyword::END,
    Keyword::ESCAPE,
    Keyword::FALSE,
    Keyword::FOR,
    Keyword::FROM,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::IS,
    Keyword::LEADING,
    Keyword::LIKE,
    Keyword::NOT,
    Keyword::NOTNULL,
    Keyword::NULL,
    Keyword::OR,
    Keyword::SELECT,
    Keyword::SIMILAR,
    Keyword::THEN,
    Keyword::TO,
    Keyword::TRAILING,
    Keyword::TRUE,
    Keyword::UNKNOWN,
    Keyword::WHEN,
];

/// Clauses behind a call or within it, most of which are refused by name.
const CLAUSES: &[Keyword] = &[
    Keyword::ASC,
    Keyword::BY,
    Keyword::DESC,
    Keyword::FILTER,
    Keyword::GROUP,
    Keyword::IGNORE,
    Keyword::NULLS,
    Keyword::ORDER,
    Keyword::OVER,
    Keyword::PARTITION,
    Keyword::RESPECT,
    Keyword::WHERE,
    Keyword::WITHIN,
];

/// Words of types, and the units of intervals.
const TYPES: &[Keyword] = &[
    Keyword::BIGINT,
    Keyword::BOOL,
    Keyword::BOOLEAN,
    Keyword::CHARACTER,
    Keyword::DATE,
    Keyword::DATETIME,
    Keyword::DAY,
    Keyword::DAYS,
    Keyword::DEC,
    Keyword::DECIMAL,
    Keyword::DOUBLE,
    Keyword::FLOAT,
    Keyword::FLOAT4,
    Keyword::FLOAT8,
    Keyword::HOUR,
    Keyword::HOURS,
    Keyword::INT,
    Keyword::INT2,
    Keyword::INT4,
    Keyword::INT8,
    Keyword::INTEGER,
    Keyword::MICROSECOND,
    Keyword::MICROSECONDS,
    Keyword::MILLISECOND,
    Keyword::MILLISECONDS,
    Keyword::MINUTE,
    Keyword::MINUTES,
    Keyword::MONTH,
    Keyword::MONTHS,
    Keyword::NUMERIC,
    Keyword::PRECISION,
    Keyword::REAL,
    Keyword::SECOND,
    Keyword::SECONDS,
    Keyword::SMALLINT,
    Keyword::STRING,
    Keyword::TEXT,
    Keyword::TIME,
    Keyword::TIMESTAMP,
    Keyword::TIMESTAMPTZ,
    Keyword::VARCHAR,
    Keyword::VARYING,
    Keyword::WEEK,
    Keyword::WEEKS,
    Keyword::WITH,
    Keyword::WITHOUT,
    Keyword::YEAR,
    Keyword::YEARS,
    Keyword::ZONE,
];

/// Calls with a syntax of their own, and names where no parenthesis follows.
const CALLS: &[Keyword] = &[
    Keyword::CAST,
    Keyword::CEIL,
    Keyword::EXISTS,
    Keyword::EXTRACT,
    Keyword::FLOOR,
    Keyword::POSITION,
    Keyword::SAFE_CAST,
    Keyword::SUBSTR,
    Keyword::SUBSTRING,
    Keyword::TRIM,
    Keyword::TRY_CAST,
];

/// The tokens of an expression.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>, ParserError> {
    let mut tokens = Tokenizer::new(&Postgres, text).tokenize_with_location()?;
    let names: Vec<bool> = (0..tokens.len()).map(|at| is_name(&tokens, at)).collect();
    for (token, is_name) in tokens.iter_mut().zip(names) {
        if let Token::Word(word) = &mut token.token
            && is_name
        {
            word.keyword = Keyword::NoKeyword;
        }
    }
    Ok(tokens)
}

/// Whether the token, if it is a word, is no syntax. Beside a dot each word is a part of a field's name (`user.id`).
fn is_name(tokens: &[TokenWithSpan], at: usize) -> bool {
    let Token::Word(word) = &tokens[at].token else { return false };
    let is_dot = |token: Option<&TokenWithSpan>| token.is_some_and(|t| t.token == Token::Period);
    if is_dot(tokens.get(at + 1)) || (at > 0 && is_dot(tokens.get(at - 1))) {
        return true;
    }
    let keyword = word.keyword;
    let mut behind = tokens[at + 1..].iter().map(|t| &t.token);
    let next = behind.find(|token| !matches!(token, Token::Whitespace(_)));
    let is_syntax = if keyword == Keyword::INTERVAL {
        matches!(next, Some(Token::SingleQuotedString(_) | Token::Number(..)))
    } else if CALLS.contains(&keyword) {
        next == Some(&Token::LParen)
    } else {
        [OPERATORS, CLAUSES, TYPES].iter().any(|words| words.contains(&keyword))
    };
    !is_syntax
}

#[cfg(test)]
mod tests {
    use sqlparser::keywords::ALL_KEYWORDS;

    use super::OPERATORS;
    use crate::expr::parse::{Ast, BinaryOp, Kind, parse};

    fn is_field(ast: &Ast, name: &str) -> bool {
        matches!(&ast.kind, Kind::Name(found) if found == name)
    }

    fn right(text: &str) -> Option<Ast> {
        match parse(text).ok()?.kind {
            Kind::Binary(BinaryOp::Add | BinaryOp::Subtract, _, right) => Some(*right),
            _ => None,
        }
    }

    fn left(text: &str) -> Option<Ast> {
        match parse(text).ok()?.kind {
            Kind::Binary(_, left, _) => Some(*left),
            _ => None,
        }
    }

    #[test]
    fn a_field_may_have_any_name_that_is_no_operator() {
        // Reserved in PostgreSQL, too; in double quotes even these are names.
        let reserved: Vec<String> = OPERATORS.iter().map(|word| format!("{word:?}")).collect();
        let is_free = |word: &&&str| {
            !["WITH", "END-EXEC"].contains(*word) && !reserved.iter().any(|r| r == **word)
        };
        let words: Vec<&&str> = ALL_KEYWORDS.iter().filter(is_free).collect();
        assert!(words.len() > 500, "{words:?}");
        let mut wrong = Vec::new();
        for word in words {
            let of = |form: &str| form.replace("w", word);
            let found = [
                parse(&of("w")).ok(),
                right(&of("1 + w")),
                right(&of("1 - (w)")),
                left(&of("w + 1")),
                left(&of("w - 1")),
                left(&of("w - 'a'")),
                left(&of("w = w")),
                left(&of("w <> (1)")),
                left(&of("w || 'a'")),
            ];
            let parses = [
                "w IS NULL",
                "NOT w IN (w, w)",
                "w BETWEEN w AND w",
                "f(w, -w)",
                "w::text LIKE 'a'",
            ];
            let all = found.iter().all(|ast| ast.as_ref().is_some_and(|ast| is_field(ast, word)));
            if !all || !parses.iter().all(|form| parse(&of(form)).is_ok()) {
                wrong.push(*word);
            }
            let quoted = format!("\"{word}\"");
            assert!(is_field(&parse(&quoted).expect("a name in quotes"), word), "{word}");
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
