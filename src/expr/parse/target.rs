//! Type names in casts.

use std::ops::Range;

use crate::data::DataType;
use crate::expr::ExprError;
use crate::expr::decimal::DECIMAL_DIGITS_MAX;

use super::Target;

/// Reads a type name as sqlparser prints it: `decimal(10,2)`, `double precision`, `inet` …
pub(crate) fn read(name: &str, span: Range<usize>) -> Result<Target, ExprError> {
    let name = name.to_ascii_lowercase();
    let (word, numbers) = name.split_once('(').unwrap_or((&name, ""));
    let numbers: Vec<&str> =
        numbers.trim_end_matches(')').split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    if matches!(word.trim(), "decimal" | "numeric" | "dec") {
        return decimal(word.trim(), &numbers, span);
    }
    if !numbers.is_empty() {
        return Err(ExprError::new(span, format!("type {name} is not supported"))
            .with_help(format!("write {} without a length", word.trim())));
    }
    simple(word.trim(), span).map(Target::Type)
}

fn simple(word: &str, span: Range<usize>) -> Result<DataType, ExprError> {
    Ok(match word {
        "int" | "integer" | "bigint" | "smallint" | "int2" | "int4" | "int8" => DataType::Int,
        "float" | "double" | "double precision" | "real" | "float4" | "float8" => DataType::Float,
        "text" | "varchar" | "character varying" | "string" => DataType::Text,
        "bool" | "boolean" => DataType::Bool,
        "timestamp"
        | "timestamptz"
        | "timestamp with time zone"
        | "timestamp without time zone"
        | "datetime" => DataType::Timestamp,
        "ip" | "inet" => DataType::Ip,
        "date" => {
            return Err(ExprError::new(span, "there is no type date")
                .with_help("use date_trunc('day', …), or to_char(…, 'YYYY-MM-DD') for text"));
        }
        _ => {
            return Err(ExprError::new(span, format!("unknown type {word}"))
                .with_help("types: int, decimal(s), float, text, bool, timestamp, ip"));
        }
    })
}

/// `decimal(s)` is logmill's own; with two numbers it is PostgreSQL's `decimal(precision, scale)`.
fn decimal(word: &str, numbers: &[&str], span: Range<usize>) -> Result<Target, ExprError> {
    let digits = |n: &str| n.parse::<u8>().ok().filter(|n| *n <= DECIMAL_DIGITS_MAX);
    let target = match numbers {
        [] => Some(Target::AnyDecimal),
        [scale] if word == "decimal" => digits(scale).map(|s| Target::Type(DataType::Decimal(s))),
        [precision, scale] => match (digits(precision), digits(scale)) {
            (Some(precision), Some(scale)) if scale <= precision && precision > 0 => {
                Some(Target::Decimal { precision, scale })
            }
            _ => None,
        },
        _ => None,
    };
    target.ok_or_else(|| {
        ExprError::new(span, format!("bad type {word}({})", numbers.join(", ")))
            .with_help("write decimal(digits after the point), or decimal(digits in all, after the point); at most 38")
    })
}
