//! The types of JOB_FORMAT section 3.

use std::fmt;

/// Type of a field, an expression or a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// 64-bit signed integer.
    Int,
    /// Exact decimal with this many digits after the point, 38 digits in all.
    Decimal(u8),
    /// 64-bit float.
    Float,
    /// UTF-8 text, compared byte by byte.
    Text,
    /// Truth value.
    Bool,
    /// Microseconds since the Unix epoch, UTC.
    Timestamp,
    /// IP address, kept as its canonical text (RFC 5952 for IPv6).
    Ip,
}

/// Digits that a decimal holds in all.
pub const DECIMAL_DIGITS_MAX: u8 = 38;

impl DataType {
    /// Reads a type as a job file writes it: `int`, `decimal(3)`, `text` …
    pub fn parse(word: &str) -> Option<DataType> {
        let word = word.trim().to_ascii_lowercase();
        Some(match word.as_str() {
            "int" => DataType::Int,
            "float" => DataType::Float,
            "text" => DataType::Text,
            "bool" => DataType::Bool,
            "timestamp" => DataType::Timestamp,
            "ip" => DataType::Ip,
            _ => {
                let digits = word.strip_prefix("decimal(")?.strip_suffix(')')?.trim();
                let scale: u8 = digits.parse().ok()?;
                return (scale <= DECIMAL_DIGITS_MAX).then_some(DataType::Decimal(scale));
            }
        })
    }

    /// Digits after the point of a decimal; 0 for every other type.
    pub fn scale(self) -> u8 {
        if let DataType::Decimal(scale) = self { scale } else { 0 }
    }

    /// Whether arithmetic is defined on it.
    pub fn is_numeric(self) -> bool {
        matches!(self, DataType::Int | DataType::Decimal(_) | DataType::Float)
    }

    /// Whether it is stored as text.
    pub fn is_textual(self) -> bool {
        matches!(self, DataType::Text | DataType::Ip)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Int => f.write_str("int"),
            DataType::Decimal(scale) => write!(f, "decimal({scale})"),
            DataType::Float => f.write_str("float"),
            DataType::Text => f.write_str("text"),
            DataType::Bool => f.write_str("bool"),
            DataType::Timestamp => f.write_str("timestamp"),
            DataType::Ip => f.write_str("ip"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataType;

    #[test]
    fn types_read_back_as_they_are_written() {
        for word in ["int", "decimal(0)", "decimal(38)", "float", "text", "bool", "timestamp", "ip"]
        {
            assert_eq!(DataType::parse(word).expect(word).to_string(), word);
        }
        for word in ["decimal(39)", "decimal", "integer", "decimal(-1)", ""] {
            assert_eq!(DataType::parse(word), None, "{word}");
        }
    }
}
