//! `lines`: the line alone, as the field `line`.

use bumpalo::Bump;

use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};
use crate::data::DataType;

/// The format `lines`.
pub(super) struct Lines {
    fields: [FieldDef; 1],
    walk: Walk,
}

impl Lines {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        let line = FieldDef { name: "line".into(), ty: DataType::Text };
        Lines { fields: [line], walk: Walk::new(line_bytes_max) }
    }
}

impl Format for Lines {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn dash_is_null(&self) -> bool {
        false
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let columns = text::positions(wanted, &self.fields)?.len();
        Ok(Box::new(LinesTokenizer { columns, walk: self.walk }))
    }
}

struct LinesTokenizer {
    columns: usize,
    walk: Walk,
}

impl Tokenizer for LinesTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        _arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        self.walk.run((input, at_start), (self.columns, records_max), block, |line, fields| {
            fields.iter_mut().for_each(|column| column.push(line));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::format::testing::cut;
    use crate::format::{FormatSpec, build};

    #[test]
    fn a_line_is_its_only_field_and_a_dash_is_a_line_too() {
        let format = build(&FormatSpec::Name("lines".into()), 99, None).expect("built in");
        assert_eq!(cut(&*format, &["line"], b"a b\n-\n").records, [["a b"], ["-"]]);
        assert!(!format.dash_is_null());
        assert!(format.tokenizer(&["other"], b"").is_err());
    }
}
