//! The steps of compiling a pattern: literals joined, fields named and typed.

use super::{Joined, Piece, Source, Step, TIMES, Variable};
use crate::data::DataType;
use crate::format::apache::TimePiece;
use crate::format::request::PARTS;
use crate::format::{FieldDef, FormatError, TimeLayout};

/// Merges neighbouring literals: the literal in front, then each field with the literal behind it.
pub(super) type Pairs = (Vec<u8>, Vec<(Variable, Vec<u8>)>);

pub(super) fn pair(pieces: Vec<Piece>) -> Result<Pairs, FormatError> {
    let mut prefix = Vec::new();
    let mut pairs: Vec<(Variable, Vec<u8>)> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => {
                pairs.last_mut().map_or(&mut prefix, |(_, end)| end).extend(text)
            }
            Piece::Field(variable) => {
                if let Some((before, end)) = pairs.last()
                    && end.is_empty()
                {
                    return Err(adjacent(before, &variable));
                }
                pairs.push((variable, Vec::new()));
            }
        }
    }
    Ok((prefix, pairs))
}

fn adjacent(before: &Variable, behind: &Variable) -> FormatError {
    let (a, b) = (&before.field.name, &behind.field.name);
    FormatError::new(
        format!("nothing stands between `{a}` and `{b}`, so no one can tell where the first ends"),
        "put a literal between them, or use a regular expression: format = { regex = '...' }",
    )
    .at(before.span.start..behind.span.end)
}

/// The fields of the steps, and the parts of the request. Of two with one name the more exact one counts, else the first.
pub(super) fn offered(steps: &[Step], times: &[Joined]) -> (Vec<FieldDef>, Vec<Source>) {
    let mut fields: Vec<FieldDef> = times.iter().map(|time| time.field.clone()).collect();
    let mut sources: Vec<Source> = (0..times.len()).map(Source::Joined).collect();
    for (at, step) in steps.iter().enumerate() {
        let field = &step.variable.field;
        // A piece of a time is no field.
        if field.name.is_empty() {
            continue;
        }
        match fields.iter().position(|known| known.name == field.name) {
            None => {
                fields.push(field.clone());
                sources.push(Source::Step(at));
            }
            Some(known) if fields[known].ty.scale() < field.ty.scale() => {
                fields[known] = field.clone();
                sources[known] = Source::Step(at);
            }
            Some(_) => {}
        }
    }
    let Some(request) = steps.iter().position(|step| step.variable.field.name == "request") else {
        return (fields, sources);
    };
    for (part, name) in PARTS.iter().enumerate() {
        if !fields.iter().any(|field| field.name == *name) {
            fields.push(FieldDef { name: (*name).into(), ty: DataType::Text });
            sources.push(Source::Part(request, part));
        }
    }
    (fields, sources)
}

/// `$msec` is the event time, and so a timestamp, where the pattern has no other time.
pub(super) fn type_msec(fields: &mut [FieldDef]) {
    let other = fields.iter().any(|field| TIMES[..2].contains(&field.name.as_str()));
    if let Some(msec) = fields.iter_mut().find(|field| field.name == "msec" && !other) {
        msec.ty = DataType::Timestamp;
    }
}

/// Whether a value may have one space or two where its end has one.
pub(super) fn is_padded(variable: &Variable, end: &[u8]) -> bool {
    end.starts_with(b" ") && variable.layout.as_ref().is_some_and(TimeLayout::is_padded)
}

/// How often a literal occurs in any value of a variable: times and requests have spaces and colons of their own.
pub(super) fn inner_ends(variable: &Variable, end: &[u8], padded: bool) -> usize {
    let sample = match (&variable.layout, variable.field.name.as_str()) {
        (Some(layout), _) if padded => {
            layout.sample().split_whitespace().collect::<Vec<_>>().join(" ")
        }
        (Some(layout), _) => layout.sample(),
        (None, _) if variable.time.as_ref().is_some_and(TimePiece::is_number) => return 0,
        (None, _) if variable.time.as_ref().is_some_and(TimePiece::is_common) => {
            "10/Oct/2000:13:55:36 -0700".into()
        }
        (None, "time_local") => "10/Oct/2000:13:55:36 -0700".into(),
        (None, "time_iso8601") => "2000-10-10T13:55:36-07:00".into(),
        (None, "request") => "GET / HTTP/1.1".into(),
        _ => return 0,
    };
    if end.is_empty() { 0 } else { memchr::memmem::find_iter(sample.as_bytes(), end).count() }
}
